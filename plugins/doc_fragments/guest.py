# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that virtual machines and containers share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  vmid:
    description:
      - The id of the guest. It is found by O(name) when no id is given.
      - A new guest gets the next free id of the cluster when no id is given.
      - When both are given and the id belongs to a guest of another name, the task fails.
    type: int
  name:
    description:
      - The name of the guest, a DNS name. Guests are found by it within the whole cluster.
      - The task fails when several guests have the name; give the O(vmid) of the one that is meant then.
    type: str
  new_name:
    description: The name that the guest gets, where it is to be renamed. A guest that has this name already is found by it, too.
    type: str
  node:
    description:
      - The node that the guest is on. A guest that is elsewhere is migrated, without interruption where it runs and can be.
      - A new guest is made there. Without O(node) and O(placement) a clone is made where its template is, anything else
        on the node with the most free memory.
    type: str
  placement:
    description: How the node for a new guest is chosen. A guest that exists stays where it is.
    type: dict
    suboptions:
      strategy:
        description: V(spread) takes the node with the most free memory, V(pack) the fullest one that still has enough.
        type: str
        choices: [spread, pack]
        default: spread
      nodes:
        description: The nodes to choose from; all nodes that are online by default.
        type: list
        elements: str
      avoid:
        description: A tag. Nodes with the fewest guests that have it come first.
        type: str
  pool:
    description: The pool that the guest is in; an empty string for none.
    type: str
  storage:
    description: Where new disks go that name no storage themselves.
    type: str
  networks:
    description:
      - Network devices by key, C(net0), C(net1) and so on, with the settings of the API as a dictionary.
      - Only the settings that are named are managed; C(null) removes one. A hardware address stays unless another is given.
      - To remove a network, list its key under O(remove).
    type: dict
  config:
    description:
      - Any other option of the guest's configuration, by the name that the API has for it.
      - Checked against the official parameters of the cluster's own release, before anything is sent.
      - A dictionary manages the settings that it names, text the whole value; C(null) removes the option.
    type: dict
  remove:
    description:
      - Keys of the API to remove from the configuration, such as C(net1), C(scsi2), C(mp0) or C(description).
      - A disk that is removed so is detached and stays as C(unused0) or the like; removing an unused disk destroys it.
    type: list
    elements: str
    default: []
  restore:
    description: Makes a guest that does not exist from a backup.
    type: dict
    suboptions:
      archive:
        description: The backup, as its storage lists it, such as V(local:backup/vzdump-qemu-100-2026_01_31-02_00_00.vma.zst).
        type: str
        required: true
      storage:
        description: The storage that the disks are restored to; by default those of the backup.
        type: str
      unique:
        description: Whether the restored guest gets new hardware addresses.
        type: bool
        default: false
  ha:
    description: The guest's resource in high availability.
    type: dict
    suboptions:
      state:
        description: What HA keeps the guest in, V(started) when it is added; V(absent) takes the guest out of HA.
        type: str
        choices: [started, stopped, disabled, ignored, absent]
      group:
        description: The HA group, on releases before Proxmox VE 9.
        type: str
      max_restart:
        description: How often it is restarted on a node after a failure.
        type: int
      max_relocate:
        description: How often it is moved to another node after that.
        type: int
      failback:
        description: Whether it goes back to a node of higher priority that returns. Proxmox VE 9 and later.
        type: bool
      comment:
        description: A comment.
        type: str
  migration:
    description: How a guest is moved to another O(node).
    type: dict
    suboptions:
      storage:
        description: The storage for local disks on the other node, or a dictionary from each storage to its counterpart.
        type: raw
      bwlimit:
        description: The most KiB per second to transfer.
        type: int
      network:
        description: The network (CIDR) that the transfer takes. Virtual machines only.
        type: str
  reboot:
    description:
      - Whether a running guest is rebooted when changes wait for it.
      - Without it they stay pending, as RV(pending) and RV(reboot_required) tell.
    type: str
    choices: [never, if_required]
    default: never
  force:
    description: Whether a guest that does not shut down within O(shutdown_timeout) is stopped hard.
    type: bool
    default: false
  timeout:
    description: Seconds that each task of the cluster may take (a clone, a move, a migration).
    type: int
    default: 600
  shutdown_timeout:
    description: Seconds that the guest has for shutting down.
    type: int
    default: 180
  purge:
    description: Whether O(state=absent) removes the guest from HA, backup jobs and replication, too.
    type: bool
    default: false
  destroy_unreferenced_disks:
    description: Whether O(state=absent) also destroys volumes of that id which the configuration does not name.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the last task of the run. V(false) starts it and returns it as RV(upid); M(pve.fleet.pve_task) waits for it.
      - What comes before it is always waited for. When something must come after a long task, such as a change of a new clone that is
        not to be started, the run is refused before anything is done. It does not go with O(wait_for).
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for what O(wait_for) names.
    type: int
    default: 300
  cores:
    description: The number of CPU cores.
    type: int
  cpulimit:
    description: The most CPU time, in cores; C(0) for no limit.
    type: float
  cpuunits:
    description: The weight against other guests when CPU time is short.
    type: int
  memory:
    description: Memory, as in V(8G) or V(512M); a number without unit is MiB.
    type: raw
  description:
    description: The notes of the guest.
    type: str
  onboot:
    description: Whether it starts when its node does.
    type: bool
  startup:
    description: The order of starting, C(order=1,up=30,down=60) or a dictionary with these keys.
    type: raw
  protection:
    description: Whether the guest and its disks are protected against removal.
    type: bool
  hookscript:
    description: A script on a storage that is run at starts and stops. Only root@pam itself may set it.
    type: str
  tags:
    description: The tags of the guest, all of them; an empty list removes them.
    type: list
    elements: str
"""
