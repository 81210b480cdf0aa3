"""What guests do with their volumes beyond allocating and freeing: features, base images, linked clones, renaming.

Sizes are bytes. Errors are ApiError (500) with the texts of pve-storage.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..call import ApiError
from . import storage, volume_names
from .storage import Volume

if TYPE_CHECKING:
    from .cluster import Cluster


def storage_of(volid: str) -> str:
    return volid.partition(':')[0]


def exists(cluster: Cluster, node: str, volid: str) -> Volume:
    """The volume, or 500 "volume '...' does not exist"; also for a storage that is not usable on the node."""
    storage.check_enabled(cluster, storage_of(volid), node)
    volume = storage.find(cluster, node, volid)
    if volume is None:
        raise ApiError(f"volume '{volid}' does not exist")
    return volume


def has_feature(cluster: Cluster, volid: str, feature: str, snapshot: str | None = None) -> bool:
    """Whether this very volume (or a snapshot of it) can do 'snapshot', 'clone', 'template', 'copy' or 'rename'."""
    storeid, parsed = storage.parse(cluster, volid)
    config = storage.section(cluster, storeid)
    fmt = parsed.format or 'raw'
    if feature == 'clone' and not parsed.is_base and not snapshot:
        return False
    if feature in ('snapshot', 'template', 'rename') and parsed.is_base:
        return False
    return storage.has_feature(config, feature, fmt, bool(snapshot))


def target_format(cluster: Cluster, storeid: str, wanted: str | None, source: str | None) -> str:
    """The format of a copy: the wanted one, else the source's where the storage knows it, else its default."""
    default, formats = storage.formats_of(storage.section(cluster, storeid), cluster.release)
    for fmt in (wanted, source):
        if fmt in formats:
            return fmt
    return default


def move(cluster: Cluster, node: str, volume: Volume, volid: str) -> Volume:
    """Give a volume another id on the same storage."""
    volumes = storage.place(cluster, storage_of(volume.volid), node)
    del volumes[volume.volid]
    volume.volid = volid
    volumes[volid] = volume
    return volume


def renamed(cluster: Cluster, volid: str, vmid: int, name: str) -> str:
    """The id of that volume once its bare name and owner are others; a linked clone keeps its base."""
    storeid, parsed = storage.parse(cluster, volid)
    config = storage.section(cluster, storeid)
    own = storage.volume_name(config, vmid, name)
    if parsed.base is None:
        return f'{storeid}:{own}'
    return f'{storeid}:{storage.volume_name(config, parsed.base_vmid, parsed.base)}/{own}'


def make_base(cluster: Cluster, node: str, volid: str) -> str:
    """Turn an image into a base image (vm-... becomes base-...); return its new id."""
    _storeid, parsed = storage.parse(cluster, volid)
    if parsed.is_base:
        return volid
    volume = exists(cluster, node, volid)
    name = re.sub(r'^vm-', 'base-', re.sub(r'^subvol-', 'basevol-', parsed.name))
    return move(cluster, node, volume, renamed(cluster, volid, volume.vmid or parsed.vmid, name)).volid


def give_to(cluster: Cluster, node: str, volid: str, vmid: int) -> str:
    """Rename an image to the next free name of another guest; return its new id."""
    storeid, parsed = storage.parse(cluster, volid)
    volume = exists(cluster, node, volid)
    name = storage.next_name(cluster, node, storeid, vmid, parsed.format or 'raw')
    volume.vmid = vmid
    return move(cluster, node, volume, renamed(cluster, volid, vmid, name)).volid


def clone_linked(cluster: Cluster, node: str, volid: str, vmid: int, now: float) -> Volume:
    """A linked clone of a base image for that guest."""
    storeid, parsed = storage.parse(cluster, volid)
    config = storage.section(cluster, storeid)
    base = exists(cluster, node, volid)
    fmt = 'qcow2' if storage.type_of(config).file_based and config['type'] != 'btrfs' else base.format
    name = storage.next_name(cluster, node, storeid, vmid, fmt)
    own = storage.volume_name(config, vmid, name)
    top = storage.volume_name(config, parsed.vmid, parsed.name)
    clone = Volume(f'{storeid}:{top}/{own}', 'images', fmt, base.size, 266240, vmid, parent=volid, ctime=int(now),
                   extra=dict(base.extra))
    return storage.add(cluster, node, clone)


def by_path(cluster: Cluster, node: str, path: str) -> Volume | None:
    """The volume that lies at that path of the node's file system."""
    for storeid, config in cluster.storages.items():
        if not storage.is_enabled(config, node) or not storage.type_of(config).file_based:
            continue
        for volume in storage.place(cluster, storeid, node).values():
            if storage.path_of(cluster, volume.volid) == path:
                return volume
    return None


def created_line(cluster: Cluster, volume: Volume, backing: str | None = None) -> str | None:
    """What the tools print when an image is made; None where they are silent."""
    storeid, parsed = storage.parse(cluster, volume.volid)
    config = storage.section(cluster, storeid)
    if config['type'] in ('lvm', 'lvmthin'):
        return f'  Logical volume "{parsed.name}" created.'
    if not storage.type_of(config).file_based:
        return None
    path = volume_names.path_of(config, storeid, parsed)
    if volume.format != 'qcow2':
        return f"Formatting '{path}', fmt={volume.format} size={volume.size} preallocation=off"
    cluster_size, extended, behind = (131072, 'on', f' backing_file={backing} backing_fmt=qcow2') if backing else (
        65536, 'off', '')
    return (f"Formatting '{path}', fmt=qcow2 cluster_size={cluster_size} extended_l2={extended} "
            f'preallocation=metadata compression_type=zlib size={volume.size}{behind} lazy_refcounts=off '
            'refcount_bits=16')
