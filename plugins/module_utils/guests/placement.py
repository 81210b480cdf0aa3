# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a node for a new guest. Pure."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import row_tags
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import GIB, MIB
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion


def choose_node(nodes, rows, placement=None, memory=None, able=None):
    """The name of the node for a new guest.

    nodes: entries of GET cluster/resources?type=node; rows: those of guests; placement: {strategy, nodes, avoid} or None;
    memory: MiB that the guest wants, or None; able: names of the nodes that have what it is made from, None for all.
    Ties go to the name that sorts first.
    Raises NotFound for nodes that there are not, BadRequest when none is left.
    """
    placement = placement or {}
    allowed = placement.get('nodes')
    by_name = {node['node']: node for node in nodes}
    check_known(allowed, by_name)
    candidates = [name for name in sorted(allowed or by_name) if by_name[name].get('status') == 'online']
    if not candidates:
        raise BadRequest(f'no node to place the guest on: {joined(sorted(allowed or by_name), "and")} is not online.')
    candidates = [name for name in candidates if able is None or name in able] or candidates
    candidates = fewest_neighbours(candidates, rows, placement.get('avoid'))
    free = {name: free_memory(by_name[name], rows) for name in candidates}
    asked = (memory or 0) * MIB
    fitting = [name for name in candidates if free[name] >= asked]
    if placement.get('strategy') == 'pack':
        if not fitting:
            raise BadRequest(
                f'no node has {asked / GIB:.1f} GiB of memory left: the most is {max(free.values()) / GIB:.1f} GiB. '
                'Name a node, allow more nodes in placement, or ask for less memory.'
            )
        return min(fitting, key=lambda name: (free[name], name))
    return min(fitting or candidates, key=lambda name: (-free[name], name))


def check_known(wanted, by_name):
    for name in wanted or ():
        if name not in by_name:
            hint = suggestion(name, by_name) or f'There are {joined(sorted(by_name), "and")}.'
            raise NotFound(f"node '{name}' is not in the cluster. {hint}", details={'node': name})


def fewest_neighbours(candidates, rows, tag):
    """The nodes on which the fewest guests with that tag are."""
    if not tag:
        return candidates
    count = {name: sum(1 for row in rows if row.get('node') == name and tag in row_tags(row)) for name in candidates}
    least = min(count.values())
    return [name for name in candidates if count[name] == least]


def free_memory(node, rows):
    """Bytes that are neither in use nor promised to guests that run there."""
    total = node.get('maxmem') or 0
    promised = sum(row.get('maxmem') or 0 for row in rows if row.get('node') == node['node'] and row.get('status') == 'running')
    return total - max(node.get('mem') or 0, promised)
