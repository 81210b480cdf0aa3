"""POST lxc: a new container from a template, or one restored from a backup."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import container, storage
from ..model.guest import Guest
from ..schema.formats import parse_size
from ..tasks import Task
from . import lxc_options, qemu_common
from .lxc_common import (
    check_lock,
    check_modify,
    check_protection,
    check_unused_id,
    check_writable,
    create_disks,
    free_all,
    own_volumes,
    usable_storage,
)
from .lxc_power import begin
from .qemu_common import site_of
from .storage_access import check_volume_access

# Parameters of the request that are no options of the container.
REQUEST = frozenset((
    'node', 'vmid', 'ostemplate', 'restore', 'force', 'unique', 'password', 'ssh-public-keys', 'pool', 'storage', 'start',
    'bwlimit', 'unprivileged', 'ignore-unpack-errors', 'ha-managed',
))
RATE = 150 << 20


@operation('POST', '/nodes/{node}/lxc')
def create(call: Call) -> str:
    params, site = call.params, site_of(call)
    vmid, restore = params['vmid'], bool(params.get('restore'))
    if not restore and not params.get('unprivileged', True) and call.release == '9':
        call.require('/', 'Sys.Modify')
    old = existing(call, vmid, restore)
    if params.get('ssh-public-keys'):
        lxc_options.check_ssh_keys(params['ssh-public-keys'])
    pool = params.get('pool')
    qemu_common.check_pool(call, pool)
    check_may_create(call, vmid, pool, old)
    config = {key: container.stored(value) for key, value in params.items() if key not in REQUEST}
    unprivileged = params.get('unprivileged', True)
    check_modify(call, vmid, pool, {}, config, [], bool(unprivileged))
    archive = params['ostemplate']
    if archive != '-':
        check_volume_access(call, archive, vmid, 'backup' if restore else 'vztmpl')
    points = mount_points(call, config)
    settings = {key: value for key, value in config.items() if not container.VOLUME_KEY.match(key)}
    kept = lxc_options.normalised(call, settings)
    check_writable(site, vmid)
    guest = locked_guest(call, vmid, old)
    plan = Plan(call, guest, old, archive, points, kept, pool)
    return call.task('vzrestore' if restore else 'vzcreate', vmid, plan.work)


def existing(call: Call, vmid: int, restore: bool) -> Guest | None:
    """The container that a forced restore overwrites; raises where the id is taken otherwise."""
    guest = call.cluster.guests.get(vmid)
    overwrite = restore and call.params.get('force')
    if not (overwrite and guest is not None and guest.kind == 'lxc' and guest.node == call.node.name):
        check_unused_id(call, vmid)
        return None
    if guest.running:
        raise ApiError("can't overwrite running container")
    check_protection(guest, f'unable to restore CT {vmid}')
    return guest


def check_may_create(call: Call, vmid: int, pool: str | None, old: Guest | None) -> None:
    if call.may(f'/vms/{vmid}', 'VM.Allocate') or (pool and call.may(f'/pool/{pool}', 'VM.Allocate')):
        return
    if old is not None and call.may(f'/vms/{vmid}', 'VM.Backup'):
        return
    raise ApiError(403, 'Permission check failed')


def mount_points(call: Call, config: dict) -> dict[str, str]:
    """The mount points that were asked for, with the default storage filled in; every storage is checked."""
    default = call.params.get('storage', 'local')
    points = {}
    for key in container.volumes(config):
        text = str(config[key])
        points[key] = f'{default}:{text}' if container.PLAIN_SIZE.match(text) else text
    if points and 'rootfs' not in points:
        raise ApiError("mount points configured, but 'rootfs' not set - aborting")
    for key, text in points.items():
        volume = container.parse(call.release, key, text)['volume']
        if container.point_type(volume) != 'volume':
            if not call.is_root:
                raise ApiError('Only root can pass arbitrary filesystem paths.')
            continue
        usable_storage(call, volume.partition(':')[0])
    if 'rootfs' not in points:
        usable_storage(call, default)
    return points


def locked_guest(call: Call, vmid: int, old: Guest | None) -> Guest:
    """The container's configuration with the lock that keeps others away while it is made."""
    if old is not None:
        check_lock(old)
        old.config['lock'] = 'create'
        return old
    guest = Guest(vmid, 'lxc', call.node.name, {'lock': 'create'}, created_at=call.clock.now())
    call.cluster.guests[vmid] = guest
    return guest


class Plan:
    """One creation: what its worker needs to know."""

    def __init__(self, call: Call, guest: Guest, old: Guest | None, archive: str, points: dict[str, str], kept: dict,
                 pool: str | None):
        self.call, self.guest, self.archive, self.points, self.kept = call, guest, archive, points, kept
        self.pool, self.site = pool, site_of(call)
        self.restore = bool(call.params.get('restore'))
        self.before = dict(old.config) if old is not None else None
        self.word = f'unable to {"restore" if self.restore else "create"} CT {guest.vmid} -'

    def work(self, task: Task) -> Generator:
        made: list[str] = []
        try:
            config = yield from self.fill(task, made)
        except (ApiError, TaskError) as error:
            text = str(error)
            task.log(text)
            free_all(self.site, task, made)
            if self.before is None:
                self.call.cluster.guests.pop(self.guest.vmid, None)
            else:
                self.guest.config = {key: value for key, value in self.before.items() if key != 'lock'}
            raise TaskError(f'{self.word} {text}') from None
        self.guest.config = config
        self.guest.created_at = self.guest.created_at or self.site.now()
        qemu_common.add_to_pool(self.call.cluster, self.guest.vmid, self.pool)
        if self.call.params.get('ha-managed'):
            self.call.cluster.section('ha-resources')[f'ct:{self.guest.vmid}'] = {'type': 'ct', 'state': 'started'}
        if self.call.params.get('start'):
            yield from begin(self.site, task, self.guest)

    def fill(self, task: Task, made: list[str]) -> Generator:
        """Make the volumes, unpack the archive; returns the configuration."""
        saved = self.backed_up()
        points = self.points or self.default_points(saved)
        kept = yield from create_disks(self.site, task, self.guest.vmid, points, made)
        if self.before is not None:
            free_all(self.site, task, [volid for volid in own_volumes(
                Guest(0, 'lxc', '', dict(self.before)), self.call.release) if volid not in made])
        volume = self.unpacked(task)
        yield max(0.5, volume.used / RATE) if volume else 0.2
        return {**self.finished(task, saved, volume), **kept}

    def backed_up(self) -> dict:
        """The configuration in the backup; empty for a template."""
        if not self.restore:
            return {}
        volume = storage.find(self.call.cluster, self.site.node, self.archive)
        if volume is None:
            raise ApiError(f"volume '{self.archive}' does not exist")
        saved = volume.extra.get('config')
        if not isinstance(saved, dict):
            raise ApiError(f"unable to recover configuration: '{self.archive}' holds no container")
        return saved

    def default_points(self, saved: dict) -> dict[str, str]:
        default = self.call.params.get('storage', 'local')
        if not self.restore:
            return {'rootfs': f'{default}:4'}
        points = {}
        release = self.call.release
        for key in container.volumes(saved):
            values: dict[str, Any] = container.parse(release, key, saved[key])
            if container.point_type(values['volume']) != 'volume':
                raise ApiError(f'unable to restore mount point {key} ({values["volume"]})')
            size = container_size(values)
            values.pop('size', None)
            points[key] = container.print_value(release, key, {**values, 'volume': f'{default}:{size:g}'})
        if 'rootfs' not in points:
            raise ApiError('rootfs configuration could not be recovered, please check and specify manually!')
        return points

    def unpacked(self, task: Task) -> storage.Volume | None:
        if self.archive == '-':
            return None
        volume = storage.find(self.call.cluster, self.site.node, self.archive)
        if volume is None:
            raise ApiError(f"volume '{self.archive}' does not exist")
        if self.restore:
            task.log(f"restoring '{self.archive}' now..")
        task.log(f"extracting archive '{storage.path_of(self.call.cluster, self.archive)}'")
        size = max(10240, volume.used * 2)
        task.log(f'Total bytes read: {size} ({size / (1 << 20):.1f}MiB, 178MiB/s)')
        return volume

    def finished(self, task: Task, saved: dict, volume: storage.Volume | None) -> dict:
        """All options but the mount points."""
        if self.restore:
            task.log('merging backed-up and given configuration..')
            config = {key: value for key, value in saved.items() if key not in ('lock', 'digest', 'parent', 'snapshots')
                      and not container.VOLUME_KEY.match(key) and not container.UNUSED_KEY.match(key)}
            if self.call.params.get('unique'):
                config = lxc_options.with_new_addresses(self.call.cluster, config)
            config.update(self.kept)
            if 'unprivileged' in self.call.params:
                set_flag(config, 'unprivileged', self.call.params['unprivileged'])
        else:
            name = self.archive.rpartition('/')[2]
            architecture = container.architecture_of(name)
            task.log(f'Detected container architecture: {architecture}')
            config = {'arch': architecture, 'ostype': container.ostype_of(name), **self.kept}
            set_flag(config, 'unprivileged', self.call.params.get('unprivileged', True))
        config.setdefault('hostname', f'CT{self.guest.vmid}')
        config.setdefault('memory', container.DEFAULTS['memory'])
        config.setdefault('swap', container.DEFAULTS['swap'])
        return config


def set_flag(config: dict, name: str, value: Any) -> None:
    """Keep a flag only where it is set."""
    config.pop(name, None)
    if value:
        config[name] = 1


def container_size(values: dict) -> float:
    """GiB of a mount point in a backup."""
    size = parse_size(values.get('size', ''))
    if size is None:
        raise ParameterError({'rootfs': 'unable to detect disk size - please specify rootfs (size)'})
    return size / (1 << 30)
