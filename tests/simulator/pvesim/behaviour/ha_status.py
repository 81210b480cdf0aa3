"""What the HA stack says of itself."""

from __future__ import annotations

import time
from typing import Any

from ..call import ApiError, Call, operation
from ..model import ha
from ..model.cluster import Cluster

DEFAULTS = {'max_restart': 1, 'max_relocate': 1}


@operation('GET', '/cluster/ha')
def index(call: Call) -> list[dict]:
    names = ['status', 'resources', 'groups'] + (['rules'] if call.release == '9' else [])
    return [{'id': name} for name in names]


@operation('GET', '/cluster/ha/status/current')
def current(call: Call) -> list[dict]:
    cluster, here = call.cluster, call.here.name
    quorate = cluster.quorate
    rows: list[dict[str, Any]] = [{'id': 'quorum', 'type': 'quorum', 'node': here, 'quorate': int(quorate),
                                   'status': 'OK' if quorate else f"No quorum on node '{here}'!"}]
    if call.release == '9':
        rows.append(fencing(cluster, here))
    rows += daemons(call)
    configured, statuses = ha.resources(cluster), ha.manager(cluster)['service_status']
    for sid in [*sorted(statuses), *sorted(set(configured) - set(statuses))]:
        rows.append(service(call, sid, statuses.get(sid), configured.get(sid)))
    return rows


def fencing(cluster: Cluster, here: str) -> dict:
    state = cluster.extra.get('ha_disarmed')
    if state:
        return {'id': 'fencing', 'type': 'fencing', 'node': here, 'status': f'disarmed ({state})', 'armed-state': 'disarmed'}
    master = ha.manager(cluster).get('master_node')
    if master:
        return {'id': 'fencing', 'type': 'fencing', 'node': master, 'status': 'armed', 'armed-state': 'armed'}
    return {'id': 'fencing', 'type': 'fencing', 'node': here, 'status': 'standby (CRM watchdog standby)',
            'armed-state': 'standby'}


def daemons(call: Call) -> list[dict]:
    """The master and the local managers, once there is a manager."""
    state, now = ha.manager(call.cluster), int(call.clock.now())
    master = state.get('master_node')
    if master is None:
        return []
    alive = call.cluster.nodes[master].online
    rows = [{'id': 'master', 'type': 'master', 'node': master, 'timestamp': now if alive else state['timestamp'],
             'status': f'{master} ({"active" if alive else "old timestamp - dead?"}, {stamp(now)})'}]
    for name in sorted(state['node_status']):
        node = call.cluster.nodes.get(name)
        if node is None:
            continue
        seen = now if node.online else int(node.extra.get('offline_since', now))
        active = any(status.get('node') == name and status.get('state') in ('started', 'request_stop')
                     for status in state['service_status'].values())
        word = 'old timestamp - dead?' if not node.online and now - seen > 30 else 'active' if active else 'idle'
        rows.append({'id': f'lrm:{name}', 'type': 'lrm', 'node': name, 'timestamp': seen,
                     'status': f'{name} ({word}, {stamp(seen)})'})
    return rows


def stamp(moment: float) -> str:
    return time.strftime('%a %b %e %H:%M:%S %Y', time.gmtime(moment))


def service(call: Call, sid: str, status: dict | None, entry: dict | None) -> dict:
    row: dict[str, Any] = {'id': f'service:{sid}', 'type': 'service', 'sid': sid}
    guest = ha.guest_of(call.cluster, sid)
    node = status['node'] if status else guest.node if guest is not None else None
    if node:
        row['node'] = node
    if status:
        row['crm_state'] = status['state']
    row['state'] = ha.verbose_state(status, entry)
    row['status'] = f'{sid} ({node or "---"}, {row["state"]})'
    if entry is not None:
        row['request_state'] = entry.get('state', 'started')
        row.update(DEFAULTS)
        if call.release == '9':
            row['failback'] = 1
        row.update({key: entry[key] for key in ('group', 'max_restart', 'max_relocate', 'failback', 'comment')
                    if key in entry})
    return row


@operation('GET', '/cluster/ha/status/manager_status')
def manager_status(call: Call) -> dict:
    state = ha.manager(call.cluster)
    shown = {key: value for key, value in state.items() if key in ('master_node', 'timestamp', 'node_status')}
    if state['service_status']:
        shown['service_status'] = state['service_status']
    answer: dict[str, Any] = {'manager_status': shown, 'quorum': {
        'node': call.here.name, 'quorate': '1' if call.cluster.quorate else '0'}}
    if state['node_status']:
        answer['lrm_status'] = {
            name: {'mode': 'active', 'state': 'active', 'timestamp': int(call.clock.now())} for name in state['node_status']
        }
    return answer


@operation('POST', '/cluster/ha/status/disarm-ha', ('9',))
def disarm(call: Call) -> None:
    if call.cluster.extra.get('ha_disarmed'):
        raise ApiError('HA stack is already disarmed')
    call.cluster.extra['ha_disarmed'] = call.params['resource-mode']


@operation('POST', '/cluster/ha/status/arm-ha', ('9',))
def arm(call: Call) -> None:
    if not call.cluster.extra.pop('ha_disarmed', None):
        raise ApiError('HA stack is not disarmed')
