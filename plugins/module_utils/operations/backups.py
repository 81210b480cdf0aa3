# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_backup: which action runs."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.operations import backup_restore, backup_run, retention
from ansible_collections.pve.fleet.plugins.module_utils.operations.backup_places import all_backups, places
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import explaining, words_of


def run(context):
    """The module's logic."""
    with explaining(context.client, words_of(context)):
        return ACTIONS[context.params['action']](context)


def listed(context):
    """All backups, or those of one guest; a place that does not answer is told under `errors`."""
    client, params = context.client, context.params
    vmid = retention.wanted_vmid(client, params)
    found, errors = all_backups(client, places(client, params.get('storage'), params.get('node')), vmid)
    found = [one for one in found if params.get('type') in (None, one['type'])]
    for error in errors:
        context.warn(f'storage {error["storage"]} on {error["node"]}: {error["message"]}')
    return {'changed': False, 'changes': [], 'diff': {'before': {}, 'after': {}}, 'backups': found, 'errors': errors}


ACTIONS = {'run': backup_run.run, 'restore': backup_restore.run, 'prune': retention.run, 'list': listed}
