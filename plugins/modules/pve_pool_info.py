#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List pools."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_pool_info
short_description: List pools
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns one or all of them. What does not exist is an empty list, no error.
options:
  poolid:
    description: Only this pool, with its members.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_pool
"""

EXAMPLES = r"""
- name: All pools
  pve.fleet.pve_pool_info:
    cluster: prod

- name: One pool with its members
  pve.fleet.pve_pool_info:
    cluster: prod
    poolid: shop
  register: found
"""

RETURN = r"""
pools:
  description:
    - What was found, sorted, as M(pve.fleet.pve_pool) returns it. Lists of the API may leave out what is shown of
      a single one.
  returned: success
  type: list
  elements: dict
  sample:
    - poolid: shop
      comment: Web shop
      vms: ['101', '102']
      storages: []
      members: [{id: qemu/101, type: qemu, vmid: 101, name: web-01, node: pve1}]
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.pool import POOL
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_pool_info',
    run=info_run(POOL),
    argument_spec=info_arguments(POOL),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
