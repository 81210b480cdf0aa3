"""What the container handlers share: finding one, locks, rights on options, allocating and freeing volumes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError
from ..model import container, storage, volumes
from ..model.guest import Guest
from ..schema.formats import format_size
from . import qemu_net
from .qemu_common import Site, check_vm
from .qemu_options import check_tags
from .storage_access import check_volume_access

GIB = 1 << 30
MODIFIED = 'detected modified configuration - file changed by other user? Try again.'
CPU = frozenset(['cores', 'cpuunits', 'cpulimit'])
MEMORY = frozenset(['memory', 'swap'])
NETWORK = frozenset(['nameserver', 'searchdomain', 'hostname'])


def conf_name(node: str, vmid: int) -> str:
    return f'nodes/{node}/lxc/{vmid}.conf'


def load(site: Site, vmid: int) -> Guest:
    """The container, or 500 as reading its configuration gives it."""
    guest = site.cluster.guests.get(vmid)
    if guest is None or guest.kind != 'lxc' or guest.node != site.node:
        raise ApiError(f"Configuration file '{conf_name(site.node, vmid)}' does not exist")
    return guest


def running(site: Site, vmid: int) -> bool:
    """Whether a container of that id runs on the node; an absent one does not."""
    guest = site.cluster.guests.get(vmid)
    return guest is not None and guest.kind == 'lxc' and guest.node == site.node and guest.running


def check_lock(guest: Guest) -> None:
    if guest.lock:
        raise ApiError(f'CT is locked ({guest.lock})')


def check_protection(guest: Guest, text: str) -> None:
    if guest.config.get('protection'):
        raise ApiError(f'{text} - protection mode enabled')


def check_writable(site: Site, vmid: int) -> None:
    if not site.cluster.quorate:
        raise ApiError(f"unable to open file '/etc/pve/{conf_name(site.node, vmid)}.tmp.4711' - Permission denied")


def check_digest(guest: Guest, digest: str | None) -> None:
    if digest and digest != guest.digest():
        raise ApiError(MODIFIED)


def check_unused_id(call: Call, vmid: int) -> None:
    """500 where a guest of that id exists anywhere in the cluster."""
    if other := call.cluster.guests.get(vmid):
        kind = 'CT' if other.kind == 'lxc' else 'VM'
        raise ApiError(f"{kind} {vmid} already exists on node '{other.node}'")


def forbidden(text: str) -> ApiError:
    return ApiError(403, f'Permission check failed ({text})')


def check_modify(call: Call, vmid: int, pool: str | None, old: dict, new: dict, delete: list[str],
                 unprivileged: bool) -> None:
    """403 where the caller may not set or delete one of the options."""
    if call.is_root:
        return
    for name in [*new, *delete]:
        check_option(call, vmid, pool, name, old, None if name in delete else new[name], unprivileged)


def check_option(call: Call, vmid: int, pool: str | None, name: str, old: dict, value: Any, unprivileged: bool) -> None:
    if name in CPU:
        check_vm(call, vmid, pool, 'VM.Config.CPU')
    elif container.VOLUME_KEY.match(name):
        check_vm(call, vmid, pool, 'VM.Config.Disk')
        if value is not None:
            check_mount_point(call, vmid, name, value)
    elif re.match(r'^dev\d+$', name):
        raise forbidden('configuring device passthrough is only allowed for root@pam')
    elif name in MEMORY:
        check_vm(call, vmid, pool, 'VM.Config.Memory')
    elif name in NETWORK or container.NET_KEY.match(name):
        check_vm(call, vmid, pool, 'VM.Config.Network')
        for text in (old.get(name), value):
            if text and container.NET_KEY.match(name):
                qemu_net.check_bridge_access(call, {name: text})
    elif name == 'features':
        check_features(call, vmid, pool, old, value, unprivileged)
    elif name == 'hookscript':
        raise forbidden('changing the hookscript is only allowed for root@pam')
    elif name == 'tags':
        check_tags(call, vmid, old.get('tags'), value)
    else:
        check_vm(call, vmid, pool, 'VM.Config.Options')


def check_mount_point(call: Call, vmid: int, name: str, value: str) -> None:
    volume = container.parse(call.release, name, value)['volume']
    kind = container.point_type(volume)
    if kind != 'volume':
        raise forbidden(f'mount point type {kind} is only allowed for root@pam')
    if found := container.NEW_DISK.match(volume):
        call.require(f'/storage/{found[1]}', 'Datastore.AllocateSpace')
    else:
        check_volume_access(call, volume, vmid)


def check_features(call: Call, vmid: int, pool: str | None, old: dict, value: str | None, unprivileged: bool) -> None:
    if not unprivileged:
        raise forbidden('changing feature flags for privileged container is only allowed for root@pam')
    before = container.parse(call.release, 'features', old.get('features', '') or '')
    after = container.parse(call.release, 'features', value or '')
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if changed - {'nesting'}:
        raise forbidden('changing feature flags (except nesting) is only allowed for root@pam')
    if changed:
        check_vm(call, vmid, pool, 'VM.Allocate')


def usable_storage(call: Call, storeid: str) -> None:
    """400 where a storage is not set up for containers, 403 where the caller may not use it."""
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    if 'rootdir' not in storage.contents(config):
        raise ParameterError({'storage': f"storage '{storeid}' does not support container directories"})
    call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')


def image_format(site: Site, storeid: str, size: int) -> str:
    """Subvolumes where the storage has them (and on directories for a size of zero), else raw images."""
    kind = site.cluster.storages[storeid]['type']
    if kind in ('zfspool', 'btrfs') or (kind == 'dir' and not size):
        return 'subvol'
    return 'raw'


def new_volume(site: Site, task: Any, storeid: str, vmid: int, size: int) -> storage.Volume:
    """Make a volume with an empty file system on it."""
    config = storage.check_enabled(site.cluster, storeid, site.node)
    if 'rootdir' not in storage.contents(config):
        raise ApiError(f"content type 'rootdir' is not available or configured on storage '{storeid}'")
    fmt = image_format(site, storeid, size)
    volume = storage.alloc(site.cluster, site.node, storeid, vmid, size, fmt=fmt, now=site.now())
    if line := volumes.created_line(site.cluster, volume):
        task.log(line)
    if fmt == 'raw':
        for line in container.filesystem_lines(volume.size, str(uuid.uuid4())):
            task.log(line)
    volume.used = max(volume.used, min(volume.size, 16 << 20))
    return volume


def create_disks(site: Site, task: Any, vmid: int, wanted: dict[str, str], made: list[str]) -> Generator:
    """Make the new volumes among the mount points; returns the values as they are kept. made: gets the new ids."""
    done = {}
    release = site.cluster.release
    for key in container.volumes(wanted):
        values: dict[str, Any] = container.parse(release, key, wanted[key])
        volume = values['volume']
        if container.point_type(volume) == 'volume':
            if found := container.NEW_DISK.match(volume):
                fresh = new_volume(site, task, found[1], vmid, int(float(found[2]) * GIB))
                made.append(fresh.volid)
                values.update(volume=fresh.volid, size=format_size(fresh.size))
                yield 0.5
            else:
                existing = volumes.exists(site.cluster, site.node, volume)
                values['size'] = format_size(existing.size)
        done[key] = container.print_value(release, key, values)
    return done


def free_all(site: Site, task: Any, volids: list[str]) -> None:
    for volid in volids:
        try:
            storage.free(site.cluster, site.node, volid)
        except ApiError as error:
            task.log(error.message)


def own_volumes(guest: Guest, release: str) -> list[str]:
    """The volumes of a container, unused ones and those of snapshots too, each once."""
    found: dict[str, None] = {}
    for config in (guest.config, *guest.snapshots.values()):
        for key in [*container.volumes(config), *(key for key in config if container.UNUSED_KEY.match(key))]:
            volume = container.parse(release, 'rootfs', str(config[key]).partition(',')[0]).get('volume', '')
            if container.point_type(volume) == 'volume':
                found[volume] = None
    return list(found)


def wait_for_file_lock(call: Call, guest: Guest) -> None:
    """A worker that was forked under the file lock keeps it: whoever needs it next waits until that has ended."""
    finish = call.fleet.settings.get('container_workers', {}).get((call.cluster.name, guest.vmid))
    if finish:
        call.answer_after(finish())


def is_ha_managed(site: Site, vmid: int) -> bool:
    entry = site.cluster.section('ha-resources').get(f'ct:{vmid}')
    return entry is not None and entry.get('state', 'started') != 'ignored'


def check_cgroups(site: Site) -> None:
    """500 where the host keeps the figures and limits of running containers to itself (a container as host)."""
    if site.cluster.nodes[site.node].extra.get('cgroups_closed'):
        raise ApiError('short read on command socket (16 != 0)')
