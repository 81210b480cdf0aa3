"""Restoring a guest from a backup: used by the creation of machines and of containers.

    archive = restore.find_archive(call, params['archive'], vmid)         # checks rights; ApiError where it is not there
    config = yield from restore.restore(task, call, archive, vmid, kind, storage_id=..., unique=...)

`restore` makes the volumes and returns the configuration that the backup had, with them in place.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Generator

from ..call import ApiError, Call
from ..model import backups, storage
from ..tasks import Task
from .storage_access import check_volume_access

RATE = 300e6


def find_archive(call: Call, volid: str, vmid: int, kind: str | None = None) -> storage.Volume:
    """The backup that `archive`/`ostemplate` names, if the caller may read it."""
    if volid == '-':
        raise ApiError('pipe requires cli environment')
    check_volume_access(call, volid, vmid, 'backup')
    storage.check_enabled(call.cluster, volid.partition(':')[0], call.node.name)
    volume = storage.find(call.cluster, call.node.name, volid)
    if volume is None:
        raise ApiError(f"volume '{volid}' does not exist")
    if kind and volume.extra.get('kind') not in (None, kind):
        found = volume.extra['kind']
        raise ApiError(f"ERROR: archive '{volid}' is a backup of type '{found}' and cannot be restored as '{kind}'")
    return volume


def restore(task: Task, call: Call, archive: storage.Volume, vmid: int, kind: str, *, storage_id: str | None = None,
            unique: bool = False) -> Generator:
    """Allocate the archive's volumes for `vmid` and log as PVE does; returns the guest's configuration (a dict).

    storage_id: put every volume there instead of where it was; unique: new MAC addresses. What was allocated is freed
    again when one allocation fails.
    """
    path = storage.path_of(call.cluster, archive.volid)
    rows = archive.extra.get('disks', [])
    begin_log(task, kind, archive, path, rows)
    made: dict[str, storage.Volume] = {}
    try:
        for row in rows:
            made[row['key']] = allocate(task, call, row, vmid, kind, storage_id)
            yield 0.1
    except ApiError:
        for volume in made.values():
            storage.free(call.cluster, call.node.name, volume.volid)
        raise
    yield from extract(task, kind, path, sum(row['size'] for row in rows), sum(row['used'] for row in rows))
    config = new_config(archive.extra.get('config', {}), made, kind)
    renew(config, unique)
    if kind == 'qemu':
        renew_cloudinit(call, config, vmid, storage_id)
        task.log('rescan volumes...')
    else:
        task.log('merging backed-up and given configuration..')
    return config


def begin_log(task: Task, kind: str, archive: storage.Volume, path: str, rows: list[dict]) -> None:
    if kind == 'lxc':
        task.log(f"recovering backed-up configuration from '{archive.volid}'")
        return
    folder = f'/var/tmp/vzdumptmp{task.pid}'
    reader = {'zst': 'zstd -q -d -c', 'gz': 'zcat', 'lzo': 'lzop -d -c'}.get(path.rsplit('.', 1)[-1])
    command = f'{reader} {path} | vma extract -v -r {folder}.fifo - {folder}' if reader else (
        f'vma extract -v -r {folder}.fifo {path} {folder}')
    task.log(f'restore vma archive: {command}')
    task.log(f'CFG: size: {len(backups.config_text(archive))} name: qemu-server.conf')
    for number, row in enumerate(rows, 1):
        task.log(f'DEV: dev_id={number} size: {row["size"]} devname: drive-{row["key"]}')
    task.log(f'CTIME: {time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(archive.ctime))}')


def allocate(task: Task, call: Call, row: dict, vmid: int, kind: str, storage_id: str | None) -> storage.Volume:
    storeid = storage_id or row['volid'].partition(':')[0]
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    wanted = 'rootdir' if kind == 'lxc' else 'images'
    if wanted not in storage.contents(config):
        raise ApiError(f"storage '{storeid}' does not support content-type '{wanted}'" if kind == 'qemu' else
                       f"storage '{storeid}' does not support container directories")
    default, formats = storage.formats_of(config, call.release)
    fmt = row['format'] if row['format'] in formats else default
    volume = storage.alloc(call.cluster, call.node.name, storeid, vmid, row['size'], fmt=fmt, now=task.now(), used=row['used'])
    if kind == 'qemu':
        task.log(f"new volume ID is '{volume.volid}'")
        task.log(f"map 'drive-{row['key']}' to '{storage.path_of(call.cluster, volume.volid)}' (write zeros = 0)")
    return volume


def extract(task: Task, kind: str, path: str, total: int, used: int) -> Generator:
    seconds = 0.5 + used / RATE
    if kind == 'lxc':
        task.log(f"restoring '{path}' now..")
        task.log(f"extracting archive '{path}'")
        yield seconds
        task.log(f'Total bytes read: {used} ({used >> 20}MiB, {int(RATE) >> 20}MiB/s)')
        return
    for step in range(1, 11):
        yield seconds / 10
        task.log(f'progress {step * 10}% (read {total * step // 10} bytes, duration {int(seconds * step / 10)} sec)')
    sparse = total - used
    task.log(f'total bytes read {total}, sparse bytes {sparse} ({100 * sparse / max(1, total):.3g}%)')


def new_config(old: dict, made: dict[str, storage.Volume], kind: str) -> dict:
    """The backed-up configuration with the new volumes; drives that were not backed up are left out."""
    config = {}
    pattern = backups.DRIVE if kind == 'qemu' else backups.MOUNT
    for key, value in old.items():
        if key.startswith('unused') or key in backups.NOT_KEPT:
            continue
        if key in made:
            rest = str(value).partition(',')[2]
            config[key] = made[key].volid + (f',{rest}' if rest else '')
        elif not pattern.match(key) or 'media=cdrom' in str(value) or str(value).startswith('/'):
            config[key] = value
    return config


def renew(config: dict, unique: bool) -> None:
    """A restored guest is another generation; with `unique` its network cards get new addresses too."""
    if config.get('vmgenid') not in (None, '0'):
        config['vmgenid'] = str(uuid.uuid4())
    for key in [key for key in config if unique and key.startswith('net') and key[3:].isdigit()]:
        mac = 'BC:24:11:' + ':'.join(f'{random.randrange(256):02X}' for dummy in range(3))
        parts = str(config[key]).split(',')
        config[key] = ','.join(with_mac(part, mac) for part in parts)


def with_mac(part: str, mac: str) -> str:
    name, dummy, value = part.partition('=')
    is_address = len(value) == 17 and value.count(':') == 5
    return f'{name}={mac}' if is_address else part


def renew_cloudinit(call: Call, config: dict, vmid: int, storage_id: str | None) -> None:
    """Cloud-init drives are not in the backup: they are made anew."""
    for key, value in list(config.items()):
        volid, dummy, rest = str(value).partition(',')
        if 'cloudinit' not in volid or 'media=cdrom' not in rest or ':' not in volid:
            continue
        storeid = storage_id or volid.partition(':')[0]
        section = storage.section(call.cluster, storeid)
        fmt = 'qcow2' if storage.type_of(section).file_based else 'raw'
        name = f'vm-{vmid}-cloudinit' + ('.qcow2' if fmt == 'qcow2' else '')
        found = f'{storeid}:{storage.volume_name(section, vmid, name)}'
        if storage.find(call.cluster, call.node.name, found) is None:
            storage.alloc(call.cluster, call.node.name, storeid, vmid, 4 << 20, fmt=fmt, name=name, now=call.clock.now())
        config[key] = f'{found},{rest}'
