"""Snapshots of VMs, with and without memory; rolling back."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, TaskError, operation
from ..model import storage, volumes
from ..model.guest import Guest
from .qemu_common import Site, add_unused, check_free, check_lock, hold, load, site_of
from .qemu_config import shown, snapshot_config
from .qemu_create import run_start
from .qemu_drive import drives_of, is_cdrom, parse_drive, volumes_of
from .qemu_power import halt, save_state
from .qemu_template import has_feature, volumes_without_cdroms
from .qemu_volumes import free

SNAPSHOTS = '/nodes/{node}/qemu/{vmid}/snapshot'
NOT_COPIED = ('lock', 'digest', 'description', 'vmstate', 'snapstate', 'snaptime')
RUNNING_KEYS = ('runningmachine', 'runningcpu', 'running-nets-host-mtu')


@operation('GET', SNAPSHOTS)
def index(call: Call) -> list:
    guest = load(site_of(call), call.params['vmid'])
    rows = []
    for name, snapshot in guest.snapshots.items():
        row = {'name': name, 'snaptime': snapshot.get('snaptime', 0), 'vmstate': int(bool(snapshot.get('vmstate'))),
               'description': snapshot.get('description', '')}
        row.update({key: snapshot[key] for key in ('parent', 'snapstate') if snapshot.get(key)})
        rows.append(row)
    now = {'name': 'current', 'digest': guest.digest(), 'running': int(guest.running), 'description': 'You are here!'}
    if guest.config.get('parent'):
        now['parent'] = guest.config['parent']
    return [*rows, now]


@operation('GET', f'{SNAPSHOTS}/{{snapname}}')
def commands(call: Call) -> list:
    return [{'cmd': 'rollback'}, {'cmd': 'config'}]


@operation('GET', f'{SNAPSHOTS}/{{snapname}}/config')
def read_config(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    return shown(snapshot_config(guest, call.params['snapname']))


@operation('PUT', f'{SNAPSHOTS}/{{snapname}}/config')
def update_config(call: Call) -> None:
    text = call.params.get('description')
    if text is None:
        return
    guest = load(site_of(call), call.params['vmid'])
    check_free(call, guest)
    check_lock(guest)
    snapshot = snapshot_config(guest, call.params['snapname'])
    snapshot['description'] = text.removesuffix('\n')
    if not snapshot['description']:
        del snapshot['description']


@operation('POST', SNAPSHOTS)
def create(call: Call) -> str:
    params, site = call.params, site_of(call)
    name, vmid = params['snapname'], params['vmid']
    if name == 'current' or name.lower() == 'pending':
        raise ApiError(f"unable to use snapshot name '{name.lower()}' (reserved name)")
    guest = load(site, vmid)
    memory = bool(params.get('vmstate'))
    if memory and guest.running and any(key.startswith(('hostpci', 'virtiofs')) for key in guest.config):
        devices = ', '.join(sorted(key for key in guest.config if key.startswith(('hostpci', 'virtiofs'))))
        raise ApiError(f'Cannot live-migrate, snapshot (with RAM), or hibernate a VM with: {devices}')
    text = params.get('description')

    def worker(task: Any) -> Generator:
        yield from create_worker(site, task, vmid, name, memory, text)

    return call.task('qmsnapshot', vmid, worker)


def create_worker(site: Site, task: Any, vmid: int, name: str, memory: bool, text: str | None) -> Generator:
    """Take a snapshot; the VM keeps the lock 'snapshot' when saving its memory fails."""
    guest = load(site, vmid)
    yield from hold(guest, task, prepare(site, guest, name))
    snapshot = guest.snapshots[name]
    if text:
        snapshot['description'] = text.removesuffix('\n')
    if memory and guest.running:
        snapshot.update((yield from save_state(site, task, guest, name)))
    for drive, volid in volumes_without_cdroms(guest.config):
        if not guest.running:
            task.log(f"snapshotting 'drive-{drive}' ({volid})")
        yield 0.2
        volumes.exists(site.cluster, site.node, volid).extra.setdefault('snapshots', []).append(name)
    snapshot.pop('snapstate', None)
    guest.config.pop('lock', None)
    guest.config['parent'] = name


def prepare(site: Site, guest: Guest, name: str) -> Generator:
    """Note the snapshot and lock the VM."""
    if guest.template:
        raise TaskError("you can't take a snapshot if it's a template")
    check_lock(guest)
    if name in guest.snapshots:
        raise TaskError(f"snapshot name '{name}' already used")
    if not has_feature(site, guest.config, 'snapshot'):
        raise TaskError('snapshot feature is not available')
    for snapshot in guest.snapshots.values():
        if snapshot.get('parent') == name:
            del snapshot['parent']
    kept = {key: value for key, value in guest.config.items() if key not in NOT_COPIED and not key.startswith('unused')}
    guest.snapshots[name] = {**kept, 'snaptime': int(site.now()), 'snapstate': 'prepare'}
    guest.config['lock'] = 'snapshot'
    yield 0.0


@operation('DELETE', f'{SNAPSHOTS}/{{snapname}}')
def delete(call: Call) -> str:
    site, vmid, name = site_of(call), call.params['vmid'], call.params['snapname']
    force = bool(call.params.get('force'))

    def worker(task: Any) -> Generator:
        guest = load(site, vmid)
        check_exists(guest, name)
        yield from hold(guest, task, lock_for_delete(guest, name, force))
        yield from remove(site, task, guest, name, force)

    return call.task('qmdelsnapshot', vmid, worker)


def check_exists(guest: Guest, name: str) -> dict:
    if name not in guest.snapshots:
        raise TaskError(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


def lock_for_delete(guest: Guest, name: str, force: bool) -> Generator:
    check_lock(guest)
    if guest.template:
        raise TaskError("you can't delete a snapshot if vm is a template")
    guest.config['lock'] = 'snapshot-delete'
    guest.snapshots[name]['snapstate'] = 'delete'
    yield 0.0


def remove(site: Site, task: Any, guest: Guest, name: str, force: bool) -> Generator:
    """Free what belongs to a snapshot, then forget it; its children become those of its parent."""
    snapshot = guest.snapshots[name]
    if snapshot.get('vmstate'):
        try:
            free(site, snapshot['vmstate'])
        except ApiError as error:
            if not force:
                raise
            task.log(error.message)
    for _drive, volid in volumes_without_cdroms(snapshot):
        yield 0.2
        volume = storage.find(site.cluster, site.node, volid)
        if volume is not None and name in volume.extra.get('snapshots', []):
            volume.extra['snapshots'].remove(name)
    for config in (guest.config, *guest.snapshots.values()):
        if config.get('parent') == name:
            if snapshot.get('parent'):
                config['parent'] = snapshot['parent']
            else:
                del config['parent']
    del guest.snapshots[name]
    guest.config.pop('lock', None)
    keep_detached(guest, snapshot)


def keep_detached(guest: Guest, snapshot: dict) -> None:
    """Volumes that only the snapshot still used become unused<n>."""
    used = {volid for config in (guest.config, *guest.snapshots.values()) for _name, volid in volumes_of(config)}
    for _drive, volid in volumes_without_cdroms(snapshot):
        if volid not in used:
            add_unused(guest.config, volid)


@operation('POST', f'{SNAPSHOTS}/{{snapname}}/rollback')
def rollback(call: Call) -> str:
    site, vmid, name = site_of(call), call.params['vmid'], call.params['snapname']

    def worker(task: Any) -> Generator:
        yield from hold(load(site, vmid), task, rollback_work(site, task, vmid, name))
        if call.params.get('start') and not load(site, vmid).running:
            run_start(site, task, vmid, call.authid)

    return call.task('qmrollback', vmid, worker)


def rollback_work(site: Site, task: Any, vmid: int, name: str) -> Generator:
    guest = load(site, vmid)
    if guest.template:
        raise TaskError("you can't rollback if vm is a template")
    snapshot = check_exists(guest, name)
    check_possible(site, guest, snapshot, name)
    if snapshot.get('snapstate'):
        raise TaskError(f'unable to rollback to incomplete snapshot (snapstate = {snapshot["snapstate"]})')
    check_lock(guest)
    yield from halt(site, task, guest)
    guest.config['lock'] = 'rollback'
    for _drive, _volid in volumes_without_cdroms(snapshot):
        yield 0.3
    restore_config(guest, snapshot, name)
    restore_sizes(site, guest)
    if snapshot.get('vmstate'):
        if any(key == 'running-nets-host-mtu' for key in snapshot):
            for item in snapshot['running-nets-host-mtu'].split(','):
                card, dummy, mtu = item.partition('=')
                task.log(f"netdev {card}: using 'host_mtu={mtu}' for migration compat")
        yield site.setting('start_seconds')
        guest.begin_running(site.now())
        guest.extra['resumed'] = True


def check_possible(site: Site, guest: Guest, snapshot: dict, name: str) -> None:
    """Volumes must be there; ZFS rolls back to the newest snapshot only."""
    for _drive, volid in volumes_without_cdroms(snapshot):
        volume = volumes.exists(site.cluster, site.node, volid)
        newer = volume.extra.get('snapshots', [])
        kind = storage.section(site.cluster, volumes.storage_of(volid))['type']
        if kind == 'zfspool' and name in newer and newer[-1] != name:
            raise TaskError(f"can't rollback, '{name}' is not most recent snapshot on '{volid}'")


def restore_config(guest: Guest, snapshot: dict, name: str) -> None:
    """The snapshot's configuration becomes the current one; description and detached volumes stay."""
    old = guest.config
    config = {key: value for key, value in old.items() if key == 'description' or key.startswith('unused')}
    config.update({key: value for key, value in snapshot.items() if key not in (*NOT_COPIED, *RUNNING_KEYS)})
    if config.get('vmgenid'):
        config['vmgenid'] = str(uuid.uuid4())
    config['parent'] = name
    used = {volid for _drive, volid in volumes_of(config)}
    guest.config, guest.pending, guest.pending_delete = config, {}, {}
    for drive, value in drives_of(old):
        if not is_cdrom(parse_drive(old[drive])) and ':' in value['file'] and value['file'] not in used:
            add_unused(config, value['file'])


def restore_sizes(site: Site, guest: Guest) -> None:
    """A disk that grew after the snapshot is as small again."""
    for _name, drive in drives_of(guest.config):
        volume = storage.find(site.cluster, site.node, drive['file']) if ':' in drive['file'] else None
        if volume is not None and drive.get('size') and volume.content == 'images':
            volume.size = drive['size']
