"""Calls that the server makes to itself: bulk actions and batches use the same handlers as clients."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..call import ROOT, ApiError, Call
from ..model.cluster import Cluster
from ..model.fleet import Fleet
from ..model.guest import Guest
from ..model.node import Node
from ..tables import tables


def root_call(fleet: Fleet, cluster: Cluster, node: Node) -> Call:
    """A call of root@pam on that node that belongs to no request."""
    return made(fleet, cluster, node, ROOT, 'GET', '/nodes/{node}', {'node': node.name})


def made(fleet: Fleet, cluster: Cluster, node: Node, authid: str, method: str, path: str, params: dict) -> Call:
    operation = tables(cluster.release).operations[method, path]
    call = Call(fleet, cluster, operation, authid, params, set(params))
    call.raw, call.node, call.here = dict(params), node, node
    return call


def invoke(call: Call, guest: Guest, method: str, path: str, **params: Any) -> Any:
    """Call a guest's operation (path below /nodes/{node}/qemu|lxc/{vmid}) on its node, as the caller."""
    node = call.cluster.nodes[guest.node]
    full = f'/nodes/{{node}}/{guest.kind}/{{vmid}}{path}'
    values = {'node': node.name, 'vmid': guest.vmid, **params}
    inner = made(call.fleet, call.cluster, node, call.authid, method, full, values)
    return inner.operation.handler(inner)


def finished(cluster: Cluster, upid: str) -> Generator:
    """Wait for a task; gives its exit status."""
    while (task := cluster.tasks.get(upid)) is not None and task.running:
        yield 0.5
    return task.exitstatus if task is not None else 'OK'


def run(call: Call, guest: Guest, path: str, **params: Any) -> Generator:
    """Start a guest's action and wait for its task; gives 'OK', 'WARNINGS: n' or what went wrong."""
    try:
        upid = invoke(call, guest, 'POST', path, **params)
    except ApiError as error:
        return error.message
    status = yield from finished(call.cluster, upid)
    return status


def succeeded(status: str) -> bool:
    return status == 'OK' or status.startswith('WARNINGS')
