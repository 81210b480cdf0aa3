"""The configuration of the cluster itself (corosync): its nodes, what joining takes, making a cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ..call import ApiError, Call, operation
from ..model.cluster import Cluster
from ..model.node import Node

API_VERSION = 1


def config_node(node: Node) -> dict:
    """A node of corosync.conf, whose values are strings."""
    return {'name': node.name, 'nodeid': str(node.nodeid), 'quorum_votes': str(node.extra.get('quorum_votes', 1)),
            'ring0_addr': node.ip}


def totem_of(cluster: Cluster) -> dict:
    if cluster.standalone:
        return {}
    return {'cluster_name': cluster.extra.get('corosync_name', cluster.name), 'config_version': str(cluster.extra.get('corosync_version', 1)),
            'interface': {'0': {'linknumber': '0'}}, 'ip_version': cluster.extra.get('corosync_ip_version', 'ipv4-6'),
            'link_mode': 'passive', 'secauth': cluster.extra.get('corosync_secauth', 'on'), 'transport': 'knet',
            'version': '2'}


@operation('GET', '/cluster/config/nodes')
def nodes(call: Call) -> list[dict]:
    if call.cluster.standalone:
        return []
    return [{**config_node(node), 'node': node.name} for node in call.cluster.nodes.values()]


@operation('GET', '/cluster/config/totem')
def totem(call: Call) -> dict:
    return totem_of(call.cluster)


@operation('GET', '/cluster/config/join')
def join_information(call: Call) -> dict:
    cluster = call.cluster
    if cluster.standalone:
        error = ApiError(424, 'node is not in a cluster, no join info available!')
        error.newline = False
        raise error
    listed = [{**config_node(node), 'pve_addr': node.ip, 'pve_fp': node.fingerprint} for node in cluster.nodes.values()]
    totem = totem_of(cluster)
    return {'totem': totem, 'nodelist': listed, 'preferred_node': call.params.get('node', call.here.name),
            'config_digest': hashlib.sha1(repr((totem, sorted(cluster.nodes))).encode()).hexdigest()}


@operation('GET', '/cluster/config/apiversion')
def api_version(_call: Call) -> int:
    return API_VERSION


@operation('GET', '/cluster/config/qdevice')
def qdevice(_call: Call) -> dict:
    return {}


@operation('POST', '/cluster/config')
def create(call: Call) -> str:
    """A node of its own becomes a cluster of one."""
    cluster, name = call.cluster, call.params['clustername']
    if not cluster.standalone:
        raise ApiError("cluster config '/etc/pve/corosync.conf' already exists")

    def worker(task) -> Iterator[float]:
        task.log('Corosync Cluster Engine Authentication key generator.')
        task.log('Gathering 2048 bits for key from /dev/urandom.')
        task.log('Writing corosync key to /etc/corosync/authkey.')
        yield 1.0
        cluster.standalone = False
        cluster.extra['corosync_name'] = name
        task.log('Writing corosync config to /etc/pve/corosync.conf')
        task.log('Restart corosync and cluster filesystem')
        yield 3.0

    return call.task('clustercreate', name, worker)


@operation('DELETE', '/cluster/config/nodes/{node}')
def remove_node(call: Call) -> None:
    """Take a node that is off out of the cluster; what it held stays in the others' view until cleaned up."""
    cluster, name = call.cluster, call.params['node']
    if cluster.standalone or name not in cluster.nodes:
        raise ApiError(f'Node/IP: {name} is not a known host of the cluster.')
    if name == call.here.name:
        raise ApiError('Cannot delete myself from cluster!')
    del cluster.nodes[name]
    cluster.extra['corosync_version'] = cluster.extra.get('corosync_version', 1) + 1
