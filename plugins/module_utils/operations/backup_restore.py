# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_backup, action restore: make a guest from a backup."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import kind_of
from ansible_collections.pve.fleet.plugins.module_utils.operations.backup_places import all_backups, archive_of, places
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import (
    left_running,
    locate,
    noun,
    send_task,
    shown_guest,
    unlocked,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined

LATEST = 'latest'


def run(context):
    """Restore one backup. A guest that has the vmid already is left alone unless the task forces it."""
    client, params = context.client, context.params
    rows = guest_rows(client)
    backup = wanted_backup(client, params, rows)
    vmid = params['vmid'] if params.get('vmid') is not None else backup['vmid']
    if vmid is None:
        raise BadRequest(f"the name of '{backup['volid']}' does not tell whose backup it is: give the vmid to restore to.")
    row = locate(client, vmid, None, rows)
    if row is not None:
        row = unlocked(context, client, row)
        if not params['force']:
            return unchanged(context, row)
        check_overwrite(row, backup)
    node = params.get('node') or backup['node'] or (row['node'] if row else backup['reached'])
    check_node(row, backup, node)
    words = f'restore {backup["volid"]} to {vmid} on {node}' + (', in place of what it is' if row else '')
    before = {'state': 'present', 'name': row.get('name')} if row else {'state': 'absent'}
    diff = {'before': before, 'after': {'state': 'present', 'vmid': vmid, 'node': node, 'archive': backup['volid']}}
    if context.check_mode:
        return {'changed': True, 'changes': [words], 'diff': diff, 'guest': None, 'upids': []}
    done = send_task(context, client, 'restore', str(vmid), 'POST', 'nodes', node, backup['type'], params=sent(params, backup, vmid, row), wait=params['wait'])
    context.did(words)
    upids, now = [done.upid] if done else [], locate(client, vmid)
    found = shown_guest(now, context.cluster_name) if now else None
    return {'changed': True, 'changes': list(context.done), 'diff': diff, 'guest': found, 'upids': upids, **left_running(context, upids)}


def unchanged(context, row):
    context.warn(f'{noun(row)} exists, so nothing was restored. Set force to overwrite it.')
    return {
        'changed': False, 'changes': [], 'diff': {'before': {}, 'after': {}},
        'guest': shown_guest(row, context.cluster_name), 'upids': [],
    }  # fmt: skip


def wanted_backup(client, params, rows):
    """The backup that is meant, with `reached`: a node that has it. Raises NotFound with those there are."""
    archive = params.get('archive')
    if not archive:
        raise BadRequest("archive is missing: give the volume of a backup as action: list shows it, or 'latest'.")
    if archive == LATEST:
        where, owner = places(client, params.get('storage'), params.get('node')), owner_of(client, params, rows)
    else:
        where, owner = places(client, archive.partition(':')[0], params.get('node')), archive_of(archive)[1]
    found, errors = all_backups(client, where, owner)
    match = next((one for one in found if archive in (LATEST, one['volid'])), None)
    if match is None:
        there = joined([one['volid'] for one in found[:3]], 'and')
        hint = f'The newest there: {there}.' if there else 'There is no backup of that guest.'
        lost = f' Not asked, since they did not answer: {joined([one["node"] for one in errors], "and")}.' if errors else ''
        what = 'no backup' if archive == LATEST else f"no backup '{archive}'"
        raise NotFound(f'there is {what} to restore. {hint}{lost}', details={'archive': archive, 'errors': errors})
    if match['type'] not in ('qemu', 'lxc'):
        raise BadRequest(f"the name of '{match['volid']}' does not tell whether it is of a VM or of a CT: it cannot be restored by this module.")
    reached = next(place.node for place in where if place.storage == match['storage'] and match['node'] in (None, place.node))
    return {**match, 'reached': reached}


def owner_of(client, params, rows):
    """Whose newest backup is meant."""
    if params.get('name'):
        row = locate(client, params.get('vmid'), params['name'], rows)
        if row is not None:
            return int(row['vmid'])
    if params.get('vmid') is None:
        raise BadRequest('archive: latest needs to know whose backup: give its vmid (a guest that is gone has no name any more).')
    return params['vmid']


def check_overwrite(row, backup):
    """Raise what stands against overwriting a guest."""
    if row['type'] != backup['type']:
        raise Conflict(
            f'{row["vmid"]} is a {kind_of(row["type"]).noun} and the backup is of a {kind_of(backup["type"]).noun}: '
            'give another vmid to restore to.'
        )
    if row.get('status') == 'running':
        raise Conflict(f'{noun(row)} is running and cannot be overwritten. Stop it first (state: stopped), then restore.')


def check_node(row, backup, node):
    if row is not None and row['node'] != node:
        raise Conflict(
            f'{noun(row)} is on {row["node"]}, and the backup would be restored on {node}. '
            'Migrate the guest there first, or give another vmid.'
        )
    if backup['node'] not in (None, node):
        raise BadRequest(f"the backup '{backup['volid']}' is on {backup['node']} alone: leave node out, or copy the backup to a shared storage.")


def sent(params, backup, vmid, row):
    """The options of the request that restores."""
    kind = kind_of(backup['type'])
    source = {'archive': backup['volid']} if kind.name == 'qemu' else {'ostemplate': backup['volid'], 'restore': True}
    return {
        'vmid': vmid,
        **source,
        'storage': params.get('target_storage'),
        kind.name_key: params.get('new_name'),
        'unique': True if params['unique'] else None,
        'start': True if params['start'] else None,
        'force': True if row is not None else None,
        'pool': params.get('pool'),
        'bwlimit': params.get('bwlimit'),
    }
