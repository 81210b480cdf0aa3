"""Creating a VM, from nothing or from a backup."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import storage
from ..model.guest import Guest
from ..model.sections import nested
from ..model.volumes import make_base
from ..tasks import start as start_task
from . import ha_manager, restore
from .qemu_common import QEMU_VERSIONS, Site, add_to_pool, check_pool, check_protection, present, site_of
from .qemu_config import check_hardware, normalise, pin_machine, prepare, values_of
from .qemu_destroy import referenced
from .qemu_disks import check_drives, check_storages
from .qemu_drive import default_boot, drives_of, is_cdrom, is_drive, print_boot, print_drive, volumes_of
from .qemu_net import check_bridge_access
from .qemu_options import check_device, check_modify, check_ssh_keys, is_device
from .qemu_pending import cloudinit_drive
from .qemu_power import start_worker
from .qemu_volumes import create_drives, free_quietly
from .storage_access import check_volume_access

KINDS = {'qemu': 'VM', 'lxc': 'CT'}


def reserve(site: Site, vmid: int, prefix: str = '', lock: str = 'create') -> Guest:
    """Take the id: an empty, locked configuration. 500 where a guest of that id exists anywhere in the cluster."""
    other = site.cluster.guests.get(vmid)
    if other is not None:
        raise ApiError(f"{prefix}{KINDS[other.kind]} {vmid} already exists on node '{other.node}'")
    guest = Guest(vmid, 'qemu', site.node, config={'lock': lock}, created_at=site.now())
    site.cluster.guests[vmid] = guest
    return guest


def give_up(site: Site, guest: Guest) -> None:
    """Free the id of a creation that failed."""
    if site.cluster.guests.get(guest.vmid) is guest:
        del site.cluster.guests[guest.vmid]


def check_allocate(call: Call, vmid: int, pool: str | None, restores: bool) -> None:
    """403 unless the caller may make (or restore) a VM of that id."""
    if call.may(f'/vms/{vmid}', 'VM.Allocate') or (pool and call.may(f'/pool/{pool}', 'VM.Allocate')):
        return
    if restores and present(site_of(call), vmid) and call.may(f'/vms/{vmid}', 'VM.Backup'):
        return
    raise ApiError(403, 'Permission check failed')


def check_options(call: Call, vmid: int, pool: str | None, values: dict, default: str | None) -> None:
    check_storages(call, vmid, values, default)
    check_modify(call, vmid, pool, list(values))
    for name in sorted(values):
        if is_device(name):
            check_device(call, vmid, pool, name, str(values[name]))
    check_bridge_access(call, values)
    check_drives(call, values)
    prepare(call, values)


@operation('POST', '/nodes/{node}/qemu')
def create(call: Call) -> str:
    params, vmid = call.params, call.params['vmid']
    archive, pool, default = params.get('archive'), params.get('pool'), params.get('storage')
    values = values_of(call.cluster, params)
    check_ssh_keys(values.get('sshkeys'))
    check_pool(call, pool)
    if default is not None:
        call.require(f'/storage/{default}', 'Datastore.AllocateSpace')
    check_allocate(call, vmid, pool, bool(archive and params.get('force')))
    if params.get('ha-managed'):
        call.require('/', 'Sys.Console')
    if archive:
        check_archive(call, vmid, archive, values)
    if values:
        check_options(call, vmid, pool, values, default)
    if archive:
        return restore_vm(call, vmid, archive, values)
    site = site_of(call)
    guest = reserve(site, vmid, f'unable to create VM {vmid} - ')
    start = bool(params.get('start') or params.get('live-restore'))

    def worker(task: Any) -> Generator:
        yield from create_worker(site, task, guest, values, default, pool)
        if params.get('ha-managed'):
            manage(site, task, vmid, start)
        elif start:
            task.log('Execute autostart')
            run_start(site, task, vmid, call.authid)

    return call.task('qmcreate', vmid, worker)


def run_start(site: Site, task: Any, vmid: int, authid: str) -> None:
    """Start the VM in a task of its own, as the API does."""
    start_task(site.fleet, site.cluster, site.node, 'qmstart', vmid, authid, lambda own: start_worker(site, own, vmid))


def manage(site: Site, task: Any, vmid: int, start: bool) -> None:
    """Leave the VM to HA, which starts it."""
    task.log('Add as HA resource')
    site.cluster.section('ha-resources')[f'vm:{vmid}'] = {'type': 'vm', 'state': 'started' if start else 'stopped'}
    ha_manager.schedule(site.fleet, site.cluster)


def create_worker(site: Site, task: Any, guest: Guest, values: dict, default: str | None, pool: str | None) -> Generator:
    """Make the disks and write the configuration; the id is free again when that fails."""
    made: list[str] = []
    done = False
    try:
        for name in ('machine', 'vga'):
            check_hardware(name, values.get(name, ''))
        drives = yield from create_drives(site, task, guest.vmid, values, values, default, made)
        finish(site, guest, {**values, **drives})
        add_to_pool(site.cluster, guest.vmid, pool)
        done = True
    except ApiError as error:
        raise TaskError(f'unable to create VM {guest.vmid} - {nested(error)}') from None
    finally:
        if not done:
            free_quietly(site, made)
            give_up(site, guest)


def finish(site: Site, guest: Guest, config: dict) -> None:
    """The configuration as it is written first: with what PVE adds."""
    version = QEMU_VERSIONS[site.cluster.release]
    config['meta'] = f'creation-qemu={version},ctime={int(site.now())}'
    if not str(config.get('boot', '')).strip():
        config['boot'] = print_boot(default_boot(config))
    config.setdefault('smbios1', f'uuid={uuid.uuid4()}')
    config.setdefault('vmgenid', str(uuid.uuid4()))
    pin_machine(site.cluster.release, str(config.get('ostype', '')), config.get('machine'), config)
    guest.config = config
    guest.installed = boots_a_system(site, config)
    normalise(guest)
    if cloudinit_drive(config):
        guest.extra.pop('cloudinit', None)


def boots_a_system(site: Site, config: dict) -> bool:
    """Whether one of the disks holds an operating system."""
    for _name, drive in drives_of(config):
        volume = storage.find(site.cluster, site.node, drive['file']) if ':' in drive['file'] else None
        if volume is not None and volume.extra.get('os'):
            return True
    return False


def check_archive(call: Call, vmid: int, archive: str, values: dict) -> None:
    for name in sorted(values):
        if is_drive(name):
            raise ParameterError({name: "option conflicts with option 'archive'"})
    if archive == '-':
        raise ApiError('pipe requires cli environment')
    check_volume_access(call, archive, vmid, 'backup')


def restore_vm(call: Call, vmid: int, archive: str, values: dict) -> str:
    """A task that brings a VM back from a backup; `values` override what the backup has."""
    site, params = site_of(call), call.params
    prefix = f'unable to restore VM {vmid} - '
    guest = present(site, vmid)
    old = guest is not None and bool(params.get('force'))
    if not old:
        guest = reserve(site, vmid, prefix)
    elif guest.lock:
        raise ApiError(f'{prefix}VM is locked ({guest.lock})')

    def worker(task: Any) -> Generator:
        check_protection(guest, f'unable to restore VM {vmid} -')
        if guest.running:
            raise TaskError(f'{prefix}vm is running')
        guest.config['lock'] = 'create'
        try:
            found = restore.find_archive(call, archive, vmid, 'qemu')
            before = referenced(site, guest)
            config = yield from restore.restore(task, call, found, vmid, 'qemu', storage_id=params.get('storage'),
                                                unique=bool(params.get('unique')))
        except ApiError:
            guest.config.pop('lock', None)
            task.log('error before or during data restore, some or all disks were not completely restored. '
                     f'VM {vmid} state is NOT cleaned up.')
            raise
        if params.get('unique'):
            config['smbios1'] = f'uuid={uuid.uuid4()}'
        replace(site, guest, {**config, **values}, before)
        add_to_pool(site.cluster, vmid, params.get('pool'))
        if params.get('start'):
            task.log('Execute autostart')
            run_start(site, task, vmid, call.authid)

    return call.task('qmrestore', vmid, worker)


def replace(site: Site, guest: Guest, config: dict, before: set[str]) -> None:
    """The restored configuration in place of the old one, whose volumes and snapshots go."""
    kept = {volid for _name, volid in volumes_of(config)}
    guest.config, guest.snapshots, guest.pending, guest.pending_delete = config, {}, {}, {}
    guest.extra.pop('cloudinit', None)
    free_quietly(site, sorted(before - kept))
    guest.installed = True
    if config.get('template'):
        for name, drive in drives_of(config):
            if ':' in drive['file'] and not is_cdrom(drive, besides_cloudinit=False):
                drive['file'] = make_base(site.cluster, site.node, drive['file'])
                config[name] = print_drive(drive)
    normalise(guest)
