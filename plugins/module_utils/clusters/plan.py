# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a registered cluster and its declaration, in data and in words. Pure."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict

SIMPLE = ('labels', 'min_nodes', 'validate_certs', 'ca_path')


@dataclasses.dataclass(frozen=True)
class Plan:
    """record, credentials: what shall be stored; changes: words; before, after: only what differs, without secrets."""

    record: object
    credentials: tuple
    changes: tuple
    before: dict
    after: dict


def check_identity(current, declared):
    """Raise Conflict when the name is taken by a cluster with other endpoints."""
    if current is None or declared.endpoints is None:
        return
    known = {endpoint.label for endpoint in current.endpoints}
    wanted = {endpoint.label for endpoint in declared.endpoints}
    if not known & wanted:
        raise Conflict(
            f'The name {current.name} is taken by a cluster with other endpoints ({", ".join(sorted(known))}). '
            'Choose another name, deregister it first (state: absent), or list one of its endpoints beside the new ones.',
            details={'name': current.name, 'registered': sorted(known), 'asked': sorted(wanted)},
        )


def merge(current, declared, endpoints, managed):
    """The record as it shall be. current: ClusterRecord (a fresh one for a new cluster); endpoints: after discovery."""
    changes = {name: getattr(declared, name) for name in SIMPLE if getattr(declared, name) is not None}
    return dataclasses.replace(
        current, name=declared.name, endpoints=list(endpoints or current.endpoints), managed=managed, **changes
    )


def check_complete(record, credentials):
    """Raise BadRequest when a cluster could not be used as it would be stored."""
    if not record.endpoints:
        raise BadRequest(f'Cluster {record.name} is not registered yet: give at least one endpoint.')
    if not credentials:
        raise BadRequest(
            f'Cluster {record.name} is not registered yet: give credentials (a token or a user and password), '
            "or an administrator's login with create_token: true."
        )


def make_plan(current, wanted, old_credentials, new_credentials):
    """Compare two records and two tuples of StoredCredential -> Plan.

    current: ClusterRecord or None when the cluster is new.
    """
    before = described(current, old_credentials) if current else {}
    after = described(wanted, new_credentials)
    changes = list(words(before, after, wanted.name))
    if current is not None:
        changes += secret_changes(old_credentials, new_credentials)
    differs = [key for key in after if before.get(key) != after[key]]
    mark_secrets(before, after, differs, old_credentials, new_credentials)
    return Plan(
        wanted,
        tuple(new_credentials),
        tuple(changes),
        {key: before[key] for key in differs if key in before},
        {key: after[key] for key in differs},
    )


def described(record, credentials):
    """A cluster as users see it in a diff."""
    return {
        'name': record.name,
        'endpoints': [endpoint.as_dict() for endpoint in record.endpoints],
        'labels': dict(record.labels),
        'min_nodes': record.min_nodes,
        'validate_certs': record.validate_certs,
        'ca_path': record.ca_path,
        'credentials': [shown(one) for one in sorted(credentials, key=lambda one: one.tier)],
    }


def shown(credential):
    """A credential without its secret."""
    held = {'secret_lookup': credential.reference} if credential.reference else {'secret': 'stored'}
    return {'tier': credential.tier, 'kind': credential.kind, 'identity': credential.identity, **held}


def words(before, after, name):
    """The differences as a person would tell them."""
    if not before:
        hosts = ', '.join(entry['host'] for entry in after['endpoints'])
        yield f'register cluster {name} ({hosts})'
        return
    yield from listed('endpoint', before['endpoints'], after['endpoints'], lambda one: f'{one["host"]}:{one["port"]}')
    for key in SIMPLE:
        if before[key] != after[key]:
            yield f'set {key} from {before[key]!r} to {after[key]!r}'
    yield from listed('credential', before['credentials'], after['credentials'], lambda one: one['tier'])


def listed(kind, before, after, key):
    """Added, removed, changed and reordered entries of a list."""
    old, new = {key(one): one for one in before}, {key(one): one for one in after}
    for one, entry in new.items():
        if one not in old:
            yield f'add {kind} {one}'
        elif entry != old[one]:
            yield f'change {kind} {one}'
    for one in old:
        if one not in new:
            yield f'remove {kind} {one}'
    if set(old) == set(new) and list(old) != list(new):
        yield f'reorder {kind}s: {", ".join(new)}'


def changed_secrets(old_credentials, new_credentials):
    """Tiers whose stored secret is replaced while all else stays."""
    old = {one.tier: one for one in old_credentials}
    return [
        one.tier
        for one in new_credentials
        if one.tier in old and shown(one) == shown(old[one.tier]) and one.secret != old[one.tier].secret
    ]


def secret_changes(old_credentials, new_credentials):
    return [f'replace the secret of credential {tier}' for tier in changed_secrets(old_credentials, new_credentials)]


def mark_secrets(before, after, differs, old_credentials, new_credentials):
    """Let a diff show that a secret was replaced, though never which."""
    tiers = changed_secrets(old_credentials, new_credentials) if before else []
    if not tiers:
        return
    for entry in after['credentials']:
        if entry['tier'] in tiers:
            entry['secret'] = 'stored (new)'
    if 'credentials' not in differs:
        differs.append('credentials')
