# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task declares about a registered cluster. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import StoredCredential

NAME = re.compile(r'^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$')


@dataclasses.dataclass(frozen=True)
class Declared:
    """None means: not managed by this task.

    endpoints: tuple of Endpoint; credentials: tuple of StoredCredential; login: the one-time Credential for create_token.
    """

    name: str
    endpoints: tuple | None = None
    credentials: tuple | None = None
    login: Credential | None = None
    labels: dict | None = None
    min_nodes: int | None = None
    validate_certs: bool | None = None
    ca_path: str | None = None
    discover: bool = False
    create_token: bool = False
    token_tiers: tuple = ()


def declared(params, resolve):
    """Validated options -> Declared. resolve: function(secret_lookup) -> secret. Raises BadRequest."""
    check_name(params['name'])
    login = direct_login(params)
    credentials = tuple(stored(entry) for entry in params.get('credentials') or ()) or None
    if login and not params.get('create_token'):
        if credentials:
            raise BadRequest('credentials and api_user or api_token_id are both given. List all of them in credentials.')
        credentials, login = (from_login(login, params.get('tier') or 'admin'),), None
    check_tiers(credentials or ())
    return Declared(
        name=params['name'],
        endpoints=endpoints_of(params),
        credentials=credentials,
        login=login,
        labels=None if params.get('labels') is None else {str(k): str(v) for k, v in params['labels'].items()},
        min_nodes=params.get('min_nodes'),
        validate_certs=params.get('validate_certs'),
        ca_path=params.get('ca_path'),
        discover=bool(params.get('discover')),
        create_token=bool(params.get('create_token')),
        token_tiers=tuple(params.get('token_tiers') or ('operator',)),
    )


def check_name(name):
    """Raise BadRequest for a name that could not be used in groups, files and messages."""
    if not NAME.match(name):
        raise BadRequest(
            f'{name!r} is not a name for a cluster: up to 63 letters, digits, dots, dashes and underscores, '
            'beginning with a letter or digit.'
        )


def endpoints_of(params):
    """The declared endpoints, or None. Raises BadRequest for one given twice."""
    given = [dict(entry) for entry in params.get('endpoints') or ()]
    if params.get('api_host'):
        if given:
            raise BadRequest('endpoints and api_host are both given. List all hosts in endpoints.')
        hosts = [host.strip() for host in params['api_host'].split(',')]
        given = [{'host': host, 'port': params.get('api_port'), 'fingerprint': params.get('fingerprint')} for host in hosts]
    endpoints = tuple(Endpoint.from_dict(entry) for entry in given)
    seen = set()
    for endpoint in endpoints:
        if endpoint.label in seen:
            raise BadRequest(f'The endpoint {endpoint.label} is listed twice.')
        seen.add(endpoint.label)
    return endpoints or None


def direct_login(params):
    """The Credential of the api_* options, or None."""
    if params.get('api_token_id'):
        return Credential(token_id=params['api_token_id'], token_secret=params.get('api_token_secret')).check()
    if params.get('api_user'):
        return Credential(user=params['api_user'], password=params.get('api_password')).check()
    return None


def from_login(login, tier):
    kind = 'token' if login.token_id else 'password'
    return StoredCredential(tier, kind, login.identity, login.secret)


def stored(entry):
    """One entry of the option credentials -> StoredCredential. Raises BadRequest."""
    token_id, user, reference = entry.get('token_id'), entry.get('user'), entry.get('secret_lookup')
    if bool(token_id) == bool(user):
        raise BadRequest(f'The credential of tier {entry["tier"]} needs either token_id or user.')
    secret = entry.get('token_secret') if token_id else entry.get('password')
    if bool(secret) == bool(reference):
        name = 'token_secret' if token_id else 'password'
        raise BadRequest(f'The credential of tier {entry["tier"]} needs either {name} or secret_lookup.')
    if reference and not reference.get('plugin'):
        raise BadRequest(f'The secret_lookup of tier {entry["tier"]} names no plugin.')
    clean = {key: value for key, value in (reference or {}).items() if value is not None} or None
    found = StoredCredential(entry['tier'], 'token' if token_id else 'password', token_id or user, secret, clean)
    login_of(found, lambda _reference: 'to be looked up').check()
    return found


def check_tiers(credentials):
    """Raise BadRequest when two credentials have the same tier."""
    tiers = [credential.tier for credential in credentials]
    for tier in tiers:
        if tiers.count(tier) > 1:
            raise BadRequest(f'Two credentials of tier {tier} are given. There is one for each tier.')


def login_of(credential: StoredCredential, resolve: typing.Callable):
    """A StoredCredential -> the Credential to log in with, its reference resolved."""
    secret = credential.secret if credential.reference is None else resolve(credential.reference)
    if credential.kind == 'token':
        return Credential(token_id=credential.identity, token_secret=secret, tier=credential.tier)
    return Credential(user=credential.identity, password=secret, tier=credential.tier)
