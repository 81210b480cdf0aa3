"""What each storage type of PVE can hold, in which formats, and which keys its section takes.

Facts of pve-storage's plugins: `plugindata` (contents and formats, the defaults first used when nothing is said) and
`options` (fixed: only at creation; required: must be given then).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StorageType:
    """contents and formats in the order of their names; `local_to`: what lies below ('rootfs', 'vg', 'thin', 'zpool',
    'remote'); snapshots: formats whose volumes can be snapshotted; clones: formats that linked clones are made of.
    """

    name: str
    contents: frozenset
    default_content: str
    formats: tuple = ('raw',)
    default_format: str = 'raw'
    fixed: frozenset = frozenset()
    required: frozenset = frozenset()
    optional: frozenset = frozenset()
    shared: bool = False
    file_based: bool = False
    local_to: str = 'remote'
    snapshots: frozenset = frozenset()
    clones: frozenset = frozenset()
    select_existing: bool = False

    @property
    def options(self) -> frozenset:
        return self.fixed | self.required | self.optional


FILES = 'images rootdir vztmpl iso backup snippets none import'
COMMON = 'nodes disable content'
DIRECTORY = (
    f'{COMMON} content-dirs prune-backups maxfiles max-protected-backups format mkdir create-base-path create-subdirs bwlimit '
    'preallocation snapshot-as-volume-chain'
)
BACKUPS = 'prune-backups maxfiles max-protected-backups'


def words(text: str) -> frozenset:
    return frozenset(text.split())


def make(name: str, contents: str, default_content: str, fixed: str, required: str, optional: str, **more) -> StorageType:
    for key in ('snapshots', 'clones'):
        more[key] = words(more.get(key, ''))
    return StorageType(name, words(contents), default_content, fixed=words(fixed), required=words(required),
                       optional=words(optional), **more)


FILE_FORMATS = {'formats': ('qcow2', 'raw', 'vmdk'), 'snapshots': 'qcow2', 'clones': 'qcow2 raw vmdk', 'file_based': True}

TYPES = {
    kind.name: kind
    for kind in (
        make('dir', FILES, 'images,rootdir', 'path', 'path', f'{DIRECTORY} shared is_mountpoint',
             **{**FILE_FORMATS, 'formats': ('qcow2', 'raw', 'subvol', 'vmdk')}, local_to='rootfs'),
        make('btrfs', FILES, 'images,rootdir', 'path', 'path',
             f'{COMMON} shared {BACKUPS} content-dirs format is_mountpoint nocow mkdir create-base-path create-subdirs bwlimit '
             'preallocation', formats=('raw', 'subvol'), snapshots='raw subvol', clones='raw subvol', file_based=True,
             local_to='rootfs'),
        make('nfs', FILES, 'images', 'path server export', 'path server export', f'{DIRECTORY} options',
             **FILE_FORMATS, shared=True),
        make('cifs', FILES, 'images', 'path server share', 'path server share',
             f'{DIRECTORY} subdir username password domain smbversion options', **FILE_FORMATS, shared=True),
        make('glusterfs', FILES, 'images', 'path volume', 'path volume', f'{DIRECTORY} server server2 transport',
             **FILE_FORMATS, shared=True),
        make('cephfs', 'vztmpl iso backup snippets none import', 'backup', 'path', 'path',
             f'{COMMON} monhost content-dirs subdir options username format mkdir create-base-path create-subdirs fuse bwlimit '
             f'{BACKUPS} keyring fs-name', file_based=True, shared=True),
        make('lvm', 'images rootdir none', 'images', 'vgname base', 'vgname',
             f'{COMMON} shared saferemove saferemove_throughput saferemove-stepsize base tagged_only bwlimit '
             'snapshot-as-volume-chain', formats=('qcow2', 'raw'), snapshots='qcow2', local_to='vg'),
        make('lvmthin', 'images rootdir none', 'images,rootdir', 'thinpool vgname', 'thinpool vgname', f'{COMMON} bwlimit',
             snapshots='raw', clones='raw', local_to='thin'),
        make('zfspool', 'images rootdir none', 'images,rootdir', 'pool', 'pool',
             f'{COMMON} blocksize sparse bwlimit mountpoint', formats=('raw', 'subvol'), snapshots='raw subvol',
             clones='raw subvol', local_to='zpool'),
        make('zfs', 'images none', 'images', 'portal target pool iscsiprovider',
             'portal target pool iscsiprovider',
             f'{COMMON} blocksize nowritecache sparse comstar_hg comstar_tg lio_tpg bwlimit zfs-base-path', snapshots='raw',
             clones='raw', shared=True),
        make('rbd', 'images rootdir none', 'images', '', '',
             f'{COMMON} monhost pool data-pool namespace username krbd keyring bwlimit', snapshots='raw', clones='raw',
             shared=True),
        make('pbs', 'backup none', 'backup', 'server datastore', 'server datastore',
             f'{COMMON} namespace port username password encryption-key master-pubkey fingerprint {BACKUPS}', shared=True,
             formats=('pbs-ct', 'pbs-vm'), default_format='pbs-vm'),
        make('iscsi', 'images none', 'images', 'portal target', 'portal target', f'{COMMON} bwlimit', shared=True,
             select_existing=True),
        make('iscsidirect', 'images none', 'images', 'portal target', 'portal target', f'{COMMON} bwlimit', shared=True,
             select_existing=True),
        make('esxi', 'import none', 'import', '', 'server username', f'{COMMON} password port skip-cert-verification',
             formats=('qcow2', 'raw', 'vmdk'), shared=True),
    )
}

# Kept apart from storage.cfg (in /etc/pve/priv), never read back.
SENSITIVE = frozenset(['password', 'encryption-key', 'master-pubkey', 'keyring'])
MOUNTED = frozenset(['nfs', 'cifs', 'cephfs', 'glusterfs'])
