"""HA resources: the guests that the HA manager looks after."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from ..model import ha, ha_rules
from ..model.cluster import Cluster
from ..model.sections import assert_unmodified, digest, inside, kind, settings, update
from .ha_manager import request_move, schedule

KIND = kind(optional='state group max_restart max_relocate failback comment')
REQUEST = ('sid', 'type', 'digest', 'delete', 'purge', 'node')


def resources(cluster: Cluster) -> dict[str, dict]:
    return cluster.section('ha-resources')


def parse_sid(cluster: Cluster, text: str) -> str:
    """'100' or 'vm:100' as 'vm:100'."""
    if ':' in text:
        return text
    guest = cluster.guests.get(int(text)) if text.isdigit() else None
    if guest is None:
        raise ApiError(f"unable to detect type of service '{text}'")
    return ha.sid_of(guest)


def named(call: Call) -> str:
    return parse_sid(call.cluster, call.params['sid'])


def entry(cluster: Cluster, sid: str) -> dict:
    found = resources(cluster).get(sid)
    if found is None:
        raise ApiError(f"no such resource '{sid}'")
    return found


def row(cluster: Cluster, sid: str) -> dict:
    return {**entry(cluster, sid), 'sid': sid, 'digest': digest(resources(cluster))}


@operation('GET', '/cluster/ha/resources')
def index(call: Call) -> list[dict]:
    wanted = call.params.get('type')
    rows = [row(call.cluster, sid) for sid in resources(call.cluster)]
    return [found for found in rows if wanted in (None, found['type'])]


@operation('GET', '/cluster/ha/resources/{sid}')
def read(call: Call) -> dict:
    return row(call.cluster, named(call))


@operation('POST', '/cluster/ha/resources')
def create(call: Call) -> None:
    sid = named(call)
    kind_name = sid.partition(':')[0]
    if call.params.get('type', kind_name) != kind_name:
        raise ApiError('types does not match')
    if ha.guest_of(call.cluster, sid) is None:
        raise ApiError(f"resource '{sid}' does not exist in cluster")
    check_group(call)
    ha.manager(call.cluster)  # what it knows so far does not include the new resource
    with inside('create resource failed'):
        if sid in resources(call.cluster):
            raise ApiError(f"resource ID '{sid}' already defined")
    resources(call.cluster)[sid] = {'type': kind_name, **wanted(call)}
    schedule(call.fleet, call.cluster)


def wanted(call: Call) -> dict:
    values = settings({key: call.params[key] for key in call.given if key in call.params}, *REQUEST)
    if values.get('state') == 'enabled':
        values['state'] = 'started'
    return values


def check_group(call: Call) -> None:
    group = call.params.get('group')
    if not group:
        return
    if call.release == '9':
        raise ApiError("invalid parameter 'group': ha groups have been migrated to rules")
    if group not in call.cluster.section('ha-groups'):
        raise ApiError(f"HA group '{group}' does not exist")


def check_no_error(cluster: Cluster, sid: str, state: str | None = None) -> None:
    status = ha.service_status(cluster, sid)
    if status and status['state'] == 'error' and state != 'disabled':
        raise ApiError(f"service '{sid}' in error state, must be disabled and fixed first")


@operation('PUT', '/cluster/ha/resources/{sid}')
def change(call: Call) -> None:
    sid = named(call)
    check_group(call)
    check_no_error(call.cluster, sid, call.params.get('state'))
    with inside('update resource failed'):
        assert_unmodified(digest(resources(call.cluster)), call.params.get('digest'))
        update(KIND, entry(call.cluster, sid), wanted(call), call.params.get('delete'))
    status = ha.service_status(call.cluster, sid)
    if status and status['state'] == 'error' and call.params.get('state') == 'disabled':
        status.update(state='stopped', tries=0, moves=0)
    schedule(call.fleet, call.cluster)


@operation('DELETE', '/cluster/ha/resources/{sid}')
def delete(call: Call) -> None:
    sid = named(call)
    if sid not in resources(call.cluster):
        raise ApiError(f"cannot delete service '{sid}', not HA managed!")
    ha.forget(call.cluster, sid)
    if call.params.get('purge', True) and call.release == '9':
        drop_from_rules(call.cluster, sid)


def drop_from_rules(cluster: Cluster, sid: str) -> None:
    """Take a resource out of every rule; rules that name no other end with it."""
    rules = cluster.section('ha-rules')
    for name in list(rules):
        left = [other for other in ha_rules.names(rules[name].get('resources')) if other != sid]
        if not left:
            del rules[name]
        else:
            rules[name]['resources'] = ','.join(left)


@operation('POST', '/cluster/ha/resources/{sid}/migrate')
@operation('POST', '/cluster/ha/resources/{sid}/relocate')
def move(call: Call) -> dict | None:
    sid, node = named(call), call.params['node']
    if sid not in resources(call.cluster):
        raise ApiError(f"resource '{sid}' is not HA managed")
    check_no_error(call.cluster, sid)
    if node not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{node}'")
    blocking = blockers(call.cluster, sid, node)
    if blocking:
        raise ApiError(f"cannot migrate resource '{sid}' to node '{node}'")
    request_move(call.fleet, call.cluster, sid, node)
    together = sorted(ha_rules.companions(call.cluster, sid, 'positive'))
    for other in together:
        request_move(call.fleet, call.cluster, other, node)
    if call.release != '9':
        return None
    answer = {'sid': sid, 'requested-node': node}
    if together:
        answer['comigrated-resources'] = together
    return answer


def blockers(cluster: Cluster, sid: str, node: str) -> list[str]:
    """The resources on the node that must be kept apart from this one."""
    return [other for other in ha_rules.companions(cluster, sid, 'negative')
            if (guest := ha.guest_of(cluster, other)) is not None and guest.node == node]
