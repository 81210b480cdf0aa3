#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge a list of guests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_guests
short_description: Bring a list of virtual machines and containers to their declared states, several at once
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Does for each guest of a list what M(pve.fleet.pve_vm) or M(pve.fleet.pve_container) does for one, on any registered
    clusters, with O(concurrency) guests at the same time. A hundred clones take little more than the cluster needs for them.
  - The whole list is checked before the first guest is touched. A guest that fails hinders no other; the task fails at the
    end and names each of them.
  - Guests that become templates come first, since others of the list may be made from them. Those without a node are placed in the
    order of the list, each after the ones before it, whichever is finished first.
options:
  guests:
    description:
      - The guests. C(kind) of each is V(vm) (unless given) or V(container); C(cluster) names its registered cluster unless
        the task does; all else is an option of M(pve.fleet.pve_vm) or M(pve.fleet.pve_container).
    type: list
    elements: dict
    required: true
  concurrency:
    description:
      - How many guests are worked on at the same time. Most of the time they wait for tasks of their cluster.
      - Requests at the same time are limited for each cluster as always.
    type: int
    default: 10
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_vm
  - module: pve.fleet.pve_container
  - module: pve.fleet.pve_guest_info
"""

EXAMPLES = r"""
- name: Two web servers and a database, on two clusters
  pve.fleet.pve_guests:
    guests:
      - {cluster: prod, name: web-01, clone: {template: debian-13}, memory: 4G, state: started}
      - {cluster: lab, name: web-02, clone: {template: debian-13}, memory: 4G, state: started}
      - {cluster: prod, kind: container, name: db-01, ostemplate: "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst", storage: ceph}

- name: The workers of one cluster, twenty at a time, each with an address in the end
  pve.fleet.pve_guests:
    cluster: prod
    concurrency: 20
    guests:
      - "{{ {'name': 'worker-01'} | combine(worker) }}"
      - "{{ {'name': 'worker-02', 'placement': {'avoid': 'worker'}} | combine(worker) }}"
  vars:
    worker: {clone: {template: debian-13, full: false}, tags: [worker], state: started, wait_for: ip}
  register: workers

- name: Show their addresses
  ansible.builtin.debug:
    msg: "{{ workers.guests | map(attribute='guest.addresses') }}"
"""

RETURN = r"""
guests:
  description:
    - For each guest, in the order of the list, C(cluster), C(kind), C(name), C(changed), C(changes), C(upids), C(pending) and
      C(reboot_required) as its own module returns them, and the guest itself under C(guest).
    - One that failed has C(failed), C(msg) and C(error) instead.
  returned: always, once the list is checked
  type: list
  elements: dict
  sample:
    - cluster: prod
      kind: vm
      name: web-01
      changed: true
      changes: [start]
      guest: {cluster: prod, vmid: 104, name: web-01, node: pve2, type: qemu, status: running}
      pending: {}
      reboot_required: false
      upids: ["UPID:pve2:0003A2B1:01F3C2A0:69774F2B:qmstart:104:fleet@pve!operator:"]
changes:
  description: What was done to which guest; in check mode what would be done.
  returned: always, once the list is checked
  type: list
  elements: str
  sample: ["prod/web-01: start"]
error:
  description: Why the first of the guests that failed did, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: "cluster prod, VM web-01: there is no template debian-12.", details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.guests.many import (
    ENTRY_ARGUMENTS,
    GUESTS_ARGUMENTS,
    run,
    selection,
)
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_guests',
    run=run,
    argument_spec=GUESTS_ARGUMENTS,
    connection='clusters',
    selection=selection,
    entries={'guests': ENTRY_ARGUMENTS},
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
