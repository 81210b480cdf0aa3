#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring files to a storage and delete them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_storage_content
short_description: Bring files to a storage and delete them
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Uploads files, has the cluster download them itself, sets their notes, and deletes them.
  - 'A file is known by its name: one that is there is left alone, unless an upload has another size or
    O(replace=true).'
  - A storage that several nodes share needs one upload only.
options:
  storage:
    description: The storage.
    type: str
    required: true
  node:
    description: The node to go through; any on which the storage can be used unless given.
    type: str
  content:
    description:
      - 'What the file is. Uploads and downloads are for V(iso), V(vztmpl) and V(import) only: the API takes no
        others.'
    type: str
    choices: [iso, vztmpl, import, snippets, backup]
  filename:
    description: The name on the storage; by default that of O(src) or O(url).
    type: str
  volid:
    description: The whole identifier, such as V(local:iso/debian.iso), instead of O(content) and O(filename).
    type: str
  src:
    description: 'A file to upload, on the machine where the task runs: the controller with a local connection.'
    type: path
  url:
    description: Where the node downloads the file.
    type: str
  template:
    description:
      - A template of containers in the list of appliances that the node keeps (C(pveam available)), such as
        V(debian-13-standard_13.1-2_amd64.tar.zst). The node downloads and verifies it.
    type: str
  checksum:
    description: The checksum, which the cluster verifies before it takes the file.
    type: str
  checksum_algorithm:
    description: The algorithm of O(checksum).
    type: str
    choices: [md5, sha1, sha224, sha256, sha384, sha512]
    default: sha256
  compression:
    description: The compression of the download, which the node undoes, such as V(gz).
    type: str
  verify_certificates:
    description: Whether the node verifies the certificate of O(url).
    type: bool
    default: true
  notes:
    description: Notes, for backups.
    type: str
  protected:
    description: Whether a backup is protected against deletion. A protected one is not deleted.
    type: bool
  replace:
    description: Whether a file of this name is uploaded or downloaded again.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for the task on the node.
    type: int
    default: 3600
  state:
    description: Whether the file shall exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_storage
  - module: pve.fleet.pve_storage_content_info
"""

EXAMPLES = r"""
- name: Have the node download an image
  pve.fleet.pve_storage_content:
    cluster: prod
    storage: local
    content: iso
    url: https://example.com/images/debian-13.iso

- name: Have the node fetch a template of containers from Proxmox
  pve.fleet.pve_storage_content:
    cluster: prod
    storage: local
    template: alpine-3.20-default_20240908_amd64.tar.xz

- name: Upload a template of containers
  pve.fleet.pve_storage_content:
    cluster: prod
    storage: local
    content: vztmpl
    src: files/alpine-3.22.tar.zst
    filename: alpine-3.22.tar.zst

- name: Delete a file
  pve.fleet.pve_storage_content:
    cluster: prod
    storage: local
    volid: local:iso/old.iso
    state: absent
"""

RETURN = r"""
volume:
  description: The file as the storage lists it, with the node that was asked; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    volid: 'local:iso/debian.iso'
    size: 358400
    format: iso
    content: iso
    ctime: 1767225600
    node: pve1
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['upload local:iso/debian.iso']
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {}, after: {volid: 'local:iso/debian.iso', size: 358400}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.storage_content import ARGUMENTS, SOURCES, run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_storage_content',
    run=run,
    argument_spec=ARGUMENTS,
    tier='operator',
    mutually_exclusive=(SOURCES,),
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
