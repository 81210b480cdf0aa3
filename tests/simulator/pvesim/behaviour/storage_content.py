"""Contents of a storage: list, allocate, look at, annotate, copy, delete."""

from __future__ import annotations

import re
from collections.abc import Generator

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import storage, volume_names
from ..tasks import Task
from .storage_access import check_volume_access, may_access, real_volume_id

ARCHIVE_END = re.compile(r'\.(?:tgz|(?:tar|vma)(?:\.(?:zst|gz|lzo|bz2))?)$')


@operation('GET', '/nodes/{node}/storage/{storage}/content')
def index(call: Call) -> list:
    storeid = call.params['storage']
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    volumes = storage.volume_list(call.cluster, call.node.name, storeid, call.params.get('vmid'), call.params.get('content'))
    return [entry(call.cluster, config, volume) for volume in volumes if may_access(call, volume.volid)]


def entry(cluster, config: dict, volume: storage.Volume) -> dict:
    """One row of the list, with the keys that the storage type and the content have."""
    content = storage.content_of(cluster, volume)
    row = {'volid': volume.volid, 'content': content, 'format': listed_format(volume), 'size': volume.size}
    if content in storage.IMAGES:
        row['vmid'] = volume.vmid or 0
        add_image_keys(row, config, volume)
    else:
        row['ctime'] = volume.ctime
        row['size'] = volume.used or volume.size  # of the file, not of the disk in it
    if content == 'backup':
        add_backup_keys(row, config, volume)
    return row


def add_image_keys(row: dict, config: dict, volume: storage.Volume) -> None:
    kind = config['type']
    if storage.type_of(config).file_based:
        row.update(parent=parent_path(volume), used=volume.used, ctime=volume.ctime)
    elif kind in ('lvm', 'lvmthin'):
        row['ctime'] = volume.ctime
    elif kind in ('zfspool', 'rbd', 'zfs'):
        row['name'] = volume.volid.rsplit('/', 1)[-1].rpartition(':')[2]
        if volume.parent:
            row['parent'] = f'{volume.parent.rpartition(":")[2]}@__base__'


def parent_path(volume: storage.Volume) -> str | None:
    """The base of a linked clone as its backing file is named: relative to the folder of the clone."""
    return f'../{volume.parent.partition(":")[2]}' if volume.parent else None


def listed_format(volume: storage.Volume) -> str:
    name = volume.volid.partition(':')[2]
    if volume.content == 'iso':
        return 'iso'
    if volume.content == 'snippets':
        return 'snippet'
    if volume.content == 'vztmpl':
        last = name.rsplit('.', 1)[-1].lower()
        return 'tar' if last == 'tar' else f't{last}'
    if volume.content == 'import':
        return name.rsplit('.', 1)[-1]
    if volume.content == 'backup' and (found := ARCHIVE_END.search(name)):
        return found[0][1:]
    return volume.format


def add_backup_keys(row: dict, config: dict, volume: storage.Volume) -> None:
    row['subtype'] = volume.extra.get('kind', 'unknown')
    if volume.vmid is not None:
        row['vmid'] = volume.vmid
    if volume.notes:
        row['notes'] = volume.notes if config['type'] == 'pbs' else volume.notes.split('\n', 1)[0]
    if volume.protected:
        row['protected'] = 1


@operation('POST', '/nodes/{node}/storage/{storage}/content')
def create(call: Call) -> str:
    params = call.params
    name, fmt = params['filename'], params.get('format')
    if found := re.search(r'\.(raw|qcow2|vmdk)$', name):
        if fmt and fmt != found[1]:
            raise ParameterError({'format': f'different storage formats ({fmt} != {found[1]})'})
        fmt = found[1]
    volume = storage.alloc(call.cluster, call.node.name, params['storage'], params['vmid'], kibibytes(params['size']) * 1024,
                           fmt=fmt, name=name, now=call.clock.now())
    return volume.volid


def kibibytes(text: str) -> int:
    found = re.fullmatch(r'(\d+)([MG]?)', str(text))
    if not found:
        raise ParameterError({'size': f"unable to parse size '{text}'"})
    return int(found[1]) * {'': 1, 'M': 1024, 'G': 1024 * 1024}[found[2]]


@operation('GET', '/nodes/{node}/storage/{storage}/content/{volume}')
def info(call: Call) -> dict:
    volid = real_volume_id(call.params.get('storage'), call.params['volume'])
    check_volume_access(call, volid)
    path = storage.path_of(call.cluster, volid)
    volume = existing(call, volid)
    fmt = volume.format if volume.content in (*storage.IMAGES, 'import') else 'raw'
    row = {'path': path, 'size': volume.size, 'used': volume.used or volume.size, 'format': fmt}
    if volume.content in storage.IMAGES:
        row['used'] = volume.used
    if volume.content == 'backup':
        row.update(notes=volume.notes or '', protected=int(volume.protected))
    return row


def existing(call: Call, volid: str) -> storage.Volume:
    storeid = volid.partition(':')[0]
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    volume = storage.find(call.cluster, call.node.name, volid)
    if volume is None and config['type'] in ('lvm', 'lvmthin'):
        name = volid.partition(':')[2]
        raise ApiError(f"can't get size of '/dev/{config['vgname']}/{name}':   Failed to find logical volume "
                       f'"{config["vgname"]}/{name}"')
    if volume is None:
        raise ApiError(f"volume_size_info on '{volid}' failed - no format")
    return volume


@operation('PUT', '/nodes/{node}/storage/{storage}/content/{volume}')
def update(call: Call) -> None:
    params = call.params
    volid = real_volume_id(params.get('storage'), params['volume'])
    check_volume_access(call, volid)
    storeid, parsed = storage.parse(call.cluster, volid)
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    for name, word in (('notes', 'have notes'), ('protected', 'be protected')):
        if name in params and parsed.content != 'backup':
            raise ApiError(f'only backups can {word}')
    volume = storage.find(call.cluster, call.node.name, volid)
    if volume is None:
        raise ApiError(f"volume '{volid}' does not exist" if storage.type_of(config).file_based else f"no such volume '{volid}'")
    if 'protected' in params:
        check_protected_count(call, config, volume, bool(params['protected']))
        volume.protected = bool(params['protected'])
    if 'notes' in params:
        volume.notes = params['notes'] or None


def check_protected_count(call: Call, config: dict, volume: storage.Volume, protect: bool) -> None:
    """max-protected-backups: 5 per guest unless the storage says otherwise; no limit for who may allocate on it."""
    storeid = volume.volid.partition(':')[0]
    unlimited = call.may(f'/storage/{storeid}', 'Datastore.Allocate')
    limit = int(config.get('max-protected-backups', -1 if unlimited else 5))
    if not protect or volume.protected or limit < 0 or volume.vmid is None:
        return
    others = storage.place(call.cluster, storeid, call.node.name).values()
    if sum(other.protected and other.vmid == volume.vmid for other in others) >= limit:
        raise ApiError(f"The number of protected backups per guest is limited to {limit} on storage '{storeid}'")


@operation('DELETE', '/nodes/{node}/storage/{storage}/content/{volume}')
def delete(call: Call) -> str | None:
    volid = real_volume_id(call.params.get('storage'), call.params['volume'])
    storeid, parsed = storage.parse(call.cluster, volid)
    if parsed.content == 'backup' and parsed.vmid is not None:
        call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace')
        call.require(f'/vms/{parsed.vmid}', 'VM.Backup')
    else:
        call.require(f'/storage/{storeid}', 'Datastore.Allocate')
    path, node = storage.path_of(call.cluster, volid), call.node.name

    def worker(task: Task) -> Generator:
        yield 0.3
        if storage.free(call.cluster, node, volid) is None:
            report_missing(task, call, volid, path)
        task.log(f"Removed volume '{volid}'")

    owner = f'{parsed.vmid}@' if parsed.vmid is not None else ''
    upid = call.task('imgdel', f'{owner}{storeid}', worker)
    if call.params.get('delay'):
        call.answer_after(0.3)
        return None
    return upid


def report_missing(task: Task, call: Call, volid: str, path: str) -> None:
    """Files that are not there only make a warning; block devices an error."""
    config = storage.section(call.cluster, volid.partition(':')[0])
    name = volid.partition(':')[2]
    if storage.type_of(config).file_based:
        task.log(f"disk image '{path}' does not exist")
    elif config['type'] in ('lvm', 'lvmthin'):
        raise TaskError(f"lvremove '{config['vgname']}/{name}' error:   Failed to find logical volume \"{config['vgname']}/{name}\"")
    elif config['type'] == 'zfspool':
        raise TaskError(f"zfs error: cannot open '{config['pool']}/{name}': dataset does not exist")
    elif config['type'] == 'rbd':
        raise TaskError(f"rbd rm '{name}' error: rbd: delete error: (2) No such file or directory")
    else:
        raise TaskError(f"can't free space in {config['type']} storage")


@operation('POST', '/nodes/{node}/storage/{storage}/content/{volume}')
def copy(call: Call) -> str:
    """Copy a volume to the volume id `target`, on this node or on `target_node` (for root alone)."""
    params, cluster, node = call.params, call.cluster, call.node.name
    source = real_volume_id(params.get('storage'), params['volume'])
    target = real_volume_id(params.get('storage'), params['target'])
    target_node = params.get('target_node') or node
    if target_node not in cluster.nodes:
        raise ApiError(f"no such cluster node '{target_node}'")
    storage.parse(cluster, source)
    storeid, parsed = storage.parse(cluster, target)
    storage.check_enabled(cluster, storeid, target_node)

    def worker(task: Task) -> Generator:
        volume = storage.find(cluster, node, source)
        if volume is None:
            raise TaskError(f"volume '{source}' does not exist")
        task.log(f'DEBUG: will copy {source} to {target}')
        yield volume.size / 500e6
        if storage.find(cluster, target_node, target) is not None:
            raise TaskError(f"disk image '{storage.path_of(cluster, target)}' already exists")
        storage.add(cluster, target_node, storage.Volume(target, volume.content, volume.format, volume.size, volume.used,
                                                         parsed.vmid, ctime=int(task.now())))
        task.log(f'DEBUG: end worker {task.upid}')

    return call.task('imgcopy', None, worker)


def folder_of(config: dict, content: str) -> str:
    """The folder of a content on a storage that keeps files, else the 500 of PVE."""
    if not storage.type_of(config).file_based:
        raise ApiError(f"storage type '{config['type']}' does not support {content} content")
    return volume_names.content_folder(config, content)
