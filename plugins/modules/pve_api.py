#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one call to the API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_api
short_description: Make one call to the API
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Sends one request, checked against the official tables of the release before it is sent.
  - V(GET) changes nothing. Anything else is reported as a change, unless O(compare) tells better; in check mode it
    is not sent.
options:
  path:
    description: The path, such as V(/nodes/pve1/status). A slash within a name is written V(%2F).
    type: str
    required: true
  method:
    description: The method.
    type: str
    choices: [GET, POST, PUT, DELETE]
    default: GET
  params:
    description: The parameters.
    type: dict
    default: {}
  secret_params:
    description: Parameters that are not to be shown.
    type: dict
    default: {}
  compare:
    description: 'A path that is read before and after: only when it differs is a change reported.'
    type: str
  tier:
    description:
      - Which login of a registered cluster is used. V(viewer) for V(GET) and V(admin) for anything else, unless given.
    type: str
    choices: [viewer, operator, admin]
  wait:
    description: Whether to wait for the task that the call starts.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for it.
    type: int
    default: 600
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_object
  - module: pve.fleet.pve_api_info
"""

EXAMPLES = r"""
- name: What a node says of itself
  pve.fleet.pve_api:
    cluster: prod
    path: /nodes/pve1/status
  register: node

- name: Put the changes of SDN into effect
  pve.fleet.pve_api:
    cluster: prod
    path: /cluster/sdn
    method: PUT
"""

RETURN = r"""
data:
  description: What the API answered; C(null) in check mode.
  returned: success
  type: raw
  sample:
    uptime: 5000
upid:
  description: The task that was started.
  returned: when the call started a task
  type: str
  sample: 'UPID:pve1:0000A1B2:00C3D4E5:67890ABC:qmstart:101:root@pam:'
exitstatus:
  description: How the task ended.
  returned: when a task was waited for
  type: str
  sample: OK
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [PUT /cluster/sdn]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {}, after: {}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.objects.call import ARGUMENTS, run, tier
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_api',
    run=run,
    argument_spec=ARGUMENTS,
    tier=tier,
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
