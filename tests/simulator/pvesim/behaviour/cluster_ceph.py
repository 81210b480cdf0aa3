"""Ceph is not installed on simulated nodes: whatever asks for it says so, as PVE does."""

from __future__ import annotations

from ..call import RELEASES, ApiError, Call, operation
from ..tables import tables

PLACES = ('/cluster/ceph/', '/nodes/{node}/ceph/')
INDEXES = ('/nodes/{node}/ceph/cfg', '/nodes/{node}/ceph/pool/{name}')


def absent(_call: Call) -> None:
    raise ApiError('binary not installed: /usr/bin/ceph-mon')


def register() -> None:
    """Every operation below Ceph but the directory listings."""
    for release in RELEASES:
        for method, path in tables(release).operations:
            if path.startswith(PLACES) and not (method == 'GET' and path in INDEXES):
                operation(method, path, (release,))(absent)


register()
