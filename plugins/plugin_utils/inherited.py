# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's parent process does once, so that its forked workers inherit it instead of doing it anew for each task."""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import pkgutil

from ansible import template as ansible_template
from ansible.errors import AnsibleError

from ansible_collections.pve.fleet.plugins.module_utils.api import tls
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.registry.location import locate
from ansible_collections.pve.fleet.plugins.module_utils.third_party import REQUIRED_PACKAGES, missing_package
from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import MODULES

REGISTRY = 'ansible_collections.pve.fleet.plugins.module_utils.registry.store'


def prepare():
    """Everything at once. Nothing that fails here stops the play: the task that needs it says what is wrong."""
    import_modules()
    import_registry_packages()
    tls.verified_context()
    missing_package(*REQUIRED_PACKAGES)
    render_once()


def import_modules():
    """Import all modules of the collection."""
    folder = pathlib.Path(importlib.import_module(MODULES).__path__[0])
    for found in pkgutil.iter_modules([str(folder)]):
        importlib.import_module(f'{MODULES}.{found.name}')


def import_registry_packages(environment=None):
    """Import what the registry needs, where there seems to be one."""
    try:
        place = locate() if environment is None else locate(environ=environment)
    except FleetError:
        return
    if place.path is None or place.path.exists():
        for name in ('sqlalchemy', 'cryptography.fernet', REGISTRY):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def render_once():
    """Render a template: Jinja2 compiles the patterns of its lexer at the first one."""
    trusted = getattr(ansible_template, 'trust_as_template', str)
    with contextlib.suppress(AnsibleError):
        ansible_template.Templar(loader=None).template(trusted('{{ 1 }}'))
