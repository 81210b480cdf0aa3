"""storage.cfg: the configuration of storages (/storage)."""

from __future__ import annotations

import hashlib

from ..call import ApiError, Call, operation
from ..model import storage, storage_space
from ..model.sections import split_list
from ..model.storage_types import MOUNTED, SENSITIVE, TYPES
from .storage_access import READ

STALE = 'detected modified configuration - file changed by other user? Try again.'
DEFAULT_LOCAL = {'type': 'dir', 'path': '/var/lib/vz', 'prune-backups': 'keep-all=1',
                 'content': 'images,rootdir,vztmpl,iso,snippets'}


def digest_of(storages: dict) -> str:
    return hashlib.sha1(repr(storages).encode()).hexdigest()


def shown(call: Call, storeid: str, digest: str) -> dict:
    config = storage.section(call.cluster, storeid)
    row = {**config, 'storage': storeid, 'digest': digest, 'content': content_text(config)}
    if storage.type_of(config).shared:
        row['shared'] = 1
    return row


def content_text(config: dict) -> str:
    return ','.join(sorted(storage.contents(config)))


@operation('GET', '/storage')
def index(call: Call) -> list:
    digest = digest_of(call.cluster.storages)
    return [
        shown(call, storeid, digest)
        for storeid, config in call.cluster.storages.items()
        if call.params.get('type') in (None, config['type']) and call.may(f'/storage/{storeid}', *READ, any=True)
    ]


@operation('GET', '/storage/{storage}')
def read(call: Call) -> dict:
    storage.section(call.cluster, call.params['storage'])
    return shown(call, call.params['storage'], digest_of(call.cluster.storages))


@operation('POST', '/storage')
def create(call: Call) -> dict:
    params = dict(call.params)
    storeid, kind = params.pop('storage'), params.pop('type')
    if kind in MOUNTED:
        params.setdefault('path', f'/mnt/pve/{storeid}')
    if not params.get('nodes'):
        params.pop('nodes', None)
    config = {'type': kind, **check_config(kind, params, create=True)}
    if storeid in call.cluster.storages:
        raise ApiError(f"create storage failed: storage ID '{storeid}' already defined")
    activate(call, config)
    call.cluster.storages[storeid] = config
    recall_volumes(call, storeid, config)
    return {'storage': storeid, 'type': kind}


@operation('PUT', '/storage/{storage}')
def update(call: Call) -> dict:
    params = dict(call.params)
    storeid, digest = params.pop('storage'), params.pop('digest', None)
    deleted = split_list(params.pop('delete', ''))
    try:
        if digest and digest != digest_of(call.cluster.storages):
            raise ApiError(STALE)
        config = storage.section(call.cluster, storeid)
        changes = check_config(config['type'], params, create=False)
        for name in deleted:
            check_deletable(config['type'], name, changes)
    except ApiError as error:
        raise ApiError(f'update storage failed: {error.message}') from None
    for name in deleted:
        config.pop(name, None)
    config.update(changes)
    return {'storage': storeid, 'type': config['type']}


@operation('DELETE', '/storage/{storage}')
def delete(call: Call) -> None:
    storeid, cluster = call.params['storage'], call.cluster
    if storeid not in cluster.storages:
        raise ApiError(f"delete storage failed: storage '{storeid}' does not exist")
    if any(str(other.get('base', '')).startswith(f'{storeid}:') for other in cluster.storages.values()):
        raise ApiError("delete storage failed: can't remove storage - storage is used as base of another storage")
    leave_volumes(call, storeid)
    del cluster.storages[storeid]
    if storeid == 'local':
        cluster.storages['local'] = dict(DEFAULT_LOCAL)
    if cluster.access.acl.pop(f'/storage/{storeid}', None) is not None:
        cluster.access.touch()
    for pool in cluster.pools.values():
        pool.get('storages', set()).discard(storeid)


def check_config(kind: str, params: dict, create: bool) -> dict:
    """The section of these parameters (PVE::SectionConfig::check_config), or the 500 that names what is wrong."""
    rules = TYPES[kind]
    config = {}
    for name, value in params.items():
        if not create and name in rules.fixed:
            raise ApiError(f"can't change value of fixed parameter '{name}'")
        if name not in rules.options:
            raise ApiError(f"unexpected property '{name}'")
        if name not in SENSITIVE:
            config[name] = decoded(kind, name, value)
    for name in sorted(rules.required if create else ()):
        if name not in params:
            raise ApiError(f"missing value for required option '{name}'")
    return config


def decoded(kind: str, name: str, value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if name == 'content':
        return kept_content(kind, str(value))
    if name == 'nodes':
        return ','.join(sorted(set(split_list(str(value)))))
    if name == 'path' and len(str(value)) > 1:
        return str(value).rstrip('/') or '/'
    return value


def kept_content(kind: str, text: str) -> str:
    """The contents that the type can hold; PVE drops others with a warning in its log."""
    wanted = set(split_list(text)) & TYPES[kind].contents
    if 'none' in wanted and len(wanted) > 1:
        raise ApiError("unable to combine 'none' with other content types")
    return ','.join(sorted(wanted)) or 'none'


def check_deletable(kind: str, name: str, changes: dict) -> None:
    rules = TYPES[kind]
    if name not in rules.options:
        raise ApiError(f"no such option '{name}'")
    if name in rules.required:
        raise ApiError(f"unable to delete required option '{name}'")
    if name in rules.fixed:
        raise ApiError(f"unable to delete fixed option '{name}'")
    if name in changes:
        raise ApiError(f"cannot set and delete property '{name}' at the same time!")


def activate(call: Call, config: dict) -> None:
    """Fail as PVE does when the storage cannot be used on the node that was asked."""
    here = (call.here or next(iter(call.cluster.nodes.values())))
    if not storage.is_enabled(config, here.name):
        return
    if config['type'] == 'zfspool' and storage_space.backing(call.cluster, here, '', config) is None:
        pool = config['pool'].split('/')[0]
        raise ApiError(f"create storage failed: could not activate storage, zfs error: cannot import '{pool}': "
                       'no such pool available')


def ground_of(config: dict) -> str:
    """What the volumes really lie on: the same text for two sections that mean the same place."""
    names = ('path', 'server', 'export', 'share', 'vgname', 'thinpool', 'pool', 'datastore', 'monhost')
    return ' '.join([config['type'], *(f'{name}={config[name]}' for name in names if name in config)])


def leave_volumes(call: Call, storeid: str) -> None:
    """Removing a section leaves its data where it is."""
    config = call.cluster.storages[storeid]
    left = call.cluster.extra.setdefault('left_behind', {})
    for place in [place for place in call.cluster.volumes.by_place if place[0] == storeid]:
        volumes = call.cluster.volumes.by_place.pop(place)
        if volumes:
            left[f'{place[1]} {ground_of(config)}'] = list(volumes.values())


def recall_volumes(call: Call, storeid: str, config: dict) -> None:
    """A new section over data that an old one left shows that data."""
    left = call.cluster.extra.get('left_behind', {})
    for node in ['', *call.cluster.nodes]:
        volumes = left.pop(f'{node} {ground_of(config)}', [])
        for volume in volumes:
            volume.volid = f'{storeid}:{volume.volid.partition(":")[2]}'
            call.cluster.volumes.at(storeid, node)[volume.volid] = volume
