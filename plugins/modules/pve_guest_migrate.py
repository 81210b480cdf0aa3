#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a guest to another cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_guest_migrate
short_description: Migrate a guest to another registered cluster
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Sends a virtual machine or a container with its disks to another cluster, a running machine without stopping it.
    Between nodes of one cluster O(ignore:node) of M(pve.fleet.pve_vm) and M(pve.fleet.pve_container) does it.
  - What cannot work is refused before anything is sent - storages and bridges that the target does not have, a taken id,
    snapshots, HA, devices of the node, missing rights.
  - A guest that is in the target already changes nothing. It is known by its UUID or its MAC addresses while its source is
    still there, else by its id, and by O(name) where that is given.
  - Needs PVE 7.3 or later on both sides. The node that the guest is on must reach the target's API.
options:
  vmid:
    description: The id of the guest. Give it, or O(name), or both to be sure.
    type: int
  name:
    description: The name of the guest; when several have it, O(vmid) must be given.
    type: str
  target_cluster:
    description:
      - The registered cluster to send the guest to. It must be registered with an API token that has Sys.Incoming on C(/),
        VM.Allocate for the guest and Datastore.AllocateSpace on the storages; the tier V(admin) of
        M(pve.fleet.pve_cluster_registry) has them.
      - The token of tier admin is used where there is one, otherwise that of tier operator, which then needs these rights.
    type: str
    required: true
  target_vmid:
    description: The id in the target; by default the same.
    type: int
  target_host:
    description: The address of the target as the source node reaches it; by default the first endpoint that is registered.
    type: str
  target_storage:
    description:
      - Where the disks go - one storage for all, or a dictionary from the storage here to that in the target, with C(*) for
        all others. By default storages of the same names.
    type: raw
  target_bridge:
    description:
      - Where the networks are joined - one bridge for all, or a dictionary from the bridge here to that in the target, with
        C(*) for all others. By default bridges of the same names.
    type: raw
  online:
    description: Whether a running virtual machine is moved while it runs. Otherwise the task fails when it runs.
    type: bool
    default: true
  restart:
    description: Whether a running container is stopped, moved and started again. Otherwise the task fails when it runs.
    type: bool
    default: false
  delete_source:
    description: Whether to delete the guest here once it has arrived. Otherwise it stays, stopped.
    type: bool
    default: false
  bwlimit:
    description: The most KiB/s to send.
    type: int
  wait:
    description: Whether to wait for the migration. V(false) starts it and returns its task as RV(upid); RV(guest) is where it was then.
    type: bool
    default: true
  timeout:
    description: Seconds that the migration may take.
    type: int
    default: 7200
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_registry
  - module: pve.fleet.pve_vm
"""

EXAMPLES = r"""
- name: Move a machine to the new cluster while it runs
  pve.fleet.pve_guest_migrate:
    cluster: prod
    name: web-01
    target_cluster: prod2
    target_storage: {local-lvm: ceph, '*': ceph}
    target_bridge: vmbr1
    delete_source: true

- name: Send a container under another id
  pve.fleet.pve_guest_migrate:
    cluster: prod
    vmid: 210
    target_cluster: lab
    target_vmid: 5210
    restart: true
"""

RETURN = r"""
changes:
  description: What was done, in words; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample: [migrate web-01 (104) from prod to prod2 and delete it here]
diff:
  description: What differs before and after, without secrets.
  returned: always
  type: dict
  sample: {before: {cluster: prod, vmid: 104}, after: {cluster: prod2, vmid: 104, storages: {local-lvm: ceph}, bridges: {vmbr0: vmbr1}, source: absent}}
guest:
  description: Which guest it was, where it is now.
  returned: success
  type: dict
  sample: {cluster: prod, vmid: 104, name: web-01, node: pve2, type: qemu, status: running}
upids:
  description: The tasks of the server.
  returned: success
  type: list
  elements: str
  sample: ['UPID:pve2:0000C530:001C9BEC:677E934A:qmigrate:104:fleet@pve!operator:']
upid:
  description: The task that was not waited for.
  returned: when O(wait=false) and a task was left running
  type: str
  sample: "UPID:pve2:0003A2B1:01F3C2A0:69774F2B:qmigrate:104:fleet@pve!operator:"
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Conflict, status: 409, message: 'cluster prod, guest web-01: it has snapshots (s1), and those cannot be sent to another cluster.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.operations.remote_migrate import as_admin, run, selection
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import MIGRATE_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_guest_migrate',
    run=run,
    argument_spec=MIGRATE_ARGUMENTS,
    connection='clusters',
    selection=selection,
    as_admin=as_admin,
    required_one_of=(('vmid', 'name'),),
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
