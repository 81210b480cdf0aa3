"""Volume ids: taking them apart per storage type, and where the volume lies on the node."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..call import ApiError

VOLID = re.compile(r'^([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):(.+)$')
IMAGE_FILE = re.compile(r'^((base-)?[^/\s]+\.(raw|qcow2|vmdk|subvol))$')
LINKED = re.compile(r'^(\d+)/(\S+)/(\d+)/(\S+)$')
PLAIN = re.compile(r'^(\d+)/(\S+)$')
ISO = re.compile(r'\.(?:iso|img)$', re.I)
TEMPLATE = re.compile(r'\.tar\.(gz|xz|zst|bz2)$|\.tar$', re.I)
BACKUP = re.compile(r'\.(tgz|(?:tar|vma)(?:\.(?:zst|gz|lzo|bz2))?)$')
IMPORT = re.compile(r'\.(ova|ovf|qcow2|raw|vmdk)$')
UPLOAD_IMPORT = re.compile(r'\.(ova|qcow2|raw|vmdk)$')
ARCHIVE_OF = re.compile(r'^vzdump-(openvz|lxc|qemu)-(\d+)-.+')
ARCHIVE = re.compile(
    r'^vzdump-(openvz|lxc|qemu)-(\d+)-(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)\.(tgz|(?:tar|vma)(?:\.(?:zst|gz|lzo|bz2))?)$'
)
PBS = re.compile(r'^backup/([^\s_]+)/([^\s_]+)/([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)$')
ZFS = re.compile(r'^(((base|basevol)-(\d+)-\S+)/)?((base|basevol|vm|subvol)-(\d+)-\S+)$')
RBD = re.compile(r'^((base-(\d+)-\S+)/)?((base)?(vm)?-(\d+)-\S+)$')
LVM = re.compile(r'^((vm|base)-(\d+)-\S+)$')
LVM_FORMATTED = re.compile(r'\.(qcow2)$')
ISCSI = re.compile(r'^(\d+\.\d+\.\d+\.\S+)$')
OVA_PART = re.compile(r'^import/([^/]+\.ova)/(\S+\.(qcow2|raw|vmdk|img))$')
# Folders of the contents below a directory storage's path.
FOLDERS = {
    'images': 'images', 'rootdir': 'private', 'iso': 'template/iso', 'vztmpl': 'template/cache', 'backup': 'dump',
    'snippets': 'snippets', 'import': 'import',
}
ORIGINS = {'zfs': 'zfspool', 'cephfs': 'dir', 'nfs': 'dir', 'cifs': 'dir', 'glusterfs': 'dir', 'btrfs': 'dir'}


@dataclass(frozen=True, slots=True)
class Name:
    """What parse_volname gives: content ('images', 'iso' ...), bare name, owner, base volume and owner, format."""

    content: str
    name: str
    vmid: int | None = None
    base: str | None = None
    base_vmid: int | None = None
    is_base: bool = False
    format: str = 'raw'


def split_volid(volid: str) -> tuple[str, str]:
    """(storage, volume name), or 500 "unable to parse volume ID '...'"."""
    found = VOLID.match(volid)
    if not found:
        raise ApiError(f"unable to parse volume ID '{volid}'")
    return found[1], found[2]


def image_file(name: str) -> tuple[str, bool]:
    """(format, whether it is a base image) of an image's file name."""
    found = IMAGE_FILE.match(name)
    if not found:
        raise ApiError(f"unable to parse volume filename '{name}'")
    return found[3], bool(found[2])


def parse_file_name(volname: str) -> Name:
    """A volume name of a directory storage (also nfs, cifs, btrfs, cephfs)."""
    if found := LINKED.match(volname):
        image_file(found[2])
        fmt, is_base = image_file(found[4])
        return Name('images', found[4], int(found[3]), found[2], int(found[1]), is_base, fmt)
    if found := PLAIN.match(volname):
        fmt, is_base = image_file(found[2])
        return Name('images', found[2], int(found[1]), is_base=is_base, format=fmt)
    folder, dummy, name = volname.partition('/')
    if name and '/' not in name:
        if folder == 'iso' and ISO.search(name):
            return Name('iso', name)
        if folder == 'vztmpl' and TEMPLATE.search(name):
            return Name('vztmpl', name)
        if folder == 'rootdir' and name.isdigit():
            return Name('rootdir', name, int(name))
        if folder == 'backup' and BACKUP.search(name):
            owner = ARCHIVE_OF.match(name)
            return Name('backup', name, int(owner[2]) if owner else None)
        if folder == 'snippets':
            return Name('snippets', name)
        if folder == 'import' and (found := IMPORT.search(name)):
            return Name('import', name, format=found[1])
    if found := OVA_PART.match(volname):
        return Name('import', f'{found[1]}/{found[2]}', format=f'ova+{found[3]}')
    raise ApiError(f"unable to parse directory volume name '{volname}'")


def parse_lvm(volname: str) -> Name:
    found = LVM.match(volname)
    if not found:
        raise ApiError(f"unable to parse lvm volume name '{volname}'")
    formatted = LVM_FORMATTED.search(volname)
    return Name('images', found[1], int(found[3]), is_base=found[2] == 'base', format=formatted[1] if formatted else 'raw')


def parse_zfs(volname: str) -> Name:
    found = ZFS.match(volname)
    if not found:
        raise ApiError(f"unable to parse zfs volume name '{volname}'")
    fmt = 'subvol' if found[6] in ('subvol', 'basevol') else 'raw'
    base_vmid = int(found[4]) if found[4] else None
    return Name('images', found[5], int(found[7]), found[2], base_vmid, found[6] in ('base', 'basevol'), fmt)


def parse_rbd(volname: str) -> Name:
    found = RBD.match(volname)
    if not found:
        raise ApiError(f"unable to parse rbd volume name '{volname}'")
    return Name('images', found[4], int(found[7]), found[2], int(found[3]) if found[3] else None, bool(found[5]))


def parse_pbs(volname: str) -> Name:
    found = PBS.match(volname)
    if not found:
        raise ApiError(f"unable to parse PBS volume name '{volname}'")
    vmid = int(found[2]) if found[2].isdigit() else None
    return Name('backup', f'{found[1]}/{found[2]}/{found[3]}', vmid, format='pbs-vm' if found[1] == 'vm' else 'pbs-ct')


def parse_iscsi(volname: str) -> Name:
    if not ISCSI.match(volname):
        raise ApiError(f"unable to parse iscsi volume name '{volname}'")
    return Name('images', volname)


def parse_esxi(volname: str) -> Name:
    found = re.match(r'^([^/]+)/([^/]+)/(.+\.vmx|.+\.vmdk)$', volname)
    if not found:
        raise ApiError(f"failed to parse volume name '{volname}'")
    return Name('import', volname, format='vmx' if volname.endswith('.vmx') else 'vmdk')


PARSERS = {
    'dir': parse_file_name, 'lvm': parse_lvm, 'lvmthin': parse_lvm, 'zfspool': parse_zfs, 'rbd': parse_rbd,
    'pbs': parse_pbs, 'iscsi': parse_iscsi, 'iscsidirect': parse_iscsi, 'esxi': parse_esxi,
}


def parse_volname(storage_type: str, volname: str) -> Name:
    """Take a volume name of a storage of that type apart, or raise the 500 of its plugin."""
    return PARSERS[ORIGINS.get(storage_type, storage_type)](volname)


def file_path(config: dict, parsed: Name) -> str:
    folder = content_folder(config, parsed.content)
    return f'{folder}/{parsed.vmid}/{parsed.name}' if parsed.content == 'images' else f'{folder}/{parsed.name}'


def content_folder(config: dict, content: str) -> str:
    """Where a directory storage keeps that content (section keys `path` and `content-dirs`)."""
    overrides = dict(item.split('=', 1) for item in str(config.get('content-dirs', '')).split(',') if '=' in item)
    return f'{config["path"]}/{overrides.get(content, FOLDERS[content])}'


def path_of(config: dict, storeid: str, parsed: Name) -> str:
    """The path of a volume on its node, as `GET content/{volume}` shows it."""
    kind = config['type']
    if kind in ('lvm', 'lvmthin'):
        return f'/dev/{config["vgname"]}/{parsed.name}'
    if kind == 'zfspool':
        top = config.get('mountpoint') or f'/{config["pool"]}'
        return f'{top}/{parsed.name}' if parsed.format == 'subvol' else f'/dev/zvol/{config["pool"]}/{parsed.name}'
    if kind == 'rbd':
        return rbd_path(config, storeid, parsed.name)
    if kind == 'pbs':
        user = config.get('username', 'root@pam')
        return f'pbs://{user}@{config["server"]}:{config["datastore"]}/{parsed.name}'
    if kind in ('iscsi', 'iscsidirect'):
        return f'/dev/disk/by-id/{parsed.name.split(".", 3)[3]}'
    if kind == 'zfs':
        return f'iscsi://{config["portal"]}/{config["target"]}/{parsed.name}'
    if kind == 'esxi':
        return f'/run/pve/import/esxi/{storeid}/mnt/{parsed.name}'
    return file_path(config, parsed)


def rbd_path(config: dict, storeid: str, name: str) -> str:
    pool = config.get('pool', 'rbd')
    if config.get('krbd'):
        return f'/dev/rbd/{pool}/{name}'
    if config.get('monhost'):
        hosts = config['monhost'].replace(',', ';').replace(' ', ';')
        user = config.get('username', 'admin')
        return (f'rbd:{pool}/{name}:mon_host={hosts}:auth_supported=cephx:id={user}:'
                f'keyring=/etc/pve/priv/ceph/{storeid}.keyring')
    return f'rbd:{pool}/{name}:conf=/etc/pve/ceph.conf:id=admin:keyring=/etc/pve/priv/ceph/{storeid}.keyring'
