#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage groups of users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_group
short_description: Manage groups of users
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes groups. Who is in them is said with M(pve.fleet.pve_user).
  - 'A group with members is not deleted unless O(force=true): the cluster would end the memberships without a
    word.'
options:
  groupid:
    description: The name of the group.
    type: str
    required: true
  comment:
    description: A text.
    type: str
  state:
    description: Whether the group shall exist.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: Whether to delete a group that has members nevertheless.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_group_info
"""

EXAMPLES = r"""
- name: A group
  pve.fleet.pve_group:
    cluster: prod
    groupid: operators
    comment: They operate

- name: Delete it
  pve.fleet.pve_group:
    cluster: prod
    groupid: operators
    state: absent
    force: true
"""

RETURN = r"""
group:
  description: The group as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    groupid: operators
    comment: They operate
    members: [ann@pve]
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create group operators]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {}, after: {groupid: operators, comment: They operate}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.group import GROUP
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_group',
    run=module_run(GROUP),
    argument_spec=arguments(GROUP),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
