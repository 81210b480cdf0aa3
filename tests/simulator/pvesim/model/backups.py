"""What a backup of a guest holds: which volumes go in, the archive's name and size, its configuration file."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from . import storage
from .prune import stamp

if TYPE_CHECKING:
    from .cluster import Cluster
    from .guest import Guest

DRIVE = re.compile(r'^(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+$')
MOUNT = re.compile(r'^(?:rootfs|mp\d+)$')
# value of `compress` -> (extension, share of the data that is left)
COMPRESSION = {'0': ('', 1.0), '1': ('.lzo', 0.55), 'lzo': ('.lzo', 0.55), 'gzip': ('.gz', 0.42), 'zstd': ('.zst', 0.45)}
NOT_KEPT = ('lock', 'parent', 'snaptime', 'digest')


@dataclass(frozen=True, slots=True)
class Disk:
    """One drive or mount point of a guest: key, volume id, options, and whether it goes into a backup (else why not)."""

    key: str
    volid: str
    options: dict
    included: bool
    reason: str = ''


def disks_of(guest: Guest) -> list[Disk]:
    """The volumes of a guest in the order that PVE walks them."""
    pattern = DRIVE if guest.kind == 'qemu' else MOUNT
    keys = sorted((key for key in guest.config if pattern.match(key)), key=lambda key: (key != 'rootfs', key))
    return [disk for key in keys if (disk := disk_of(guest, key)) is not None]


def disk_of(guest: Guest, key: str) -> Disk | None:
    volid, *rest = str(guest.config[key]).split(',')
    options = dict(item.partition('=')[::2] for item in rest)
    volid = volid.removeprefix('file=').removeprefix('volume=')
    if guest.kind == 'qemu':
        if options.get('media') == 'cdrom' or volid == 'none':
            return None
        included = options.get('backup', '1') not in ('0', 'no')
        return Disk(key, volid, options, included, '' if included else 'backup=no')
    if volid.startswith('/'):
        return Disk(key, volid, options, False, 'not a volume')
    included = key == 'rootfs' or options.get('backup', '0') == '1'
    return Disk(key, volid, options, included, '' if included else 'disabled')


def guest_name(guest: Guest) -> str:
    return str(guest.config.get('hostname' if guest.kind == 'lxc' else 'name') or
               (f'CT{guest.vmid}' if guest.kind == 'lxc' else f'VM {guest.vmid}'))


def data_of(cluster: Cluster, guest: Guest, disks: list[Disk]) -> list[dict]:
    """The included disks with their sizes, as an archive keeps them: {key, volid, size, used, format}."""
    rows = []
    for disk in disks:
        volume = storage.find(cluster, guest.node, disk.volid)
        if disk.included and volume is not None:
            used = min(volume.used, volume.size)
            rows.append({'key': disk.key, 'volid': disk.volid, 'size': volume.size, 'format': volume.format,
                         'used': used if used < volume.size or volume.size < (1 << 27) else volume.size // 3})
    return rows


def archive_name(config: dict, guest: Guest, compress: str, moment: float) -> str:
    """The volume name of a new archive on a storage with that section."""
    if config['type'] == 'pbs':
        when = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(moment))
        return f'backup/{"vm" if guest.kind == "qemu" else "ct"}/{guest.vmid}/{when}'
    ending = 'vma' if guest.kind == 'qemu' else 'tar'
    return f'backup/vzdump-{guest.kind}-{guest.vmid}-{stamp(moment)}.{ending}{COMPRESSION[compress][0]}'


def archive_size(rows: list[dict], compress: str) -> int:
    return 12800 + int(sum(row['used'] for row in rows) * COMPRESSION[compress][1])


def make_archive(guest: Guest, volid: str, rows: list[dict], size: int, moment: float) -> storage.Volume:
    """The archive as a volume; what restoring needs is in its `extra`."""
    name = volid.partition(':')[2]
    fmt = name.split('.', 1)[-1] if '.' in name else ('pbs-vm' if guest.kind == 'qemu' else 'pbs-ct')
    config = {key: value for key, value in guest.config.items() if key not in NOT_KEPT}
    extra = {'kind': guest.kind, 'config': config, 'disks': rows, 'name': guest_name(guest)}
    return storage.Volume(volid, 'backup', fmt, size, size, guest.vmid, ctime=int(moment), extra=extra)


def config_text(volume: storage.Volume) -> str:
    """The guest's configuration file in an archive, as extractconfig gives it."""
    config = dict(volume.extra.get('config', {}))
    lines = [f'#{quote_line(line)}' for line in str(config.pop('description', '')).splitlines()]
    lines += [f'{key}: {config[key]}' for key in sorted(config)]
    if volume.extra.get('kind') == 'qemu':
        lines += [f'#qmdump#map:{row["key"]}:drive-{row["key"]}:{row["volid"].partition(":")[0]}:{row["format"]}:'
                  for row in volume.extra.get('disks', [])]
    return '\n'.join(lines) + '\n'


def quote_line(line: str) -> str:
    """A line of the description as the file has it: percent, colon and what is not ASCII encoded."""
    return quote(line, safe=" !\"#$&'()*+,-./;<=>?@[\\]^_`{|}~")


def fill_notes(template: str, cluster: Cluster, guest: Guest) -> str:
    """The notes of a backup from its notes-template."""
    values = {'cluster': '' if cluster.standalone else cluster.name, 'guestname': guest_name(guest), 'node': guest.node,
              'vmid': str(guest.vmid)}
    text = re.sub(r'\\(n|\\)', lambda found: '\n' if found[1] == 'n' else '\\', template)
    return re.sub(r'\{\{([^\s{}]+)\}\}', lambda found: values.get(found[1], found[0]), text)


def notes_template_fault(template: str) -> str | None:
    """Why a notes-template is refused, or None."""
    if '\n' in template:
        return 'contains a line feed\n'
    if bad := re.findall(r'\\([^n\\])', template):
        return f"contains unexpected escape sequence '\\{bad[0]}'\n"
    unknown = [name for name in re.findall(r'\{\{([^\s{}]+)\}\}', template)
               if name not in ('cluster', 'guestname', 'node', 'vmid')]
    return f"unexpected variable '{unknown[0]}'\n" if unknown else None
