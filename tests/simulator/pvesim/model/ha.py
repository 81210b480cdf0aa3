"""High availability: what the managers of a cluster know and want; pure state, without the work on guests.

Cluster.sections['ha-resources'] holds the resources by 'vm:100' or 'ct:100'; Cluster.extra['ha'] what the manager has
written: master_node, timestamp, node_status, service_status, and the requests queued for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .services import runs

if TYPE_CHECKING:
    from .cluster import Cluster
    from .guest import Guest

KINDS = {'qemu': 'vm', 'lxc': 'ct'}


def sid_of(guest: Guest) -> str:
    return f'{KINDS[guest.kind]}:{guest.vmid}'


def guest_of(cluster: Cluster, sid: str) -> Guest | None:
    kind, dummy, name = sid.partition(':')
    guest = cluster.guests.get(int(name)) if name.isdigit() else None
    return guest if guest is not None and KINDS[guest.kind] == kind else None


def resources(cluster: Cluster) -> dict[str, dict]:
    return cluster.sections.get('ha-resources') or {}


def resource(cluster: Cluster, guest: Guest) -> dict | None:
    """The configuration of a guest as an HA resource, or None."""
    return resources(cluster).get(sid_of(guest))


def is_managed(cluster: Cluster, guest: Guest) -> bool:
    """Whether start, stop and migration of the guest go through HA: it is configured and not ignored."""
    entry = resource(cluster, guest)
    return entry is not None and entry.get('state', 'started') != 'ignored'


def active_nodes(cluster: Cluster) -> list[str]:
    """The nodes whose HA daemons run."""
    return [node.name for node in cluster.nodes.values()
            if runs(node, 'pve-ha-crm') and runs(node, 'pve-ha-lrm')]


def manager(cluster: Cluster) -> dict[str, Any]:
    """The manager's state; empty where no HA daemon ever had something to do.

    Resources that are there from the start have long been looked after: they are in the state that they are in.
    """
    state = cluster.extra.get('ha')
    if state is None:
        state = cluster.extra['ha'] = {'node_status': {}, 'service_status': {}}
        nodes = active_nodes(cluster)
        if nodes and resources(cluster):
            state.update(master_node=nodes[0], timestamp=0, node_status=dict.fromkeys(nodes, 'online'))
            for sid in resources(cluster):
                if (guest := guest_of(cluster, sid)) is not None:
                    state['service_status'][sid] = {'node': guest.node, 'running': int(guest.running),
                                                    'state': 'started' if guest.running else 'stopped'}
    return state


def service_status(cluster: Cluster, sid: str) -> dict | None:
    return manager(cluster)['service_status'].get(sid)


def shown_state(cluster: Cluster, guest: Guest) -> str | None:
    """hastate of cluster/resources: what the manager says, else what was asked for."""
    sid = sid_of(guest)
    if status := manager(cluster)['service_status'].get(sid):
        return status['state']
    entry = resources(cluster).get(sid)
    return None if entry is None else entry.get('state', 'started')


def verbose_state(status: dict | None, entry: dict | None) -> str:
    """The state of a service in one word for people."""
    if entry is None:
        return 'deleting'
    wanted = entry.get('state', 'started')
    if wanted == 'ignored':
        return 'ignored'
    if status is None:
        return 'queued'
    state = status['state']
    if state == 'request_stop':
        return 'stopping'
    if state == 'started':
        return 'started' if status.get('running') else 'starting'
    return state


def request_state(cluster: Cluster, guest: Guest, state: str) -> None:
    """What starting and stopping a managed guest does: write the wanted state into its resource."""
    entry = resource(cluster, guest)
    if entry is not None:
        entry['state'] = state


def forget(cluster: Cluster, sid: str) -> None:
    """Remove a resource, and its name from all rules."""
    resources(cluster).pop(sid, None)
    manager(cluster)['service_status'].pop(sid, None)
