# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking before a guest is cloned or becomes a template: what its disks and its snapshots allow."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path, volume_storages

FILE_BASED = ('dir', 'nfs', 'cifs', 'cephfs', 'glusterfs')


def check_no_snapshots(client, state):
    """Raise Conflict for a guest that cannot become a template since it has snapshots."""
    names = [one['name'] for one in client.get(*path(state.kind, state.row, 'snapshot')) if one['name'] != 'current']
    if names:
        raise Conflict(
            f'it has snapshots ({", ".join(names)}), and a template cannot have any. Remove them first (pve_snapshot with keep: 0).',
            details={'snapshots': names},
        )


def check_clone(client, source, snapshot, full):
    """Raise BadRequest where the disks cannot be linked, or copied from the snapshot. Full copies of what is there always can."""
    if full and not snapshot:
        return
    feature = 'copy' if full else 'clone'
    answer = client.get(*path(source.kind, source.row, 'feature'), params={'feature': feature, 'snapname': snapshot}) or {}
    if str(answer.get('hasFeature', 1)) == '0' or (not full and source.kind.root_disk and in_files(client, source)):
        of = f'snapshot {snapshot} of {source.name}' if snapshot else source.name
        what = 'cannot be copied' if full else 'cannot have linked clones'
        raise BadRequest(
            f'clone: {of} {what} with the storage and the format of its disks. '
            f'{"Clone the present state instead, or move the disks to qcow2, LVM-thin, ZFS or Ceph." if full else "Use full: true."}',
            details={'template': source.name, 'feature': feature},
        )


def in_files(client, source):
    """Whether volumes are files on a storage: those of containers cannot be linked there, whatever the server says of its features."""
    types = {entry['storage']: entry.get('type') for entry in client.get('nodes', source.node, 'storage')}
    return any(types.get(name) in FILE_BASED for name in volume_storages(source))
