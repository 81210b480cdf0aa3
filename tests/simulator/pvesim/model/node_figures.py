"""What a node shows of itself in the lists: load, memory and disk, as of its last report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import of_node
from .storage_space import rootfs
from .summary import figures, limits

if TYPE_CHECKING:
    from .cluster import Cluster
    from .node import Node


def load_of_guests(cluster: Cluster, moments: dict[str, float | None]) -> dict[str, tuple[float, int]]:
    """Cores kept busy and memory taken by the running guests of each node, at that node's moment."""
    loads: dict[str, tuple[float, int]] = {}
    for guest in cluster.guests.values():
        moment = moments.get(guest.node)
        if guest.running and moment is not None:
            most = limits(cluster, guest)
            used = figures(cluster, guest, moment, most)
            busy, memory = loads.get(guest.node, (0.0, 0))
            loads[guest.node] = busy + used.cpu * most.cpus, memory + used.mem
    return loads


def usage(cluster: Cluster, node: Node, now: float, load: tuple[float, int] | None = None) -> dict:
    """cpu, wait, load, mem of the node with the guests that run on it, and disk (used, total)."""
    if load is None:
        load = load_of_guests(cluster, {node.name: now}).get(node.name, (0.0, 0))
    busy, memory = load
    shown = of_node(f'{cluster.name}/{node.name}', now, node.cpus, busy, node.memory, memory)
    ground = rootfs(node)
    return {**shown, 'disk': ground['used'], 'maxdisk': ground['total']}


def uptime(node: Node, now: float) -> int:
    return max(1, int(now - node.booted_at)) if node.booted_at else 1 + int(now) % 10_000_000


def node_row(cluster: Cluster, node: Node, report: float | None, with_figures: bool,
             load: tuple[float, int] | None = None) -> dict:
    """The entry of a node in `/nodes` and `cluster/resources`.

    report: when it told its figures last, or None; load: cores and memory that its guests take, counted if None.
    """
    row = {'id': f'node/{node.name}', 'node': node.name, 'type': 'node', 'status': 'unknown'}
    if report is not None:
        row['level'] = node.extra.get('subscription', {}).get('level', '')
        row['status'] = 'online'
        if with_figures:
            shown = usage(cluster, node, report, load)
            row.update(maxcpu=node.cpus, maxmem=node.memory, maxdisk=shown['maxdisk'])
            if node.online:
                row.update(uptime=uptime(node, report), cpu=shown['cpu'], mem=shown['mem'], disk=shown['disk'])
    if not node.online:
        row['status'] = 'offline'
    return row
