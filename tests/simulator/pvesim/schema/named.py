"""Property-string formats that the tables name without spelling them out.

Shapes are those of PVE's own modules; see PVE::QemuServer, PVE::Storage::Plugin, PVE::VZDump::Common.
"""

from __future__ import annotations

import re
from typing import Any

from ..data.cpu_models import BUILT_IN, REPORTED
from .formats import FormatError


def option(type: str = 'string', **more: Any) -> dict:
    return {'type': type, 'optional': 1, **more}


def text(format: str | None = None, **more: Any) -> dict:
    return option('string', **({'format': format} if format else {}), **more)


_KEEP = {f'keep-{what}': option('integer', minimum=0)
         for what in ('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly')}
_SMBIOS = {name: text(pattern=r'[A-Za-z0-9+\/]+={0,2}')
           for name in ('version', 'serial', 'manufacturer', 'product', 'sku', 'family')}
_UUID = r'[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}'
_VOLUME = {'type': 'string', 'default_key': 1, 'format': 'pve-volume-id-or-qm-path'}
_BUS_ID = r'(?:[0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.[0-9a-fA-F])?'

NAMED: dict[str, dict] = {
    'pve-vm-cpu-conf': {
        'cputype': text('string', default='kvm64', default_key=1),
        'flags': text(pattern=r'[+-][a-zA-Z0-9\-_.]+(?:;[+-][a-zA-Z0-9\-_.]+)*'),
        'guest-phys-bits': option('integer', minimum=32, maximum=64),
        'hidden': option('boolean', default=0),
        'hv-vendor-id': text(pattern=r'[a-zA-Z0-9]{1,12}'),
        'phys-bits': text(pattern=r'(?:[8-9]|[1-5][0-9]|6[0-4]|host)'),
        'reported-model': text(enum=REPORTED),
    },
    'pve-qm-boot': {
        'legacy': text(default_key=1, pattern=r'[acdn]{1,4}'),
        'order': text('pve-qm-bootdev-list'),
    },
    'pve-qm-cicustom': {name: text('pve-volume-id') for name in ('meta', 'network', 'user', 'vendor')},
    'pve-qm-ipconfig': {
        'gw': text('ipv4', requires='ip'), 'gw6': text('ipv6', requires='ip6'),
        'ip': text('pve-ipv4-config', default='dhcp'), 'ip6': text('pve-ipv6-config', default='dhcp'),
    },
    'pve-qm-rng': {
        'source': {'type': 'string', 'enum': ['/dev/urandom', '/dev/random', '/dev/hwrng'], 'default_key': 1},
        'max_bytes': option('integer', default=1024), 'period': option('integer', default=1000),
    },
    'pve-qm-smbios1': {'uuid': text(pattern=_UUID), 'base64': option('boolean'), **_SMBIOS},
    'pve-qm-watchdog': {
        'model': text(enum=['i6300esb', 'ib700'], default='i6300esb', default_key=1),
        'action': text(enum=['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none']),
    },
    'pve-qm-usb-device': {
        'host': text(default_key=1, pattern=r'spice|(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\d+-\d+(?:\.\d+)*'),
        'mapping': text('pve-configid'), 'usb3': option('boolean', default=0),
    },
    'pve-qm-hostpci': {
        'host': text(default_key=1, pattern=rf'{_BUS_ID}(?:;{_BUS_ID})*'), 'mapping': text('pve-configid'),
        'device-id': text(pattern=r'0x[0-9a-fA-F]{4}'), 'vendor-id': text(pattern=r'0x[0-9a-fA-F]{4}'),
        'sub-device-id': text(pattern=r'0x[0-9a-fA-F]{4}'), 'sub-vendor-id': text(pattern=r'0x[0-9a-fA-F]{4}'),
        'legacy-igd': option('boolean', default=0), 'mdev': text('pve-storage-options'),
        'pcie': option('boolean', default=0), 'rombar': option('boolean', default=1),
        'driver': text(enum=['vfio', 'keep']), 'romfile': text(pattern=r'[^,;]+'),
        'x-vga': option('boolean', default=0),
    },
    'pve-qemu-sev-fmt': {
        'type': {'type': 'string', 'default_key': 1, 'enum': ['std', 'es', 'snp']},
        'no-debug': option('boolean'), 'no-key-sharing': option('boolean'), 'allow-smt': option('boolean'),
        'kernel-hashes': option('boolean'),
    },
    'pve-qemu-tdx-fmt': {
        'type': {'type': 'string', 'default_key': 1, 'enum': ['tdx']}, 'attestation': option('boolean'),
        'vsock-cid': option('integer', minimum=2), 'vsock-port': option('integer', minimum=0),
    },
    'prune-backups': {'keep-all': option('boolean'), **_KEEP},
    'backup-performance': {'max-workers': option('integer', minimum=1, maximum=256, default=16),
                           'pbs-entries-max': option('integer', minimum=1)},
    'backup-fleecing': {'enabled': option('boolean', default=0, default_key=1), 'storage': text('pve-storage-id')},
    'realm-sync-options': {
        'enable-new': option('boolean', default='1'), 'scope': text(enum=['users', 'groups', 'both']),
        'purge': option('boolean'), 'full': option('boolean'),
        'remove-vanished': text(pattern=r'none|(?:(?:acl|properties|entry);)*(?:acl|properties|entry)'),
    },
    'pve-tfa-config': {
        'type': {'type': 'string', 'enum': ['yubico', 'oath']}, 'id': text(), 'key': text(), 'url': text(),
        'digits': option('integer', minimum=6, maximum=8), 'step': option('integer', minimum=10),
    },
    'proxmox-remote': {
        'host': {'type': 'string', 'format': 'address'}, 'port': option('integer', minimum=1, maximum=65535),
        'apitoken': {'type': 'string'}, 'fingerprint': text(pattern=r'(?:[A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}'),
    },
    'pve-acme-domain': {
        'domain': {'type': 'string', 'format': 'pve-acme-domain-name', 'default_key': 1},
        'plugin': text('pve-configid', default='standalone'), 'alias': text('pve-acme-alias'),
    },
    'pve-sdn-dhcp-range': {'start-address': {'type': 'string', 'format': 'ip'},
                           'end-address': {'type': 'string', 'format': 'ip'}},
}
NAMED['pve-qm-ide'] = {
    'file': _VOLUME, 'aio': text(enum=['native', 'threads', 'io_uring']), 'backup': option('boolean'),
    'cache': text(enum=['none', 'writethrough', 'writeback', 'unsafe', 'directsync']),
    'detect_zeroes': option('boolean'), 'discard': text(enum=['ignore', 'on']),
    'format': text(enum=['raw', 'qcow', 'qed', 'qcow2', 'vmdk', 'cloop']), 'media': text(enum=['cdrom', 'disk']),
    'replicate': option('boolean'), 'size': text('disk-size'), 'ssd': option('boolean'), 'volume': {'alias': 'file'},
}
# Later than 7.4, or gone since then.
_SINCE = {'pve-vm-cpu-conf': {'guest-phys-bits': ('8.4', '9')}}


def named(name: Any, release: str = '9') -> dict | None:
    """The properties of a named format, None where the name stands for a plain value."""
    if not isinstance(name, str):
        return None
    shape = NAMED.get(name)
    if shape is not None and name in _SINCE:
        return {key: schema for key, schema in shape.items() if release in _SINCE[name].get(key, (release,))}
    return shape


def validate_cpu(values: dict) -> None:
    """Whether the named processor type exists."""
    model = values.get('cputype')
    if model is None:
        raise FormatError("missing required property 'cputype'\n")
    if not model.startswith('custom-') and model not in BUILT_IN:
        raise FormatError(f"Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)\n")


def validate_prune(values: dict) -> None:
    if values.get('keep-all') and any(key != 'keep-all' and value for key, value in values.items()):
        raise FormatError('keep-all cannot be set together with other options.\n')


def validate_boot_devices(value: str) -> str:
    if not re.fullmatch(r'(?:(?:ide|sata|scsi|virtio|net|usb|hostpci|efidisk)\d+)', value):
        raise FormatError(f"invalid boot device '{value}'\n")
    return value


VALIDATORS = {'pve-vm-cpu-conf': validate_cpu, 'prune-backups': validate_prune}
