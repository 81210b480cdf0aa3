# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_cluster_registry: a cluster in the registry as it is declared, proven before anything is stored."""

from __future__ import annotations

import dataclasses
import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api import errors
from ansible_collections.pve.fleet.plugins.module_utils.clusters import managed_token, plan, probe
from ansible_collections.pve.fleet.plugins.module_utils.clusters.desired import (
    check_name,
    declared,
    direct_login,
    login_of,
)
from ansible_collections.pve.fleet.plugins.module_utils.clusters.info import public
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord


def run(context):
    """The module's logic; see its documentation for options and result."""
    name = context.params['name']
    check_name(name)
    current = context.registry.find_cluster(name)
    if context.params['state'] == 'absent':
        return remove(context, current)
    if context.params['state'] == 'refreshed':
        return refresh(context, current)
    return register(context, current)


# --- present -------------------------------------------------------------------------------------------------------


def register(context, current):
    """Prove, plan, store."""
    want = declared(context.params, context.resolve_secret)
    for credential in want.credentials or ():
        context.secret(credential.secret)
    plan.check_identity(current, want)
    base = current or ClusterRecord(id=str(uuid.uuid4()), name=want.name)
    old = tuple(context.registry.credentials(current.id, decrypt=True)) if current else ()
    record = plan.merge(base, want, want.endpoints, base.managed)
    if want.create_token:
        new, record = managed_credentials(context, want, record, old)
    else:
        new = want.credentials if want.credentials is not None else old
    plan.check_complete(record, new or want.login)
    seen = prove(context, record, new)
    record = with_discovery(seen, want, record)
    made = plan.make_plan(current, record, old, tuple(one for one in new))
    if want.create_token and want.login and not seen.to_make:
        seen = with_outdated_roles(context, record, want, seen)
    return store(context, current, made, new, seen, want)


def managed_credentials(context, want, record, old):
    """The credentials of create_token: those that are stored and still good, else to be made."""
    kept = [one for one in old if one.identity == record.managed.get('tokens', {}).get(one.tier)]
    if {one.tier for one in kept} == set(want.token_tiers) and all(works(context, record, one) for one in kept):
        return tuple(kept), record
    if want.login is None:
        raise errors.BadRequest(
            f"create_token for cluster {want.name} needs an administrator's login once: give api_user and api_password."
        )
    planned = managed_token.planned(want.token_tiers, token_name(context, want))
    managed = {'tokens': {one.tier: one.identity for one in planned}}
    return tuple(planned), dataclasses.replace(record, managed=managed)


def token_name(context, want):
    return managed_token.token_name(context.registry.location, want.name)


def works(context, record, credential):
    """True when a stored credential is accepted by the cluster."""
    try:
        client_for(context, record, login_of(credential, context.resolve_secret)).version()
        return True
    except errors.Unauthorized:
        return False


def client_for(context, record, login):
    context.secret(login.secret)
    return context.client_for(probe.connection_to(record, login))


@dataclasses.dataclass(frozen=True)
class Seen:
    """client: the one that proved itself; found: probe.Probe; to_make: tiers whose tokens are still to be made.

    administrator: a client that may change roles; roles: those to bring up to date, as managed_token.outdated_roles() gives them.
    """

    client: object
    found: probe.Probe
    to_make: tuple
    administrator: object = None
    roles: dict = dataclasses.field(default_factory=dict)


def prove(context, record, credentials):
    """Log in with every credential; those to be made are proven by the administrator's login."""
    to_make = tuple(one.tier for one in credentials if one.secret is None and one.reference is None)
    logins = [login_of(one, context.resolve_secret) for one in credentials if one.tier not in to_make]
    if to_make:
        logins.insert(0, direct_login(context.params))
    seen = None
    for login in logins:
        client = client_for(context, record, login)
        found = probe.probe(client, record.min_nodes, with_resources=seen is None)
        seen = seen or Seen(client, found, to_make)
    return seen


def with_outdated_roles(context, record, want, seen):
    """Seen with the roles of its tokens that lack what this release has, or have what it should not give."""
    client = client_for(context, record, direct_login(context.params))
    return dataclasses.replace(seen, administrator=client, roles=managed_token.outdated_roles(client, want.token_tiers))


def with_discovery(seen, want, record):
    """The record with the other nodes' endpoints, where they are wanted."""
    if not want.discover:
        return record
    endpoints = probe.discovered(seen.client, seen.found.state, want.endpoints or tuple(record.endpoints))
    return dataclasses.replace(record, endpoints=list(endpoints))


def store(context, current, made, credentials, seen, want):
    """Carry the plan out unless in check mode, and tell."""
    changed = bool(made.changes)
    words = list(made.changes)
    if seen.to_make:
        words += [f'make token {one.identity} ({one.tier})' for one in credentials if one.tier in seen.to_make]
    changed = changed or bool(seen.to_make)
    record = dataclasses.replace(made.record, **observed(seen.found))
    if not context.check_mode:
        if changed:
            record = write(context, current, made.record, credentials, seen, want)
        managed_token.update_roles(seen.administrator, seen.roles)
        record = note_state(context, record, seen.found)
    words += [managed_token.role_words(role, *privileges) for role, privileges in seen.roles.items()]
    before, after = dict(made.before), dict(made.after)
    if seen.roles:
        changed = True
        before['roles'], after['roles'] = ({role: pair[index] for role, pair in seen.roles.items()} for index in (0, 1))
    result = result_of(record, credentials, changed, words, before, after)
    if changed and not context.check_mode:
        context.audit.append(audit(record, 'register' if current is None else 'update', result))
    return result


def write(context, current, record, credentials, seen, want):
    """Make the tokens that are wanted, then store; a token whose record cannot be stored is taken back."""
    managed = {}
    if seen.to_make:
        credentials, managed = managed_token.make(seen.client, want.token_tiers, token_name(context, want))
        for credential in credentials:
            context.secret(credential.secret)
    try:
        return context.registry.save_cluster(
            dataclasses.replace(record, managed=managed or record.managed),
            list(credentials),
            expected_version=current.revision if current else None,
            drop_tiers=dropped_tiers(context.registry, current, credentials),
        )
    except errors.FleetError:
        if managed:
            managed_token.remove_all(seen.client, managed)
        raise


def dropped_tiers(registry, current, credentials):
    """The stored tiers that the declaration no longer has."""
    stored = {one.tier for one in registry.credentials(current.id)} if current else set()
    return sorted(stored - {one.tier for one in credentials})


def observed(found):
    """What was seen of a cluster, as fields of its record."""
    return {
        'status': found.state.status,
        'reasons': list(found.state.reasons),
        'version': found.version,
        'node_count': len(found.state.nodes),
    }


def note_state(context, record, found):
    """Keep what was seen -> the ClusterRecord with it. It is no declared thing, so it is no change."""
    health = {'cluster_id': record.id, **observed(found)}
    return context.registry.observe(health, *probe.split_resources(found.resources))


# --- refreshed -----------------------------------------------------------------------------------------------------


def refresh(context, current):
    """Ask the cluster again and keep what it says."""
    name = context.params['name']
    if current is None:
        context.registry.cluster(name)
    client = context.client_named(current.id, 'viewer')
    found = probe.probe(client, current.min_nodes, with_resources=True)
    record = current
    if context.params.get('discover'):
        endpoints = probe.discovered(client, found.state, tuple(current.endpoints[:1]))
        record = dataclasses.replace(current, endpoints=list(endpoints))
    credentials = tuple(context.registry.credentials(current.id))
    made = plan.make_plan(current, record, credentials, credentials)
    seen_before = {key: getattr(current, key) for key in observed(found)}
    differs = {key: value for key, value in observed(found).items() if value != seen_before[key]}
    before = {**made.before, **{key: seen_before[key] for key in differs}}
    after = {**made.after, **differs}
    words = [*made.changes, *(f'note {key}: {after[key]}' for key in differs if key != 'reasons')]
    changed = bool(differs or made.changes)
    if not context.check_mode:
        if made.changes:
            context.registry.save_cluster(record, [], expected_version=current.revision)
        record = note_state(context, record, found)
    else:
        record = dataclasses.replace(record, **observed(found))
    return result_of(record, credentials, changed, words, before, after)


# --- absent --------------------------------------------------------------------------------------------------------


def remove(context, current):
    """Deregister; a token that the registry made for itself is taken off the cluster first."""
    if current is None:
        return {'changed': False, 'changes': [], 'diff': {'before': {}, 'after': {}}, 'cluster': None}
    credentials = tuple(context.registry.credentials(current.id, decrypt=True))
    check_unused(context.registry, current)
    words = [f'deregister cluster {current.name}']
    tokens = current.managed.get('tokens', {})
    words = [f'remove token {token} from the cluster' for token in tokens.values()] + words
    if not context.check_mode:
        if tokens:
            remove_tokens(context, current, credentials)
        context.registry.remove_cluster(current.id)
    before = plan.described(current, credentials)
    result = {
        'changed': True,
        'changes': words,
        'diff': {'before': before, 'after': {}},
        'cluster': None,
    }
    if not context.check_mode:
        context.audit.append(audit(current, 'deregister', result))
    return result


def check_unused(registry, current):
    """Raise Conflict while a workspace uses the cluster."""
    users = [workspace.name for workspace in registry.workspaces() if current.name in workspace.clusters]
    if users:
        raise errors.Conflict(
            f'Cluster {current.name} is used by the workspace {", ".join(users)}. '
            'Take it out of there before you deregister it.',
            details={'cluster': current.name, 'workspaces': users},
        )


def remove_tokens(context, current, credentials):
    """With the given administrator's login, else each token by itself."""
    try:
        login = direct_login(context.params)
        if login:
            managed_token.remove_all(client_for(context, current, login), current.managed)
        else:
            remove_each(context, current, credentials)
    except errors.FleetError as error:
        if not context.params.get('force'):
            raise error.with_message(
                f'{error.message.rstrip(".")}. The token that was made for the registry is still on the cluster, so '
                f'{current.name} stays registered. Use force: true to deregister all the same.'
            ) from None
        context.warn(f'The token stays on the cluster: {error.message}')


def remove_each(context, current, credentials):
    """Every token removes itself; what only an administrator could remove is told."""
    users = []
    for one in credentials:
        if current.managed['tokens'].get(one.tier) == one.identity:
            managed_token.remove_own(client_for(context, current, login_of(one, context.resolve_secret)), one.identity)
            users.append(one.identity.partition('!')[0])
    context.warn(
        f'The token is gone from the cluster. Its user stays there without token and password ({", ".join(users)}); '
        'give api_user and api_password of an administrator to have user, group and role removed as well.'
    )


# --- results -------------------------------------------------------------------------------------------------------


def result_of(record, credentials, changed, words, before, after):
    return {
        'changed': changed,
        'changes': words,
        'diff': {'before': before, 'after': after},
        'cluster': public(record, credentials),
    }


def audit(record, action, result):
    return {
        'cluster': record.name,
        'cluster_id': record.id,
        'action': action,
        'object': f'cluster {record.name}',
        'before': result['diff']['before'],
        'after': result['diff']['after'],
        'changes': result['changes'],
        'outcome': 'ok',
    }
