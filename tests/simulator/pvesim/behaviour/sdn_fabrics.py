"""SDN fabrics (OpenFabric, OSPF) and their nodes."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from ..model import sdn
from ..model.sections import assert_unmodified, digest, settings, split_list
from .sdn_objects import SEE

NOT_KEPT = ('digest', 'delete', 'lock-token')


def view(call: Call, what: str) -> dict[str, dict]:
    if call.params.get('pending'):
        return sdn.pending(call.cluster, what)
    if call.params.get('running'):
        return sdn.running(call.cluster, what)
    return sdn.objects(call.cluster, what)


def current(call: Call) -> str:
    return digest([sdn.objects(call.cluster, what) for what in ('fabrics', 'fabric-nodes')])


def fabrics(call: Call) -> list[dict]:
    return [{**entry, 'id': name, 'digest': current(call)} for name, entry in sorted(view(call, 'fabrics').items())
            if call.may(f'/sdn/fabrics/{name}', SEE, any=True)]


def nodes(call: Call, fabric: str | None = None) -> list[dict]:
    found = []
    for name, entry in sorted(view(call, 'fabric-nodes').items()):
        of, node = name.split('/')
        if fabric in (None, of) and call.may(f'/sdn/fabrics/{of}', SEE, any=True) and call.may(
                f'/nodes/{node}', 'Sys.Audit', 'Sys.Modify', any=True):
            found.append({**entry, 'fabric_id': of, 'node_id': node, 'digest': current(call)})
    return found


@operation('GET', '/cluster/sdn/fabrics/all')
def everything(call: Call) -> dict:
    return {'fabrics': fabrics(call), 'nodes': nodes(call)}


@operation('GET', '/cluster/sdn/fabrics/fabric')
def index(call: Call) -> list[dict]:
    return fabrics(call)


@operation('GET', '/cluster/sdn/fabrics/node')
def node_index(call: Call) -> list[dict]:
    return nodes(call)


def fabric_of(call: Call, name: str) -> dict:
    entry = sdn.objects(call.cluster, 'fabrics').get(name)
    if entry is None:
        raise ApiError(f'fabric {name} does not exist')
    return entry


@operation('GET', '/cluster/sdn/fabrics/fabric/{id}')
def read(call: Call) -> dict:
    name = call.params['id']
    return {**fabric_of(call, name), 'id': name, 'digest': current(call)}


@operation('POST', '/cluster/sdn/fabrics/fabric')
def create(call: Call) -> None:
    params, name = call.params, call.params['id']
    objects = sdn.objects(call.cluster, 'fabrics')
    with sdn.Locked(call.cluster, 'adding fabric failed', params.get('lock-token')):
        assert_unmodified(current(call), params.get('digest'))
        if name in objects:
            raise ApiError(f'fabric {name} already exists')
        values = settings(params, 'id', *NOT_KEPT)
        if values['protocol'] == 'ospf' and not values.get('area'):
            raise ApiError('missing value for required option area')
        objects[name] = values


@operation('PUT', '/cluster/sdn/fabrics/fabric/{id}')
def update(call: Call) -> None:
    params, name = call.params, call.params['id']
    with sdn.Locked(call.cluster, 'updating fabric failed', params.get('lock-token')):
        assert_unmodified(current(call), params.get('digest'))
        change(fabric_of(call, name), params, 'id')


def change(entry: dict, params: dict, *identity: str) -> None:
    if params['protocol'] != entry['protocol']:
        raise ApiError('protocol of an existing fabric cannot be changed')
    for key in split_list(params.get('delete')):
        entry.pop(key, None)
    entry.update(settings(params, *identity, *NOT_KEPT))


@operation('DELETE', '/cluster/sdn/fabrics/fabric/{id}')
def delete(call: Call) -> None:
    """A fabric goes with its nodes."""
    name = call.params['id']
    with sdn.Locked(call.cluster, 'deleting fabric failed', call.params.get('lock-token')):
        fabric_of(call, name)
        del sdn.objects(call.cluster, 'fabrics')[name]
        members = sdn.objects(call.cluster, 'fabric-nodes')
        for member in [key for key in members if key.startswith(f'{name}/')]:
            del members[member]


@operation('GET', '/cluster/sdn/fabrics/node/{fabric_id}')
def members(call: Call) -> list[dict]:
    fabric_of(call, call.params['fabric_id'])
    return nodes(call, call.params['fabric_id'])


def member_of(call: Call) -> dict:
    fabric, node = call.params['fabric_id'], call.params['node_id']
    fabric_of(call, fabric)
    entry = sdn.objects(call.cluster, 'fabric-nodes').get(f'{fabric}/{node}')
    if entry is None:
        raise ApiError(f'node {node} does not exist in fabric {fabric}')
    return entry


@operation('GET', '/cluster/sdn/fabrics/node/{fabric_id}/{node_id}')
def read_member(call: Call) -> dict:
    return {**member_of(call), 'fabric_id': call.params['fabric_id'], 'node_id': call.params['node_id'],
            'digest': current(call)}


@operation('POST', '/cluster/sdn/fabrics/node/{fabric_id}')
def add_member(call: Call) -> None:
    params, fabric, node = call.params, call.params['fabric_id'], call.params['node_id']
    with sdn.Locked(call.cluster, 'adding node failed', params.get('lock-token')):
        assert_unmodified(current(call), params.get('digest'))
        if params['protocol'] != fabric_of(call, fabric)['protocol']:
            raise ApiError(f'node {node} has another protocol than fabric {fabric}')
        members_ = sdn.objects(call.cluster, 'fabric-nodes')
        if f'{fabric}/{node}' in members_:
            raise ApiError(f'node {node} already exists in fabric {fabric}')
        members_[f'{fabric}/{node}'] = settings(params, 'fabric_id', 'node_id', *NOT_KEPT)


@operation('PUT', '/cluster/sdn/fabrics/node/{fabric_id}/{node_id}')
def update_member(call: Call) -> None:
    with sdn.Locked(call.cluster, 'updating node failed', call.params.get('lock-token')):
        assert_unmodified(current(call), call.params.get('digest'))
        change(member_of(call), call.params, 'fabric_id', 'node_id')


@operation('DELETE', '/cluster/sdn/fabrics/node/{fabric_id}/{node_id}')
def delete_member(call: Call) -> None:
    with sdn.Locked(call.cluster, 'deleting node failed', call.params.get('lock-token')):
        member_of(call)
        del sdn.objects(call.cluster, 'fabric-nodes')[f'{call.params["fabric_id"]}/{call.params["node_id"]}']
