"""Workers that make the volumes of drives: new ones, imported ones, copies and linked clones."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..call import ApiError
from ..model import storage, volume_names, volumes
from ..model.storage import Volume
from ..tasks import size_text
from .qemu_common import Site, copying
from .qemu_disks import is_volume
from .qemu_drive import (
    CLOUDINIT_SIZE,
    EFI_SIZES,
    TPM_SIZE,
    drives_of,
    gib_to_bytes,
    is_cloudinit,
    is_drive,
    is_new,
    new_disk,
    parse_drive,
    print_drive,
)

# An image of at least this size is taken to hold an operating system with a guest agent.
SMALLEST_SYSTEM = 256 << 20
ALLOCATING = 0.2


def allocate(site: Site, task: Any, storeid: str, vmid: int, size: int, fmt: str | None = None,
             name: str | None = None, used: int | None = None) -> Volume:
    """A new image, with the line that the tools print."""
    volume = storage.alloc(site.cluster, site.node, storeid, vmid, size, fmt=fmt, name=name, now=site.now(), used=used)
    line = volumes.created_line(site.cluster, volume)
    if line:
        task.log(line)
    return volume


def free(site: Site, volid: str) -> None:
    storage.free(site.cluster, site.node, volid)


def free_quietly(site: Site, volids: list[str]) -> None:
    """Clean up after a failure."""
    for volid in volids:
        try:
            free(site, volid)
        except ApiError:
            continue


def create_drives(site: Site, task: Any, vmid: int, config: dict, values: dict, default: str | None = None,
                  made: list | None = None) -> Generator:
    """Make what the drives among `values` ask for; the result is {name: value for the configuration}.

    config: what the VM has already; made: takes the ids of the new volumes. They are freed when anything fails.
    """
    made = [] if made is None else made
    result: dict[str, str] = {}
    try:
        for name in sorted(values):
            if is_drive(name):
                drive = parse_drive(values[name])
                yield from create_drive(site, task, vmid, name, drive, {**config, **result}, default, made)
                result[name] = print_drive(drive)
                if drive.pop('created', False):
                    result[name] = print_drive(drive)
                    task.log(f"{name}: successfully created disk '{result[name]}'")
    except ApiError:
        free_quietly(site, made)
        raise
    return result


def create_drive(site: Site, task: Any, vmid: int, name: str, drive: dict, config: dict, default: str | None,
                 made: list) -> Generator:
    """Bring one drive into being; `drive` is changed to what the configuration shows."""
    text = drive.get('file', '')
    if text in ('', 'none', 'cdrom'):
        drive.pop('size', None)
        return
    if text == 'cloudinit' or text.partition(':')[2] == 'cloudinit':
        create_cloudinit(site, task, vmid, name, drive, config, default, made)
    elif is_new(drive):
        yield from create_new(site, task, vmid, name, drive, config, default, made)
    else:
        attach(site, name, drive, config)
        return
    drive['created'] = True
    yield ALLOCATING


def create_cloudinit(site: Site, task: Any, vmid: int, name: str, drive: dict, config: dict, default: str | None,
                     made: list) -> None:
    storeid = drive['file'].partition(':')[0] if ':' in drive['file'] else default
    if not storeid:
        raise ApiError('no storage ID specified (and no default storage)')
    check_one_cloudinit(name, config)
    section = storage.section(site.cluster, storeid)
    dotted = storage.type_of(section).file_based
    fmt = drive.pop('format', None) or ('qcow2' if dotted else 'raw')
    bare = f'vm-{vmid}-cloudinit' + (f'.{fmt}' if dotted else '')
    volume = allocate(site, task, storeid, vmid, CLOUDINIT_SIZE, fmt, bare)
    made.append(volume.volid)
    drive.update(file=volume.volid, media='cdrom')
    drive.pop('size', None)


def check_one_cloudinit(name: str, config: dict) -> None:
    for other, present in drives_of(config):
        if other != name and is_cloudinit(present):
            raise ApiError(f"{name} - cloud-init drive is already attached at '{other}'")


def create_new(site: Site, task: Any, vmid: int, name: str, drive: dict, config: dict, default: str | None,
               made: list) -> Generator:
    storeid, gib = new_disk(drive, default)
    source = drive.pop('import-from', None)
    fmt = drive.pop('format', None)
    if source:
        volume = yield from import_image(site, task, vmid, source, storeid, fmt)
    elif name == 'efidisk0':
        volume = yield from create_efidisk(site, task, vmid, storeid, fmt, drive)
    elif name == 'tpmstate0':
        volume = allocate(site, task, storeid, vmid, TPM_SIZE, 'raw')
    else:
        volume = allocate(site, task, storeid, vmid, gib_to_bytes(gib), fmt)
    made.append(volume.volid)
    if config.get('template'):
        made.remove(volume.volid)
        made.append(volumes.make_base(site.cluster, site.node, volume.volid))
    drive['file'] = volume.volid
    drive['size'] = volume.size


def create_efidisk(site: Site, task: Any, vmid: int, storeid: str, fmt: str | None, drive: dict) -> Generator:
    size = EFI_SIZES[drive.get('efitype', '2m')]
    volume = allocate(site, task, storeid, vmid, size, fmt)
    yield from copying(site, task, size)
    if str(drive.get('pre-enrolled-keys')) == '1':
        task.log('INFO: reading raw edk2 varstore from /usr/share/pve-edk2-firmware//OVMF_VARS_4M.ms.fd')
        task.log('INFO: var store range: 0x64 -> 0x40000')
    return volume


def attach(site: Site, name: str, drive: dict, config: dict) -> None:
    """Use a volume that exists."""
    text = drive['file']
    if not is_volume(text):
        return
    parsed = storage.parse(site.cluster, text)[1]
    if parsed.content not in ('images', 'iso'):
        raise ApiError(f"cannot use volume {text} - content type needs to be 'images' or 'iso'")
    if parsed.content == 'images' and drive.get('format') not in (None, parsed.format):
        raise ApiError(f"drive '{name}' - volume '{text}' - 'format={drive['format']}' option different from "
                       f"storage format '{parsed.format}'")
    if is_cloudinit(drive):
        check_one_cloudinit(name, config)
    elif name == 'tpmstate0' and parsed.format != 'raw':
        raise ApiError(f"tpmstate0: volume format is '{parsed.format}', only 'raw' is supported!")
    volume = volumes.exists(site.cluster, site.node, text)
    drive['size'] = volume.size


def import_image(site: Site, task: Any, vmid: int, source: str, storeid: str, fmt: str | None) -> Generator:
    """A new image with the contents of another: a volume of a storage or a file of the node."""
    named = is_volume(source)
    origin = find_source(site, source)
    if named:
        task.log(f'create full clone of drive ({source})')
    fmt = volumes.target_format(site.cluster, storeid, fmt, origin.format if named else None)
    size = origin.size
    volume = allocate(site, task, storeid, vmid, size, fmt, used=origin.used or None)
    if named:
        task.log(f"allocated target volume '{volume.volid}'")
    yield from copying(site, task, size)
    if origin.extra.get('os') or size >= SMALLEST_SYSTEM:
        volume.extra['os'] = True
    return volume


def find_source(site: Site, source: str) -> Volume:
    if is_volume(source):
        storage.check_enabled(site.cluster, volumes.storage_of(source), site.node)
        found = storage.find(site.cluster, site.node, source) or inside_ova(site, source)
        if found is None:
            parsed = storage.parse(site.cluster, source)[1]
            path = storage.path_of(site.cluster, source)
            text = f"failed to stat '{path}'" if parsed.content == 'import' else f'could not get size of {source}'
            raise ApiError(text if parsed.content == 'import' else f"cannot import from '{source}' - {text}")
        if is_cloudinit({'file': source}):
            raise ApiError(f"cannot import from '{source}' - cannot import from cloudinit disk")
        return found
    found = volumes.by_path(site.cluster, site.node, source)
    if found is None:
        raise ApiError(f"file '{source}' does not exist")
    return found


def inside_ova(site: Site, source: str) -> Volume | None:
    """The archive that a disk of an OVA lies in."""
    archive, ending, inner = source.partition('.ova/')
    return storage.find(site.cluster, site.node, f'{archive}.ova') if ending and inner else None


def copy_drive(site: Site, task: Any, name: str, drive: dict, vmid: int, *, storeid: str | None = None,
               fmt: str | None = None, rate: float | None = None, live: bool = False) -> Generator:
    """A full copy of a drive's volume for a VM; returns the new drive. live: QEMU itself mirrors it."""
    source = drive['file']
    origin = volumes.exists(site.cluster, site.node, source)
    place = storeid or volumes.storage_of(source)
    task.log(f'create full clone of drive {name} ({source})')
    bare = None
    if is_cloudinit(drive):
        section = storage.check_enabled(site.cluster, place, site.node)
        dotted = storage.type_of(section).file_based
        fmt = volumes.target_format(site.cluster, place, fmt, origin.format)
        bare = f'vm-{vmid}-cloudinit' + (f'.{fmt}' if dotted else '')
    elif name == 'tpmstate0':
        fmt = 'raw'
    else:
        storage.check_enabled(site.cluster, place, site.node)
        fmt = volumes.target_format(site.cluster, place, fmt, origin.format)
    volume = allocate(site, task, place, vmid, origin.size, fmt, bare, used=origin.used or None)
    try:
        if not is_cloudinit(drive):
            task.log(f"allocated target volume '{volume.volid}'")
            if live:
                yield from mirroring(site, task, name, origin.size, rate)
            else:
                yield from copying(site, task, origin.size, rate)
    except GeneratorExit:
        free_quietly(site, [volume.volid])
        raise
    volume.extra.update(origin.extra)
    copy = {key: value for key, value in drive.items() if key != 'format'}
    copy.update(file=volume.volid, size=volume.size)
    return copy


def mirroring(site: Site, task: Any, name: str, size: int, rate: float | None = None) -> Generator:
    """Seconds of mirroring a disk in use, with the lines of its block job."""
    task.log(f'drive mirror is starting for drive-{name}')
    seconds = size / (rate or site.setting('disk_rate'))
    steps = max(1, min(100, int(seconds)))
    for step in range(1, steps + 1):
        yield seconds / steps
        task.log(f'drive-{name}: transferred {size_text(size * step // steps)} of {size_text(size)} '
                 f'({100 * step / steps:.2f}%) in {int(seconds * step / steps)}s')
    task.log("all 'mirror' jobs are ready")
    task.log(f'drive-{name}: Completing block job...')
    task.log(f'drive-{name}: Completed successfully.')


def link_drive(site: Site, task: Any, name: str, drive: dict, vmid: int) -> Generator:
    """A linked clone of a drive's base image for a VM; returns the new drive."""
    source = drive['file']
    task.log(f'create linked clone of drive {name} ({source})')
    volume = volumes.clone_linked(site.cluster, site.node, source, vmid, site.now())
    _storeid, own = storage.parse(site.cluster, volume.volid)
    base = volume_names.split_volid(source)[1]
    if storage.type_of(storage.section(site.cluster, volumes.storage_of(source))).file_based:
        task.log(f'clone {base}: images, {own.name}, {vmid} to {own.name} (base=../{base})')
        task.log(volumes.created_line(site.cluster, volume, f'../{base}') or '')
    yield ALLOCATING
    return {**drive, 'file': volume.volid, 'size': volume.size}
