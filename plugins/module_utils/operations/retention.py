# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_backup, action prune: remove what a retention does not keep."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.operations.backup_places import places
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import left_running, locate, send_task
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import KEEP


def keep_text(params):
    """The keep_* options as PVE's property string, None when none is given. Raises BadRequest."""
    given = {name: params[name] for name in KEEP if params.get(name) is not None}
    for name, value in given.items():
        if value < 0:
            raise BadRequest(f'{name}: {value} is not a number of backups to keep: 0 or more.')
    return ','.join(f'{name.replace("_", "-")}={value}' for name, value in given.items()) or None


def run(context):
    """Remove the backups of one guest, or of all, that the retention does not keep."""
    client, params = context.client, context.params
    if params['storage'] is None:
        raise BadRequest('storage is missing: name the storage whose backups shall be pruned.')
    if params['all'] == (params.get('vmid') is not None or bool(params.get('name'))):
        raise BadRequest('say whose backups to prune: of one guest (vmid or name), or all: true for every guest.')
    vmid = wanted_vmid(client, params)
    asked = {'vmid': vmid, 'type': params.get('type'), 'prune-backups': keep_text(params)}
    outdated = [(place, row) for place in places(client, params['storage'], params.get('node')) for row in doomed(client, place, asked)]
    volids = [row['volid'] for _place, row in outdated]
    upids = [] if context.check_mode else remove(context, client, outdated, asked)
    return {
        'changed': bool(volids),
        'changes': [f'remove backup {volid}' for volid in volids],
        'diff': {'before': {'backups': volids}, 'after': {'backups': []}} if volids else {'before': {}, 'after': {}},
        'backups': [{'volid': row['volid'], 'vmid': row.get('vmid'), 'type': row.get('type'), 'ctime': row.get('ctime')}
                    for _place, row in outdated],
        'upids': upids,
        **left_running(context, upids),
    }  # fmt: skip


def remove(context, client, outdated, asked):
    """Prune guest by guest -> the tasks. For all guests at once PVE wants a right over the whole storage."""
    groups = {}
    for place, row in outdated:
        groups.setdefault((place, row.get('vmid'), row.get('type')), []).append(row['volid'])
    upids = []
    for (place, vmid, kind), volids in groups.items():
        where = ('nodes', place.node, 'storage', place.storage, 'prunebackups')
        params = {**asked, 'vmid': vmid, 'type': kind}
        done = send_task(context, client, 'prune', str(vmid), 'DELETE', *where, params=params, wait=context.params['wait'])
        upids += [done.upid] if done else []
        for volid in volids:
            context.did(f'remove backup {volid}')
    return upids


def wanted_vmid(client, params):
    """The guest whose backups are meant, None for all. It need not exist any more when its vmid is given."""
    if params.get('vmid') is not None:
        return params['vmid']
    if not params.get('name'):
        return None
    row = locate(client, None, params['name'])
    if row is None:
        raise BadRequest(f'there is no guest {params["name"]}. Give the vmid to prune backups of a guest that is gone.')
    return int(row['vmid'])


def doomed(client, place, asked):
    """The backups of a place that would be removed, as the server itself says, the oldest first."""
    try:
        rows = client.get('nodes', place.node, 'storage', place.storage, 'prunebackups', params=asked)
    except FleetError as error:
        if 'no prune-backups options configured' in error.message:
            raise BadRequest(
                f"storage '{place.storage}' has no retention of its own: give keep_last, keep_daily or another keep_ option."
            ) from None
        raise
    return sorted((row for row in rows if row.get('mark') == 'remove'), key=lambda row: (row.get('ctime') or 0, row['volid']))
