#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and files within a virtual machine, through its guest agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_guest_exec
short_description: Run a command, read or write a file within a virtual machine through its guest agent
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Reaches into a running virtual machine without its network, through the QEMU guest agent.
  - The API has nothing of the kind for containers; connect to those with SSH.
options:
  vmid:
    description: The id of the guest. Give it, or O(name), or both to be sure.
    type: int
  name:
    description: The name of the guest; when several have it, O(vmid) must be given.
    type: str
  command:
    description:
      - The program with its arguments, as a list of words or as one line that is split as a shell does.
      - No shell is used, so that neither pipes nor variables work; name one for that, as in C([sh, -c, "..."]). Give a list
        for Windows, where the backslash parts folders.
    type: raw
  input_data:
    description: What the command reads from its standard input, 64 KiB at most. It is treated as a secret.
    type: str
  creates:
    description: A file or folder within the machine; when it is there, the command is not run.
    type: str
  removes:
    description: A file or folder within the machine; when it is not there, the command is not run.
    type: str
  read_file:
    description: A file within the machine to read, 16 MiB at most.
    type: str
  write_file:
    description: A file within the machine to write, unless it has that content already. Its owner and mode are not changed.
    type: dict
    suboptions:
      path:
        description: The whole path of the file. Its folder must be there.
        type: str
        required: true
      content:
        description: The whole content, 45 KiB at most.
        type: str
        required: true
  timeout:
    description: Seconds to wait for the command. It is not stopped when they are over.
    type: int
    default: 300
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
notes:
  - In check mode a command is not run; RV(rc) is then C(0) and nothing is printed. O(creates) and O(removes) are looked at.
  - The differences of a file are told by size and checksum, not by content, which may be secret.
seealso:
  - module: pve.fleet.pve_vm
"""

EXAMPLES = r"""
- name: Is the service up
  pve.fleet.pve_guest_exec:
    cluster: prod
    name: web-01
    command: systemctl is-active nginx
  register: nginx
  changed_when: false
  failed_when: nginx.rc not in [0, 3]

- name: Set it up once
  pve.fleet.pve_guest_exec:
    cluster: prod
    name: web-01
    command: [sh, -c, "apt-get update && apt-get install -y nginx"]
    creates: /usr/sbin/nginx
    timeout: 900

- name: Write a file
  pve.fleet.pve_guest_exec:
    cluster: prod
    name: web-01
    write_file:
      path: /etc/motd
      content: |
        Managed by Ansible

- name: Read a file
  pve.fleet.pve_guest_exec:
    cluster: prod
    name: web-01
    read_file: /etc/os-release
  register: release
"""

RETURN = r"""
changes:
  description: What was done, in words; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample: [run sh in web-01 (104)]
diff:
  description: What differs before and after, without secrets.
  returned: always
  type: dict
  sample: {before: {path: /etc/motd, state: absent}, after: {path: /etc/motd, state: present, size: 19, sha256: 4a3c...}}
guest:
  description: Which guest it was.
  returned: success
  type: dict
  sample: {cluster: prod, vmid: 104, name: web-01, node: pve2, type: qemu, status: running}
cmd:
  description: The command as a list of words.
  returned: O(command)
  type: list
  elements: str
  sample: [systemctl, is-active, nginx]
rc:
  description: How the command ended; the task fails unless it is C(0). Negative when a signal ended it.
  returned: O(command)
  type: int
  sample: 0
stdout:
  description: What the command printed.
  returned: O(command)
  type: str
  sample: "active\n"
stderr:
  description: What the command printed to standard error.
  returned: O(command)
  type: str
  sample: ""
stdout_lines:
  description: The same in lines.
  returned: O(command)
  type: list
  elements: str
  sample: [active]
stderr_lines:
  description: The same in lines.
  returned: O(command)
  type: list
  elements: str
  sample: []
stdout_truncated:
  description: Whether the agent left something out.
  returned: O(command)
  type: bool
  sample: false
stderr_truncated:
  description: Whether the agent left something out.
  returned: O(command)
  type: bool
  sample: false
content:
  description: The content of the file, as UTF-8.
  returned: O(read_file)
  type: str
  sample: "ID=debian\n"
truncated:
  description: Whether the file goes on.
  returned: O(read_file)
  type: bool
  sample: false
size:
  description: Bytes of the content.
  returned: O(read_file), O(write_file)
  type: int
  sample: 10
sha256:
  description: The checksum of the content.
  returned: O(read_file), O(write_file)
  type: str
  sample: 7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Conflict, status: 409, message: 'cluster prod, guest web-01: its guest agent does not answer. ...', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_exec import run
from ansible_collections.pve.fleet.plugins.module_utils.operations.spec import EXEC_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_guest_exec',
    run=run,
    argument_spec=EXEC_ARGUMENTS,
    required_one_of=(('vmid', 'name'), ('command', 'read_file', 'write_file')),
    mutually_exclusive=(('command', 'read_file', 'write_file'),),
    required_by={'input_data': 'command', 'creates': 'command', 'removes': 'command'},
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
