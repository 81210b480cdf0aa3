"""Drives of a VM: names, property strings as PVE prints them, sizes and the boot order. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..call import ApiError
from ..schema.formats import format_size, parse_size

NAMES = tuple(
    [f'ide{number}' for number in range(4)] + [f'scsi{number}' for number in range(31)]
    + [f'virtio{number}' for number in range(16)] + [f'sata{number}' for number in range(6)]
    + ['efidisk0', 'tpmstate0']
)
NAME_SET = frozenset(NAMES)
NEW_DISK = re.compile(r'^(?:([^/:\s]+):)?(\d+(?:\.\d+)?)$')
UNUSED = re.compile(r'^unused(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$')
CLOUDINIT = re.compile(r'[:/]vm-\d+-cloudinit')
BOOLEANS = frozenset([
    'backup', 'iothread', 'replicate', 'shared', 'snapshot', 'ssd', 'ro', 'detect_zeroes', 'writeback',
    'pre-enrolled-keys', 'scsiblock',
])
TRUE, FALSE = ('1', 'on', 'yes', 'true'), ('0', 'off', 'no', 'false')
EFI_SIZES = {'2m': 131072, '4m': 540672}
TPM_SIZE = 4 << 20
CLOUDINIT_SIZE = 4 << 20


def is_drive(name: str) -> bool:
    return name in NAME_SET


def boolean(value: str) -> str:
    """'1' or '0' for what PVE takes as a boolean inside a property string; other text as it is."""
    lower = value.lower()
    return '1' if lower in TRUE else '0' if lower in FALSE else value


def parse_drive(text: str) -> dict:
    """'local:1,format=raw,ssd=on' -> {'file': 'local:1', 'format': 'raw', 'ssd': '1'}; size as bytes (int)."""
    drive: dict = {}
    for item in str(text).split(','):
        key, equals, value = item.partition('=')
        if not equals:
            key, value = 'file', key
        if key == 'volume':
            key = 'file'
        if key == 'size':
            drive['size'] = parse_size(value)
        else:
            drive[key] = boolean(value) if key in BOOLEANS else value
    if drive.get('size') is None:
        drive.pop('size', None)
    return drive


def print_drive(drive: dict) -> str:
    """The property string as PVE writes it: the volume first, then the options by name."""
    parts = [str(drive['file'])]
    for key in sorted(drive):
        if key == 'size':
            parts.append(f'size={format_size(int(drive["size"]))}')
        elif key != 'file' and drive[key] is not None:
            parts.append(f'{key}={drive[key]}')
    return ','.join(parts)


def is_cloudinit(drive: dict) -> bool:
    return bool(CLOUDINIT.search(str(drive.get('file', '')))) or drive.get('file', '').endswith(':cloudinit')


def is_cdrom(drive: dict, besides_cloudinit: bool = False) -> bool:
    if besides_cloudinit and is_cloudinit(drive):
        return False
    return drive.get('media') == 'cdrom'


def drives_of(config: dict, unused: bool = False) -> Iterator[tuple[str, dict]]:
    """(name, drive) of every drive of a configuration in PVE's order; unused=True: the detached volumes as well."""
    for name in NAMES:
        if name in config:
            yield name, parse_drive(config[name])
    if unused:
        for key in sorted(config):
            if UNUSED.match(key):
                yield key, parse_drive(config[key])


def volumes_of(config: dict, unused: bool = False) -> Iterator[tuple[str, str]]:
    """(name, volid) of every drive with a volume of a storage."""
    for name, drive in drives_of(config, unused):
        if ':' in drive.get('file', '') and not drive['file'].startswith('/'):
            yield name, drive['file']


def is_new(drive: dict) -> bool:
    return bool(NEW_DISK.match(drive['file']))


def new_disk(drive: dict, default_storage: str | None) -> tuple[str, float]:
    """(storage, GiB) of a drive that is to be allocated."""
    found = NEW_DISK.match(drive['file'])
    storeid = found[1] or default_storage
    if not storeid:
        raise ApiError('no storage ID specified (and no default storage)')
    return storeid, float(found[2])


def gib_to_bytes(gib: float) -> int:
    """As allocated: whole KiB, rounded up."""
    kib = gib * (1 << 20)
    return int(kib + (1 if kib != int(kib) else 0)) * 1024


def boot_order(text: str | None) -> list[str] | None:
    """The devices of 'order=a;b'; None for a legacy value ('cdn') or none at all."""
    if not text or not text.strip():
        return None
    for item in text.split(','):
        key, equals, value = item.partition('=')
        if equals and key == 'order':
            return [name for name in value.split(';') if name]
    return None


def print_boot(devices: list[str]) -> str:
    """'order=...'; one blank for none, as it reads back."""
    return f'order={";".join(devices)}' if devices else ' '


def default_boot(config: dict) -> list[str]:
    """The first disk, the first CD-ROM drive and the first network device."""
    devices = []
    bootable = [(name, drive) for name, drive in drives_of(config) if name not in ('efidisk0', 'tpmstate0')]
    for cdrom in (False, True):
        devices += [name for name, drive in bootable if is_cdrom(drive) is cdrom][:1]
    devices += [f'net{number}' for number in range(32) if f'net{number}' in config][:1]
    return devices


def boot_disk_size(config: dict) -> int:
    """Bytes of the first disk of the boot order; 0 where there is none."""
    devices = boot_order(config.get('boot'))
    if devices is None:
        devices = [config['bootdisk']] if config.get('bootdisk') else []
    for name in devices:
        if is_drive(name) and name in config:
            drive = parse_drive(config[name])
            if not is_cdrom(drive):
                return int(drive.get('size') or 0)
    return 0
