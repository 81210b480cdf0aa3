#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List guests of one, several or all clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_guest_info
short_description: List virtual machines and containers of one, several or all clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns guests with what is asked of them, of all registered clusters at the same time.
  - Guests are chosen by what the list of the cluster tells, with one request per cluster; only those that fit are asked
    themselves, and only for what O(gather) names.
  - A cluster that cannot be reached is told under RV(errors) and as a warning, and hides no other; when the task is about
    one cluster (O(cluster) or O(api_host)), it fails. What a guest cannot tell is told in its own entry.
options:
  clusters:
    description:
      - Which registered clusters - V(all), a list of names, or a dictionary with C(names), C(labels) and C(status).
      - All, unless O(cluster), O(api_host) or their environment variables name one.
    type: raw
  name:
    description: Only guests of these names.
    type: list
    elements: str
  pattern:
    description: Only guests whose name is like this, with the wildcards C(*), C(?) and C([...]).
    type: str
  vmid:
    description: Only guests of these ids.
    type: list
    elements: int
  tag:
    description: Only guests with at least one of these tags.
    type: list
    elements: str
  pool:
    description: Only guests in one of these pools.
    type: list
    elements: str
  node:
    description: Only guests on one of these nodes.
    type: list
    elements: str
  status:
    description: Only guests of these statuses. A paused machine counts as running.
    type: list
    elements: str
    choices: [running, stopped, unknown]
  type:
    description: Only virtual machines (V(qemu)) or containers (V(lxc)).
    type: str
    choices: [qemu, lxc]
  template:
    description: Only templates, or only what is none.
    type: bool
  gather:
    description:
      - What to ask each guest for, a request or two each.
      - V(config) - its configuration, parsed. V(pending) - changes that wait for a restart. V(status) - the exact power state.
      - V(network) - its addresses, from the guest agent or the node. V(snapshots) - its snapshots.
    type: list
    elements: str
    choices: [config, status, network, snapshots, pending]
    default: []
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_vm
  - module: pve.fleet.pve_container
  - module: pve.fleet.pve_snapshot
"""

EXAMPLES = r"""
- name: Every guest of every registered cluster
  pve.fleet.pve_guest_info:
  register: fleet

- name: Addresses of the running web servers in Seoul
  pve.fleet.pve_guest_info:
    clusters: {labels: {site: seoul}}
    pattern: web-*
    status: [running]
    gather: [network]
  register: web

- name: Machines of one cluster that wait for a restart
  pve.fleet.pve_guest_info:
    cluster: prod
    type: qemu
    template: false
    gather: [pending]
  register: machines

- name: Show them
  ansible.builtin.debug:
    msg: "{{ machines.guests | selectattr('pending') | map(attribute='name') }}"
"""

RETURN = r"""
guests:
  description:
    - The guests, sorted by cluster and vmid, with C(cluster), C(vmid), C(name), C(node), C(type), C(status), C(template),
      C(tags), C(pool) and the figures of the cluster's list (C(uptime), C(cpu), C(mem), ...).
    - With O(gather) also C(config), C(pending), C(status_detail), C(addresses), C(snapshots); C(error) when something could
      not be had.
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: prod
      vmid: 104
      name: web-01
      node: pve2
      type: qemu
      status: running
      template: false
      tags: [prod, web]
      pool: shop
      addresses: {net0: [10.0.20.11]}
clusters:
  description: The clusters that were asked.
  returned: success
  type: list
  elements: str
  sample: [lab, prod]
errors:
  description: The clusters that could not be asked, and why.
  returned: success
  type: list
  elements: dict
  sample:
    - {cluster: lab, code: BadGateway, status: 502, message: 'cluster lab cannot be reached: ...', details: {}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: There is no cluster prd., details: {near: [prod]}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_info import run, selection
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import INFO_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_guest_info', run=run, argument_spec=INFO_ARGUMENTS, tier='viewer', connection='clusters', selection=selection
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
