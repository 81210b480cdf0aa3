"""Growing a disk, and moving one to other storage or to another VM."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import storage, volumes
from ..model.guest import Guest
from . import qemu_pending as pending
from .qemu_common import (
    Silent,
    Site,
    add_unused,
    bytes_per_second,
    check_digest,
    check_lock,
    check_vm,
    hold,
    load,
    only_root,
    replication_jobs,
    run_now,
    site_of,
)
from .qemu_config import normalise
from .qemu_disks import is_volume
from .qemu_drive import UNUSED, boot_order, is_cdrom, parse_drive, print_boot, print_drive, volumes_of
from .qemu_volumes import copy_drive, free

VM = '/nodes/{node}/qemu/{vmid}'
UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
MODIFIED = 'detected modified configuration - file changed by other user? Try again.'
BOTH = "either set 'storage' or 'target-vmid', but not both"
NEITHER = "both 'storage' and 'target-vmid' missing, either needs to be set"


def new_size(text: str, size: int) -> int:
    """Bytes that '+512M' or '2G' stands for, given the current size."""
    found = re.match(r'^(\+)?(\d+(?:\.\d+)?)([KMGT])?$', text)
    wanted = float(found[2]) * UNITS[found[3] or '']
    return int(wanted + (size if found[1] else 0))


@operation('PUT', f'{VM}/resize')
def resize(call: Call) -> str | None:
    only_root(call, 'skiplock')
    site, params = site_of(call), call.params
    vmid = params['vmid']
    if call.operation.returns.get('type') == 'null':  # before PVE 8 the call waited for it
        try:
            return run_now(call, resize_work(call, site, Silent()))
        except TaskError as error:
            raise ApiError(str(error)) from None

    def worker(task: Any) -> Generator:
        yield from hold(load(site, vmid), task, resize_work(call, site, task))

    return call.task('resize', vmid, worker)


def resize_work(call: Call, site: Site, task: Any) -> Generator:
    params, disk = call.params, call.params['disk']
    guest = load(site, params['vmid'])
    check_digest(guest, params.get('digest'))
    if not params.get('skiplock'):
        check_lock(guest)
    if disk not in guest.config:
        raise TaskError(f"disk '{disk}' does not exist")
    drive = parse_drive(guest.config[disk])
    if is_cdrom(drive):
        if not is_volume(drive['file']):
            raise TaskError(f"unable to parse volume ID '{drive['file']}'")
        raise TaskError("you can't resize a cdrom")
    storeid = volumes.storage_of(drive['file'])
    call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')
    volume = volumes.exists(site.cluster, site.node, drive['file'])
    size = new_size(params['size'], volume.size)
    if size < volume.size:
        raise TaskError('shrinking disks is not supported')
    if size == volume.size:
        return
    section = storage.section(site.cluster, storeid)
    yield 0.3
    volume.size = storage.rounded(section, size)
    if not guest.running:
        task.log('Image resized.')
    drive['size'] = volume.size
    guest.config[disk] = print_drive(drive)


@operation('POST', f'{VM}/move_disk')
def move_disk(call: Call) -> str:
    params, site = call.params, site_of(call)
    vmid, target, storeid = params['vmid'], params.get('target-vmid'), params.get('storage')
    if target and storeid:
        raise ParameterError({'target-vmid': BOTH, 'storage': BOTH})
    if target:
        return reassign(call, site, vmid, target)
    if not storeid:
        raise ParameterError({'target-vmid': NEITHER, 'storage': NEITHER})
    call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')
    check_move(site, params)

    def worker(task: Any) -> Generator:
        yield from hold(load(site, vmid), task, move_work(call, site, task))

    return call.task('qmmove', vmid, worker)


def check_move(site: Site, params: dict) -> tuple[Guest, dict, bool]:
    """(guest, drive, whether a snapshot names it); raises for what cannot be moved."""
    disk, storeid, fmt = params['disk'], params['storage'], params.get('format')
    guest = load(site, params['vmid'])
    check_lock(guest)
    check_digest(guest, params.get('digest'), MODIFIED)
    if disk not in guest.config:
        raise ApiError(f"disk '{disk}' does not exist")
    drive = parse_drive(guest.config[disk])
    if is_cdrom(drive, besides_cloudinit=True):
        raise ApiError("you can't move a cdrom")
    old_store, parsed = storage.parse(site.cluster, drive['file'])
    old_format = re.search(r'\.(raw|qcow2|vmdk)$', parsed.name)
    if old_store == storeid and (not fmt or not old_format or old_format[1] == fmt):
        raise ApiError("you can't move to the same storage with same format")
    section = storage.check_enabled(site.cluster, storeid, site.node)
    if 'images' not in storage.contents(section):
        raise ParameterError({'storage': f"storage '{storeid}' does not support vm images"})
    snapshotted = in_snapshot(guest, drive['file'])
    if snapshotted and params.get('delete'):
        raise ApiError("you can't move a disk with snapshots and delete the source")
    return guest, drive, snapshotted


def in_snapshot(guest: Guest, volid: str) -> bool:
    return any(volid in (used for _name, used in volumes_of(snapshot)) for snapshot in guest.snapshots.values())


def move_work(call: Call, site: Site, task: Any) -> Generator:
    params = call.params
    guest, drive, snapshotted = check_move(site, params)
    if snapshotted:
        task.log('moving disk with snapshots, snapshots will not be moved!')
    try:
        moved = yield from copy_drive(site, task, params['disk'], drive, guest.vmid, storeid=params['storage'],
                                      fmt=params.get('format'), rate=bytes_per_second(call, params.get('bwlimit')),
                                      live=guest.running and not UNUSED.match(params['disk']))
    except ApiError as error:
        raise TaskError(f'storage migration failed: {error.message}') from None
    if guest.template:
        moved['file'] = volumes.make_base(site.cluster, site.node, moved['file'])
    guest.config[params['disk']] = moved['file'] if UNUSED.match(params['disk']) else print_drive(moved)
    if params.get('delete'):
        free(site, drive['file'])
    else:
        add_unused(guest.config, drive['file'])
    normalise(guest)


def reassign(call: Call, site: Site, vmid: int, target: int) -> str:
    disk = call.params['disk']
    key = call.params.get('target-disk') or disk
    check_vm(call, target, None, 'VM.Config.Disk')
    if vmid == target:
        raise ParameterError({'target-vmid': 'must be different than source VMID to reassign disk'})
    _source, _target, drive = check_reassign(call, site, vmid, target, disk, key)
    call.require(f'/storage/{volumes.storage_of(drive["file"])}', 'Datastore.AllocateSpace')

    def worker(task: Any) -> Generator:
        first, second = load(site, vmid), load(site, target)
        yield from hold(first, task, hold(second, task, reassign_work(call, site, task, vmid, target, disk, key)))

    return call.task('qmmove', f'{vmid}-{disk}>{target}-{key}', worker)


def check_reassign(call: Call, site: Site, vmid: int, target: int, disk: str, key: str) -> tuple[Guest, Guest, dict]:
    """(source, target, drive); raises for what cannot change its owner."""
    guests = site.cluster.guests
    for number, text in ((vmid, 'VM'), (target, 'target VM')):
        if number not in guests:
            raise ApiError(f'could not find {text} {number}')
    if guests[vmid].node != guests[target].node:
        raise ApiError(f'Both VMs need to be on the same node ({guests[vmid].node} != {guests[target].node})')
    source, other = load(site, vmid), load(site, target)
    check_lock(source)
    check_lock(other)
    if source.template or other.template:
        raise ApiError("Can't move disks from or to template VMs")
    check_digest(source, call.params.get('digest'), f'VM {vmid}: {MODIFIED}')
    check_digest(other, call.params.get('target-digest'), f'VM {target}: {MODIFIED}')
    if disk not in source.config:
        raise ApiError(f"Disk '{disk}' for VM '{vmid}' does not exist")
    if key in other.config:
        raise ApiError(f"Target disk key '{key}' is already in use for VM '{target}'")
    drive = parse_drive(source.config[disk])
    check_reassignable(site, source, drive, disk)
    if replication_jobs(site.cluster, target):
        section = storage.section(site.cluster, volumes.storage_of(drive['file']))
        if section['type'] != 'zfspool':
            raise ApiError('Cannot move disk to a replicated VM. Storage does not support replication!')
    return source, other, drive


def check_reassignable(site: Site, source: Guest, drive: dict, disk: str) -> None:
    volid = drive.get('file', '')
    if is_cdrom(drive, besides_cloudinit=True):
        raise ApiError("CD drive contents can't be moved to another VM")
    if not is_volume(volid):
        raise ApiError(f"Volume '{volid}' not managed by PVE")
    if in_snapshot(source, volid):
        raise ApiError("Can't move disk used by a snapshot to another VM")
    if not volumes.has_feature(site.cluster, volid, 'rename'):
        raise ApiError('Storage does not support moving of this disk to another VM')
    if source.running and not UNUSED.match(disk):
        raise ApiError('Cannot move disk to another VM while the source VM is running - detach first')


def reassign_work(call: Call, site: Site, task: Any, vmid: int, target: int, disk: str, key: str) -> Generator:
    source, other, drive = check_reassign(call, site, vmid, target, disk, key)
    task.log(f"moving disk '{disk}' from VM '{vmid}' to '{target}'")
    yield 0.2
    drive['file'] = volumes.give_to(site.cluster, site.node, drive['file'], target)
    order = boot_order(source.config.get('boot'))
    if order and disk in order:
        task.log(f"removing disk '{disk}' from boot order config")
        source.config['boot'] = print_boot([name for name in order if name != disk])
    task.log(f"removing disk '{disk}' from VM '{vmid}' config")
    del source.config[disk]
    if UNUSED.match(key):
        other.config[key] = drive['file']
        return
    volume = volumes.exists(site.cluster, site.node, drive['file'])
    drive['size'] = volume.size
    other.pending[key] = print_drive(drive)
    task.log(f'update VM {target}: -{key} {other.pending[key]}')
    if other.running:
        pending.hotplug(site, other, {key})
    else:
        pending.apply_pending(site, other)
    other.installed = other.installed or bool(volume.extra.get('os'))
