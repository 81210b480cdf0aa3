#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the storages of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_storage
short_description: Manage the storages of a cluster
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes the configuration of storages of all kinds. What a kind takes is checked against the
    tables of the release.
  - 'Deleting a storage leaves its data where it is, but guests that have volumes on it do not start any more: that
    is refused unless O(force=true).'
  - 'The dashes of Proxmox VE are underscores in the options: C(prune-backups) is O(prune_backups).'
options:
  storage:
    description: The name of the storage.
    type: str
    required: true
  type:
    description: What kind of storage it is. Needed to make it; it cannot be changed.
    type: str
    choices:
      - btrfs
      - cephfs
      - cifs
      - dir
      - esxi
      - glusterfs
      - iscsi
      - iscsidirect
      - lvm
      - lvmthin
      - nfs
      - pbs
      - rbd
      - zfs
      - zfspool
  content:
    description: What it may hold.
    type: list
    elements: str
    choices: [images, rootdir, vztmpl, backup, iso, snippets, import, 'none']
  nodes:
    description: The nodes on which it can be used; all unless given.
    type: list
    elements: str
  disable:
    description: Whether it is switched off.
    type: bool
  shared:
    description: Whether its content is the same on all nodes. Only for kinds where the cluster cannot know.
    type: bool
  path:
    description: The folder, for C(dir) and C(btrfs).
    type: str
  server:
    description: The server, for network storages.
    type: str
  server2:
    description: The second server, for C(glusterfs).
    type: str
  export:
    description: The NFS export.
    type: str
  share:
    description: The CIFS share.
    type: str
  subdir:
    description: The folder within the share, for C(cifs) and C(cephfs).
    type: str
  volume:
    description: The volume, for C(glusterfs).
    type: str
  datastore:
    description: The datastore, for C(pbs).
    type: str
  namespace:
    description: The namespace, for C(pbs) and C(rbd).
    type: str
  pool:
    description: The pool, for C(rbd), C(zfs) and C(zfspool).
    type: str
  data_pool:
    description: The pool for data of an erasure-coded C(rbd).
    type: str
  fs_name:
    description: The Ceph file system.
    type: str
  monhost:
    description: The addresses of monitors, for external Ceph.
    type: str
  vgname:
    description: The volume group, for C(lvm) and C(lvmthin).
    type: str
  thinpool:
    description: The thin pool, for C(lvmthin).
    type: str
  base:
    description: The base volume on an iSCSI storage, for C(lvm).
    type: str
  portal:
    description: The iSCSI portal.
    type: str
  target:
    description: The iSCSI target.
    type: str
  iscsiprovider:
    description: The iSCSI implementation, for C(zfs).
    type: str
  comstar_hg:
    description: The host group, for C(zfs) over Comstar.
    type: str
  comstar_tg:
    description: The target group, for C(zfs) over Comstar.
    type: str
  lio_tpg:
    description: The target portal group, for C(zfs) over LIO.
    type: str
  blocksize:
    description: The block size, for C(zfs) and C(zfspool).
    type: str
  zfs_base_path:
    description: The base path of volumes, for C(zfs).
    type: str
  mountpoint:
    description: The mount point, for C(zfspool).
    type: str
  username:
    description: The user name on the server.
    type: str
  domain:
    description: The CIFS domain.
    type: str
  master_pubkey:
    description: The public RSA key that wraps the encryption key, for C(pbs).
    type: str
  authsupported:
    description: The authentication of C(rbd).
    type: str
  options:
    description: Options of mounting, for C(nfs) and C(cifs).
    type: str
  is_mountpoint:
    description:
      - Whether the path is a mount point, or which path is, so that nothing is written while it is not mounted.
    type: str
  saferemove_throughput:
    description: How fast volumes are wiped.
    type: str
  content_dirs:
    description: Other folders for kinds of content, such as V(iso=images/iso).
    type: str
  bwlimit:
    description: Limits of bandwidth, such as V(migration=100,restore=200) in MiB/s.
    type: str
  server_fingerprint:
    description: The fingerprint of the certificate of the storage's server, for C(pbs).
    type: str
  port:
    description: The port of the server.
    type: int
  transport:
    description: The transport, for C(glusterfs).
    type: str
    choices: [tcp, rdma, unix]
  smbversion:
    description: The version of the SMB protocol.
    type: str
    choices: [default, '2.0', '2.1', '3', '3.0', '3.11']
  format:
    description: The format of new images.
    type: str
    choices: [raw, qcow2, subvol, vmdk]
  preallocation:
    description: How space is reserved for images.
    type: str
    choices: ['off', metadata, falloc, full]
  prune_backups:
    description: 'Which backups are kept, as a dictionary such as C({keep-daily: 7}) or as text.'
    type: raw
  max_protected_backups:
    description: How many protected backups a guest may have; V(-1) for any number.
    type: int
  maxfiles:
    description: How many backups of a guest are kept; before release 9, O(prune_backups) is the newer way.
    type: int
  saferemove_stepsize:
    description: The step size of wiping, in MiB.
    type: int
  create_base_path:
    description: Whether the base folder is made.
    type: bool
  create_subdirs:
    description: Whether the folders for each kind of content are made.
    type: bool
  mkdir:
    description: Whether folders are made; the older name of the two above.
    type: bool
  fuse:
    description: Whether CephFS is mounted by FUSE.
    type: bool
  krbd:
    description: Whether RBD is used by the kernel.
    type: bool
  nocow:
    description: Whether copy on write is off, for C(btrfs).
    type: bool
  nowritecache:
    description: Whether the write cache of the target is off, for C(zfs).
    type: bool
  saferemove:
    description: Whether volumes are wiped when they are deleted.
    type: bool
  sparse:
    description: Whether ZFS volumes are thin.
    type: bool
  tagged_only:
    description: Whether only logical volumes tagged C(pve-vm-ID) are used.
    type: bool
  skip_cert_verification:
    description: Whether the certificate of the server is not verified, for C(esxi).
    type: bool
  snapshot_as_volume_chain:
    description: Whether snapshots are chains of volumes.
    type: bool
  password:
    description: The password on the server.
    type: str
  encryption_key:
    description: The key that encrypts backups, or V(autogen), for C(pbs).
    type: str
  keyring:
    description: The keyring of external Ceph.
    type: str
  state:
    description: Whether the storage shall exist. Deleting it never deletes data.
    type: str
    choices: [present, absent]
    default: present
  remove:
    description: Names of settings to take away, so that they go back to their defaults.
    type: list
    elements: str
  force:
    description: Whether to delete a storage that guests have volumes on nevertheless.
    type: bool
    default: false
  update_secret:
    description:
      - V(on_create) sends passwords and keys when the storage is made and never again, since the cluster does
        not return it and it cannot be compared.
      - V(always) sends it every time and reports a change every time.
    type: str
    choices: [on_create, always]
    default: on_create
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_storage_info
  - module: pve.fleet.pve_storage_content
"""

EXAMPLES = r"""
- name: An NFS share for backups and images of CDs
  pve.fleet.pve_storage:
    cluster: prod
    storage: nas
    type: nfs
    server: 10.0.0.5
    export: /srv/pve
    content: [backup, iso]
    prune_backups: {keep-daily: 7, keep-weekly: 4}

- name: On two nodes only
  pve.fleet.pve_storage:
    cluster: prod
    storage: nas
    nodes: [pve1, pve2]

- name: A Proxmox Backup Server
  pve.fleet.pve_storage:
    cluster: prod
    storage: pbs
    type: pbs
    server: pbs.example.com
    datastore: main
    username: backup@pbs
    password: "{{ vault_pbs }}"
"""

RETURN = r"""
storage:
  description: The storage as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    storage: nas
    type: nfs
    server: '10.0.0.5'
    export: /srv/pve
    path: /mnt/pve/nas
    content: [backup, iso]
    shared: true
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ["update storage nas: nodes"]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {nodes: null}, after: {nodes: [pve1, pve2]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.resources.storage import STORAGE
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_storage',
    run=module_run(STORAGE),
    argument_spec=arguments(STORAGE),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
