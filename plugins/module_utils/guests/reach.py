# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes have the storages and files that a new guest is made from."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError


def able_nodes(client, desired, nodes):
    """The names of the nodes that have everything, None where nothing is needed.

    nodes: entries of GET cluster/resources?type=node. At most one request for the storages, and one for each node and storage of its own that a file lies on.
    """
    files, storages = wanted_files(desired), wanted_storages(desired)
    if not files and not storages:
        return None
    rows = client.get('cluster', 'resources', params={'type': 'storage'})
    places = {(row['storage'], row['node']): str(row.get('shared')) == '1' for row in rows}
    online = [node['node'] for node in nodes if node.get('status') == 'online']
    found = [node for node in online if all((name, node) in places for name in storages)]
    return [node for node in found if has_files(client, node, files, places)] if len(found) > 1 else found


def wanted_storages(desired):
    """The storages that disks are made on, and those of the files, sorted."""
    made = {wish.storage or desired.storage for wish in desired.disks.values() if wish.state == 'present' and not (wish.iso or wish.volume)}
    made |= {desired.storage} if desired.kind.root_disk and not desired.disks else set()
    made |= {(desired.restore or {}).get('storage'), desired.cloud_drive and desired.cloud_drive[1]}
    return sorted({name for name in made if name} | {volume.partition(':')[0] for volume in wanted_files(desired)})


def wanted_files(desired):
    """The volumes that are read: a template, a backup, images; sorted."""
    named = [desired.ostemplate, (desired.restore or {}).get('archive')]
    named += [volume for wish in desired.disks.values() for volume in (wish.iso, wish.import_from)]
    return sorted({volume for volume in named if volume and ':' in volume and '/' in volume.partition(':')[2]})


def has_files(client, node, files, places):
    """Whether the files can be read on the node. What is on a storage that all share is there, or missing everywhere."""
    for storage in sorted({volume.partition(':')[0] for volume in files}):
        if places.get((storage, node)):
            continue
        try:
            there = {entry['volid'] for entry in client.get('nodes', node, 'storage', storage, 'content')}
        except FleetError:
            return False
        if not all(volume in there for volume in files if volume.partition(':')[0] == storage):
            return False
    return True
