"""Volumes of the storages, by storage and, where it is not shared, by node; what a storage allows; its space.

What the other areas call: section, check_enabled, contents, place, find, volume_list, formats_of, next_name,
volume_name, alloc, free, space, has_feature. Sizes are bytes. Errors are ApiError (500) with the texts of pve-storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..call import ApiError
from . import volume_names
from .storage_space import Space, backing, space_of
from .storage_types import TYPES, StorageType

if TYPE_CHECKING:
    from .cluster import Cluster

MIB = 1 << 20
IMAGES = ('images', 'rootdir')
LVM_EXTENT = 4 * MIB


@dataclass(slots=True)
class Volume:
    """volid 'storage:name'; size in bytes (virtual); used: bytes on the storage; parent: volid of a base or None."""

    volid: str
    content: str
    format: str
    size: int
    used: int = 0
    vmid: int | None = None
    parent: str | None = None
    ctime: int = 0
    notes: str | None = None
    protected: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Volumes:
    """by_place: {(storage, node or ''): {volid: Volume}}; '' stands for a shared storage."""

    by_place: dict[tuple[str, str], dict[str, Volume]] = field(default_factory=dict)

    def at(self, storage: str, node: str, shared: bool = False) -> dict[str, Volume]:
        return self.by_place.setdefault((storage, '' if shared else node), {})


def section(cluster: Cluster, storeid: str) -> dict:
    """The storage.cfg section, or 500 "storage 'x' does not exist"."""
    found = cluster.storages.get(storeid)
    if found is None:
        raise ApiError(f"storage '{storeid}' does not exist")
    return found


def type_of(config: dict) -> StorageType:
    return TYPES[config['type']]


def is_shared(config: dict) -> bool:
    return bool(config.get('shared')) or type_of(config).shared


def contents(config: dict) -> frozenset:
    """The contents that a storage is set up for ('images', 'iso' ...)."""
    text = config.get('content') or type_of(config).default_content
    return frozenset(re.split(r'[,;\s]+', text))


def nodes_of(config: dict) -> list[str] | None:
    """The nodes that a storage is limited to, or None for all."""
    text = config.get('nodes')
    return re.split(r'[,;\s]+', text) if text else None


def on_node(config: dict, node: str) -> bool:
    names = nodes_of(config)
    return names is None or node in names


def is_enabled(config: dict, node: str | None = None) -> bool:
    return not config.get('disable') and (node is None or on_node(config, node))


def check_enabled(cluster: Cluster, storeid: str, node: str | None = None) -> dict:
    """The section of a storage that is enabled (and available on that node), else PVE's 500."""
    config = section(cluster, storeid)
    if config.get('disable'):
        raise ApiError(f"storage '{storeid}' is disabled")
    if node is not None and not on_node(config, node):
        raise ApiError(f"storage '{storeid}' is not available on node '{node}'")
    return config


def place(cluster: Cluster, storeid: str, node: str) -> dict[str, Volume]:
    """The volumes of a storage as that node sees them, by volid."""
    return cluster.volumes.at(storeid, node, is_shared(section(cluster, storeid)))


def find(cluster: Cluster, node: str, volid: str) -> Volume | None:
    """The volume with that id as the node sees it; None if there is none (also: no such storage)."""
    storeid = volid.partition(':')[0]
    if storeid not in cluster.storages:
        return None
    return place(cluster, storeid, node).get(volid)


def parse(cluster: Cluster, volid: str) -> tuple[str, volume_names.Name]:
    """(storage, parsed name) of a volume id; raises for an unknown storage or a name that its type does not know."""
    storeid, volname = volume_names.split_volid(volid)
    return storeid, volume_names.parse_volname(section(cluster, storeid)['type'], volname)


def path_of(cluster: Cluster, volid: str) -> str:
    """The volume's path on a node."""
    storeid, parsed = parse(cluster, volid)
    return volume_names.path_of(section(cluster, storeid), storeid, parsed)


def content_of(cluster: Cluster, volume: Volume) -> str:
    """'rootdir' for a volume of a container, 'images' for any other guest volume, else as stored."""
    if volume.content not in IMAGES:
        return volume.content
    guest = cluster.guests.get(volume.vmid)
    return 'rootdir' if guest is not None and guest.kind == 'lxc' else 'images'


def volume_list(cluster: Cluster, node: str, storeid: str, vmid: int | None = None,
                content: str | None = None) -> list[Volume]:
    """The volumes of a storage, by content and volid. vmid hides the images and backups of others, ISOs and templates."""
    wanted = {content} if content else contents(section(cluster, storeid))
    rows = []
    for volume in place(cluster, storeid, node).values():
        kind = content_of(cluster, volume)
        if kind not in wanted and not (kind in IMAGES and not content and wanted & set(IMAGES)):
            continue
        if vmid is not None and (kind in ('iso', 'vztmpl') or (kind in (*IMAGES, 'backup') and volume.vmid != vmid)):
            continue
        rows.append((kind, volume.volid, volume))
    return [row[2] for row in sorted(rows, key=lambda row: row[:2])]


def formats_of(config: dict, release: str = '9') -> tuple[str, list[str]]:
    """(default format, formats) of a storage for guest images."""
    kind = type_of(config)
    formats = list(kind.formats)
    if kind.name == 'lvm' and not config.get('snapshot-as-volume-chain'):
        formats = ['raw']
    default = config.get('format') or kind.default_format
    if kind.name == 'lvm' and config.get('snapshot-as-volume-chain'):
        default = 'qcow2'
    return (default if default in formats else kind.default_format), formats


def has_feature(config: dict, feature: str, fmt: str, snapshot: bool = False) -> bool:
    """Whether volumes of that format can do 'snapshot', 'clone' (linked), 'template', 'copy', 'sparseinit', 'rename'."""
    kind = type_of(config)
    if kind.name in ('pbs', 'iscsi', 'iscsidirect', 'esxi', 'cephfs'):
        return feature == 'copy' and kind.name != 'pbs'
    if feature == 'snapshot':
        chained = config.get('snapshot-as-volume-chain') and kind.name in ('lvm', 'dir', 'nfs', 'cifs')
        return fmt in kind.snapshots and (kind.name != 'lvm' or bool(chained))
    if feature == 'clone':
        return fmt in kind.clones and not (snapshot and kind.file_based and kind.name != 'btrfs')
    if feature == 'template':
        return kind.name != 'lvm' and (fmt in kind.clones or fmt == 'raw')
    if feature == 'sparseinit':
        return kind.name != 'lvm'
    if feature == 'copy':
        return not snapshot or fmt in kind.snapshots or kind.file_based
    return feature == 'rename'


def volume_name(config: dict, vmid: int, name: str) -> str:
    """The part after 'storage:' of an image with that bare name ('100/vm-100-disk-0.raw', 'vm-100-disk-0')."""
    return f'{vmid}/{name}' if type_of(config).file_based else name


def next_name(cluster: Cluster, node: str, storeid: str, vmid: int, fmt: str = 'raw') -> str:
    """The lowest free bare name 'vm-<vmid>-disk-<n>' (subvol-... for subvolumes; with extension where files are kept)."""
    config = section(cluster, storeid)
    kind = type_of(config)
    pattern = re.compile(rf'(?:^|/)(?:vm|base|subvol|basevol)-{vmid}-disk-(\d+)(?:\.\w+)?$')
    taken = set()
    for volid in place(cluster, storeid, node):
        if str(vmid) in volid and (found := pattern.search(volid.partition(':')[2])):
            taken.add(int(found[1]))
    number = next(number for number in range(len(taken) + 1) if number not in taken)
    prefix = 'subvol' if fmt == 'subvol' else 'vm'
    dotted = kind.file_based or (kind.name == 'lvm' and fmt != 'raw')
    return f'{prefix}-{vmid}-disk-{number}' + (f'.{fmt}' if dotted else '')


def rounded(config: dict, size: int) -> int:
    """The size that a storage gives for one asked for: whole extents with LVM, whole MiB with ZFS and RBD."""
    unit = {'lvm': LVM_EXTENT, 'lvmthin': LVM_EXTENT, 'zfspool': MIB, 'rbd': MIB}.get(config['type'], 1)
    return -(-size // unit) * unit


def initial_use(config: dict, fmt: str, size: int) -> int:
    """Bytes that a new, empty volume takes: all of it where space is reserved, next to nothing where it is thin."""
    if config['type'] == 'lvm' or (config['type'] == 'zfspool' and not config.get('sparse') and fmt == 'raw'):
        return size
    if type_of(config).file_based:
        if config.get('preallocation') in ('falloc', 'full'):
            return size
        return 266240 + (size >> 13) if fmt == 'qcow2' else 4096
    return 0


def check_name(config: dict, vmid: int, name: str) -> None:
    kind = config['type']
    prefixes = {'lvm': ('vm',), 'lvmthin': ('vm',), 'rbd': ('vm',), 'zfspool': ('vm', 'subvol')}.get(kind)
    if prefixes and not name.startswith(tuple(f'{prefix}-{vmid}-' for prefix in prefixes)):
        wanted = f'subvol-{vmid}-*' if name.startswith('subvol') else f'vm-{vmid}-*'
        raise ApiError(f"illegal name '{name}' - should be '{wanted}'")


def check_space(cluster: Cluster, node: str, storeid: str, need: int, name: str) -> None:
    """Refuse to take more than is there, where the storage reserves space at once."""
    config = section(cluster, storeid)
    room = space(cluster, node, storeid)
    kind = config['type']
    if kind in ('lvm', 'lvmthin') and not room.active:
        raise ApiError(f"no such volume group '{config['vgname']}'")
    if kind == 'zfspool' and not room.active:
        raise ApiError(f"zfs error: cannot create '{config['pool']}/{name}': no such pool '{config['pool']}'")
    if need <= room.avail or kind in ('lvmthin', 'iscsi', 'iscsidirect', 'zfs'):
        return
    if kind == 'lvm':
        raise ApiError(f'not enough free space ({room.avail} < {need})')
    if kind == 'zfspool':
        raise ApiError(f"zfs error: cannot create '{config['pool']}/{name}': out of space")
    if kind == 'rbd':
        raise ApiError(f"rbd create '{name}' error: rbd: create error: (28) No space left on device")
    raise ApiError(
        f"unable to create image: qemu-img: {volume_names.content_folder(config, 'images')}/{name}: "
        'Could not resize file: No space left on device'
    )


def already_there(config: dict, volid: str, path: str) -> ApiError:
    name = volid.partition(':')[2]
    kind = config['type']
    if kind in ('lvm', 'lvmthin'):
        group = config['vgname']
        return ApiError(f"lvcreate '{group}/{name}' error:   Logical Volume \"{name}\" already exists in volume group \"{group}\"")
    if kind == 'zfspool':
        return ApiError(f"zfs error: cannot create '{config['pool']}/{name}': dataset already exists")
    if kind == 'rbd':
        return ApiError(f"rbd create '{name}' error: rbd: create error: (17) File exists")
    return ApiError(f"disk image '{path}' already exists")


def alloc(cluster: Cluster, node: str, storeid: str, vmid: int, size: int, *, fmt: str | None = None,
          name: str | None = None, now: float = 0, used: int | None = None) -> Volume:
    """Make an image of `size` bytes (vdisk_alloc); name None: the next free one. used: bytes that data put into it take.

    Raises ApiError for a storage that is absent, disabled, not on this node, cannot hold images, is full, or where the
    name is taken or not allowed.
    """
    config = check_enabled(cluster, storeid, node)
    kind = type_of(config)
    if not kind.contents & set(IMAGES) or kind.select_existing:
        raise ApiError(f"can't allocate space in {kind.name} storage")
    default, formats = formats_of(config, cluster.release)
    fmt = fmt or default
    if fmt not in formats:
        raise ApiError(f"unsupported format '{fmt}'")
    if name:
        check_name(config, vmid, name)
    name = name or next_name(cluster, node, storeid, vmid, fmt)
    volid = f'{storeid}:{volume_name(config, vmid, name)}'
    path = path_of(cluster, volid)
    if volid in place(cluster, storeid, node):
        raise already_there(config, volid, path)
    size = rounded(config, size)
    need = max(initial_use(config, fmt, size), used or 0)
    check_space(cluster, node, storeid, need, name)
    return add(cluster, node, Volume(volid, 'images', fmt, size, need, vmid, ctime=int(now)))


def add(cluster: Cluster, node: str, volume: Volume) -> Volume:
    """Put a volume into its storage as it is."""
    place(cluster, volume.volid.partition(':')[0], node)[volume.volid] = volume
    return volume


def linked_clones(cluster: Cluster, node: str, volid: str) -> list[str]:
    """The volumes that are linked clones of that base."""
    storeid, dummy, volname = volid.partition(':')
    prefix = f'{storeid}:{volname}/'
    return [other.volid for other in place(cluster, storeid, node).values()
            if other.parent == volid or other.volid.startswith(prefix)]


def free(cluster: Cluster, node: str, volid: str) -> Volume | None:
    """Remove a volume (vdisk_free) and return it; None if it was not there.

    Raises for a base with linked clones and for a protected backup.
    """
    storeid, volname = volume_names.split_volid(volid)
    config = check_enabled(cluster, storeid, node)
    volumes = place(cluster, storeid, node)
    volume = volumes.get(volid)
    if volume is None:
        return None
    if linked_clones(cluster, node, volid):
        raise ApiError(f"base volume '{volname}' is still in use by linked clones")
    if volume.protected:
        word = 'volume' if type_of(config).file_based else 'snapshot'
        raise ApiError(f"cannot remove protected {word} '{volname}' on '{storeid}'")
    return volumes.pop(volid)


def space(cluster: Cluster, node: str, storeid: str) -> Space:
    """Total, used and free bytes of a storage on a node, and whether it is active there."""
    config = section(cluster, storeid)
    owner = cluster.nodes[node]
    if not is_enabled(config, node):
        return Space()
    ground = backing(cluster, owner, storeid, config)
    if ground is None:
        return Space()
    if type_of(config).select_existing:
        return Space(active=True)
    used = 0
    for other, section_of_other in cluster.storages.items():
        # Storages that lie on the same file system or pool share its space.
        if other == storeid or (is_enabled(section_of_other, node)
                                and backing(cluster, owner, other, section_of_other) is ground):
            used += sum(volume.used for volume in place(cluster, other, node).values())
    return space_of(ground, used)
