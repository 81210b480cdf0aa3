#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of guests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_backup
short_description: Back guests up, restore, prune and list backups
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Runs a backup now, restores one, removes what a retention does not keep, or lists what there is.
  - Running a backup changes something each time. Pruning, restoring and listing do nothing when there is nothing to do.
options:
  action:
    description:
      - V(run) backs up one guest (O(vmid) or O(name)), a O(pool), or O(all); each guest on its own node, the nodes at the
        same time.
      - V(restore) makes a guest from O(archive). One that has the vmid already is left alone unless O(force) is set.
      - V(prune) removes backups that the O(keep_last) family of options does not keep, of one guest or of O(all).
      - V(list) returns the backups there are, of one guest or of all, and changes nothing.
    type: str
    choices: [run, restore, prune, list]
    required: true
  vmid:
    description: The id of the guest. For O(action=restore) the id to restore to, by default that which the backup is of.
    type: int
  name:
    description: The name of the guest that is backed up, or whose backups are meant.
    type: str
  pool:
    description: Back up all guests of this pool. For O(action=restore) the pool that the guest is put into.
    type: str
  all:
    description: Whether every guest is meant (O(action=run), O(action=prune)).
    type: bool
    default: false
  exclude:
    description: Ids of guests that O(all) and O(pool) leave out.
    type: list
    elements: int
    default: []
  node:
    description: Only guests, or only backups, on this node. For O(action=restore) the node to restore on.
    type: str
  type:
    description: Only virtual machines (V(qemu)) or containers (V(lxc)).
    type: str
    choices: [qemu, lxc]
  storage:
    description: The storage of the backups. Needed for O(action=run) and O(action=prune).
    type: str
  mode:
    description: How a running guest is backed up - while it runs, suspended for a moment, or stopped and started again.
    type: str
    choices: [snapshot, suspend, stop]
    default: snapshot
  compress:
    description: How the backup is compressed. A Proxmox Backup Server has its own way.
    type: str
    choices: [none, gzip, lzo, zstd]
    default: zstd
  notes:
    description: Notes for the backup, with PVE's placeholders such as C({{guestname}}) (as raw text, C({% raw %})).
    type: str
  protected:
    description: Whether the backup is protected against pruning and removal.
    type: bool
  bwlimit:
    description: The most KiB/s to read or write. Backups take it from users with Sys.Modify on C(/) only.
    type: int
  options:
    description: Other options of vzdump by their own names, checked against the release of the cluster.
    type: dict
  keep_last:
    description:
      - Keep so many of the newest backups of each guest.
      - Without any of these options the retention of the storage counts. With O(action=run) they are applied to each guest
        after its backup.
    type: int
  keep_hourly:
    description: Keep the newest backup of so many hours.
    type: int
  keep_daily:
    description: Keep the newest backup of so many days.
    type: int
  keep_weekly:
    description: Keep the newest backup of so many weeks.
    type: int
  keep_monthly:
    description: Keep the newest backup of so many months.
    type: int
  keep_yearly:
    description: Keep the newest backup of so many years.
    type: int
  archive:
    description: The backup to restore, as O(action=list) shows it, or V(latest) for the newest of the guest.
    type: str
  target_storage:
    description: Where the restored disks are put; by default where they were.
    type: str
  new_name:
    description: The name of the restored guest; by default that which it had.
    type: str
  unique:
    description: Whether the restored guest gets new MAC addresses.
    type: bool
    default: false
  start:
    description: Whether to start the restored guest.
    type: bool
    default: false
  force:
    description: Whether to overwrite a guest that has the vmid. It must be stopped. Its disks are lost.
    type: bool
    default: false
  wait:
    description: Whether to wait for the tasks. V(false) starts them and returns them as RV(upids), the last one as RV(upid), too.
    type: bool
    default: true
  timeout:
    description: Seconds that each task of the server may take.
    type: int
    default: 7200
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_vm
  - module: pve.fleet.pve_container
  - module: pve.fleet.pve_snapshot
"""

EXAMPLES = r"""
- name: Back one guest up and keep its last three backups
  pve.fleet.pve_backup:
    action: run
    cluster: prod
    name: web-01
    storage: backup
    keep_last: 3

- name: Back up a pool before the great change
  pve.fleet.pve_backup:
    action: run
    cluster: prod
    pool: shop
    storage: backup
    protected: true
    notes: Before the move

- name: What is there
  pve.fleet.pve_backup:
    action: list
    cluster: prod
    vmid: 104
  register: there

- name: Bring a lost guest back from its newest backup
  pve.fleet.pve_backup:
    action: restore
    cluster: prod
    vmid: 104
    archive: latest
    start: true

- name: Tidy up
  pve.fleet.pve_backup:
    action: prune
    cluster: prod
    all: true
    storage: backup
    keep_daily: 7
    keep_weekly: 4
"""

RETURN = r"""
changes:
  description: What was done, in words; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample: [back up web-01 (104) on pve2 to backup]
diff:
  description: What differs before and after, without secrets.
  returned: always
  type: dict
  sample: {before: {}, after: {backups: [{vmid: 104, storage: backup, mode: snapshot, compress: zstd}]}}
backups:
  description:
    - O(action=run) - the backups that were made. O(action=prune) - those that were removed. O(action=list) - all, the newest
      first. A backup on a shared storage has no node.
  returned: success, but for O(action=restore)
  type: list
  elements: dict
  sample:
    - volid: backup:backup/vzdump-qemu-104-2026_01_31-02_00_00.vma.zst
      vmid: 104
      type: qemu
      ctime: 1795222103
      size: 1073741824
      format: vma.zst
      storage: backup
      node: null
      protected: false
      notes: web-01
errors:
  description: Storages that could not be asked.
  returned: O(action=list)
  type: list
  elements: dict
  sample: []
guest:
  description: Which guest it was, as it is after restoring.
  returned: O(action=restore), nothing in check mode
  type: dict
  sample: {cluster: prod, vmid: 104, name: web-01, node: pve2, type: qemu, status: running}
upids:
  description: The tasks of the server.
  returned: success, but for O(action=list)
  type: list
  elements: str
  sample: ['UPID:pve2:0000C530:001C9BEC:677E934A:vzdump:104:fleet@pve!operator:']
upid:
  description: The task that was not waited for.
  returned: when O(wait=false) and a task was left running
  type: str
  sample: "UPID:pve2:0003A2B1:01F3C2A0:69774F2B:vzdump:104:fleet@pve!operator:"
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: TaskFailed, status: 500, message: 'cluster prod: there is no backup of db-01 (105): VM is locked.', details: {failed: [105], made: []}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.operations.backups import run
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import BACKUP_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_backup', run=run, argument_spec=BACKUP_ARGUMENTS
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
