#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage where HA resources run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_ha_rule
short_description: Manage where HA resources run
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - 'Makes, changes and deletes HA rules of release 9: on which nodes resources run, and which of them keep together
    or apart.'
  - Before release 9 the same options manage an HA group of that name with its resources; O(strict) is what groups
    call C(restricted). Rules between resources need release 9.
options:
  rule:
    description: The name of the rule, or of the group before release 9.
    type: str
    required: true
  type:
    description: What it is about. Needed to make a rule.
    type: str
    choices: [node-affinity, resource-affinity]
  resources:
    description: The resources that it is for, such as V(vm:100). Others are taken out.
    type: list
    elements: str
  nodes:
    description: The nodes for O(type=node-affinity), each with an optional priority, such as V(pve1:2).
    type: list
    elements: str
  strict:
    description: Whether the resources may run on no other nodes.
    type: bool
  affinity:
    description: Whether resources keep together (V(positive)) or apart (V(negative)), for O(type=resource-affinity).
    type: str
    choices: [positive, negative]
  nofailback:
    description: Whether they stay where they are when a better node comes back. Groups only.
    type: bool
  disable:
    description: Whether the rule is switched off. Release 9.
    type: bool
  comment:
    description: A text.
    type: str
  force:
    description:
      - Whether a rule of another O(type) is deleted and made anew; its resources, comment and O(disable) are kept unless
        given. Otherwise it is an error.
    type: bool
    default: false
  state:
    description: Whether the rule shall exist.
    type: str
    choices: [present, absent]
    default: present
  remove:
    description: Names of settings to take away, so that they go back to their defaults.
    type: list
    elements: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_ha_rule_info
  - module: pve.fleet.pve_ha_resource
"""

EXAMPLES = r"""
- name: Preferably on pve1
  pve.fleet.pve_ha_rule:
    cluster: prod
    rule: web
    type: node-affinity
    resources: [vm:101, vm:102]
    nodes: ['pve1:2', pve2]

- name: Never on the same node
  pve.fleet.pve_ha_rule:
    cluster: prod
    rule: apart
    type: resource-affinity
    affinity: negative
    resources: [vm:101, vm:102]
"""

RETURN = r"""
ha_rule:
  description: The HA rule as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    rule: web
    type: node-affinity
    resources: ['vm:101', 'vm:102']
    nodes: ['pve1:2', pve2]
    strict: false
    comment: ''
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['create HA rule web']
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {nodes: [pve1]}, after: {nodes: ['pve1:2', pve2]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import HA_RULE, run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_ha_rule',
    run=run,
    argument_spec=arguments(HA_RULE),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
