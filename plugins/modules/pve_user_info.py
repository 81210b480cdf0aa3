#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_user_info
short_description: List users
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns one or all of them. What does not exist is an empty list, no error.
options:
  userid:
    description: Only this user.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_user
"""

EXAMPLES = r"""
- name: All users with their groups and tokens
  pve.fleet.pve_user_info:
    cluster: prod
"""

RETURN = r"""
users:
  description:
    - What was found, sorted, as M(pve.fleet.pve_user) returns it. Lists of the API may leave out what is shown of
      a single one.
  returned: success
  type: list
  elements: dict
  sample:
    - userid: ann@pve
      comment: ''
      email: ann@example.com
      enable: true
      expire: 0
      firstname: ''
      lastname: ''
      groups: [operators]
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.user import USER
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_user_info',
    run=info_run(USER),
    argument_spec=info_arguments(USER),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
