"""A fleet: the clusters of one simulator, on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..clock import Clock
from .cluster import Cluster


@dataclass(slots=True)
class Fleet:
    """clusters by name; `settings`: simulator options that behaviour may read (rates, delays)."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    settings: dict[str, Any] = field(default_factory=dict)

    def add(self, cluster: Cluster) -> Cluster:
        self.clusters[cluster.name] = cluster
        return cluster
