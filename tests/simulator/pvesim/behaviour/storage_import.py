"""import-metadata of OVA and OVF images, and looking into backups (file-restore)."""

from __future__ import annotations

import base64
import binascii
import zlib

from ..call import Answer, ApiError, Call, ParameterError, operation
from ..model import storage
from .storage_access import backup_volume_id, check_volume_access

GIB = 1 << 30


@operation('GET', '/nodes/{node}/storage/{storage}/import-metadata')
def import_metadata(call: Call) -> dict:
    """What a guest made of that image would be: the OVF of the simulator describes a small Linux machine."""
    volid = f'{call.params["storage"]}:{call.params["volume"]}'
    check_volume_access(call, volid)
    storeid, parsed = storage.parse(call.cluster, volid)
    config = storage.section(call.cluster, storeid)
    if config['type'] == 'esxi':
        return guest_of(volid, parsed.name.split('/')[-1].removesuffix('.vmx'), 'esxi')
    if parsed.content != 'import':
        raise ApiError(f"invalid content type '{parsed.content}'")
    if parsed.format not in ('ova', 'ovf'):
        raise ApiError('invalid format')
    if storage.find(call.cluster, call.node.name, volid) is None:
        raise ApiError(f"volume '{volid}' does not exist")
    return guest_of(volid, parsed.name.rsplit('.', 1)[0], 'esxi', extracting=parsed.format == 'ova')


def guest_of(volid: str, name: str, source: str, extracting: bool = False) -> dict:
    disk = f'{volid}/{name}-disk1.vmdk' if extracting else volid.rsplit('.', 1)[0] + '-disk1.vmdk'
    number = zlib.crc32(volid.encode())
    answer = {
        'type': 'vm', 'source': source,
        'create-args': {'name': name, 'cores': 1 + number % 4, 'memory': 1024 * (1 + number % 8), 'ostype': 'l26',
                        'scsihw': 'pvscsi'},
        'disks': {'scsi0': {'volid': disk, 'size': (8 + number % 24) * GIB}},
        'net': {'net0': {'model': 'vmxnet3'}},
    }
    if extracting:
        answer['warnings'] = [{'type': 'ova-needs-extracting'}]
    return answer


def archive(call: Call) -> storage.Volume:
    """The Proxmox Backup Server snapshot that a file-restore call names."""
    storeid = call.params['storage']
    volid = backup_volume_id(storeid, call.params['volume'])
    check_volume_access(call, volid, content='backup')
    config = storage.section(call.cluster, storeid)
    if config['type'] != 'pbs':
        raise ParameterError({'storage': 'Only PBS storages supported for file-restore.'})
    volume = storage.find(call.cluster, call.node.name, volid)
    if volume is None:
        raise ApiError(f"proxmox-file-restore failed: Error: snapshot '{volid.partition(':')[2]}' not found")
    return volume


def tree_of(volume: storage.Volume) -> dict[str, list[tuple[str, str, int]]]:
    """Folders of an archive: path -> (name, type, size). Containers keep a root file system, machines one per disk."""
    files = {'/etc': [('fstab', 'f', 664), ('hostname', 'f', 12), ('hosts', 'f', 184)],
             '/var': [('log', 'd', 0)], '/var/log': [('syslog', 'f', 48213)]}
    top = [('etc', 'd', 0), ('var', 'd', 0)]
    if volume.extra.get('kind') == 'lxc':
        roots = {'/root.pxar.didx': ('root.pxar.didx', 'd')}
    else:
        roots = {f'/drive-{disk["key"]}.img.fidx': (f'drive-{disk["key"]}.img.fidx', 'd')
                 for disk in volume.extra.get('disks', [])}
    tree = {'/': [(name, kind, 0) for name, kind in roots.values()]}
    for root, (name, _kind) in roots.items():
        inner = root if name.endswith('.didx') else f'{root}/part/1'
        if inner != root:
            tree[root] = [('part', 'd', 0)]
            tree[f'{root}/part'] = [('1', 'd', 0)]
        tree[inner] = top
        tree.update({f'{inner}{path}': rows for path, rows in files.items()})
    return tree


@operation('GET', '/nodes/{node}/storage/{storage}/file-restore/list')
def file_list(call: Call) -> list:
    volume, path = archive(call), decoded_path(call.params['filepath'])
    rows = tree_of(volume).get(path.rstrip('/') or '/')
    if rows is None:
        raise ApiError(f'proxmox-file-restore failed: Error: path not found: {path}')
    return [row_of(path.rstrip('/'), name, kind, size, volume.ctime) for name, kind, size in rows]


def row_of(folder: str, name: str, kind: str, size: int, ctime: int) -> dict:
    row = {'filepath': encoded_path(f'{folder}/{name}'), 'type': 'v' if not folder else kind, 'text': name,
           'leaf': int(kind == 'f')}
    if kind == 'f':
        row.update(size=size, mtime=ctime)
    return row


def decoded_path(text: str) -> str:
    """PVE passes paths base64 encoded; '/' means the top."""
    if text.startswith('/'):
        return text
    try:
        return base64.b64decode(text, validate=True).decode('utf-8')
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(f"proxmox-file-restore failed: Error: unable to decode path '{text}'") from None


def encoded_path(path: str) -> str:
    return base64.b64encode(path.encode()).decode()


@operation('GET', '/nodes/{node}/storage/{storage}/file-restore/download')
def file_download(call: Call) -> Answer:
    volume, path = archive(call), decoded_path(call.params['filepath'])
    folder, dummy, name = path.rpartition('/')
    for found, kind, size in tree_of(volume).get(folder or '/', []):
        if found == name and kind == 'f':
            return Answer(content=(b'pvesim\n' * (size // 7 + 1))[:size], content_type='application/octet-stream')
    raise ApiError(f'proxmox-file-restore failed: Error: path not found: {path}')
