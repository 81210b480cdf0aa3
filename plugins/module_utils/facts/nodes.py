# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of nodes: what is asked for each subset, and how the answers become facts.

Subsets without requests of their own (guests, ha, storage) come from the one list of the cluster.
"""

from __future__ import annotations

import contextlib
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.bulk import Reader
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.facts import node_parts as parts
from ansible_collections.pve.fleet.plugins.module_utils.fleet import shape
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import is_unreachable
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

# subset -> (path below the node, function(answer) -> facts)
PER_NODE = {
    'status': ('status', parts.status),
    'network': ('network', parts.network),
    'disks': ('disks/list', parts.disks),
    'services': ('services', parts.services),
    'updates': ('apt/update', parts.updates),
    'repositories': ('apt/repositories', parts.repositories),
    'subscription': ('subscription', parts.subscription),
    'certificates': ('certificates/info', parts.certificates),
    'replication': ('replication', parts.replication),
    'time': ('time', parts.clock),
    'dns': ('dns', parts.dns),
    'hardware': ('hardware/pci', parts.hardware),
}
# subset -> path in the cluster; its answer is the same for all nodes.
PER_CLUSTER = {'ceph': 'cluster/ceph/status'}
FROM_LIST = ('guests', 'ha', 'storage')
SUBSETS = (*sorted([*PER_NODE, *PER_CLUSTER, *FROM_LIST]),)
DEFAULT = frozenset({'status', 'network', *FROM_LIST})
WORDS = ('all', 'min', 'default', *SUBSETS)


def chosen_subsets(wanted):
    """gather_subset -> frozenset of subsets.

    Names add, '!name' takes away; all, default and min (nothing but the list of the cluster) stand for several. A list that
    only takes away does so from the default. Raises BadRequest for an unknown name.
    """
    wanted = list(wanted or ['default'])
    groups = {'all': frozenset(SUBSETS), 'default': DEFAULT, 'min': frozenset()}
    found = DEFAULT if all(one.startswith('!') for one in wanted) else frozenset()
    for one in sorted(wanted, key=lambda one: one.startswith('!')):
        name = one.lstrip('!')
        if name not in WORDS:
            raise BadRequest(
                f'gather_subset: there is no subset {name!r}. {suggestion(name, WORDS)} '
                f'Subsets are {joined(WORDS, "and")}; with ! before it, one is left out.'
            )
        change = groups.get(name, frozenset({name}))
        found = found - change if one.startswith('!') else found | change
    return found


def gather(client, cluster, subsets, names=None):
    """Facts of a cluster's nodes -> list of dictionaries by name. One request, and those of the subsets for each node.

    names: only these nodes; None for all. Raises NotFound for a node that the cluster does not have, FleetError when the
    cluster does not answer.
    """
    with contextlib.closing(Reader(client)) as reader:
        rows = reader.get('cluster', 'resources')
        found = shape.split(rows)
        nodes = chosen_nodes(found['nodes'], names, cluster)
        shared = {name: answer(reader, PER_CLUSTER[name].split('/')) for name in PER_CLUSTER if name in subsets}
        entries = [base(row, cluster, found, subsets) for row in nodes]
        jobs = [
            (entry, subset)
            for entry in entries
            if entry['status'] == 'online'
            for subset in sorted(subsets)
            if subset in PER_NODE
        ]
        silent = {}
        results = fan_out(lambda job: ask(reader, silent, *job), jobs, client.connection.max_in_flight)
        for result in results:
            entry, subset = result.item
            add(entry, subset, result)
        for entry in entries:
            add_shared(entry, shared)
    return entries


def chosen_nodes(rows, names, cluster):
    if not names or list(names) == ['all']:
        return rows
    known = [row['node'] for row in rows]
    for name in names:
        if name not in known:
            raise NotFound(
                f'cluster {cluster} has no node {name!r}. {suggestion(name, known) or "It has " + joined(known, "and") + "."}'
            )
    return [row for row in rows if row['node'] in names]


def answer(reader, path):
    """(answer, None) or (None, error)."""
    try:
        return reader.get(*path), None
    except FleetError as error:
        return None, error


def ask(reader, silent, entry, subset):
    """(answer, seconds since the epoch before and after asking). A node that does not answer is asked no more."""
    node, before = entry['node'], time.time()
    if node in silent:
        raise silent[node]
    try:
        found = reader.get('nodes', node, *PER_NODE[subset][0].split('/'))
    except FleetError as error:
        if is_unreachable(error):
            silent[node] = error
        raise
    return found, (before, time.time())


def base(row, cluster, found, subsets):
    """What the list of the cluster says of a node."""
    entry = {key: value for key, value in shape.node(row, cluster).items() if key not in ('type', 'name', 'address')}
    entry['reason'] = None if entry['status'] == 'online' else 'the node does not answer to the cluster'
    entry['problems'] = {}
    own = [one for one in found['guests'] if one.get('node') == row['node']]
    if 'guests' in subsets:
        entry['guests'] = parts.guests(own, row)
    if 'ha' in subsets:
        entry['ha'] = parts.ha(own)
    if 'storage' in subsets:
        entry['storages'] = [parts.storage(one) for one in found['storages'] if one.get('node') == row['node']]
    return entry


def add(entry, subset, result):
    if result.error is not None:
        entry['problems'][subset] = result.error.message
        if is_unreachable(result.error):
            entry['reason'] = 'the cluster counts the node as online, but it does not answer'
        return
    found, times = result.value
    entry.update(PER_NODE[subset][1](found, times))


def add_shared(entry, shared):
    """Ceph's status; where Ceph is not installed there is none, which is no problem."""
    for name, (found, error) in shared.items():
        absent = error is not None and ('not installed' in error.message or 'not initialized' in error.message)
        if error is not None and not absent:
            entry['problems'][name] = error.message
        entry[name] = parts.ceph(found) if error is None else None
