#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a virtual machine to a declared state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_vm
short_description: Bring a virtual machine to a declared state
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Brings a virtual machine (QEMU/KVM) from nothing, or from whatever it is now, to what the task declares.
  - Only what the task names is managed. Values are compared by their meaning, so that a task that is run again changes nothing.
  - A run that was broken off is finished by the next one. A new virtual machine comes from O(clone), O(restore),
    a disk image (C(import_from) of a disk) or from nothing.
options:
  state:
    description:
      - V(present) makes the virtual machine and leaves its power state alone.
      - V(started), V(stopped), V(paused) and V(restarted) also see to the power state; stopping is graceful first (see O(force)).
      - V(template) turns it into a template, which cannot be undone.
      - V(absent) shuts it down and destroys it. Protected machines, templates with linked clones and, without O(purge),
        those managed by HA are refused.
    type: str
    choices: [present, absent, started, stopped, restarted, paused, template]
    default: present
  clone:
    description: Makes a virtual machine that does not exist from another one. It matters no more once it exists.
    type: dict
    suboptions:
      template:
        description: The name or the id of what is cloned.
        type: str
      tag:
        description: A tag that exactly one template has, instead of its name.
        type: str
      full:
        description: Whether the disks are copied; V(false) makes a linked clone of a template.
        type: bool
        default: true
      snapshot:
        description: The snapshot to clone instead of the present state.
        type: str
      storage:
        description: The storage for the copied disks; by default where the originals are.
        type: str
      format:
        description: The format of the copied disks.
        type: str
        choices: [raw, qcow2, vmdk]
  disks:
    description:
      - Disks by key (C(scsi0), C(virtio1), C(sata0), C(ide2), C(efidisk0), C(tpmstate0)), each a dictionary.
      - C(storage) and C(size) make a disk that is not there. A larger C(size) grows one that is, another C(storage) moves it
        (C(keep_old=true) keeps the old volume as unused); C(size=+10G) grows it with every run.
      - C(import_from) fills a new disk from an image, C(volume) attaches a volume that exists, C(iso) puts an image into a
        drive (V(none) empties it), C(format) is the format of a new or moved volume.
      - C(state=detached) keeps the volume as unused, C(state=absent) destroys it.
      - All other keys are the API's own settings of a disk (C(ssd), C(discard), C(iothread), C(cache), C(mbps_rd) ...).
    type: dict
  devices:
    description: Other indexed devices by key (C(serial0), C(usb0), C(hostpci0), C(rng0), C(audio0), C(virtiofs0)), text or a dictionary.
    type: dict
  cloud_init:
    description: cloud-init. The image of a running machine is made anew when something changed.
    type: dict
    suboptions:
      storage:
        description: The storage for a cloud-init drive, which is added when there is none.
        type: str
      drive:
        description: Where that drive is added.
        type: str
        default: ide2
      type:
        description: The format of the data.
        type: str
        choices: [configdrive2, nocloud, opennebula]
      user:
        description: The user that is set up.
        type: str
      password:
        description: That user's password. It cannot be compared, so it is set when there is none, or see O(update_password).
        type: str
      ssh_keys:
        description: Public keys, a list or the content of a file.
        type: raw
      ip:
        description:
          - The addresses by network, each V(dhcp) or a dictionary with C(address) (C(10.0.0.5/24), V(dhcp)), C(gateway),
            C(address6) (C(2001:db8::5/64), V(dhcp), V(auto)) and C(gateway6). What is declared for a network replaces what was there.
        type: dict
      nameserver:
        description: DNS servers, a list or text.
        type: raw
      searchdomain:
        description: DNS search domains, a list or text.
        type: raw
      custom:
        description: Files on a storage that replace what is generated, C(user=local:snippets/user.yaml) or a dictionary.
        type: raw
      upgrade:
        description: Whether packages are upgraded at the first boot. Proxmox VE 8 and later.
        type: bool
  update_password:
    description: V(always) sets the password of O(cloud_init) with every run, which always reports a change.
    type: str
    choices: [always, on_create]
    default: on_create
  wait_for:
    description:
      - What a running machine is waited for, V(agent) (its guest agent answers), V(ip) (it has an address) or V(ssh) (port 22 answers).
      - The addresses are returned by interface.
    type: str
    choices: [none, agent, ip, ssh]
    default: none
  sockets:
    description: The number of CPU sockets.
    type: int
  vcpus:
    description: The number of CPUs that are plugged in.
    type: int
  affinity:
    description: The cores of the host that it runs on, such as V(0-3,8).
    type: str
  numa:
    description: Whether NUMA is emulated.
    type: bool
  balloon:
    description: The least memory that ballooning leaves; C(0) turns ballooning off.
    type: raw
  shares:
    description: The weight for ballooning.
    type: int
  cpu:
    description: The CPU type, V(host) or a dictionary with C(cputype) and C(flags).
    type: raw
  machine:
    description: The machine type, V(q35) or a dictionary.
    type: raw
  bios:
    description: V(seabios) or V(ovmf).
    type: str
  ostype:
    description: The kind of operating system, such as V(l26) or V(win11).
    type: str
  scsihw:
    description: The SCSI controller, such as V(virtio-scsi-single).
    type: str
  boot:
    description: The boot order, a list of devices, or the API's own text.
    type: raw
  agent:
    description: Whether the guest agent is used, or a dictionary with C(enabled), C(fstrim_cloned_disks) and the like.
    type: raw
  vga:
    description: The display, V(serial0) or a dictionary.
    type: raw
  hotplug:
    description: What may be plugged while it runs, such as V(disk,network,usb).
    type: raw
  kvm:
    description: Whether hardware virtualisation is used.
    type: bool
  acpi:
    description: Whether ACPI is on.
    type: bool
  tablet:
    description: Whether there is a USB tablet as pointing device.
    type: bool
  localtime:
    description: Whether the clock is in local time.
    type: bool
  keyboard:
    description: The keyboard layout of the console.
    type: str
  watchdog:
    description: The watchdog, V(i6300esb) or a dictionary with C(model) and C(action).
    type: raw
  args:
    description: Further arguments for QEMU. Only root@pam itself may set them.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
  - pve.fleet.guest
seealso:
  - module: pve.fleet.pve_container
  - module: pve.fleet.pve_guest_info
"""

EXAMPLES = r"""
- name: A virtual machine, from nothing or from whatever it is now
  pve.fleet.pve_vm:
    cluster: prod
    name: web-01
    clone: {template: debian-13, full: true}
    cores: 4
    memory: 8G
    disks:
      scsi0: {size: 40G, discard: true, ssd: true}
      scsi1: {storage: ceph, size: 200G}
    networks:
      net0: {bridge: vmbr0, tag: 20}
    cloud_init:
      user: ops
      ssh_keys: ["{{ lookup('ansible.builtin.file', 'ops.pub') }}"]
      ip: {net0: {address: 10.0.20.11/24, gateway: 10.0.20.1}}
    tags: [web, prod]
    pool: shop
    state: started
    wait_for: ip
  register: web

- name: A template from a cloud image
  pve.fleet.pve_vm:
    cluster: prod
    name: debian-13
    node: pve1
    memory: 2G
    scsihw: virtio-scsi-single
    disks:
      scsi0: {storage: local-lvm, import_from: "local:import/debian-13-genericcloud-amd64.qcow2", size: 10G, discard: true}
    networks:
      net0: {bridge: vmbr0}
    devices: {serial0: socket}
    vga: serial0
    boot: [scsi0]
    agent: true
    cloud_init: {storage: local-lvm}
    state: template

- name: Move a disk, take out another, apply what waits for a reboot
  pve.fleet.pve_vm:
    cluster: prod
    name: db-01
    disks:
      scsi0: {storage: ceph}
      scsi2: {state: detached}
    memory: 32G
    reboot: if_required

- name: Move a running virtual machine with its local disks to another node
  pve.fleet.pve_vm:
    cluster: prod
    name: db-01
    node: pve3
    migration: {storage: {local-lvm: ceph}}

- name: Order a clone and go on with something else
  pve.fleet.pve_vm:
    cluster: prod
    name: web-02
    clone: {template: debian-13}
    wait: false
  register: ordered

- name: Wait for it later
  pve.fleet.pve_task:
    cluster: prod
    upids: ["{{ ordered.upid }}"]
  when: ordered.upid is defined

- name: Remove
  pve.fleet.pve_vm:
    cluster: prod
    name: web-01
    state: absent
    purge: true
"""

RETURN = r"""
vm:
  description:
    - The virtual machine as it is after the run; C(null) when it is absent.
    - In check mode as it is now, and with the status C(absent) when it would be made.
  returned: success
  type: dict
  sample:
    cluster: prod
    vmid: 104
    name: web-01
    node: pve2
    type: qemu
    status: running
    template: false
    tags: [prod, web]
    pool: shop
    config:
      cores: 4
      memory: 8192
      disks: {scsi0: {volume: "ceph:vm-104-disk-0", storage: ceph, size: 40G, discard: true, ssd: true}}
      networks: {net0: {model: virtio, macaddr: "BC:24:11:2E:00:01", bridge: vmbr0, tag: 20}}
      cloud_init: {user: ops, ip: {net0: {address: 10.0.20.11/24, gateway: 10.0.20.1}}}
    addresses: {net0: [10.0.20.11, "fe80::be24:11ff:fe2e:1"]}

changes:
  description: What was done, or would be done in check mode, in words and in order.
  returned: success, and on failure what was done before it
  type: list
  elements: str
  sample: ["clone template debian-13 (9000) to 104 on pve2", "grow scsi0 from 10G to 40G", start]
diff:
  description: What differs before and after, parsed, without secrets and without what the server generates.
  returned: success
  type: dict
  sample: {before: {memory: 2048}, after: {memory: 4096}}
pending:
  description: Options that a running guest takes up only after a reboot, with their new values; C(null) for those that go.
  returned: success
  type: dict
  sample: {memory: 4096}
reboot_required:
  description: Whether changes wait for a reboot.
  returned: success
  type: bool
  sample: false
upids:
  description: The tasks of the cluster that were started, in order.
  returned: success
  type: list
  elements: str
  sample: ["UPID:pve2:0003A2B1:01F3C2A0:69774F2B:qmclone:9000:fleet@pve!operator:"]
upid:
  description: The task that was not waited for.
  returned: when O(wait=false) and a task was left running
  type: str
  sample: "UPID:pve2:0003A2B1:01F3C2A0:69774F2B:qmstart:104:fleet@pve!operator:"
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: "cluster prod, VM web-01: scsi0 has 40G and the task asks for 20G: disks only grow.", details: {disk: scsi0}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import QEMU
from ansible_collections.pve.fleet.plugins.module_utils.guests.run import guest_run
from ansible_collections.pve.fleet.plugins.module_utils.guests.spec import VM_ARGUMENTS, VM_SETTINGS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_vm',
    run=guest_run(QEMU, VM_SETTINGS),
    argument_spec=VM_ARGUMENTS,
    mutually_exclusive=(('node', 'placement'),),
    required_one_of=(('name', 'vmid'),),
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
