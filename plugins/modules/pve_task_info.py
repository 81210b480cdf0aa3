#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List tasks and their logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_task_info
short_description: List tasks and their logs
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns tasks by their identifiers, with the last lines of their logs, or the latest tasks that fit the filters,
    newest first.
options:
  upids:
    description: Only these, with logs. The other options but O(log_lines) do not matter then.
    type: list
    elements: str
    aliases: [upid]
  log_lines:
    description: How many lines of the log.
    type: int
    default: 50
  node:
    description: Only of this node; all that are online unless given.
    type: str
  type:
    description: Only of this type, such as V(qmstart).
    type: str
  user:
    description: Only of users whose name has this in it.
    type: str
  vmid:
    description: Only of this guest.
    type: int
  status:
    description: Only those that ended so.
    type: list
    elements: str
    choices: [ok, warning, error, unknown]
  source:
    description: Whether those that ended (V(archive)), that run (V(active)), or both.
    type: str
    choices: [archive, active, all]
    default: all
  since:
    description: Only those started since, in seconds since 1970.
    type: int
  until:
    description: Only those started until, in seconds since 1970.
    type: int
  limit:
    description: How many at most.
    type: int
    default: 50
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_task
"""

EXAMPLES = r"""
- name: What failed lately
  pve.fleet.pve_task_info:
    cluster: prod
    status: [error]
    limit: 10
"""

RETURN = r"""
tasks:
  description: The tasks. C(log) is there when they were asked for by identifier.
  returned: success
  type: list
  elements: dict
  sample:
    - upid: 'UPID:pve1:0000A1B2:00C3D4E5:67890ABC:qmstart:101:root@pam:'
      node: pve1
      type: qmstart
      id: '101'
      user: root@pam
      starttime: 1767225600
      status: stopped
      exitstatus: OK
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.task import INFO_ARGUMENTS, run_info
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_task_info',
    run=run_info,
    argument_spec=INFO_ARGUMENTS,
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
