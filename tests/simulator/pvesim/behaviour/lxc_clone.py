"""Copies of containers, and templates."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, TaskError, operation
from ..model import container, firewall, storage, volumes
from ..model.guest import Guest
from ..schema.formats import format_size
from ..tasks import Task
from . import qemu_common, qemu_net
from .lxc_common import check_lock, check_unused_id, check_writable, free_all, image_format, load, wait_for_file_lock
from .lxc_config import snapshot
from .lxc_options import with_new_addresses
from .qemu_common import Site, site_of

NOT_COPIED = frozenset(['snapshots', 'parent', 'snaptime', 'snapstate', 'pending', 'template', 'lock', 'digest'])
TEMPLATE_SECONDS = 1.0


@operation('POST', '/nodes/{node}/lxc/{vmid}/clone')
def clone(call: Call) -> str:
    params, site = call.params, site_of(call)
    newid, name, target = params['newid'], params.get('snapname'), params.get('target')
    qemu_common.check_pool(call, params.get('pool'))
    target = target_node(call, target)
    if params.get('storage'):
        check_target_storage(call, params['storage'], target)
    qemu_common.check_quorum(call.cluster)
    guest = load(site, params['vmid'])
    wait_for_file_lock(call, guest)
    check_lock(guest)
    check_unused_id(call, newid)
    full = bool(params.get('full', not guest.template))
    if params.get('storage') and not full:
        raise ApiError("parameter 'storage' not allowed for linked clones")
    source = snapshot(guest, name) if name else guest.config
    points = source_points(call, guest, source, full, target)
    config = copied_options(call, source)
    check_writable(site, newid)
    call.cluster.guests[newid] = Guest(newid, 'lxc', site.node, {**config, 'lock': 'create'}, created_at=site.now())
    firewall.copy_guest(call.cluster, guest.vmid, newid)
    guest.config['lock'] = 'disk'
    plan = Plan(site, guest, call.cluster.guests[newid], points, full, params.get('storage'), target, params.get('pool'))
    return call.task('vzclone', guest.vmid, plan.work)


def target_node(call: Call, target: str | None) -> str | None:
    """The other node that a clone or migration goes to; None for this one."""
    if not target or target in (call.node.name, 'localhost'):
        return None
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    return target


def check_target_storage(call: Call, storeid: str, target: str | None) -> None:
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    if target:
        storage.check_enabled(call.cluster, storeid, target)
        if not storage.is_shared(config):
            raise ApiError(f"can't clone to non-shared storage '{storeid}'")


def source_points(call: Call, guest: Guest, source: dict, full: bool, target: str | None) -> dict[str, dict]:
    """The mount points that are copied, taken apart; raises where one cannot be."""
    points: dict[str, dict] = {}
    name, shared = call.params.get('snapname'), True
    for key in container.volumes(source):
        values = container.parse(call.release, key, source[key])
        volume = values['volume']
        kind = container.point_type(volume)
        if kind != 'volume':
            raise ApiError(f"unable to clone mountpoint '{key}' (type {kind})")
        storeid = call.params.get('storage') or volume.partition(':')[0]
        shared = shared and storage.is_shared(storage.section(call.cluster, storeid))
        call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')
        if full and guest.running and not name:
            raise ApiError('Full clone of a running container is only possible from a snapshot')
        if not full and not can_link(call, volume, name):
            raise ApiError(f"Linked clone feature for '{volume}' is not available")
        points[key] = values
    if target and not shared:
        raise ApiError(f"can't clone CT to node '{target}' (CT uses local storage)")
    return points


def can_link(call: Call, volume: str, name: str | None) -> bool:
    """Linked clones of containers are raw images or subvolumes: files on a directory cannot be."""
    config = storage.section(call.cluster, volume.partition(':')[0])
    if storage.type_of(config).file_based and config['type'] != 'btrfs':
        return False
    return volumes.has_feature(call.cluster, volume, 'clone', name)


def copied_options(call: Call, source: dict) -> dict[str, Any]:
    """All options but the mount points: new addresses, the name and description that were asked for."""
    config = {key: value for key, value in source.items() if key not in NOT_COPIED
              and not container.VOLUME_KEY.match(key) and not container.UNUSED_KEY.match(key)}
    config = with_new_addresses(call.cluster, config)
    qemu_net.check_bridge_access(call, config)
    if call.params.get('hostname'):
        config['hostname'] = call.params['hostname']
    if call.params.get('description'):
        config['description'] = container.description(call.params['description'])
    return config


class Plan:
    """One clone: what its worker needs to know."""

    def __init__(self, site: Site, source: Guest, guest: Guest, points: dict[str, dict], full: bool,
                 store: str | None, target: str | None, pool: str | None):
        self.site, self.source, self.guest, self.points, self.full = site, source, guest, points, full
        self.store, self.target, self.pool = store, target, pool

    def work(self, task: Task) -> Generator:
        made: list[str] = []
        task.log(f'creating a clone of container {self.source.vmid} with ID {self.guest.vmid}')
        try:
            for key, values in self.points.items():
                volume = yield from (self.copy if self.full else self.link)(task, key, values)
                made.append(volume.volid)
                shown = {**values, 'volume': volume.volid, 'size': format_size(volume.size)}
                self.guest.config[key] = container.print_value(self.site.cluster.release, key, shown)
        except (ApiError, TaskError) as error:
            free_all(self.site, task, made)
            self.site.cluster.guests.pop(self.guest.vmid, None)
            raise TaskError(f'clone failed: {error}') from None
        finally:
            self.source.config.pop('lock', None)
        qemu_common.add_to_pool(self.site.cluster, self.guest.vmid, self.pool)
        self.guest.config.pop('lock', None)
        if self.target:
            self.guest.node = self.target

    def copy(self, task: Task, key: str, values: dict) -> Generator:
        task.log(f'create full clone of mountpoint {key} ({values["volume"]})')
        volume = yield from copy_volume(self.site, task, values['volume'], self.guest.vmid, self.store)
        return volume

    def link(self, task: Task, key: str, values: dict) -> Generator:
        task.log(f'create linked clone of mount point {key} ({values["volume"]})')
        yield 0.3
        return volumes.clone_linked(self.site.cluster, self.site.node, values['volume'], self.guest.vmid, self.site.now())


def copy_volume(site: Site, task: Task, volid: str, vmid: int, store: str | None) -> Generator:
    """Copy the files of a volume to a new one; returns it."""
    source = volumes.exists(site.cluster, site.node, volid)
    storeid = store or volid.partition(':')[0]
    config = storage.check_enabled(site.cluster, storeid, site.node)
    if 'rootdir' not in storage.contents(config):
        raise ApiError(f"content type 'rootdir' is not available or configured on storage '{storeid}'")
    fmt = image_format(site, storeid, source.size)
    copy = storage.alloc(site.cluster, site.node, storeid, vmid, source.size, fmt=fmt, now=site.now(), used=source.used)
    if line := volumes.created_line(site.cluster, copy):
        task.log(line)
    if fmt == 'raw':
        for line in container.filesystem_lines(copy.size, str(uuid.uuid4())):
            task.log(line)
    copy.used = max(copy.used, source.used)
    yield max(0.5, copy.used / site.setting('disk_rate'))
    files = 42 + copy.used // 40000
    task.log(f'\nNumber of files: {files:,} (reg: {files // 2:,}, dir: {files // 2:,})\n'
             f'Total file size: {copy.used:,} bytes\nTotal bytes sent: {copy.used:,}\nTotal bytes received: 340\n\n'
             f'total size is {copy.used:,}  speedup is 1.00')
    return copy


@operation('POST', '/nodes/{node}/lxc/{vmid}/template')
def template(call: Call) -> None:
    """The conversion is a worker of its own; the answer does not say which, and comes before it has done anything."""
    site = site_of(call)
    guest = load(site, call.params['vmid'])
    wait_for_file_lock(call, guest)
    check_lock(guest)
    if guest.snapshots:
        raise ApiError('unable to create template, because CT contains snapshots')
    if guest.template:
        raise ApiError("you can't convert a template to a template")
    if guest.running:
        raise ApiError("you can't convert a CT to template if the CT is running")
    conversion = Conversion(site, guest)
    site.fleet.settings.setdefault('container_workers', {})[site.cluster.name, guest.vmid] = conversion.finish
    if call.clock.mode == 'fast':
        # waits end at once there, but the answer still comes first
        asyncio.get_running_loop().call_later(0.3, lambda: call.task('vztemplate', guest.vmid, conversion.work))
    else:
        call.task('vztemplate', guest.vmid, conversion.work)


class Conversion:
    """A container on its way to a template; whoever needs its file lock meanwhile waits for the end."""

    def __init__(self, site: Site, guest: Guest):
        self.site, self.guest, self.done, self.error = site, guest, False, ''
        self.until = site.now() + TEMPLATE_SECONDS

    def work(self, task: Task) -> Generator:
        yield TEMPLATE_SECONDS
        self.finish()
        if self.error:
            raise TaskError(self.error)

    def finish(self) -> float:
        """Do it unless it is done; returns the seconds that were left."""
        self.site.fleet.settings['container_workers'].pop((self.site.cluster.name, self.guest.vmid), None)
        if not self.done:
            self.done = True
            try:
                self.convert()
            except ApiError as error:
                self.error = error.message
        return max(0.0, self.until - self.site.now())

    def convert(self) -> None:
        cluster, release = self.site.cluster, self.site.cluster.release
        points = {key: container.parse(release, key, self.guest.config[key])
                  for key in container.volumes(self.guest.config)}
        for values in points.values():
            if not volumes.has_feature(cluster, values['volume'], 'template'):
                raise ApiError(f"Template feature is not available for '{values['volume']}'")
        for key, values in points.items():
            base = volumes.make_base(cluster, self.site.node, values['volume'])
            self.guest.config[key] = container.print_value(release, key, {**values, 'volume': base})
        self.guest.config['template'] = 1
