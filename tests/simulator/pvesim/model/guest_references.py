"""What else names a guest: pools, rights, HA, replication and backup jobs; and how that ends with the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ha

if TYPE_CHECKING:
    from .cluster import Cluster
    from .guest import Guest


def remove_access(cluster: Cluster, vmid: int) -> None:
    """Take a guest out of its pool and drop the rights on it."""
    for pool in cluster.pools.values():
        pool.get('vms', set()).discard(vmid)
    cluster.access.acl.pop(f'/vms/{vmid}', None)
    cluster.access.touch()


def purge(cluster: Cluster, guest: Guest) -> bool:
    """Take a guest out of replication, backup jobs and HA; returns whether it was an HA resource."""
    replication = cluster.sections.get('replication') or {}
    for name in [name for name in replication if name.rpartition('-')[0] == str(guest.vmid)]:
        del replication[name]
    for job in (cluster.sections.get('jobs') or {}).values():
        for key in ('vmid', 'exclude'):
            if key in job:
                job[key] = ','.join(part for part in str(job[key]).split(',') if part != str(guest.vmid))
                if not job[key]:
                    del job[key]
    managed = ha.resource(cluster, guest) is not None
    if managed:
        ha.forget(cluster, ha.sid_of(guest))
    return managed
