#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the access control list."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_acl
short_description: Manage the access control list
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Gives users, groups and API tokens roles on a path, or takes them away.
  - One entry is given by O(ugid) and O(roleid), several by O(entries). With O(exclusive=true) they are the only
    ones on that path.
  - Roles and subjects that do not exist are told before anything is changed. In check mode they are a warning, since an earlier task
    of the play may make them.
options:
  path:
    description: The path, such as V(/), V(/vms/100) or V(/pool/shop).
    type: str
    required: true
  entries:
    description: Several entries.
    type: list
    elements: dict
    suboptions:
      type:
        description: What kind of subject it is.
        type: str
        choices: [user, group, token]
        default: user
      ugid:
        description: The user, group or token, such as V(ann@pve), V(operators) or V(ann@pve!ci).
        type: str
        required: true
      roleid:
        description: The role.
        type: str
        required: true
      propagate:
        description: Whether it holds below the path too.
        type: bool
        default: true
  type:
    description: What kind of subject O(ugid) is; V(user) unless given.
    type: str
    choices: [user, group, token]
  ugid:
    description: The user, group or token, such as V(ann@pve), V(operators) or V(ann@pve!ci).
    type: str
  roleid:
    description: The role that O(ugid) gets.
    type: str
  propagate:
    description: Whether the entry holds below the path too; it does unless given.
    type: bool
  exclusive:
    description:
      - Whether other entries on this path are taken away.
      - With O(state=absent) and no entry, all entries on the path are taken away.
    type: bool
    default: false
  state:
    description: Whether the entries shall exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_acl_info
"""

EXAMPLES = r"""
- name: A group may look after a pool
  pve.fleet.pve_acl:
    cluster: prod
    path: /pool/shop
    type: group
    ugid: operators
    roleid: PVEVMAdmin

- name: Nobody else has rights on this guest
  pve.fleet.pve_acl:
    cluster: prod
    path: /vms/101
    entries:
      - {ugid: ann@pve, roleid: PVEVMAdmin}
      - {type: token, ugid: ann@pve!ci, roleid: PVEAuditor}
    exclusive: true
"""

RETURN = r"""
acl:
  description:
    - The entries of a path as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    path: /pool/shop
    entries: [{type: group, ugid: operators, roleid: PVEVMAdmin, propagate: true}]
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [give group operators the role PVEVMAdmin on /pool/shop]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {entries: []}, after: {entries: [{type: group, ugid: operators, roleid: PVEVMAdmin, propagate: true}]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.acl import ACL
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_acl',
    run=module_run(ACL),
    argument_spec=arguments(ACL),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
