# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module shares, and what they mean together with the environment."""

from __future__ import annotations

import os

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import (
    DEFAULT_PORT,
    Connection,
    Credential,
    Endpoint,
)
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest

REGISTRY_SPEC = {
    'registry_url': {'type': 'str', 'no_log': False},
    'registry_key': {'type': 'str', 'no_log': True},
    'registry_key_file': {'type': 'path', 'no_log': False},
    'fleet_context': {'type': 'str', 'no_log': True},
}
TIMES_SPEC = {
    'connect_timeout': {'type': 'float', 'default': 5.0},
    'read_timeout': {'type': 'float', 'default': 35.0},
}
DIRECT_SPEC = {
    'api_host': {'type': 'str'},
    'api_port': {'type': 'int'},
    'api_user': {'type': 'str'},
    'api_password': {'type': 'str', 'no_log': True},
    'api_token_id': {'type': 'str'},
    'api_token_secret': {'type': 'str', 'no_log': True},
    'validate_certs': {'type': 'bool'},
    'ca_path': {'type': 'path'},
    'fingerprint': {'type': 'str'},
    **TIMES_SPEC,
}
CONNECTION_SPEC = {'cluster': {'type': 'str'}, **DIRECT_SPEC, **REGISTRY_SPEC}

# option -> environment variables, the first that is set counts.
ENVIRONMENT = {
    'cluster': ('PVE_CLUSTER',),
    'api_host': ('PVE_HOST', 'PROXMOX_HOST'),
    'api_port': ('PVE_PORT', 'PROXMOX_PORT'),
    'api_user': ('PVE_USER', 'PROXMOX_USER'),
    'api_password': ('PVE_PASSWORD', 'PROXMOX_PASSWORD'),
    'api_token_id': ('PVE_TOKEN_ID', 'PROXMOX_TOKEN_ID'),
    'api_token_secret': ('PVE_TOKEN_SECRET', 'PROXMOX_TOKEN_SECRET'),
    'validate_certs': ('PVE_VALIDATE_CERTS', 'PROXMOX_VALIDATE_CERTS'),
    'ca_path': ('PVE_CA_PATH', 'PROXMOX_CA_PATH'),
    'fingerprint': ('PVE_FINGERPRINT',),
}
TRUE_WORDS = frozenset({'1', 'true', 'yes', 'on', 'y', 't'})
FALSE_WORDS = frozenset({'0', 'false', 'no', 'off', 'n', 'f'})


def effective(params, environment=None):
    """The connection options of a task, completed from the environment: {option: value}, unset ones absent.

    A task that names a host or a cluster itself takes neither from the environment.
    Raises BadRequest when it names both.
    """
    environment = os.environ if environment is None else environment
    found = {name: params[name] for name in ENVIRONMENT if params.get(name) is not None}
    if 'cluster' in found and 'api_host' in found:
        raise BadRequest(
            f"Both cluster ({found['cluster']}) and api_host ({found['api_host']}) are given. "
            'Name a registered cluster, or give a host with its credentials, not both.'
        )
    skipped = {'api_host', 'cluster'} if {'api_host', 'cluster'} & set(found) else set()
    for name, variables in ENVIRONMENT.items():
        if name not in found and name not in skipped:
            value = next((environment[one] for one in variables if environment.get(one)), None)
            if value is not None:
                found[name] = value
    if not skipped and 'cluster' in found:
        found.pop('api_host', None)
    return found


def as_bool(value, option):
    """A truth value of an option that may come from the environment. Raises BadRequest."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE_WORDS | FALSE_WORDS:
        return text in TRUE_WORDS
    raise BadRequest(f'{option}: {value!r} is neither true nor false.')


def direct_connection(params, environment=None):
    """The Connection that the options describe without a registry. Raises BadRequest for what is wrong or missing.

    params: validated module options; api_host may list several hosts of one cluster, separated by commas.
    """
    found = effective(params, environment)
    if not found.get('api_host'):
        raise BadRequest(
            'Neither a cluster nor a host is given. Name a registered cluster (cluster: NAME, or PVE_CLUSTER), '
            'or give api_host (PVE_HOST) with a token or a user and password.'
        )
    port = port_number(found.get('api_port') or DEFAULT_PORT)
    hosts = [host.strip() for host in str(found['api_host']).split(',') if host.strip()]
    fingerprint = found.get('fingerprint')
    endpoints = tuple(Endpoint.from_dict({**split_port(host, port), 'fingerprint': fingerprint}) for host in hosts)
    return Connection(
        name=hosts[0],
        endpoints=endpoints,
        credential=credential_of(found),
        validate_certs=as_bool(found.get('validate_certs', True), 'validate_certs'),
        ca_path=found.get('ca_path'),
        connect_timeout=params.get('connect_timeout') or 5.0,
        read_timeout=params.get('read_timeout') or 35.0,
    )


def port_number(value):
    try:
        return int(value)
    except ValueError:
        raise BadRequest(f'api_port: {value!r} is not a port number.') from None


def split_port(host, port):
    """'pve1:8007' -> {host, port}: users write it so in PVE_HOST."""
    name, colon, number = host.rpartition(':')
    if colon and number.isdigit() and ':' not in name:
        return {'host': name, 'port': int(number)}
    return {'host': host, 'port': port}


def credential_of(found):
    """A Credential from connection options; a token wins over a password. Raises BadRequest.

    api_token_id may be the whole id (user@realm!name) or, as in community.proxmox, the name beside api_user.
    """
    token_id = found.get('api_token_id')
    if token_id and '!' not in token_id and found.get('api_user'):
        token_id = f'{found["api_user"]}!{token_id}'
    if token_id:
        return Credential(token_id=token_id, token_secret=found.get('api_token_secret')).check()
    return Credential(user=found.get('api_user'), password=found.get('api_password')).check()
