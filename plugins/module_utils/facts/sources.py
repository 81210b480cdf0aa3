# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of health look at: where it is read, each source once and only when a check needs it."""

from __future__ import annotations

import contextlib
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.bulk import Reader
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.facts.node_parts import clock
from ansible_collections.pve.fleet.plugins.module_utils.fleet import shape
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import is_unreachable

PER_CLUSTER = {
    'status': ('cluster', 'status'),
    'resources': ('cluster', 'resources'),
    'ha': ('cluster', 'ha', 'status', 'current'),
    'backups': ('cluster', 'backup-info', 'not-backed-up'),
    'tasks': ('cluster', 'tasks'),
    'ceph': ('cluster', 'ceph', 'status'),
}
PER_NODE = {
    'certificates': ('certificates', 'info'),
    'time': ('time',),
    'replication': ('replication',),
    'updates': ('apt', 'update'),
    'versions': ('version',),
}


# Nodes that the cluster counts as online and that do not answer: {node: why}. Read along with the sources of nodes.
SILENT = 'silent'


def read(client, wanted):
    """Read sources of a cluster -> ({source: answer}, {source: why it is missing, or missing of some nodes}).

    Answers of nodes are {node: answer}; of `time` the seconds by which a node is ahead. Nodes that are offline are not
    asked; those that turn out not to answer are under SILENT.
    Raises FleetError when the list of resources or the status cannot be had.
    """
    with contextlib.closing(Reader(client)) as reader:
        limit = client.connection.max_in_flight
        found = {name: reader.get(*PER_CLUSTER[name]) for name in ('status', 'resources')}
        offline = shape.offline_nodes(found['resources'])
        nodes = [row['node'] for row in shape.split(found['resources'])['nodes'] if row['node'] not in offline]
        jobs = [(name, None) for name in sorted(wanted) if name in PER_CLUSTER and name not in found]
        jobs += [(name, node) for name in sorted(wanted) if name in PER_NODE for node in nodes]
        missing, silent = {}, {}
        found |= {name: {} for name in wanted if name in PER_NODE}
        for result in fan_out(lambda job: ask(reader, silent, *job), jobs, limit):
            place(found, missing, result)
    return {**found, SILENT: silent}, missing


def ask(reader, silent, name, node):
    """The answer of one source; None of a node that is silent, which is asked no more."""
    if node is None:
        return reader.get(*PER_CLUSTER[name])
    if node in silent:
        return None
    before = time.time()
    try:
        answer = reader.get('nodes', node, *PER_NODE[name])
    except FleetError as error:
        if not is_unreachable(error):
            raise
        silent[node] = error.message
        return None
    return clock(answer, (before, time.time()))['time']['skew'] if name == 'time' else answer


def place(found, missing, result):
    name, node = result.item
    if isinstance(result.error, FleetError):
        if name == 'ceph' and ('not installed' in result.error.message or 'not initialized' in result.error.message):
            found[name] = None
        else:
            missing.setdefault(name, result.error.message)
    elif node is None:
        found[name] = result.value
    elif result.value is not None:
        found[name][node] = result.value
