#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage pools of guests and storages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_pool
short_description: Manage pools of guests and storages
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes pools, and puts guests and storages into them or takes them out.
  - 'Members that do not exist are refused: the cluster itself would accept any number.'
options:
  poolid:
    description: The name of the pool. Nested pools are written C(parent/child), from release 8 on.
    type: str
    required: true
  comment:
    description: A text.
    type: str
  vms:
    description:
      - Guests, by vmid or by name. A name that several guests have is an error.
      - What happens to them is said by O(membership).
    type: list
    elements: str
  storages:
    description: Storages. What happens to them is said by O(membership).
    type: list
    elements: str
  state:
    description: Whether the pool shall exist. A pool that has members or pools within it is not deleted.
    type: str
    choices: [present, absent]
    default: present
  membership:
    description:
      - V(present) puts the named guests and storages into the pool and leaves other members alone.
      - V(absent) takes them out.
      - V(exact) makes them the only members; of O(vms) and O(storages), the one that is not given is left
        alone.
    type: str
    choices: [present, absent, exact]
    default: present
  allow_move:
    description: Whether a guest that is in another pool is moved; otherwise that is an error. Needs release 8.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_pool_info
"""

EXAMPLES = r"""
- name: A pool with two guests
  pve.fleet.pve_pool:
    cluster: prod
    poolid: shop
    comment: Web shop
    vms: [web-01, 102]

- name: Exactly these members
  pve.fleet.pve_pool:
    cluster: prod
    poolid: shop
    vms: [web-01]
    storages: [ceph]
    membership: exact

- name: Empty it
  pve.fleet.pve_pool:
    cluster: prod
    poolid: shop
    vms: []
    storages: []
    membership: exact

- name: Delete it
  pve.fleet.pve_pool:
    cluster: prod
    poolid: shop
    state: absent
"""

RETURN = r"""
pool:
  description: The pool as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    poolid: shop
    comment: Web shop
    vms: ['101', '102']
    storages: []
    members: [{id: qemu/101, type: qemu, vmid: 101, name: web-01, node: pve1}]
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create pool shop, add guest 101 to pool shop]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {}, after: {poolid: shop, comment: Web shop}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.pool import POOL
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_pool',
    run=module_run(POOL),
    argument_spec=arguments(POOL),
    tier='operator',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
