"""What the nodes told the cluster: each sends the figures of itself, its guests and storages every ten seconds.

`cluster/resources` and the node list show what was told last: a guest is unknown until its node has reported it, the
guests of a dead node keep their last state until that is five minutes old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import share

if TYPE_CHECKING:
    from ..clock import Clock
    from .cluster import Cluster
    from .guest import Guest
    from .node import Node

PERIOD = 10.0
KEPT = 300.0


def set_online(node: Node, online: bool, now: float) -> None:
    """A node goes down or comes back; all that its guests' processes held is gone with it."""
    if node.online == online:
        return
    node.online = online
    if online:
        node.booted_at = now
    else:
        node.extra['offline_since'] = now


def offline_since(node: Node, now: float) -> float:
    """When a node went down; noted now where nobody did."""
    return node.extra.setdefault('offline_since', now)


def report_before(node: Node, moment: float) -> float:
    """The moment of the node's last turn at or before `moment`."""
    phase = share(node.name, 'report') * PERIOD
    return (moment - phase) // PERIOD * PERIOD + phase


def last_report(node: Node, clock: Clock) -> float | None:
    """When the node reported last, or None when that is too old to be shown."""
    now = clock.now()
    if not node.online:
        last = report_before(node, offline_since(node, now))
        return last if now - last < KEPT else None
    if clock.mode == 'fast':
        return now
    last = report_before(node, now)
    if last < node.booted_at and 'offline_since' in node.extra:
        last = report_before(node, node.extra['offline_since'])
        return last if now - last < KEPT else None
    return last


def known_since(guest: Guest, report: float | None) -> bool:
    """Whether a report of that moment was made after the guest came to be."""
    return report is not None and guest.created_at <= report


def shown_running(guest: Guest, report: float) -> bool:
    """Whether the guest ran at the moment of the report."""
    if guest.running:
        return guest.started_at <= report
    return guest.extra.get('stopped_at', 0.0) > report


def reports(cluster: Cluster, clock: Clock) -> dict[str, float | None]:
    """The last report of every node."""
    return {name: last_report(node, clock) for name, node in cluster.nodes.items()}
