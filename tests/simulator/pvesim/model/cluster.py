"""A cluster: its nodes, guests, storages and everything kept in /etc/pve."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .access import Access
from .guest import Guest
from .node import Node
from .storage import Volumes


@dataclass(slots=True)
class Cluster:
    """release: '9' | '8.4' | '7.4'; storages: storage.cfg sections as PVE writes the keys, in order.

    sections: anything like a section configuration: 'jobs', 'ha-resources', 'ha-rules', 'replication', 'mapping-pci',
    'sdn-zones', 'firewall' ...; tasks: by UPID, oldest first; log: cluster log entries; extra: whatever else.
    """

    name: str
    release: str = '9'
    standalone: bool = False
    nodes: dict[str, Node] = field(default_factory=dict)
    guests: dict[int, Guest] = field(default_factory=dict)
    storages: dict[str, dict] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    pools: dict[str, dict] = field(default_factory=dict)
    access: Access = field(default_factory=Access)
    options: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, dict] = field(default_factory=dict)
    tasks: dict[str, Any] = field(default_factory=dict)
    log: deque = field(default_factory=lambda: deque(maxlen=2000))
    extra: dict[str, Any] = field(default_factory=dict)
    quorum_lost: bool = False

    @property
    def quorate(self) -> bool:
        """More than half of the nodes are online, and quorum was not taken away by the control interface."""
        if self.standalone:
            return True
        votes = sum(node.online for node in self.nodes.values())
        return not self.quorum_lost and votes * 2 > len(self.nodes)

    def section(self, name: str) -> dict:
        return self.sections.setdefault(name, {})

    def pool_of(self, vmid: int) -> str | None:
        """The pool that a guest is in. Pools: {'comment': str, 'vms': set of vmid, 'storages': set of id}."""
        for poolid, pool in self.pools.items():
            if vmid in pool.get('vms', ()):
                return poolid
        return None
