#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage API tokens."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_token
short_description: Manage API tokens
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes API tokens of users.
  - The cluster tells a secret once, when the token is made. It is returned then, or goes straight into the registry
    with O(store).
  - With O(update_secret=always) the token gets a new secret and keeps its roles. Releases before 9.2 have to make it anew for
    that; meanwhile a second token named after it, with C(.renewal) at its end, keeps its roles. Should the run be broken off,
    the next one for that token restores it and deletes the second one, whatever its O(update_secret).
options:
  userid:
    description: The user with the realm.
    type: str
    required: true
  tokenid:
    description: The name of the token, without the user.
    type: str
    required: true
  comment:
    description: A text.
    type: str
  expire:
    description: When it expires, in seconds since 1970; V(0) for never.
    type: int
  privsep:
    description: Whether the token has only the rights that are given to itself, not all of its user.
    type: bool
  state:
    description: Whether the token shall exist.
    type: str
    choices: [present, absent]
    default: present
  update_secret:
    description:
      - V(on_create) leaves the secret of an existing token as it is.
      - V(always) makes a new secret every time.
    type: str
    choices: [on_create, always]
    default: on_create
  store:
    description:
      - Where the new secret is kept instead of being returned.
      - The token becomes the login of that tier of a registered cluster.
    type: dict
    suboptions:
      name:
        description: The name of the registered cluster.
        type: str
        required: true
      tier:
        description: The tier that it serves.
        type: str
        choices: [viewer, operator, admin]
        default: operator
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
notes:
  - 'Use C(no_log: true) on the task that returns the secret.'
seealso:
  - module: pve.fleet.pve_token_info
  - module: pve.fleet.pve_cluster_registry
"""

EXAMPLES = r"""
- name: A token for continuous integration
  pve.fleet.pve_token:
    cluster: prod
    userid: ann@pve
    tokenid: ci
    comment: Pipelines
  register: made
  no_log: true

- name: A new secret for the registry's own token
  pve.fleet.pve_token:
    cluster: prod
    userid: fleet@pve
    tokenid: operator
    update_secret: always
    store: {name: prod, tier: operator}
"""

RETURN = r"""
token:
  description: The token as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    userid: ann@pve
    tokenid: ci
    comment: Pipelines
    expire: 0
    privsep: true
token_id:
  description: The whole id of the token, for O(api_token_id).
  returned: when a secret was made
  type: str
  sample: ann@pve!ci
token_secret:
  description: The secret. It is told this once, so keep it; it is not returned with O(store).
  returned: when a secret was made and not stored
  type: str
  sample: 3f2c1d1e-7d1b-4f6c-9d55-d4f7f8a6f0aa
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create token ann@pve/ci]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {comment: CI}, after: {comment: Pipelines}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.token import TOKEN
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_token',
    run=module_run(TOKEN),
    argument_spec=arguments(TOKEN),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
