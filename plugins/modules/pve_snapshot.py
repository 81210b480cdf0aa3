#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a guest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_snapshot
short_description: Take, remove, thin out and roll back snapshots of a guest
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Brings the snapshots of one virtual machine or container to what the task declares. A run that has nothing to do
    changes nothing; M(pve.fleet.pve_guest_info) lists snapshots of many guests.
  - Rolling back is done each time that it is asked for, since what is on the disks cannot be compared.
options:
  vmid:
    description: The id of the guest. Give it, or O(name), or both to be sure.
    type: int
  name:
    description: The name of the guest; when several have it, O(vmid) must be given.
    type: str
  snapshot:
    description: The name of the snapshot. May be left out when only O(keep) is wanted.
    type: str
  state:
    description:
      - V(present) takes the snapshot unless there is one of that name. V(absent) removes it.
      - V(rollback) brings the guest back to it; what was written since is lost.
    type: str
    choices: [present, absent, rollback]
    default: present
  description:
    description: The description of the snapshot. That of an existing one is changed when it differs.
    type: str
  vmstate:
    description: Whether to save the memory of a running virtual machine as well. Counts when the snapshot is taken.
    type: bool
    default: false
  keep:
    description:
      - Keep so many of the newest snapshots that fit O(keep_pattern) and remove the older ones. V(0) removes all.
      - O(snapshot) itself is counted when it fits, and always stays.
    type: int
  keep_pattern:
    description: Which snapshots O(keep) is about, with the wildcards C(*), C(?) and C([...]). Others are left alone.
    type: str
    default: '*'
  start:
    description: Whether to start the guest after rolling back. With saved memory it runs anyway.
    type: bool
    default: false
  force:
    description: Whether to remove a snapshot from the configuration even if the storage fails to remove it.
    type: bool
    default: false
  wait:
    description: Whether to wait for the last task. V(false) starts it and returns it as RV(upid); tasks before it are waited for.
    type: bool
    default: true
  timeout:
    description: Seconds that each task of the server may take, and that a lock is waited for.
    type: int
    default: 600
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_guest_info
  - module: pve.fleet.pve_backup
"""

EXAMPLES = r"""
- name: Take a snapshot before the update
  pve.fleet.pve_snapshot:
    cluster: prod
    name: web-01
    snapshot: before-update
    description: Before the update to Debian 13

- name: Every night, and keep a week
  pve.fleet.pve_snapshot:
    cluster: prod
    name: web-01
    snapshot: "nightly-{{ now(fmt='%Y%m%d') }}"
    keep: 7
    keep_pattern: nightly-*

- name: Back to where it was
  pve.fleet.pve_snapshot:
    cluster: prod
    name: web-01
    snapshot: before-update
    state: rollback
    start: true

- name: Remove it
  pve.fleet.pve_snapshot:
    cluster: prod
    name: web-01
    snapshot: before-update
    state: absent
"""

RETURN = r"""
changes:
  description: What was done, in words; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample: [take snapshot before-update]
diff:
  description: What differs before and after, without secrets.
  returned: always
  type: dict
  sample: {before: {snapshots: {}}, after: {snapshots: {before-update: {description: "", vmstate: false}}}}
guest:
  description: Which guest it was.
  returned: success
  type: dict
  sample: {cluster: prod, vmid: 104, name: web-01, node: pve2, type: qemu, status: running}
snapshot:
  description: The snapshot that the task names as it is now, nothing when there is none.
  returned: success
  type: dict
  sample: {name: before-update, description: "", snaptime: 1795222103, vmstate: false, parent: null}
snapshots:
  description: All snapshots of the guest, the oldest first.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: before-update, description: "", snaptime: 1795222103, vmstate: false, parent: null}
upids:
  description: The tasks of the server, in order.
  returned: success
  type: list
  elements: str
  sample: ['UPID:pve2:0000C530:001C9BEC:677E934A:qmsnapshot:104:fleet@pve!operator:']
upid:
  description: The task that was not waited for.
  returned: when O(wait=false) and a task was left running
  type: str
  sample: "UPID:pve2:0003A2B1:01F3C2A0:69774F2B:qmsnapshot:104:fleet@pve!operator:"
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: 'cluster prod, guest web-01: there is no snapshot s2 to roll back to.', details: {snapshot: s2}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.operations.snapshots import run
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import SNAPSHOT_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_snapshot', run=run, argument_spec=SNAPSHOT_ARGUMENTS, required_one_of=(('vmid', 'name'),)
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
