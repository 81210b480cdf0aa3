# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving credentials against a cluster and learning what it says of itself."""

from __future__ import annotations

import dataclasses
import socket

from ansible_collections.pve.fleet.plugins.module_utils.api import errors
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.facts import cluster_status


@dataclasses.dataclass(frozen=True)
class Probe:
    """state: facts.cluster_status.ClusterState; version: PVE's, such as 9.0.3; resources: GET /cluster/resources."""

    state: cluster_status.ClusterState
    version: str
    resources: list | None = None


def connection_to(record, credential):
    """The Connection to a record's endpoints with a Credential."""
    return Connection(
        name=record.name,
        endpoints=tuple(record.endpoints),
        credential=credential,
        validate_certs=record.validate_certs,
        ca_path=record.ca_path,
        cluster_id=record.id or None,
    )


def probe(client, min_nodes, with_resources=False):
    """Ask who and how the cluster is. Raises Unauthorized, Forbidden or BadGateway."""
    version = client.version()['version']
    try:
        entries = client.get('cluster', 'status')
    except errors.Forbidden as error:
        identity = client.connection.credential.identity
        raise error.with_message(
            f"cluster {client.connection.name}: {identity} may log in, but not read the cluster's status. "
            'It needs at least Sys.Audit on / (role PVEAuditor).'
        ) from None
    resources = client.get('cluster', 'resources') if with_resources else None
    return Probe(cluster_status.judge(entries, min_nodes), version, resources)


def discovered(client, state, declared, addresses_of=None):
    """The declared endpoints and those of the other nodes, with the fingerprints that the cluster itself gives.

    declared: tuple of Endpoint; each stays as it is, and the port of the first is taken for all.
    addresses_of: function(host) -> set of addresses, a seam for tests.
    """
    prints = {node['node']: node.get('ssl_fingerprint') for node in client.get('nodes')}
    known = {endpoint.host for endpoint in declared}
    for host in list(known):
        known |= (addresses_of or resolved)(host)
    found = list(declared)
    for node in state.nodes:
        if node['ip'] and not node['local'] and not {node['ip'], node['name']} & known:
            place = {'host': node['ip'], 'port': declared[0].port, 'fingerprint': prints.get(node['name'])}
            found.append(Endpoint.from_dict(place))
    return tuple(found)


def resolved(host):
    """The addresses of a host name; none where it cannot be resolved."""
    try:
        return {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


def split_resources(resources):
    """GET /cluster/resources -> (nodes, guests) for the registry's snapshot."""
    nodes = [one for one in resources if one.get('type') == 'node']
    guests = [one for one in resources if one.get('type') in ('qemu', 'lxc')]
    return nodes, guests
