# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_node_facts: facts of nodes of many clusters."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import NotFound
from ansible_collections.pve.fleet.plugins.module_utils.facts.nodes import chosen_subsets, gather
from ansible_collections.pve.fleet.plugins.module_utils.fleet import members
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined

ARGUMENTS = {
    **members.ARGUMENTS,
    'nodes': {'type': 'list', 'elements': 'str'},
    'gather_subset': {'type': 'list', 'elements': 'str', 'default': ['default']},
}


def run(context):
    """The module's logic. A cluster that cannot be asked has its entry in `errors`; it is an error when it is the only one."""
    subsets = chosen_subsets(context.params['gather_subset'])
    wanted = context.params['nodes']
    found = members.members(context)
    single = len(found) == 1
    results = members.on_all(found, lambda member: gather(member.client, member.name, subsets, wanted if single else None))
    if single and results[0].error is not None:
        raise results[0].error
    nodes, errors = [], {}
    for result in results:
        if result.error is not None:
            errors[result.item.name] = result.error.as_dict()
            context.warn(f'cluster {result.item.name} could not be asked: {result.error.message}')
        else:
            nodes += result.value
    nodes = nodes if single else only_named(nodes, wanted, [member.name for member in found])
    facts = {}
    for node in nodes:
        facts.setdefault(node['cluster'], {})[node['node']] = node
    return {'changed': False, 'nodes': nodes, 'errors': errors, 'ansible_facts': {'pve_nodes': facts}}


def only_named(nodes, names, clusters):
    """The nodes of these names in whichever cluster they are. Raises NotFound for one that is in none."""
    if not names or names == ['all']:
        return nodes
    missing = sorted(set(names) - {node['node'] for node in nodes})
    if missing:
        raise NotFound(f'no cluster of {joined(clusters, "and")} has a node {joined(missing)}. Check nodes and clusters.')
    return [node for node in nodes if node['node'] in names]
