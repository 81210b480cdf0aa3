"""A node: what is the machine's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GIB = 1 << 30


@dataclass(slots=True)
class Node:
    """online: reachable and voting; memory in bytes; network: interfaces by name as /etc/network/interfaces has them.

    network_new: pending interfaces or None; extra: anything else that behaviour keeps per node.
    """

    name: str
    ip: str = '10.0.0.1'
    nodeid: int = 1
    online: bool = True
    cpus: int = 16
    memory: int = 128 * GIB
    cpu_model: str = 'AMD EPYC 7302P 16-Core Processor'
    network: dict[str, dict] = field(default_factory=dict)
    network_new: dict[str, dict] | None = None
    dns: dict[str, str] = field(default_factory=lambda: {'search': 'example.test', 'dns1': '10.0.0.254'})
    timezone: str = 'Etc/UTC'
    hosts: str = ''
    services: dict[str, dict] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ''
    booted_at: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
