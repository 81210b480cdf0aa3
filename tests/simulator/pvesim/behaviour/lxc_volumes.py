"""Growing and moving the volumes of containers."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, ParameterError, operation
from ..model import container, storage, volumes
from ..model.guest import Guest
from ..schema.formats import format_size, parse_size
from ..tasks import Task
from .lxc_clone import copy_volume
from .lxc_common import MODIFIED, check_digest, check_lock, load, wait_for_file_lock
from .lxc_options import used_in
from .qemu_common import Site, add_unused, site_of


def point(call: Call, guest: Guest, key: str) -> dict[str, str]:
    """A mount point taken apart, or 500 where there is none of that name."""
    if key not in guest.config:
        raise ApiError(f"volume '{key}' does not exist")
    values = container.parse(call.release, 'rootfs' if container.UNUSED_KEY.match(key) else key, guest.config[key])
    if container.point_type(values['volume']) != 'volume':
        raise ApiError(f"mount point '{key}' is not a volume")
    return values


@operation('PUT', '/nodes/{node}/lxc/{vmid}/resize')
def resize(call: Call) -> str:
    params, site = call.params, site_of(call)
    guest = load(site, params['vmid'])
    wait_for_file_lock(call, guest)
    check_lock(guest)
    check_digest(guest, params.get('digest'))
    key = params['disk']
    volume = resizable(call, guest, key)
    size = new_size(params['size'], volume.size)
    return call.task('resize', guest.vmid, lambda task: grow(site, task, guest, key, volume, size))


def resizable(call: Call, guest: Guest, key: str) -> storage.Volume:
    volid = point(call, guest, key)['volume']
    _storeid, parsed = storage.parse(call.cluster, volid)
    if parsed.vmid != guest.vmid:
        raise ApiError(f"can't resize mount point owned by another container ({parsed.vmid})")
    call.require(f'/storage/{volid.partition(":")[0]}', 'Datastore.AllocateSpace')
    return volumes.exists(call.cluster, call.node.name, volid)


def new_size(text: str, size: int) -> int:
    """'20G' or '+5G' in bytes."""
    wanted = parse_size(text.removeprefix('+'))
    if wanted is None:
        raise ApiError('invalid size string')
    wanted += size if text.startswith('+') else 0
    if wanted < size:
        raise ApiError('unable to shrink disk size')
    if wanted == size:
        raise ApiError('disk is already at specified size')
    return wanted


def grow(site: Site, task: Task, guest: Guest, key: str, volume: storage.Volume, size: int) -> Generator:
    check_lock(guest)
    config = storage.section(site.cluster, volume.volid.partition(':')[0])
    size = storage.rounded(config, size)
    storage.check_space(site.cluster, site.node, volume.volid.partition(':')[0],
                        size - volume.size if volume.used >= volume.size else 0, volume.volid)
    yield 0.5
    if volume.used >= volume.size:
        volume.used = size
    volume.size = size
    values = container.parse(site.cluster.release, key, guest.config[key])
    guest.config[key] = container.print_value(site.cluster.release, key, {**values, 'size': format_size(size)})
    path = storage.path_of(site.cluster, volume.volid)
    blocks = size // 4096
    task.log('Image resized.')
    if volume.format == 'raw':
        task.log('e2fsck 1.47.0 (5-Feb-2023)\nPass 1: Checking inodes, blocks, and sizes\nPass 2: Checking directory '
                 'structure\nPass 3: Checking directory connectivity\nPass 4: Checking reference counts\nPass 5: '
                 f'Checking group summary information\nresize2fs 1.47.0 (5-Feb-2023)\nResizing the filesystem on {path} '
                 f'to {blocks} (4k) blocks.\nThe filesystem on {path} is now {blocks} (4k) blocks long.\n')


@operation('POST', '/nodes/{node}/lxc/{vmid}/move_volume')
def move(call: Call) -> str:
    params, site = call.params, site_of(call)
    target_vmid, target = params.get('target-vmid'), params.get('storage')
    if target_vmid is not None and target:
        raise ApiError('either set storage or target-vmid, but not both')
    if target_vmid is None and not target:
        text = "both 'storage' and 'target-vmid' missing, either needs to be set"
        raise ParameterError({'target-vmid': text, 'storage': text})
    guest = load(site, params['vmid'])
    wait_for_file_lock(call, guest)
    if target_vmid is not None:
        return reassign(call, site, guest)
    call.require(f'/storage/{target}', 'Datastore.AllocateSpace')
    check_lock(guest)
    if guest.running:
        raise ApiError('cannot move volumes of a running container')
    if container.UNUSED_KEY.match(params['volume']):
        raise ApiError(f"cannot move volume '{params['volume']}', only configured volumes can be moved to another storage")
    values = point(call, guest, params['volume'])
    in_snapshot = any(used_in(site, Guest(0, 'lxc', '', saved), values['volume']) for saved in guest.snapshots.values())
    if params.get('delete') and in_snapshot:
        raise ApiError("you can't move a volume with snapshots and delete the source")
    check_digest(guest, params.get('digest'))
    guest.config['lock'] = 'disk'
    keep = not params.get('delete')
    return call.task('move_volume', guest.vmid,
                     lambda task: move_to(site, task, guest, params['volume'], values, target, keep))


def move_to(site: Site, task: Task, guest: Guest, key: str, values: dict, target: str, keep: bool) -> Generator:
    try:
        copy = yield from copy_volume(site, task, values['volume'], guest.vmid, target)
    finally:
        guest.config.pop('lock', None)
    if guest.template:
        copy.volid = volumes.make_base(site.cluster, site.node, copy.volid)
    shown = {**values, 'volume': copy.volid, 'size': format_size(copy.size)}
    guest.config[key] = container.print_value(site.cluster.release, key, shown)
    if keep:
        add_unused(guest.config, values['volume'])
        return
    try:
        storage.free(site.cluster, site.node, values['volume'])
    except ApiError as error:
        task.warn(f'failed to remove source volume - {error.message}')


def reassign(call: Call, site: Site, guest: Guest) -> str:
    """Give a volume to another container of the node."""
    params = call.params
    source_key, target_key = params['volume'], params.get('target-volume', params['volume'])
    if not call.is_root:
        call.require(f'/vms/{params["target-vmid"]}', 'VM.Config.Disk')
    other = check_reassign(call, site, guest, source_key, target_key)
    values = point(call, guest, source_key)
    call.require(f'/storage/{values["volume"].partition(":")[0]}', 'Datastore.AllocateSpace')

    def work(task: Task) -> Generator:
        yield 0.5
        task.log(f"moving volume '{source_key}' from container '{guest.vmid}' to '{other.vmid}'")
        volid = volumes.give_to(site.cluster, site.node, values['volume'], other.vmid)
        shown = volid if container.UNUSED_KEY.match(target_key) else container.print_value(
            call.release, target_key, {**values, 'volume': volid})
        guest.config.pop(source_key, None)
        task.log(f"removing volume '{source_key}' from container '{guest.vmid}' config")
        other.config[target_key] = shown
        task.log(f"target container '{other.vmid}' updated with '{target_key}'")

    return call.task('move_volume', f'{guest.vmid}-{source_key}>{other.vmid}-{target_key}', work)


def check_reassign(call: Call, site: Site, guest: Guest, source_key: str, target_key: str) -> Guest:
    """The container that gets the volume; raises where it cannot."""
    params = call.params
    if 'rootfs' in (source_key, target_key):
        raise ApiError("Cannot move to/from 'rootfs'")
    if container.UNUSED_KEY.match(source_key) and not container.UNUSED_KEY.match(target_key):
        raise ApiError('Moving an unused volume to a used one is not possible')
    other = call.cluster.guests.get(params['target-vmid'])
    if other is None:
        raise ApiError(f'could not find CT {params["target-vmid"]}')
    if other.node != guest.node:
        raise ApiError(f'Both containers need to be on the same node ({guest.node} != {other.node})')
    other = load(site, other.vmid)
    for one, digest in ((guest, params.get('digest')), (other, params.get('target-digest'))):
        check_lock(one)
        if one.template:
            raise ApiError("Can't move volumes from or to template CT")
        if digest and digest != one.digest():
            raise ApiError(f'Container {one.vmid}: {MODIFIED}')
    if source_key not in guest.config:
        raise ApiError(f"volume '{source_key}' for container '{guest.vmid}' does not exist")
    if target_key in other.config:
        raise ApiError(f"Target volume key '{target_key}' is already in use for container '{other.vmid}'")
    check_movable(call, guest, source_key)
    return other


def check_movable(call: Call, guest: Guest, key: str) -> None:
    volume = point(call, guest, key)['volume']
    for saved in guest.snapshots.values():
        if used_in(site_of(call), Guest(0, 'lxc', '', saved), volume):
            raise ApiError('Cannot move volume used by a snapshot to another container')
    if not volumes.has_feature(call.cluster, volume, 'rename'):
        raise ApiError('Storage does not support moving of this disk to another container')
    if guest.running and not container.UNUSED_KEY.match(key):
        raise ApiError('Cannot move in-use volume while the source CT is running - detach or shutdown first')
