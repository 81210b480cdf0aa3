#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for tasks and stop them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_task
short_description: Wait for tasks and stop them
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Waits until tasks of the cluster have ended, several if need be, or stops them.
  - Waiting changes nothing and is done in check mode too.
options:
  upids:
    description: The identifiers of the tasks.
    type: list
    elements: str
    required: true
    aliases: [upid]
  state:
    description:
      - V(finished) waits for their ends.
      - V(stopped) stops those that run.
    type: str
    choices: [finished, stopped]
    default: finished
  timeout:
    description: Seconds to wait for all of them together.
    type: int
    default: 600
  fail_on_error:
    description: Whether a task that ended badly is an error of this task too.
    type: bool
    default: true
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_task_info
"""

EXAMPLES = r"""
- name: Wait for what two other tasks started
  pve.fleet.pve_task:
    cluster: prod
    upids: ["{{ first.upid }}", "{{ second.upid }}"]
    timeout: 1800

- name: Stop a backup
  pve.fleet.pve_task:
    cluster: prod
    upids: ["{{ backup.upid }}"]
    state: stopped
"""

RETURN = r"""
tasks:
  description: What became of each.
  returned: success
  type: list
  elements: dict
  sample:
    - upid: 'UPID:pve1:0000A1B2:00C3D4E5:67890ABC:qmstart:101:root@pam:'
      status: stopped
      exitstatus: OK
      warnings: []
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [stop the task vzdump 101 on pve1]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {running: 1}, after: {running: 0}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.task import ARGUMENTS, run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_task',
    run=run,
    argument_spec=ARGUMENTS,
    tier='operator',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
