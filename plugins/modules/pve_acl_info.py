#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the access control list."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_acl_info
short_description: List the access control list
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns the entries of one path or of all, one object per path.
options:
  path:
    description: Only this path.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_acl
"""

EXAMPLES = r"""
- name: Who may do what, by path
  pve.fleet.pve_acl_info:
    cluster: prod
"""

RETURN = r"""
acls:
  description:
    - What was found, sorted, as M(pve.fleet.pve_acl) returns it. Lists of the API may leave out what is shown of
      a single one.
  returned: success
  type: list
  elements: dict
  sample:
    - {path: /pool/shop, entries: [{type: group, ugid: operators, roleid: PVEVMAdmin, propagate: true}]}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.acl import ACL
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_acl_info',
    run=info_run(ACL),
    argument_spec=info_arguments(ACL),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
