"""Pools of guests and storages. Members that do not exist are kept and not shown, as PVE does."""

from __future__ import annotations

from ..access.permissions import may_modify
from ..call import ApiError, Call, operation
from ..model.cluster import Cluster
from ..model.reports import reports
from ..model.sections import inside, split_list
from .cluster_resources import guest_row, storage_row

# What cluster/resources shows of a guest and a pool does not.
NOT_SHOWN = ('tags', 'pool', 'hastate', 'lock')


def known_pool(cluster: Cluster, poolid: str) -> dict:
    if poolid not in cluster.pools:
        raise ApiError(f"pool '{poolid}' does not exist")
    return cluster.pools[poolid]


@operation('GET', '/pools')
def index(call: Call) -> list[dict]:
    """All pools that the caller may see; with poolid the one, with its members."""
    cluster, wanted = call.cluster, call.params.get('poolid')
    if wanted is not None:
        call.require(f'/pool/{wanted}', 'Pool.Audit')
        return [{'poolid': wanted, **content(call, wanted)}]
    return [{'poolid': poolid, **comment(pool)} for poolid, pool in sorted(cluster.pools.items())
            if call.may(f'/pool/{poolid}', 'Pool.Audit')]


def comment(pool: dict) -> dict:
    return {'comment': pool['comment']} if pool.get('comment') else {}


@operation('GET', '/pools/{poolid}')
def read(call: Call) -> dict:
    poolid = call.params['poolid']
    named = {} if call.release == '7.4' else {'poolid': poolid}
    return {**named, **content(call, poolid)}


def content(call: Call, poolid: str) -> dict:
    pool, only = known_pool(call.cluster, poolid), call.params.get('type')
    return {**comment(pool), 'members': guests(call, pool, only) + storages(call, pool, only)}


def guests(call: Call, pool: dict, only: str | None) -> list[dict]:
    told, found = reports(call.cluster, call.clock), []
    for vmid in sorted(pool.get('vms', ())):
        guest = call.cluster.guests.get(vmid)
        if guest is not None and only in (None, guest.kind):
            row = guest_row(call.cluster, guest, told.get(guest.node))
            found.append({key: value for key, value in row.items() if key not in NOT_SHOWN})
    return found


def storages(call: Call, pool: dict, only: str | None) -> list[dict]:
    cluster, found = call.cluster, []
    told = reports(cluster, call.clock)
    for storage in sorted(pool.get('storages', ())):
        config = cluster.storages.get(storage)
        if config is None or only not in (None, 'storage'):
            continue
        nodes = split_list(config.get('nodes'))
        name = call.here.name if not nodes or call.here.name in nodes else min(nodes)
        found.append(storage_row(cluster, cluster.nodes[name], storage, config, told[name]))
    return found


@operation('POST', '/pools')
def create(call: Call) -> None:
    cluster, poolid = call.cluster, call.params['poolid']
    with inside('create pool failed'):
        if poolid in cluster.pools:
            raise ApiError(f"pool '{poolid}' already exists")
        parent = poolid.rpartition('/')[0]
        if poolid.count('/') > 2:
            raise ApiError('pool nesting is limited to 3 levels')
        if parent and parent not in cluster.pools:
            raise ApiError(f"parent '{parent}' of pool '{poolid}' does not exist")
        cluster.pools[poolid] = {'comment': call.params.get('comment', ''), 'vms': set(), 'storages': set()}
        cluster.access.touch()


@operation('PUT', '/pools')
@operation('PUT', '/pools/{poolid}')
def update(call: Call) -> None:
    params, poolid = call.params, call.params['poolid']
    with inside('update pools failed'):
        pool = known_pool(call.cluster, poolid)
        vms = [int(vmid) for vmid in split_list(params.get('vms'))]
        names = split_list(params.get('storage'))
        for path in [f'/vms/{vmid}' for vmid in vms] + [f'/storage/{name}' for name in names]:
            may_modify(call.cluster, call.authid, path)
        assert_fitting(call, poolid, pool, vms, names)
        if 'comment' in params:
            pool['comment'] = params['comment']
        for vmid in vms:
            for other in call.cluster.pools.values():
                other['vms'] = set(other.get('vms', ())) - {vmid}
        joined = (set(), set()) if params.get('delete') else (set(vms), set(names))
        pool['vms'] = set(pool.get('vms', ())) - set(vms) | joined[0]
        pool['storages'] = set(pool.get('storages', ())) - set(names) | joined[1]
        call.cluster.access.touch()


def assert_fitting(call: Call, poolid: str, pool: dict, vms: list[int], names: list[str]) -> None:
    """500 for a removal of what is not in the pool and an addition of what is in it or in another one."""
    delete = call.params.get('delete')
    for vmid in vms:
        member = vmid in pool.get('vms', ())
        if delete and not member:
            raise ApiError(f'VM {vmid} is not a pool member')
        if delete:
            continue
        if member:
            raise ApiError(f'VM {vmid} is already a pool member')
        other = call.cluster.pool_of(vmid)
        if other is not None and not call.params.get('allow-move'):
            hint = '' if call.release == '7.4' else " and 'allow-move' is not set"
            raise ApiError(f"VM {vmid} belongs already to pool '{other}'{hint}")
    for name in names:
        member = name in pool.get('storages', ())
        if delete and not member:
            raise ApiError(f"Storage '{name}' is not a pool member")
        if not delete and member:
            raise ApiError(f"Storage '{name}' is already a pool member")


@operation('DELETE', '/pools')
@operation('DELETE', '/pools/{poolid}')
def delete(call: Call) -> None:
    cluster, poolid = call.cluster, call.params['poolid']
    with inside('delete pool failed'):
        pool = known_pool(cluster, poolid)
        for child in sorted(cluster.pools):
            if child.startswith(f'{poolid}/'):
                raise ApiError(f"pool '{poolid}' is not empty (contains pool '{child}')")
        for vmid in sorted(pool.get('vms', ())):
            if vmid in cluster.guests:
                raise ApiError(f"pool '{poolid}' is not empty (contains VM {vmid})")
        for storage in sorted(pool.get('storages', ())):
            if storage in cluster.storages:
                raise ApiError(f"pool '{poolid}' is not empty (contains storage '{storage}')")
        del cluster.pools[poolid]
        cluster.access.acl.pop(f'/pool/{poolid}', None)
        cluster.access.touch()
