"""Cluster status, the list of nodes and the next free id."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError, operation
from ..model.node_figures import load_of_guests, node_row
from ..model.reports import reports

LOWEST, HIGHEST = 100, 999_999_999
DEFAULT_UPPER = 1_000_000


@operation('GET', '/cluster/status')
def status(call: Call) -> list[dict]:
    cluster = call.cluster
    rows = []
    if not cluster.standalone:
        rows.append({'id': 'cluster', 'type': 'cluster', 'name': cluster.name, 'nodes': len(cluster.nodes),
                     'version': cluster.extra.get('config_version', 1), 'quorate': int(cluster.quorate)})
    return rows + [{
        'id': f'node/{node.name}', 'type': 'node', 'name': node.name, 'ip': node.ip, 'level': level_of(node),
        'nodeid': 0 if cluster.standalone else node.nodeid, 'local': int(node is call.here), 'online': int(node.online),
    } for node in cluster.nodes.values()]


def level_of(node) -> str:
    return node.extra.get('subscription', {}).get('level', '')


@operation('GET', '/nodes')
def nodes(call: Call) -> list[dict]:
    told = reports(call.cluster, call.clock)
    return [{**row, 'ssl_fingerprint': call.cluster.nodes[row['node']].fingerprint} for row in rows_of_nodes(call, told)]


def rows_of_nodes(call: Call, told: dict[str, float | None]) -> list[dict]:
    """Every node with what the caller may see of it. told: the moment of each node's last report."""
    loads = load_of_guests(call.cluster, told)
    return [node_row(call.cluster, node, told[name], call.may(f'/nodes/{name}', 'Sys.Audit'), loads.get(name, (0.0, 0)))
            for name, node in call.cluster.nodes.items()]


@operation('GET', '/cluster/nextid')
def nextid(call: Call) -> str:
    guests = call.cluster.guests
    taken = call.cluster.extra.get('reserved_ids', {})
    if (vmid := call.params.get('vmid')) is not None:
        if guest := guests.get(vmid):
            kind = 'CT' if guest.kind == 'lxc' else 'VM'
            raise ParameterError({'vmid': f'{kind} {vmid} already exists'})
        return str(vmid)
    lower, upper = next_id_range(call.cluster.options.get('next-id'))
    for candidate in range(lower, min(upper, HIGHEST + 1)):
        if candidate not in guests and candidate not in taken:
            return str(candidate)
    raise ApiError(f'unable to get any free VMID in range [{lower}, {upper - 1}]')


def next_id_range(option: dict | str | None) -> tuple[int, int]:
    """(lowest, one above the highest) of the datacenter's next-id option."""
    if isinstance(option, str):
        option = dict(part.split('=', 1) for part in option.split(',') if '=' in part)
    option = option or {}
    return int(option.get('lower', LOWEST)), int(option.get('upper', DEFAULT_UPPER))
