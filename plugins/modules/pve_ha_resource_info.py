#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the guests that HA looks after."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_ha_resource_info
short_description: List the guests that HA looks after
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns one or all of them. What does not exist is an empty list, no error.
options:
  sid:
    description: Only this resource, such as V(vm:100).
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_ha_resource
"""

EXAMPLES = r"""
- name: All HA resources
  pve.fleet.pve_ha_resource_info:
    cluster: prod
"""

RETURN = r"""
ha_resources:
  description:
    - What was found, sorted, as M(pve.fleet.pve_ha_resource) returns it. Lists of the API may leave out what is
      shown of a single one.
  returned: success
  type: list
  elements: dict
  sample:
    - {sid: 'vm:101', hastate: started, max_relocate: 1, max_restart: 2, comment: '', type: vm}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_resource import HA_RESOURCE
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_ha_resource_info',
    run=info_run(HA_RESOURCE),
    argument_spec=info_arguments(HA_RESOURCE),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
