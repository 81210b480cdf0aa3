"""What HA rules mean for moving a guest by hand: who comes along, and who keeps it from a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ha, ha_rules

if TYPE_CHECKING:
    from .cluster import Cluster
    from .guest import Guest


def dependent(cluster: Cluster, guest: Guest) -> list[str] | None:
    """The resources that go where the guest goes; None for a guest that HA does not look after."""
    return sorted(ha_rules.companions(cluster, ha.sid_of(guest), 'positive')) if ha.is_managed(cluster, guest) else None


def blocking(cluster: Cluster, guest: Guest) -> dict[str, list[dict]]:
    """By node, the resources that the guest is to be kept apart from."""
    found: dict[str, list[dict]] = {}
    if ha.is_managed(cluster, guest):
        for sid in sorted(ha_rules.companions(cluster, ha.sid_of(guest), 'negative')):
            if (other := ha.guest_of(cluster, sid)) is not None:
                found.setdefault(other.node, []).append({'sid': sid, 'cause': 'resource-affinity'})
    return found
