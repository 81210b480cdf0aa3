"""Disks, PCI and USB devices of a node."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, ParameterError, operation
from ..model import hardware
from ..model.node import Node
from ..tasks import Task

DISKS = '/nodes/{node}/disks'


@operation('GET', '/nodes/{node}/hardware/pci')
def pci(call: Call) -> list[dict]:
    hidden = call.params.get('pci-class-blacklist', '05;06;0b').split(';')
    rows = [dict(row) for row in hardware.pci_devices(call.node)
            if not any(row['class'].startswith(f'0x{part}') for part in hidden if part)]
    if not call.params.get('verbose', True):
        return [{'id': row['id']} for row in rows]
    return rows


def device(call: Call) -> str:
    return call.params.get('pci-id-or-mapping') or call.params['pciid']


@operation('GET', '/nodes/{node}/hardware/pci/{pci-id-or-mapping}', ('8.4', '9'))
@operation('GET', '/nodes/{node}/hardware/pci/{pciid}', ('7.4',))
def pci_index(_call: Call) -> list[dict]:
    return [{'method': 'mdev'}]


@operation('GET', '/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev', ('8.4', '9'))
@operation('GET', '/nodes/{node}/hardware/pci/{pciid}/mdev', ('7.4',))
def mdev(call: Call) -> list[dict]:
    name = device(call)
    if ':' not in name and name not in call.cluster.section('mapping-pci'):
        raise ApiError(f"mapping '{name}' not found on '{call.node.name}'")
    return []


@operation('GET', '/nodes/{node}/hardware/usb')
def usb(call: Call) -> list[dict]:
    return hardware.usb_devices(call.node)


@operation('GET', f'{DISKS}/list')
def disks(call: Call) -> list[dict]:
    wanted, rows = call.params.get('type'), []
    for entry in hardware.disks(call.node):
        if (wanted == 'unused' and entry['used']) or (wanted == 'journal_disks' and entry['type'] == 'hdd'):
            continue
        row = {key: value for key, value in entry.items() if value is not None or key == 'osdid-list'}
        if call.params.get('skipsmart'):
            row.update(health='UNKNOWN', wearout='N/A')
        rows.append(row)
    return rows


def named(node: Node, path: str) -> dict:
    for entry in hardware.disks(node):
        if entry['devpath'] == path:
            return entry
    raise ApiError(f'{path} is not a valid local disk' if path else 'no disk given')


@operation('GET', f'{DISKS}/smart')
def smart(call: Call) -> dict:
    found = hardware.smart(named(call.node, call.params['disk']))
    return {'health': found['health']} if call.params.get('healthonly') else found


def unused(call: Call, path: str) -> dict:
    entry = named(call.node, path)
    if entry['used']:
        raise ApiError(f"device '{path}' is already in use")
    return entry


@operation('POST', f'{DISKS}/initgpt')
def init(call: Call) -> str:
    entry = unused(call, call.params['disk'])

    def work(_task: Task) -> Generator:
        yield 1.0
        entry['gpt'] = 1

    return call.task('diskinit', entry['devpath'].rpartition('/')[2], work)


@operation('PUT', f'{DISKS}/wipedisk')
def wipe(call: Call) -> str:
    entry = named(call.node, call.params['disk'])
    if entry['used'] == 'BIOS boot':
        raise ApiError(f"disk/partition '{entry['devpath']}' has a holder")

    def work(task: Task) -> Generator:
        task.log(f"wiping block device '{entry['devpath']}'")
        yield 2.0
        entry.update(used=None, gpt=0)

    return call.task('wipedisk', entry['devpath'].rpartition('/')[2], work)


def made(node: Node, kind: str) -> dict[str, dict]:
    """What was made on the disks of a node through the API, by kind and name."""
    return node.extra.setdefault('disk_users', {}).setdefault(kind, {})


def make(call: Call, kind: str, mark: str, paths: list[str], backing: dict[str, float], storage: dict) -> str:
    """A task that puts a volume group, pool or file system on unused disks, and adds a storage if that was asked for."""
    name, node, cluster = call.params['name'], call.node, call.cluster
    entries = [unused(call, path) for path in paths]
    if name in made(node, kind):
        raise ApiError(f"a {kind} named '{name}' exists on this node already")
    if call.params.get('add_storage') and name in cluster.storages:
        raise ParameterError({'name': f"storage ID '{name}' already defined"})
    size = sum(entry['size'] for entry in entries)

    def work(task: Task) -> Generator:
        task.log(f"making {kind} '{name}' on {', '.join(paths)}")
        yield 3.0
        for entry in entries:
            entry['used'] = mark
        made(node, kind)[name] = {'name': name, 'devices': paths, 'size': size}
        for key, share in backing.items():
            node.extra.setdefault('backing', {})[key] = {'total': int(size * share), 'used': 0}
        if call.params.get('add_storage'):
            cluster.storages[name] = {**storage, 'nodes': node.name}

    return call.task(f'{kind}create', name, work)


@operation('POST', f'{DISKS}/lvm')
def make_lvm(call: Call) -> str:
    name = call.params['name']
    return make(call, 'lvm', 'LVM', [call.params['device']], {f'vg:{name}': 1.0},
                {'type': 'lvm', 'vgname': name, 'content': 'rootdir,images'})


@operation('POST', f'{DISKS}/lvmthin')
def make_thin(call: Call) -> str:
    name = call.params['name']
    return make(call, 'lvmthin', 'LVM', [call.params['device']], {f'vg:{name}': 1.0, f'thin:{name}/{name}': 0.97},
                {'type': 'lvmthin', 'vgname': name, 'thinpool': name, 'content': 'rootdir,images'})


@operation('POST', f'{DISKS}/zfs')
def make_zfs(call: Call) -> str:
    name, devices = call.params['name'], call.params['devices'].split(',')
    least = {'single': 1, 'mirror': 2, 'raid10': 4, 'raidz': 3, 'raidz2': 4, 'raidz3': 5}.get(call.params['raidlevel'], 1)
    if len(devices) < least:
        raise ApiError(f"{call.params['raidlevel']} needs at least {least} disks")
    share = {'single': 1.0, 'mirror': 1 / len(devices), 'raid10': 0.5}.get(
        call.params['raidlevel'], 1 - (least - 2) / len(devices))
    return make(call, 'zfs', 'ZFS', devices, {f'zpool:{name}': share},
                {'type': 'zfspool', 'pool': name, 'content': 'rootdir,images'})


@operation('POST', f'{DISKS}/directory')
def make_directory(call: Call) -> str:
    name = call.params['name']
    return make(call, 'dir', call.params.get('filesystem', 'ext4'), [call.params['device']], {f'dir:/mnt/pve/{name}': 0.95},
                {'type': 'dir', 'path': f'/mnt/pve/{name}', 'is_mountpoint': '1',
                 'content': 'images,rootdir,vztmpl,iso,backup,snippets'})


@operation('GET', f'{DISKS}/directory')
def directories(call: Call) -> list[dict]:
    return [{'path': f'/mnt/pve/{name}', 'device': entry['devices'][0], 'type': 'ext4', 'options': 'defaults',
             'unitfile': f'/etc/systemd/system/mnt-pve-{name}.mount'} for name, entry in made(call.node, 'dir').items()]


@operation('GET', f'{DISKS}/lvm')
def groups(call: Call) -> dict:
    rows = []
    for key, ground in call.node.extra.get('backing', {}).items():
        if key.startswith('vg:'):
            rows.append({'name': key[3:], 'size': ground['total'], 'free': ground['total'] - ground.get('used', 0), 'leaf': 0,
                         'lvcount': 1, 'children': []})
    return {'leaf': 0, 'children': rows}


@operation('GET', f'{DISKS}/lvmthin')
def thin_pools(call: Call) -> list[dict]:
    rows = []
    for key, ground in call.node.extra.get('backing', {}).items():
        if key.startswith('thin:'):
            group, dummy, pool = key[5:].partition('/')
            rows.append({'vg': group, 'lv': pool, 'lv_size': ground['total'], 'used': ground.get('used', 0),
                         'metadata_size': 1 << 30, 'metadata_used': 1 << 24})
    return rows


@operation('GET', f'{DISKS}/zfs')
def pools(call: Call) -> list[dict]:
    return [pool_row(key[6:], ground) for key, ground in call.node.extra.get('backing', {}).items()
            if key.startswith('zpool:')]


def pool_row(name: str, ground: dict) -> dict:
    used = ground.get('used', 0)
    return {'name': name, 'size': ground['total'], 'alloc': used, 'free': ground['total'] - used, 'frag': 1, 'dedup': 1,
            'health': 'ONLINE'}


@operation('GET', f'{DISKS}/zfs/{{name}}')
def pool(call: Call) -> dict:
    name = call.params['name']
    if f'zpool:{name}' not in call.node.extra.get('backing', {}):
        raise ApiError(f"cannot open '{name}': no such pool")
    return {'name': name, 'state': 'ONLINE', 'scan': 'none requested', 'errors': 'No known data errors', 'children': []}


def remove(call: Call, kind: str, keys: list[str]) -> str:
    """A task that takes a volume group, pool or file system away again; its disks are unused then."""
    name, node, cluster = call.params['name'], call.node, call.cluster

    def work(task: Task) -> Generator:
        yield 1.0
        entry = made(node, kind).pop(name, None)
        for key in keys:
            node.extra.get('backing', {}).pop(key, None)
        if call.params.get('cleanup-disks') and entry:
            for path in entry['devices']:
                named(node, path).update(used=None, gpt=0)
        if call.params.get('cleanup-config'):
            for storeid in [storeid for storeid, config in cluster.storages.items()
                            if storeid == name and config.get('nodes') == node.name]:
                task.log(f"removing storage '{storeid}'")
                del cluster.storages[storeid]

    return call.task(f'{kind}remove', name, work)


@operation('DELETE', f'{DISKS}/lvm/{{name}}')
def remove_lvm(call: Call) -> str:
    return remove(call, 'lvm', [f'vg:{call.params["name"]}'])


@operation('DELETE', f'{DISKS}/lvmthin/{{name}}')
def remove_thin(call: Call) -> str:
    return remove(call, 'lvmthin', [f'thin:{call.params["volume-group"]}/{call.params["name"]}'])


@operation('DELETE', f'{DISKS}/zfs/{{name}}')
def remove_zfs(call: Call) -> str:
    return remove(call, 'zfs', [f'zpool:{call.params["name"]}'])


@operation('DELETE', f'{DISKS}/directory/{{name}}')
def remove_directory(call: Call) -> str:
    return remove(call, 'dir', [f'dir:/mnt/pve/{call.params["name"]}'])
