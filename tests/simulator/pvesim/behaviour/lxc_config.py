"""The configuration of a container: read, change, pending changes."""

from __future__ import annotations

import re

from ..call import ApiError, Call, ParameterError, operation
from ..model import container, volumes
from ..model.guest import Guest
from ..tables import tables
from .lxc_common import check_digest, check_lock, check_modify, check_writable, load, wait_for_file_lock
from .lxc_options import update
from .qemu_common import site_of

REQUEST = frozenset(['node', 'vmid', 'delete', 'digest', 'revert'])
HIDDEN = frozenset(['lock', 'parent', 'snaptime'])


@operation('GET', '/nodes/{node}/lxc/{vmid}/config')
def read(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    if name := call.params.get('snapshot'):
        return {**snapshot(guest, name), 'digest': guest.digest()}
    config = dict(guest.config) if call.params.get('current') else guest.merged()
    return {**config, 'digest': guest.digest()}


def snapshot(guest: Guest, name: str) -> dict:
    found = guest.snapshots.get(name)
    if found is None:
        raise ApiError(f"snapshot '{name}' does not exist")
    return found


@operation('GET', '/nodes/{node}/lxc/{vmid}/pending')
def pending(call: Call) -> list[dict]:
    guest = load(site_of(call), call.params['vmid'])
    rows = []
    for key, value in guest.config.items():
        if key in HIDDEN:
            continue
        row = {'key': key, 'value': value}
        if key in guest.pending:
            row['pending'] = guest.pending[key]
        if key in guest.pending_delete:
            row['delete'] = 1
        rows.append(row)
    rows += [{'key': key, 'pending': value} for key, value in guest.pending.items() if key not in guest.config]
    rows.append({'key': 'digest', 'value': guest.digest()})
    return rows


@operation('PUT', '/nodes/{node}/lxc/{vmid}/config')
def change(call: Call) -> None:
    params, site = call.params, site_of(call)
    given = {key: value for key, value in params.items() if key not in REQUEST and key in call.given}
    delete, revert = listed(params.get('delete')), listed(params.get('revert'))
    if not given and not delete and not revert:
        raise ApiError('no options specified')
    guest = load(site, params['vmid'])
    check_names(call, given, delete, revert)
    wait_for_file_lock(call, guest)
    check_lock(guest)
    check_digest(guest, params.get('digest'))
    check_modify(call, guest.vmid, None, guest.config, given, [*delete, *revert], bool(guest.config.get('unprivileged')))
    check_writable(site, guest.vmid)
    before = (dict(guest.config), dict(guest.pending), dict(guest.pending_delete))
    try:
        if errors := update(call, guest, given, delete, revert):
            raise ParameterError(errors)
    except ApiError:
        # Nothing is written where anything fails.
        guest.config, guest.pending, guest.pending_delete = before
        raise


def listed(text: str | None) -> list[str]:
    return [part for part in re.split(r'[,;\s]+', text or '') if part]


def check_names(call: Call, given: dict, delete: list[str], revert: list[str]) -> None:
    """400 for options that no container has, and for two of set, delete and revert at once."""
    for name in revert:
        if not is_option(call, name):
            raise ParameterError({'revert': f"unknown option '{name}'"})
        if name in given:
            raise ParameterError({'revert': f"you can't use '-{name}' and '-revert {name}' at the same time"})
    for name in delete:
        if not is_option(call, name):
            raise ParameterError({'delete': f"unknown option '{name}'"})
        if name in given:
            raise ParameterError({'delete': f"you can't use '-{name}' and -delete {name}' at the same time"})
        if name in revert:
            raise ParameterError({'delete': f"you can't use '-delete {name}' and '-revert {name}' at the same time"})


def is_option(call: Call, name: str) -> bool:
    properties = tables(call.release).operations['PUT', '/nodes/{node}/lxc/{vmid}/config'].properties
    return name not in REQUEST and (name in properties or name.rstrip('0123456789') + '[n]' in properties)


@operation('GET', '/nodes/{node}/lxc/{vmid}/feature')
def feature(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    name = call.params.get('snapname')
    config = snapshot(guest, name) if name else guest.config
    return {'hasFeature': int(has_feature(call.cluster, config, call.params['feature'], name))}


def has_feature(cluster, config: dict, wanted: str, name: str | None = None) -> bool:
    """Whether every mount point can do it; bind mounts can do nothing."""
    for key in container.volumes(config):
        volume = container.parse(cluster.release, key, config[key])['volume']
        if container.point_type(volume) != 'volume' or not volumes.has_feature(cluster, volume, wanted, name):
            return False
    return True
