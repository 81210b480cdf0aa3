#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the guests that HA looks after."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_ha_resource
short_description: Manage the guests that HA looks after
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Puts virtual machines and containers under the care of the HA manager, and takes them out.
  - 'A guest that rules name is not taken out unless O(force=true): the cluster would change the rules without a
    word.'
options:
  sid:
    description: The resource, V(vm:100) for a virtual machine or V(ct:100) for a container.
    type: str
    required: true
  hastate:
    description: What the HA manager shall do with it.
    type: str
    choices: [started, stopped, disabled, ignored]
  group:
    description: The HA group, before release 9. From 9 on, M(pve.fleet.pve_ha_rule) says where it runs.
    type: str
  max_relocate:
    description: How often it is tried on another node.
    type: int
  max_restart:
    description: How often it is restarted on its node.
    type: int
  failback:
    description: Whether it moves back to a better node. From release 9 on.
    type: bool
  comment:
    description: A text.
    type: str
  state:
    description: Whether the HA resource shall exist. The guest itself stays.
    type: str
    choices: [present, absent]
    default: present
  remove:
    description: Names of settings to take away, so that they go back to their defaults.
    type: list
    elements: str
  force:
    description: Whether to delete a resource that rules name nevertheless.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_ha_resource_info
  - module: pve.fleet.pve_ha_rule
"""

EXAMPLES = r"""
- name: HA for a virtual machine
  pve.fleet.pve_ha_resource:
    cluster: prod
    sid: vm:101
    hastate: started
    max_restart: 2

- name: No HA any more
  pve.fleet.pve_ha_resource:
    cluster: prod
    sid: vm:101
    state: absent
"""

RETURN = r"""
ha_resource:
  description: The HA resource as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    sid: 'vm:101'
    hastate: started
    max_relocate: 1
    max_restart: 2
    comment: ''
    type: vm
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['create HA resource vm:101']
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {max_restart: 1}, after: {max_restart: 2}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_resource import HA_RESOURCE
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_ha_resource',
    run=module_run(HA_RESOURCE),
    argument_spec=arguments(HA_RESOURCE),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
