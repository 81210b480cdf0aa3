# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storages of a cluster."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE
from ansible_collections.pve.fleet.plugins.module_utils.resources.guard import FORCE, guarded

TYPES = (
    'btrfs', 'cephfs', 'cifs', 'dir', 'esxi', 'glusterfs', 'iscsi', 'iscsidirect', 'lvm', 'lvmthin', 'nfs', 'pbs', 'rbd', 'zfs', 'zfspool',
)  # fmt: skip
OF_GUESTS = ('images', 'rootdir')
MOST_NAMED = 5


def besides(case, client):
    """Volumes of guests: PVE forgets the storage, and the guests do not start any more."""
    rows = [row for row in client.get('cluster', 'resources', params={'type': 'storage'}) if row['storage'] == case.ident['storage']]
    nodes = sorted(row['node'] for row in rows if row.get('status') == 'available')
    used = set()
    for node in nodes[:1] if any(row.get('shared') for row in rows) else nodes:
        try:
            content = client.get('nodes', node, 'storage', case.ident['storage'], 'content')
        except FleetError as error:
            return f'whether guests use it on {node} cannot be seen ({error.message}).'
        used |= {str(row['vmid']) for row in content if row.get('vmid') and row.get('content') in OF_GUESTS}
    named = ', '.join(sorted(used, key=int)[:MOST_NAMED])
    return f'{len(used)} guests have volumes on it ({named}{" ..." if len(used) > MOST_NAMED else ""}).' if used else None


def texts(*names):
    """Plain options; a dash of PVE's name is an underscore here."""
    return tuple(Field(name.replace('-', '_'), wire=name) for name in names)


def switches(*names):
    return tuple(Field(name.replace('-', '_'), 'bool', wire=name) for name in names)


STORAGE = Kind(
    name='storage',
    plural='storages',
    identity=('storage',),
    collection='storage',
    item='storage/{storage}',
    fields=(
        Field('storage', required=True),
        Field('type', choices=TYPES),
        Field('content', 'list', elements='str', choices=('images', 'rootdir', 'vztmpl', 'backup', 'iso', 'snippets', 'import', 'none')),
        Field('nodes', 'list', elements='str'),
        *switches('disable', 'shared'),
        *texts('path', 'server', 'server2', 'export', 'share', 'subdir', 'volume', 'datastore', 'namespace', 'pool', 'data-pool', 'fs-name',
               'monhost', 'vgname', 'thinpool', 'base', 'portal', 'target', 'iscsiprovider', 'comstar_hg', 'comstar_tg', 'lio_tpg', 'blocksize',
               'zfs-base-path', 'mountpoint', 'username', 'domain', 'master-pubkey', 'authsupported', 'options', 'is_mountpoint',
               'saferemove_throughput', 'content-dirs', 'bwlimit'),
        Field('server_fingerprint', wire='fingerprint'),
        Field('port', 'int'),
        Field('transport', choices=('tcp', 'rdma', 'unix')),
        Field('smbversion', choices=('default', '2.0', '2.1', '3', '3.0', '3.11')),
        Field('format', choices=('raw', 'qcow2', 'subvol', 'vmdk')),
        Field('preallocation', choices=('off', 'metadata', 'falloc', 'full')),
        Field('prune_backups', 'raw', wire='prune-backups'),
        Field('max_protected_backups', 'int', wire='max-protected-backups'),
        Field('maxfiles', 'int'),
        Field('saferemove_stepsize', 'int', wire='saferemove-stepsize'),
        *switches('create-base-path', 'create-subdirs', 'mkdir', 'fuse', 'krbd', 'nocow', 'nowritecache', 'saferemove', 'sparse', 'tagged_only',
                  'skip-cert-verification', 'snapshot-as-volume-chain'),
        *(Field(name.replace('-', '_'), wire=name, secret=True) for name in ('password', 'encryption-key', 'keyring')),
    ),
    options={**REMOVE, **FORCE},
    check=guarded(besides),
)  # fmt: skip
