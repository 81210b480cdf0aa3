#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage roles."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_role
short_description: Manage roles
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes roles, the named sets of privileges.
  - A privilege that the release of the cluster does not have is an error that says what stands in for it, such as
    for C(VM.Monitor), which ended with release 8.
  - Built-in roles are never changed. A role that the access control list uses is not deleted unless O(force=true).
options:
  roleid:
    description: The name of the role.
    type: str
    required: true
  privs:
    description: Its privileges. Without O(append), others are taken away.
    type: list
    elements: str
  state:
    description: Whether the role shall exist.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: Whether to delete a role that is in use nevertheless.
    type: bool
    default: false
  append:
    description: Whether privileges are only added.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_role_info
"""

EXAMPLES = r"""
- name: A role for those who start and stop guests
  pve.fleet.pve_role:
    cluster: prod
    roleid: PowerUser
    privs: [VM.Audit, VM.PowerMgmt]

- name: Add a privilege
  pve.fleet.pve_role:
    cluster: prod
    roleid: PowerUser
    privs: [VM.Console]
    append: true
"""

RETURN = r"""
role:
  description: The role as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    roleid: PowerUser
    privs: [VM.Audit, VM.PowerMgmt]
    special: false
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create role PowerUser]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {privs: [VM.Audit]}, after: {privs: [VM.Audit, VM.PowerMgmt]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.role import ROLE
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_role',
    run=module_run(ROLE),
    argument_spec=arguments(ROLE),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
