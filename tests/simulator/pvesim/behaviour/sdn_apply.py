"""Applying, locking and rolling back the SDN configuration, and what the nodes made of it."""

from __future__ import annotations

from collections.abc import Iterator

from ..call import Call, ParameterError, operation
from ..model import sdn
from ..model.cluster import Cluster
from ..model.node import Node
from ..model.sections import perl, split_list

UNSUPPORTED = "incompatible 'ifupdown2' package version '{}'! Did you install from Proxmox repositories?"


@operation('PUT', '/cluster/sdn')
def reload(call: Call) -> str:
    """Commit the configuration and start the task that reloads the network of every node."""
    cluster, token = call.cluster, call.params.get('lock-token')
    with sdn.Locked(cluster, 'could not commit SDN config', token):
        sdn.commit(cluster)
        if token and call.params.get('release-lock', True):
            sdn.drop_lock(cluster)
    version = cluster.section('sdn-running')['version']

    def worker(task) -> Iterator[float]:
        for node in list(cluster.nodes.values()):
            task.log(f'{node.name}: reloading network config')
            yield 1.0
            apply_on(task, node, version)

    return call.task('reloadnetworkall', None, worker)


def apply_on(task, node: Node, version: int) -> None:
    """Reload one node; a node with a foreign ifupdown2 refuses, which does not fail the task."""
    if not node.online:
        task.log(f"command 'pvesh set /nodes/{node.name}/network --regenerate-frr 0' failed: exit code 255")
    elif foreign := node.extra.get('ifupdown2'):
        task.log(UNSUPPORTED.format(foreign))
        task.log(f"command 'pvesh set /nodes/{node.name}/network --regenerate-frr 0' failed: exit code 255")
    else:
        node.extra['sdn_version'] = version


@operation('POST', '/cluster/sdn/lock')
def lock(call: Call) -> str:
    """Take the global lock: changes then want the token that is returned."""
    cluster = call.cluster
    with sdn.Locked(cluster, 'could not acquire lock for SDN config', None):
        if sdn.has_pending(cluster) and not call.params.get('allow-pending'):
            raise perl('configuration has pending changes', 'API2/Network/SDN.pm', 150)
        return sdn.take_lock(cluster)


@operation('DELETE', '/cluster/sdn/lock')
def release(call: Call) -> None:
    token = call.params.get('lock-token')
    if call.params.get('force'):
        sdn.drop_lock(call.cluster)
        return
    if not token:
        raise ParameterError({'lock-token': 'property is missing and it is not optional'})
    with sdn.Locked(call.cluster, 'could not release lock', token):
        sdn.drop_lock(call.cluster)


@operation('POST', '/cluster/sdn/rollback')
def rollback(call: Call) -> None:
    token = call.params.get('lock-token')
    with sdn.Locked(call.cluster, 'could not rollback SDN config', token):
        sdn.rollback(call.cluster)
        if token and call.params.get('release-lock', True):
            sdn.drop_lock(call.cluster)


def zone_status(cluster: Cluster, node: Node) -> dict[str, str]:
    """By zone: 'available', or 'pending' while the node has not reloaded what was applied."""
    version = cluster.section('sdn-running').get('version', 0)
    state = 'available' if node.extra.get('sdn_version') == version else 'pending'
    return {zone: state for zone, entry in sorted(sdn.running(cluster, 'zones').items())
            if not entry.get('nodes') or node.name in split_list(entry['nodes'])}


def zone_entries(call: Call) -> dict[str, dict]:
    return {name: entry for name, entry in sdn.running(call.cluster, 'vnets').items()
            if entry['zone'] == call.params['zone']}


@operation('GET', '/nodes/{node}/sdn/zones')
def zones(call: Call) -> list[dict]:
    return [{'zone': zone, 'status': state} for zone, state in zone_status(call.cluster, call.node).items()
            if call.may(f'/sdn/zones/{zone}', 'SDN.Audit')]


@operation('GET', '/nodes/{node}/sdn/zones/{zone}/content')
def content(call: Call) -> list[dict]:
    """The virtual networks of a zone as they are on the node."""
    state = zone_status(call.cluster, call.node).get(call.params['zone'], 'pending')
    found = []
    for name in sorted(zone_entries(call)):
        entry = {'vnet': name, 'status': state}
        if state == 'pending':
            entry['statusmsg'] = "vnet is not generated. Please check the 'reload network' task log."
        found.append(entry)
    return found


@operation('GET', '/nodes/{node}/sdn/zones/{zone}/bridges')
def bridges(call: Call) -> list[dict]:
    """The bridges that the zone's networks are, with the guests' interfaces on them."""
    found = []
    for name in sorted(zone_entries(call)):
        ports = []
        for guest in call.cluster.guests.values():
            if guest.node != call.node.name or not guest.running:
                continue
            for key, value in guest.config.items():
                if key.startswith('net') and f'bridge={name}' in str(value).split(','):
                    prefix = 'veth' if guest.kind == 'lxc' else 'tap'
                    ports.append({'name': f'{prefix}{guest.vmid}i{key[3:]}', 'vmid': guest.vmid, 'index': key})
        found.append({'name': name, 'ports': ports, 'vlan_filtering': '0'})
    return found
