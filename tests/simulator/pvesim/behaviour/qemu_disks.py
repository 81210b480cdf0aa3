"""Drives that a request names: what must hold for them, and the rights that they need."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError
from ..model import storage, volumes
from ..model.sections import perl
from .qemu_common import check_vm
from .qemu_drive import is_cdrom, is_cloudinit, is_drive, is_new, new_disk, parse_drive, print_drive
from .storage_access import check_volume_access

SPECIAL = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"


def is_volume(text: str) -> bool:
    """Whether a drive's file is a volume of a storage (not none, cdrom, a device or a path)."""
    return ':' in text and not text.startswith('/')


def check_drives(call: Call, values: dict) -> None:
    """400 (or 500) for drives that cannot be; the values are replaced by what PVE makes of them."""
    for name in sorted(values):
        if is_drive(name):
            drive = parse_drive(values[name])
            if drive.get('import-from'):
                check_import(name, drive)
            clean_path(call, name, drive)
            check_iso(call, name, drive)
            values[name] = print_drive(drive)


def check_import(name: str, drive: dict) -> None:
    if not is_new(drive) or new_disk(drive, 'none')[1] != 0:
        raise ParameterError({name: SPECIAL})
    required = {'efidisk0': ('efitype', 'pre-enrolled-keys'), 'tpmstate0': ('version',)}.get(name, ())
    for option in required:
        if option not in drive:
            raise ParameterError({name: f"need to specify '{option}' when using 'import-from'"})


def clean_path(call: Call, name: str, drive: dict) -> None:
    """A path of the file system becomes the volume that lies there; 'none' and 'cdrom' are CD-ROM drives."""
    text = drive.get('file', '')
    if text.startswith('/') and not text.startswith('/dev/'):
        volume = volumes.by_path(call.cluster, call.node.name, text)
        if volume is None:
            raise ParameterError({name: f"unable to associate path '{text}' to any storage"})
        drive['file'] = volume.volid
        if volume.content == 'iso':
            drive.setdefault('media', 'cdrom')
    if text in ('none', 'cdrom'):
        drive.setdefault('media', 'cdrom')


def check_iso(call: Call, name: str, drive: dict) -> None:
    text = drive.get('file', '')
    if not is_volume(text) or is_new(drive) or is_cloudinit(drive):
        return
    if storage.parse(call.cluster, text)[1].content == 'iso' and not is_cdrom(drive):
        raise ParameterError({name: "explicit 'media=cdrom' is required for iso images"})


def check_storages(call: Call, vmid: int, values: dict, default: str | None = None) -> None:
    """The rights on the storages and volumes that the drives name, and that those can hold images."""
    for name in sorted(values):
        if is_drive(name):
            check_drive_storage(call, vmid, name, parse_drive(values[name]), default)
    if values.get('vmstatestorage'):
        call.require(f'/storage/{values["vmstatestorage"]}', 'Datastore.AllocateSpace')


def check_drive_storage(call: Call, vmid: int, name: str, drive: dict, default: str | None) -> None:
    text = drive.get('file', '')
    if text in ('', 'none', 'cloudinit') or text.partition(':')[2] == 'cloudinit':
        pass
    elif is_cdrom(drive) and text == 'cdrom':
        call.require('/', 'Sys.Console')
    elif not is_cdrom(drive) and is_new(drive):
        storeid, _size = new_disk(drive, default)
        call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')
        if 'images' not in storage.contents(storage.section(call.cluster, storeid)):
            raise ParameterError({'storage': f"storage '{storeid}' does not support vm images"})
    else:
        check_volume(call, vmid, text)
        if is_volume(text) and storage.parse(call.cluster, text)[1].content not in ('images', 'iso'):
            raise ParameterError({name: "content type needs to be 'images' or 'iso'"})
    if drive.get('import-from'):
        check_import_source(call, vmid, name, drive['import-from'])


def check_import_source(call: Call, vmid: int, name: str, source: str) -> None:
    if not is_volume(source):
        check_volume(call, vmid, source)
        return
    _storeid, parsed = storage.parse(call.cluster, source)
    if parsed.content not in ('images', 'import'):
        text = f"{source} has wrong type '{parsed.content}' - needs to be 'images' or 'import'"
        raise ParameterError({name: text})
    if parsed.vmid:
        call.require(f'/vms/{parsed.vmid}', 'VM.Clone')
    else:
        check_volume(call, vmid, source)


def check_volume(call: Call, vmid: int | None, volid: str) -> None:
    """Whether the caller may use an existing volume; paths are for root alone."""
    if is_volume(volid):
        check_volume_access(call, volid, vmid)
    elif not call.is_root:
        raise perl('Only root can pass arbitrary filesystem paths.', 'Storage.pm', 651)


def check_drive_right(call: Call, vmid: int, value: str) -> None:
    """The right to set or remove a drive, by what it is."""
    if call.is_root:
        return
    drive = parse_drive(value)
    if is_cloudinit(drive):
        check_vm(call, vmid, None, 'VM.Config.Cloudinit', 'VM.Config.CDROM')
    elif is_cdrom(drive):
        check_vm(call, vmid, None, 'VM.Config.CDROM')
    else:
        check_vm(call, vmid, None, 'VM.Config.Disk')


def check_replicated(call: Call, vmid: int, values: dict) -> None:
    """A VM with a replication job takes only volumes that can be replicated."""
    for name in sorted(values):
        drive = parse_drive(values[name]) if is_drive(name) else None
        if drive is None or str(drive.get('replicate', '1')) == '0' or is_cdrom(drive) or is_cloudinit(drive):
            continue
        if not is_volume(drive['file']) and not is_new(drive):
            raise ApiError('cannot add non-managed/pass-through volume to a replicated VM')
        storeid = drive['file'].partition(':')[0]
        config = storage.section(call.cluster, storeid)
        if config['type'] != 'zfspool' and not storage.is_shared(config):
            raise ApiError('cannot add non-replicatable volume to a replicated VM')
