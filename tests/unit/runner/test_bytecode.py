# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled files are kept for this collection's own modules, and only while asked to."""
from __future__ import annotations

import importlib.machinery
import sys

import pytest

from ansible_collections.pve.fleet.plugins import module_utils
from ansible_collections.pve.fleet.plugins.plugin_utils.bytecode import PREFIX, PluginsFinder, kept


def test_modules_below_plugins_are_loaded_as_python_loads_them():
    spec = PluginsFinder.find_spec(f'{PREFIX}module_utils.runner', module_utils.__path__)
    assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    assert spec.cached.endswith('.pyc')


@pytest.mark.parametrize('name', ['json', 'ansible_collections.pve.fleet', 'ansible_collections.community.general.plugins.module_utils', f'{PREFIX}nosuch'])
def test_all_others_are_left_to_ansible(name):
    assert PluginsFinder.find_spec(name, module_utils.__path__) is None


def test_importing_is_as_before_afterwards():
    before = list(sys.meta_path)
    with kept():
        assert sys.meta_path[0] is PluginsFinder
    assert sys.meta_path == before
