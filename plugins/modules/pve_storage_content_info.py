#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List what is on a storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_storage_content_info
short_description: List what is on a storage
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns files and volumes of a storage, sorted by identifier.
options:
  storage:
    description: The storage.
    type: str
    required: true
  node:
    description: The node to go through; any on which the storage can be used unless given.
    type: str
  content:
    description: Only this kind.
    type: str
    choices: [iso, vztmpl, import, snippets, backup, images, rootdir]
  vmid:
    description: Only what belongs to this guest.
    type: int
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_storage_content
"""

EXAMPLES = r"""
- name: Images of CDs
  pve.fleet.pve_storage_content_info:
    cluster: prod
    storage: local
    content: iso
"""

RETURN = r"""
volumes:
  description: What is there.
  returned: success
  type: list
  elements: dict
  sample:
    - {volid: 'local:iso/debian.iso', size: 358400, format: iso, content: iso, ctime: 1767225600}
node:
  description: The node that was asked.
  returned: success
  type: str
  sample: pve1
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.storage_content import INFO_ARGUMENTS, run_info
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_storage_content_info',
    run=run_info,
    argument_spec=INFO_ARGUMENTS,
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
