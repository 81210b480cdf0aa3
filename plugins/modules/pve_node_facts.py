#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_node_facts
short_description: Facts of Proxmox VE nodes
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns facts of one, several or all nodes of one, several or all registered clusters, as RV(nodes) and as Ansible facts.
  - Clusters and nodes are asked at once. By default one request per cluster and two per node.
  - A node that is offline has its entry with its status and a reason. What one node refuses is told in its C(problems).
options:
  nodes:
    description:
      - Only the nodes of these names, in whichever of the clusters they are; all nodes when not given.
      - It is an error when none of the clusters has a node of such a name.
    type: list
    elements: str
  gather_subset:
    description:
      - What to gather. C(!name) leaves a subset out; a list of such only takes away from the default.
      - V(default) is C(status), C(network), C(storage), C(guests) and C(ha). V(min) is only what the cluster's list says. V(all)
        is everything.
      - Without requests of their own are C(storage), C(guests) (with their sums and the overcommitment) and C(ha). One request
        per cluster is C(ceph). One request per node each are C(status), C(network), C(disks), C(services), C(updates) (needs
        Sys.Modify), C(repositories), C(subscription), C(certificates), C(replication), C(time), C(dns) and C(hardware).
    type: list
    elements: str
    default: [default]
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.clusters
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
attributes:
  facts:
    support: full
    description: Returns C(ansible_facts).
seealso:
  - module: pve.fleet.pve_cluster_info
  - plugin: pve.fleet.pve
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Facts of all nodes of all registered clusters
  pve.fleet.pve_node_facts:

- name: Certificates and clocks of two nodes
  pve.fleet.pve_node_facts:
    cluster: prod
    nodes: [pve1, pve2]
    gather_subset: [certificates, time]
  register: found

- name: Everything but the hardware, of the clusters in Seoul
  pve.fleet.pve_node_facts:
    clusters: {labels: {site: seoul}}
    gather_subset: [all, "!hardware"]
"""

RETURN = r"""
nodes:
  description:
    - The nodes, by cluster and name. Sizes are bytes, times seconds, C(cpu) and C(share) fractions of 1.
    - What stands here beside the sample depends on O(gather_subset), such as C(disks), C(services), C(updates),
      C(repositories), C(subscription), C(certificates), C(replication), C(time), C(dns), C(pci) and C(ceph).
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: prod
      node: pve1
      status: online
      reason: null
      pve_version: 9.2.11
      kernel: 6.14.8-2-pve
      cpus: 32
      cpu: 0.12
      cpu_info: {model: AMD EPYC 7302P 16-Core Processor, sockets: 1, cores: 16, threads: 32, mhz: 3000.0}
      load: [1.2, 1.1, 0.9]
      memory: 270582939648
      memory_info: {total: 270582939648, used: 81174881894, free: 189408057754, share: 0.3}
      uptime: 864000
      networks:
        vmbr0: {type: bridge, method: static, cidr: 10.0.0.11/24, gateway: 10.0.0.254, bridge_ports: eno1, active: true, autostart: true}
      storages:
        - {storage: ceph, type: rbd, shared: true, status: available, content: [images], total: 4398046511104, used: 879609302220, share: 0.2}
      guests:
        count: 12
        running: 10
        templates: 1
        qemu: 8
        lxc: 4
        allocated: {cpus: 40, memory: 85899345920, disk: 429496729600}
        overcommit: {cpus: 1.25, memory: 0.3175}
      ha: {started: 2}
      problems: {}
errors:
  description: Why a cluster could not be asked, by its name. When it is the only one, the task fails instead.
  returned: success
  type: dict
  sample: {}
ansible_facts:
  description: The same nodes in C(pve_nodes), by cluster and name.
  returned: success
  type: dict
  contains:
    pve_nodes:
      description: The nodes of RV(nodes), in a dictionary by cluster and node.
      returned: success
      type: dict
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: cluster prod has no node 'pve9'., details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.facts.node_facts import ARGUMENTS, run
from ansible_collections.pve.fleet.plugins.module_utils.fleet.members import selection
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_node_facts', run=run, argument_spec=ARGUMENTS, tier='viewer', connection='clusters', selection=selection
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
