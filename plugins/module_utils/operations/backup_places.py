# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where backups are: which storage can be asked on which node, and what lies there."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

# vzdump-qemu-100-2026_01_31-02_00_00.vma.zst in files, backup/vm/100/2026-01-31T02:00:00Z on a Proxmox Backup Server.
FILE_NAME = re.compile(r'vzdump-(?P<type>qemu|lxc|openvz)-(?P<vmid>\d+)-')
PBS_NAME = re.compile(r'backup/(?P<type>vm|ct)/(?P<vmid>\d+)/')
TYPES = {'vm': 'qemu', 'ct': 'lxc', 'openvz': 'lxc'}
NOTED = ('notes', 'protected', 'verification', 'encrypted')


@dataclasses.dataclass(frozen=True)
class Place:
    """A storage with backups and a node to ask about it; shared: any node of it has the same."""

    storage: str
    node: str
    shared: bool


def storage_rows(client):
    """All storages, an entry for each node that has it. One request."""
    return client.get('cluster', 'resources', params={'type': 'storage'})


def places(client, storage=None, node=None, rows=None):
    """The places that hold backups: one per shared storage, one per node of the others.

    storage, node: only this one. rows: storage_rows(client), when they are known. Raises NotFound or BadRequest when there is none such.
    """
    rows = storage_rows(client) if rows is None else rows
    able = [row for row in rows if 'backup' in str(row.get('content', '')).split(',')]
    if storage is not None:
        check_storage(rows, able, storage)
    fitting = [row for row in able if storage in (None, row['storage']) and node in (None, row['node'])]
    if storage is not None and not fitting:
        there = joined(sorted({row['node'] for row in able if row['storage'] == storage}), 'and')
        raise NotFound(f"storage '{storage}' is not on node {node}. It is on {there}.", details={'storage': storage, 'node': node})
    found = {}
    for row in sorted(fitting, key=lambda row: (row['storage'], row.get('status') != 'available', row['node'])):
        shared = str(row.get('shared') or 0) == '1'
        found.setdefault((row['storage'], None if shared else row['node']), Place(row['storage'], row['node'], shared))
    return list(found.values())


def check_storage(rows, able, storage):
    usable = sorted({row['storage'] for row in able})
    can = f'There are {joined(usable, "and")} for backups.' if usable else 'No storage is set up for backups (content: backup).'
    own = [row for row in rows if row['storage'] == storage]
    if not own:
        raise NotFound(
            f"there is no storage '{storage}', or these credentials may not see it. {suggestion(storage, usable) or can}",
            details={'storage': storage, 'storages': usable},
        )
    if not any(row in able for row in own):
        raise BadRequest(
            f"storage '{storage}' cannot hold backups: its content types are {own[0].get('content') or 'none'}. {can}",
            details={'storage': storage, 'content': own[0].get('content')},
        )


def backups_at(client, place, vmid=None):
    """The backups of a place as users see them, the newest first."""
    params = {'content': 'backup', 'vmid': vmid}
    rows = client.get('nodes', place.node, 'storage', place.storage, 'content', params=params)
    found = [shown(row, place) for row in rows if vmid in (None, int(row.get('vmid') or archive_of(row['volid'])[1] or 0))]
    return sorted(found, key=lambda one: (-one['ctime'], one['volid']))


def all_backups(client, where, vmid=None):
    """Of several places -> (backups, errors): a place that does not answer hides no other."""
    outcomes = fan_out(lambda place: backups_at(client, place, vmid), where, 8)
    found = [one for outcome in outcomes if outcome.error is None for one in outcome.value]
    errors = [
        {'storage': outcome.item.storage, 'node': outcome.item.node, **outcome.error.as_dict()}
        for outcome in outcomes
        if outcome.error is not None
    ]
    return sorted(found, key=lambda one: (-one['ctime'], one['volid'])), errors


def archive_of(volid):
    """(kind or None, vmid or None) that the name of a backup tells."""
    match = FILE_NAME.search(volid) or PBS_NAME.search(volid)
    if not match:
        return None, None
    return TYPES.get(match['type'], match['type']), int(match['vmid'])


def shown(row, place):
    kind, vmid = archive_of(row['volid'])
    subtype = TYPES.get(row.get('subtype'), row.get('subtype'))
    found = {
        'volid': row['volid'],
        'vmid': int(row['vmid']) if row.get('vmid') else vmid,
        'type': subtype if subtype in ('qemu', 'lxc') else kind,
        'ctime': int(row.get('ctime') or 0),
        'size': int(row.get('size') or 0),
        'format': row.get('format'),
        'storage': place.storage,
        'node': None if place.shared else place.node,
        'protected': str(row.get('protected') or 0) == '1',
        'notes': row.get('notes') or '',
    }
    return {**found, **{key: row[key] for key in NOTED if key not in found and row.get(key) is not None}}
