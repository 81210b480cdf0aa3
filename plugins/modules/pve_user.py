#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_user
short_description: Manage users
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes users. Their API tokens are left alone as long as the user exists.
  - A user in a realm that does not exist is refused; C(root@pam) is never deleted. The cluster itself would accept
    both.
options:
  userid:
    description: The user with the realm, such as V(ann@pve).
    type: str
    required: true
  comment:
    description: A text.
    type: str
  email:
    description: The e-mail address.
    type: str
  enable:
    description: Whether the user may log in.
    type: bool
  expire:
    description: When the account expires, in seconds since 1970; V(0) for never.
    type: int
  firstname:
    description: The first name.
    type: str
  lastname:
    description: The last name.
    type: str
  groups:
    description: The groups that the user is in. Without O(append), others are left.
    type: list
    elements: str
  keys:
    description: Keys of a second factor (Yubico). They are compared and never shown.
    type: str
  password:
    description: The password, for users of the realm C(pve).
    type: str
  state:
    description: Whether the user shall exist.
    type: str
    choices: [present, absent]
    default: present
  update_secret:
    description:
      - V(on_create) sends O(password) when the user is made and never again, since the cluster does not return
        it and it cannot be compared.
      - V(always) sends it every time and reports a change every time.
    type: str
    choices: [on_create, always]
    default: on_create
  append:
    description: Whether groups are only added.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_user_info
"""

EXAMPLES = r"""
- name: A user
  pve.fleet.pve_user:
    cluster: prod
    userid: ann@pve
    password: "{{ vault_ann }}"
    groups: [operators]
    email: ann@example.com

- name: Lock it, and leave everything else
  pve.fleet.pve_user:
    cluster: prod
    userid: ann@pve
    enable: false

- name: Set the password again
  pve.fleet.pve_user:
    cluster: prod
    userid: ann@pve
    password: "{{ vault_ann_new }}"
    update_secret: always
"""

RETURN = r"""
user:
  description: The user as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    userid: ann@pve
    comment: ''
    email: ann@example.com
    enable: true
    expire: 0
    firstname: ''
    lastname: ''
    groups: [operators]
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ["update user ann@pve: enable"]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {enable: true}, after: {enable: false}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.user import USER
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_user',
    run=module_run(USER),
    argument_spec=arguments(USER),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
