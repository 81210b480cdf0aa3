#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List where HA resources run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_ha_rule_info
short_description: List where HA resources run
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns one or all of them. What does not exist is an empty list, no error.
options:
  rule:
    description: Only this rule or group.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_ha_rule
"""

EXAMPLES = r"""
- name: All rules
  pve.fleet.pve_ha_rule_info:
    cluster: prod
"""

RETURN = r"""
ha_rules:
  description:
    - What was found, sorted, as M(pve.fleet.pve_ha_rule) returns it. Lists of the API may leave out what is shown
      of a single one.
  returned: success
  type: list
  elements: dict
  sample:
    - rule: web
      type: node-affinity
      resources: ['vm:101', 'vm:102']
      nodes: ['pve1:2', pve2]
      strict: false
      comment: ''
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import HA_RULE, run_info
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_ha_rule_info',
    run=run_info,
    argument_spec=info_arguments(HA_RULE),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
