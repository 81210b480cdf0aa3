# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the action together with its folder: Ansible looks into the folder when it reads a task, before it forks, so that
all workers inherit what is loaded here. Ansible itself imports the plugin after the fork only, each worker anew."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.plugin_utils.bytecode import kept

with kept():
    from ansible_collections.pve.fleet.plugins.action import in_process

__all__ = ('in_process',)
