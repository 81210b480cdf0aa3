"""A guest in a few figures: name, cores, memory, size of its first disk; the same for lists, resources and pools."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .figures import IDLE, Figures, of_guest

if TYPE_CHECKING:
    from .cluster import Cluster
    from .guest import Guest

MIB = 1 << 20
UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
SIZE = re.compile(r'(?:^|,)size=(\d+(?:\.\d+)?)([KMGT]?)(?:,|$)')
BOOT_ORDER = re.compile(r'order=([^,\s]*)')
QEMU_DISK = re.compile(r'^(?:ide|sata|scsi|virtio)\d+$')


@dataclass(frozen=True, slots=True)
class Limits:
    """cores; memory, swap and disk in bytes."""

    cpus: float
    memory: int
    swap: int
    disk: int


@functools.lru_cache(maxsize=1 << 15)
def size_in(text: str) -> int:
    """Bytes of the size= of a disk's or mount point's property string; 0 without one."""
    found = SIZE.search(text)
    return int(float(found[1]) * UNITS[found[2]]) if found else 0


def number(value: object, default: float) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default


def boot_disk(config: dict) -> str | None:
    """The first disk that a virtual machine boots from, as PVE counts its size."""
    order = BOOT_ORDER.search(config.get('boot') or '')
    names = order[1].split(';') if order else [str(config.get('bootdisk', ''))]
    for name in names:
        value = str(config.get(name, ''))
        if QEMU_DISK.match(name) and value and 'media=cdrom' not in value and not value.startswith('none'):
            return name
    return None


def memory_of(guest: Guest, config: dict) -> int:
    memory = config.get('memory', 512)
    if isinstance(memory, str):
        memory = number(memory.split(',', maxsplit=1)[0].removeprefix('current='), 512)
    return int(memory) * MIB


def limits(cluster: Cluster, guest: Guest, config: dict | None = None) -> Limits:
    """What a guest may use, by its configuration (or by that of the running process)."""
    config = guest.config if config is None else config
    memory = memory_of(guest, config)
    if guest.kind == 'lxc':
        node = cluster.nodes.get(guest.node)
        cores = number(config.get('cores'), 0) or (node.cpus if node else 1)
        limit = number(config.get('cpulimit'), 0)
        cpus = min(cores, limit) if limit else cores
        return Limits(cpus, memory, int(number(config.get('swap'), 512)) * MIB, size_in(config.get('rootfs', '')))
    cores = number(config.get('cores'), 1) * number(config.get('sockets'), 1)
    cpus = number(config.get('vcpus'), 0) or cores
    disk = boot_disk(config)
    return Limits(cpus, memory, 0, size_in(config[disk]) if disk else 0)


def figures_name(cluster: Cluster, guest: Guest) -> str:
    return f'{cluster.name}/{guest.vmid}'


def figures(cluster: Cluster, guest: Guest, now: float, most: Limits | None = None) -> Figures:
    """What a guest uses at that moment; all zero while it does not run."""
    if not guest.running:
        return IDLE
    most = most or limits(cluster, guest)
    return of_guest(figures_name(cluster, guest), guest.started_at, now, most.memory, most.disk)


def display_name(guest: Guest) -> str:
    if guest.kind == 'lxc':
        return guest.config.get('hostname') or f'CT{guest.vmid}'
    return guest.config.get('name') or f'VM {guest.vmid}'


def whole(value: float) -> int | float:
    """1.0 as 1, 0.5 as it is."""
    return int(value) if float(value).is_integer() else value
