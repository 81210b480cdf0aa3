#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List workspaces."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_workspace_info
short_description: List workspaces with their quota and what is reserved
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns the workspaces of the registry.
options:
  name:
    description: Only the workspace of this name; it is an error when there is none.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_workspace
"""

EXAMPLES = r"""
- name: How much of its quota does the shop use
  pve.fleet.pve_workspace_info:
    name: shop
"""

RETURN = r"""
workspaces:
  description: The workspaces by name, as M(pve.fleet.pve_workspace) returns them, with C(reservations).
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop
      clusters: [seoul]
      quota: {cpus: 64, memory: null, disk: null, guests: null}
      reserved: {cpus: 2, memory: 4294967296, disk: 0, guests: 1}
      reservations:
        - {holder: seoul/web-01, cluster: seoul, confirmed: true, cpus: 2, memory: 4294967296, disk: 0, guests: 1}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: There is no workspace 'shpo'., details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.manage import INFO_ARGUMENTS, info

SPEC = ModuleSpec(name='pve_workspace_info', run=info, argument_spec=INFO_ARGUMENTS, tier='viewer', connection='registry')


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
