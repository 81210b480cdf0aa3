"""What lies below a storage: file systems, volume groups, pools and remote servers with their sizes.

A backing is a dict {'total', 'used', 'reserved'} in bytes: used by others than our volumes, and reserved for nobody.
Nodes keep theirs in Node.extra['backing'] by key ('vg:pve', 'thin:pve/data', 'zpool:tank') and their root file system in
Node.extra['rootfs']; remote ones are in Cluster.extra['backing'] by storage id, or made up from their address.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .storage_types import TYPES

if TYPE_CHECKING:
    from .cluster import Cluster
    from .node import Node

GIB = 1 << 30
# The disk of the recorded server: what its file system keeps from the storage is `reserved`.
ROOTFS = {'total': 270553174016, 'used': 26117965696, 'reserved': 161608880128}
ADDRESS = {
    'nfs': ('server', 'export'), 'cifs': ('server', 'share'), 'pbs': ('server', 'datastore'), 'rbd': ('monhost', 'pool'),
    'cephfs': ('monhost', 'fs-name'), 'glusterfs': ('server', 'volume'), 'iscsi': ('portal', 'target'),
    'iscsidirect': ('portal', 'target'), 'zfs': ('portal', 'pool'), 'esxi': ('server', 'username'),
}


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes; active False: not usable on this node (all zero)."""

    total: int = 0
    used: int = 0
    avail: int = 0
    active: bool = False


def rootfs(node: Node) -> dict:
    """The backing of a node's root file system."""
    return node.extra.get('rootfs') or ROOTFS


def local_key(config: dict) -> str | None:
    """The key of what lies below a storage of the node's own disks; None: the root file system."""
    kind = config['type']
    if kind == 'lvm':
        return f'vg:{config["vgname"]}'
    if kind == 'lvmthin':
        return f'thin:{config["vgname"]}/{config["thinpool"]}'
    if kind == 'zfspool':
        return f'zpool:{config["pool"].split("/")[0]}'
    return None


def made_up(config: dict) -> dict:
    """A remote backing that is always the same for the same address: 2 to 33 TiB, up to a fifth used by others."""
    kind = config['type']
    text = ':'.join(str(config.get(name, '')) for name in ADDRESS[kind])
    number = zlib.crc32(f'{kind}:{text}'.encode())
    total = (2048 + 1024 * (number % 32)) * GIB
    return {'total': total, 'used': total // 500 * (number % 97)}


def backing(cluster: Cluster, node: Node, storeid: str, config: dict) -> dict | None:
    """What lies below the storage on that node; None: nothing is there (no such volume group, no Ceph)."""
    local_to = TYPES[config['type']].local_to
    if local_to in ('vg', 'thin', 'zpool'):
        return node.extra.get('backing', {}).get(local_key(config))
    shared = cluster.extra.get('backing', {}).get(storeid)
    if shared is not None:
        return shared
    if local_to == 'rootfs':
        mounts = node.extra.get('backing', {})
        return mounts.get(f'dir:{config["path"]}') or rootfs(node)
    if config['type'] in ('rbd', 'cephfs') and not config.get('monhost'):
        return cluster.extra.get('backing', {}).get('ceph')
    return made_up(config)


def space_of(ground: dict, used: int) -> Space:
    """The figures of a storage whose own volumes use so many bytes of what lies below."""
    total, taken = ground['total'], ground.get('used', 0) + used
    taken = min(taken, total)
    return Space(total, taken, max(0, total - taken - ground.get('reserved', 0)), True)
