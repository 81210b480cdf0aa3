# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that a plan needs, each asked only when the task needs it."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests import ha, placement
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import find_source
from ansible_collections.pve.fleet.plugins.module_utils.guests.origin import backup_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.plan import Facts
from ansible_collections.pve.fleet.plugins.module_utils.guests.reach import able_nodes
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path, read_state, volume_storages
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

ARCHIVE = re.compile(r'(?:vzdump-|backup/)(?P<kind>qemu|lxc|openvz|vm|ct)[-/]')
ARCHIVE_KINDS = {'qemu': 'qemu', 'vm': 'qemu', 'lxc': 'lxc', 'openvz': 'lxc', 'ct': 'lxc'}
ARCHIVES = {'qemu': 'a container (pve_container)', 'lxc': 'a virtual machine (pve_vm)'}


def gather(client, desired, rows, row, state, release=NEWEST):
    """Facts for one plan. row, state: of the guest, None when there is none."""
    facts = Facts(release=release, root=client.connection.credential.is_root)
    if desired.state == 'absent':
        if state is not None and state.template:
            facts.linked = linked_clones(client, state)
        return facts
    if row is None:
        facts_of_creation(client, desired, rows, facts)
    elif desired.placement and state.marked:
        desired.node = chosen_node(client, desired, rows)
    if desired.ha is not None and row is not None:
        facts.ha = ha.read_ha(client, desired, row)
    return facts


def facts_of_creation(client, desired, rows, facts):
    """Which id, which node, and what the source looks like."""
    if desired.clone:
        row = find_source(client, rows, desired.kind, desired.clone.get('template'), desired.clone.get('tag'))
        facts.source = read_source(client, desired, row)
        facts.node = clone_node(client, desired, rows, facts.source)
    else:
        facts.node = desired.node or chosen_node(client, desired, rows)
    if desired.restore:
        facts.source = read_backup(client, desired, facts.node)
    facts.vmid = desired.vmid or new_id(client, desired, rows)


def read_source(client, desired, row):
    """The State that a clone is made of: what the guest uses now (not what waits for a reboot), or what it was in the snapshot."""
    state = read_state(client, desired.kind, row)
    name = desired.clone.get('snapshot')
    if not name:
        state.config = dict(state.active)
        return state
    known = [one['name'] for one in client.get(*path(desired.kind, row, 'snapshot')) if one['name'] != 'current']
    if name not in known:
        hint = suggestion(name, known) or (f'There are {joined(known, "and")}.' if known else 'It has none.')
        raise NotFound(f"clone: {state.name} has no snapshot '{name}'. {hint}", details={'snapshot': name, 'snapshots': known})
    state.config = client.get(*path(desired.kind, row, 'config'), params={'snapshot': name})
    return state


def new_id(client, desired, rows):
    """The id of a guest that is to be made."""
    first = next_id(client)
    return desired.turn.vmid(first, rows) if desired.turn else first


def next_id(client):
    """The next free id, as the cluster says."""
    return int(client.get('cluster', 'nextid'))


def chosen_node(client, desired, rows):
    def read_nodes():
        return client.get('cluster', 'resources', params={'type': 'node'})

    nodes, memory = desired.turn.nodes(read_nodes) if desired.turn else read_nodes(), wanted_memory(desired)
    able = able_nodes(client, desired, nodes)

    def choose(others):
        return placement.choose_node(nodes, others, desired.placement, memory, able)

    return desired.turn.node(desired, rows, memory, choose) if desired.turn else choose(rows)


def wanted_memory(desired):
    wish = desired.wishes.get('memory')
    return wish.value if wish and isinstance(wish.value, int) else None


def clone_node(client, desired, rows, source):
    """The node that the clone is made on: the wanted one where the disks can be had there, else that of the source."""
    wanted = desired.node
    if wanted is None and desired.placement:
        wanted = chosen_node(client, desired, rows)
        desired.node = wanted
    if wanted in (None, source.node):
        return source.node
    shared = shared_storages(client)
    target = desired.clone.get('storage')
    return wanted if uses_only(source, shared) and target in (None, *shared) else source.node


def shared_storages(client):
    rows = client.get('cluster', 'resources', params={'type': 'storage'})
    return frozenset(row['storage'] for row in rows if str(row.get('shared')) == '1')


def uses_only(state, storages):
    """Whether all volumes of a guest are on these storages."""
    return all(name in storages for name in volume_storages(state))


def linked_clones(client, state):
    """Volumes that other guests have on top of this template's, of all its storages."""
    found = []
    for storage in volume_storages(state):
        for volume in client.get('nodes', state.node, 'storage', storage, 'content'):
            on_top = f'base-{state.vmid}-' in str(volume.get('parent') or volume['volid'])
            if on_top and int(volume.get('vmid') or 0) not in (0, state.vmid):
                found.append(volume['volid'])
    return tuple(sorted(found))


def read_backup(client, desired, node):
    archive = desired.restore['archive']
    found = ARCHIVE.search(archive)
    if found and ARCHIVE_KINDS[found['kind']] != desired.kind.name:
        raise BadRequest(f"restore: '{archive}' is the backup of {ARCHIVES[desired.kind.name]}. Use the module for that.")
    try:
        text = client.get('nodes', node, 'vzdump', 'extractconfig', params={'volume': archive})
    except NotFound as error:
        raise NotFound(
            f"the backup '{archive}' was not found on {node}. Give a volume as the storage lists it, "
            'such as local:backup/vzdump-qemu-100-2026_01_31-02_00_00.vma.zst.',
            details=error.details,
        ) from None
    return backup_config(desired.kind, archive, text or '')
