#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a container to a declared state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_container
short_description: Bring a container to a declared state
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Brings a container (LXC) from nothing, or from whatever it is now, to what the task declares.
  - Only what the task names is managed. Values are compared by their meaning, so that a task that is run again changes nothing.
  - A run that was broken off is finished by the next one. A new container comes from O(ostemplate), O(clone) or O(restore).
options:
  state:
    description:
      - V(present) makes the container and leaves its power state alone.
      - V(started), V(stopped) and V(restarted) also see to the power state; stopping is graceful first (see O(force)).
      - V(template) turns it into a template, which cannot be undone.
      - V(absent) shuts it down and destroys it. Protected containers, templates with linked clones and, without O(purge),
        those managed by HA are refused.
    type: str
    choices: [present, absent, started, stopped, restarted, template]
    default: present
  ostemplate:
    description: The template file that a new container is made from, such as V(local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst).
    type: str
  password:
    description: The password of root in a container that is made from O(ostemplate). It is set only then.
    type: str
  ssh_keys:
    description: Public keys of root in a container that is made from O(ostemplate), a list or the content of a file. They are set only then.
    type: raw
  clone:
    description: Makes a container that does not exist from another one. It matters no more once it exists.
    type: dict
    suboptions:
      template:
        description: The name or the id of what is cloned.
        type: str
      tag:
        description: A tag that exactly one template has, instead of its name.
        type: str
      full:
        description: Whether the volumes are copied; V(false) makes a linked clone of a template.
        type: bool
        default: true
      snapshot:
        description: The snapshot to clone instead of the present state.
        type: str
      storage:
        description: The storage for the copied volumes; by default where the originals are.
        type: str
  disks:
    description:
      - The root file system and mount points by key (C(rootfs), C(mp0) ...), each a dictionary.
      - C(storage) and C(size) make a volume that is not there (a mount point needs C(mp), its path, as well). A larger
        C(size) grows one that is, another C(storage) moves it, while the container is stopped (C(keep_old=true) keeps the
        old volume as unused). C(size=+10G) grows it with every run; Proxmox VE adds to the size that it has when it is asked, so
        two tasks that do so in the same moment may count as one.
      - C(volume) attaches a volume that exists, or a path of the host, which only root@pam itself may do.
      - C(state=detached) keeps the volume as unused, C(state=absent) destroys it.
      - All other keys are the API's own settings of a mount point (C(backup), C(quota), C(ro), C(mountoptions) ...).
    type: dict
  wait_for:
    description:
      - What a running container is waited for, V(ip) (it has an address) or V(ssh) (port 22 answers).
      - The addresses are returned by interface.
    type: str
    choices: [none, ip, ssh]
    default: none
  swap:
    description: Swap, as in V(1G) or V(512M); a number without unit is MiB.
    type: raw
  ostype:
    description: The kind of operating system, such as V(debian) or V(unmanaged).
    type: str
  arch:
    description: The architecture.
    type: str
  unprivileged:
    description: Whether the container runs in a user namespace, as it does by default. This is decided when it is made.
    type: bool
  features:
    description: Features such as C(nesting=1), text or a dictionary. With an API token only C(nesting) may be set.
    type: raw
  nameserver:
    description: DNS servers, a list or text.
    type: raw
  searchdomain:
    description: DNS search domains, a list or text.
    type: raw
  timezone:
    description: The time zone; V(host) for that of the node.
    type: str
  tty:
    description: The number of terminals.
    type: int
  console:
    description: Whether there is a console device.
    type: bool
  cmode:
    description: What the console is attached to.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
  - pve.fleet.guest
seealso:
  - module: pve.fleet.pve_vm
  - module: pve.fleet.pve_guest_info
"""

EXAMPLES = r"""
- name: A container, from nothing or from whatever it is now
  pve.fleet.pve_container:
    cluster: prod
    name: dns-01
    node: pve2
    ostemplate: local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst
    ssh_keys: "{{ lookup('ansible.builtin.file', 'ops.pub') }}"
    cores: 2
    memory: 1G
    disks:
      rootfs: {storage: local-lvm, size: 8G}
      mp0: {storage: ceph, size: 20G, mp: /var/lib/bind}
    networks:
      net0: {name: eth0, bridge: vmbr0, tag: 20, ip: 10.0.20.53/24, gw: 10.0.20.1}
    features: {nesting: true}
    onboot: true
    state: started
    wait_for: ip
  register: dns

- name: Grow its root file system and give it more memory
  pve.fleet.pve_container:
    cluster: prod
    name: dns-01
    disks: {rootfs: {size: 16G}}
    memory: 2G

- name: Remove a mount point with its volume
  pve.fleet.pve_container:
    cluster: prod
    name: dns-01
    state: stopped
    disks: {mp0: {state: absent}}

- name: Remove
  pve.fleet.pve_container:
    cluster: prod
    name: dns-01
    state: absent
"""

RETURN = r"""
container:
  description:
    - The container as it is after the run; C(null) when it is absent.
    - In check mode as it is now, and with the status C(absent) when it would be made.
  returned: success
  type: dict
  sample:
    cluster: prod
    vmid: 105
    name: dns-01
    node: pve2
    type: lxc
    status: running
    template: false
    tags: []
    pool: null
    config:
      cores: 2
      memory: 1024
      disks: {rootfs: {volume: "local-lvm:vm-105-disk-0", storage: local-lvm, size: 8G}}
      networks: {net0: {name: eth0, hwaddr: "BC:24:11:2E:00:02", bridge: vmbr0, tag: 20, ip: 10.0.20.53/24, gw: 10.0.20.1, type: veth}}
    addresses: {net0: [10.0.20.53]}

changes:
  description: What was done, or would be done in check mode, in words and in order.
  returned: success, and on failure what was done before it
  type: list
  elements: str
  sample: ["create CT dns-01 as 105 on pve2 from local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst", start]
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
  sample: "UPID:pve2:0003A2B1:01F3C2A0:69774F2B:vzstart:104:fleet@pve!operator:"
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: "cluster prod, CT web-01: scsi0 has 40G and the task asks for 20G: disks only grow.", details: {disk: scsi0}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import LXC
from ansible_collections.pve.fleet.plugins.module_utils.guests.run import guest_run
from ansible_collections.pve.fleet.plugins.module_utils.guests.spec import CONTAINER_ARGUMENTS, CONTAINER_SETTINGS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_container',
    run=guest_run(LXC, CONTAINER_SETTINGS),
    argument_spec=CONTAINER_ARGUMENTS,
    mutually_exclusive=(('node', 'placement'),),
    required_one_of=(('name', 'vmid'),),
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
