# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster that a guest shall go to: its endpoint with an API token, its storages, bridges and guests."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import kind_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion


@dataclasses.dataclass(frozen=True)
class Target:
    """client: of the target cluster; host, port, fingerprint: what the source node connects to; node: who answers there."""

    client: object
    host: str
    port: int
    fingerprint: str | None
    node: str

    @property
    def name(self):
        return self.client.connection.name

    def endpoint(self):
        """The option target-endpoint. It holds the secret of the token: never to be shown."""
        credential = self.client.connection.credential
        parts = {
            'host': self.host,
            'apitoken': f'PVEAPIToken={credential.token_id}={credential.token_secret}',
            'fingerprint': self.fingerprint,
            'port': self.port,
        }
        return ','.join(f'{key}={value}' for key, value in parts.items() if value is not None)


def client_of_target(context, name):
    """A Client of the target with the strongest credential that is registered. Raises NotFound, BadRequest."""
    try:
        client = context.client_named(name, 'admin')
    except Forbidden:
        client = context.client_named(name, 'operator')
    if not client.connection.credential.token_id:
        raise BadRequest(
            f'cluster {name} is registered with a password, and a guest can only be sent there with an API token. '
            'Register one with pve_cluster_registry (create_token: true, or credentials).'
        )
    return client


def read_target(client, host=None):
    """Target with the fingerprint of the node that answers: pinned in the registry, or as the cluster itself gives it."""
    endpoint = client.connection.endpoints[0]
    status = client.get('cluster', 'status')
    nodes = {row['node']: row for row in client.get('nodes')}
    answering = next((row['name'] for row in status if row.get('type') == 'node' and str(row.get('local')) == '1'), next(iter(nodes)))
    node = next((row['name'] for row in status if row.get('type') == 'node' and host in (row['name'], row.get('ip'))), answering)
    fingerprint = endpoint.fingerprint if host in (None, endpoint.host) else None
    return Target(client, host or endpoint.host, endpoint.port, fingerprint or nodes.get(node, {}).get('ssl_fingerprint'), node)


def check_rights(target, vmid):
    """Raise Forbidden when the token may not take a guest in."""
    identity = target.client.connection.credential.identity
    try:
        own = target.client.get('access', 'permissions')
    except FleetError:
        return
    lacking = [
        f'{privilege} on {path}'
        for path, privilege in (('/', 'Sys.Incoming'), (f'/vms/{vmid}', 'VM.Allocate'))
        if not granted(own, path, privilege)
    ]
    if lacking:
        raise Forbidden(
            f'{identity} lacks {joined(lacking, "and")} of cluster {target.name}, which taking a guest in needs. '
            'Give it a role that has it there, or register a token of tier admin for that cluster.',
            details={'cluster': target.name, 'lacking': lacking},
        )


def granted(own, path, privilege):
    """Whether GET /access/permissions tells a privilege at a path, or above it as one that goes down (1)."""
    at = path
    while at not in own:
        if at == '/':
            return False
        at = at.rpartition('/')[0] or '/'
    value = own[at].get(privilege)
    return value is not None and (at == path or str(value) == '1')


def mapping(option, given, used):
    """An option as {source: target} for everything that the guest uses; by default to the same name. Raises BadRequest."""
    if given is None or given == '':
        return {name: name for name in used}
    if isinstance(given, str) and ':' not in given and ',' not in given:
        return dict.fromkeys(used, given)
    if isinstance(given, str):
        given = dict(part.strip().split(':', 1) if ':' in part else ('*', part.strip()) for part in given.split(','))
    if not isinstance(given, dict):
        raise BadRequest(f'{option}: give one name for all, or a dictionary such as {{local-lvm: ceph}}; not {given!r}.')
    lost = [name for name in used if name not in given and '*' not in given]
    if lost:
        raise BadRequest(f"{option}: nothing is said for {joined(lost, 'and')}. Add it, or '*' for all others.")
    return {name: str(given.get(name, given.get('*'))) for name in used}


def check_storages(target, kind, wanted):
    """Raise NotFound or BadRequest for a storage of the target that cannot take the guest's disks."""
    content = kind_of(kind).storage_content
    rows = target.client.get('cluster', 'resources', params={'type': 'storage'})
    known = {row['storage']: row for row in rows if row.get('node') == target.node} or {row['storage']: row for row in rows}
    able = sorted(name for name, row in known.items() if content in str(row.get('content', '')).split(','))
    for source, name in wanted.items():
        if name not in known:
            hint = suggestion(name, able) or f'There are {joined(able, "and") or "none"} for it.'
            raise NotFound(
                f"storage '{name}' (for {source}) is not on node {target.node} of cluster {target.name}. {hint} "
                'Say where to put it with target_storage.',
                details={'storage': name, 'cluster': target.name},
            )
        if name not in able:
            raise BadRequest(
                f"storage '{name}' of cluster {target.name} cannot hold disks of a {kind_of(kind).noun}: its content types are "
                f'{known[name].get("content") or "none"}. {joined(able, "and") or "None"} can.',
                details={'storage': name, 'cluster': target.name},
            )


def check_bridges(target, wanted):
    """Raise NotFound for a bridge that the target does not have."""
    if not wanted:
        return
    try:
        rows = target.client.get('nodes', target.node, 'network', params={'type': 'any_bridge'})
    except Forbidden:
        return
    known = sorted(row['iface'] for row in rows)
    for source, name in wanted.items():
        if known and name not in known:
            hint = suggestion(name, known) or f'There are {joined(known, "and")}.'
            raise NotFound(
                f"bridge '{name}' (for {source}) is not on node {target.node} of cluster {target.name}. {hint} "
                'Say where to join it with target_bridge.',
                details={'bridge': name, 'cluster': target.name},
            )
