"""Metric servers (status.cfg) and the export of metrics."""

from __future__ import annotations

from collections.abc import Iterator

from ..call import ApiError, Call, operation
from ..model.node_figures import uptime, usage
from ..model.sections import assert_unmodified, check, delete_options, digest, kind, settings, split_list
from ..model.summary import figures, limits

KINDS = {
    'graphite': kind('server port', 'mtu disable path proto timeout'),
    'influxdb': kind('server port', 'mtu disable organization bucket influxdbproto timeout max-body-size '
                     'api-path-prefix verify-certificate'),
    'opentelemetry': kind('server port', 'mtu disable timeout otel-protocol otel-path otel-timeout otel-headers '
                          'otel-verify-ssl otel-max-body-size otel-resource-attributes otel-compression'),
}
IDENTITY = ('id', 'type', 'token', 'delete', 'digest')


@operation('GET', '/cluster/metrics/server')
def index(call: Call) -> list[dict]:
    return [{'id': name, 'disable': entry.get('disable', 0), 'type': entry['type'], 'server': entry['server'],
             'port': entry['port']} for name, entry in sorted(call.cluster.section('metrics').items())]


@operation('GET', '/cluster/metrics/server/{id}')
def read(call: Call) -> dict:
    servers, name = call.cluster.section('metrics'), call.params['id']
    if name not in servers:
        raise ApiError(f"status server entry '{name}' does not exist")
    return servers[name]


@operation('POST', '/cluster/metrics/server/{id}')
def create(call: Call) -> None:
    servers, name, type_ = call.cluster.section('metrics'), call.params['id'], call.params['type']
    if type_ not in KINDS:
        raise ApiError(f"unknown section type '{type_}'")
    if name in servers:
        raise ApiError(f"Metric server '{name}' already exists")
    values = settings(call.params, *IDENTITY)
    check(KINDS[type_], values, create=True)
    servers[name] = {'type': type_, **values}


@operation('PUT', '/cluster/metrics/server/{id}')
def update(call: Call) -> None:
    servers, params = call.cluster.section('metrics'), call.params
    assert_unmodified(digest(servers), params.get('digest'))
    if params['id'] not in servers:
        raise ApiError(f"no such server '{params['id']}'")
    entry = dict(servers[params['id']])
    values = settings(params, *IDENTITY)
    check(KINDS[entry['type']], values, create=False)
    entry.update(values)
    names = [name for name in split_list(params.get('delete')) if name != 'token']
    delete_options(KINDS[entry['type']], entry, values, names)
    servers[params['id']] = entry


@operation('DELETE', '/cluster/metrics/server/{id}')
def delete(call: Call) -> None:
    servers, name = call.cluster.section('metrics'), call.params['id']
    if name not in servers:
        raise ApiError('cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Cluster/MetricServer.pm line 322.')
    del servers[name]


@operation('GET', '/cluster/metrics/export')
def export(call: Call) -> dict:
    """The last figures of the nodes (with local-only: of this one), their guests and storages."""
    now = int(call.clock.now()) // 10 * 10
    if now <= call.params.get('start-time', -1):
        return {'data': []}
    nodes = [call.here.name] if call.params.get('local-only') else list(call.cluster.nodes)
    data = []
    for name in nodes:
        if call.cluster.nodes[name].online:
            data += [{'id': object_, 'metric': metric, 'timestamp': now, 'type': type_, 'value': value}
                     for object_, metric, type_, value in figures_of(call, name, now)]
    return {'data': data}


def figures_of(call: Call, name: str, now: int) -> Iterator[tuple]:
    cluster, node = call.cluster, call.cluster.nodes[name]
    used, id_ = usage(cluster, node, now), f'node/{name}'
    yield id_, 'uptime', 'gauge', uptime(node, now)
    yield id_, 'cpu_max', 'gauge', node.cpus
    yield id_, 'cpu_current', 'gauge', used['cpu']
    yield id_, 'mem_total', 'gauge', node.memory
    yield id_, 'mem_used', 'gauge', used['mem']
    yield id_, 'disk_total', 'gauge', used['maxdisk']
    yield id_, 'disk_used', 'gauge', used['disk']
    for guest in cluster.guests.values():
        if guest.node == name and guest.running:
            yield from figures_of_guest(call, guest, now)


def figures_of_guest(call: Call, guest, now: int) -> Iterator[tuple]:
    most = limits(call.cluster, guest)
    used, id_ = figures(call.cluster, guest, now, most), f'{guest.kind}/{guest.vmid}'
    yield id_, 'uptime', 'gauge', used.uptime
    yield id_, 'cpu_max', 'gauge', most.cpus
    yield id_, 'cpu_current', 'gauge', used.cpu
    yield id_, 'mem_total', 'gauge', most.memory
    yield id_, 'mem_used', 'gauge', used.mem
    yield id_, 'net_in', 'derive', used.netin
    yield id_, 'net_out', 'derive', used.netout
    yield id_, 'disk_read', 'derive', used.diskread
    yield id_, 'disk_write', 'derive', used.diskwrite
