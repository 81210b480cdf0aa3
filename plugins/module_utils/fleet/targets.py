# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters a run is about: registered ones, those given inline, or the one that the environment names."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import typing

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import DEFAULT_PORT, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound

INLINE_KEYS = frozenset({'name', 'endpoints', *options.DIRECT_SPEC})


@dataclasses.dataclass(frozen=True)
class Target:
    """One cluster that is meant.

    connect: function() -> Connection, called only when it is asked (raises FleetError). record: its ClusterRecord, None
    for one that is not registered. identity: changes when the name leads to another cluster or login.
    """

    name: str
    connect: typing.Callable = dataclasses.field(repr=False)
    record: typing.Any = None
    identity: str = ''


def targets(access, selection=None, tier='viewer'):
    """The clusters of a selection -> list of Target, no name twice.

    access: fleet.access.Access. selection: None (the host or cluster of the options and the environment, else all that
    are registered), or a selection as of Registry.clusters, in whose list a dictionary is a cluster given inline:
    {name, api_host or endpoints, api_user, ...}.
    Raises NotFound for a name that is not registered, BadRequest for what is no selection.
    """
    if selection is None:
        found = options.effective(access.params, access.environment)
        if found.get('api_host'):
            connection = access.default(tier)
            return [Target(connection.name, lambda: connection, None, identity(connection))]
        selection = [found['cluster']] if found.get('cluster') else None
    if isinstance(selection, dict) and set(selection) & {'api_host', 'endpoints'}:
        selection = [selection]
    inline = [one for one in selection if isinstance(one, dict)] if isinstance(selection, list) else []
    names = [one for one in selection if not isinstance(one, dict)] if inline else selection
    chosen = [inline_target(access, one) for one in inline]
    if names or not inline:
        connectors = once(lambda: access.connectors(names, tier))
        chosen += [registered_target(record, connectors) for record in access.registry.clusters(names)]
    return without_repetition(chosen)


def once(function):
    """The same function, which is called for the first caller only; for threads."""
    lock, kept = threading.Lock(), []

    def called():
        with lock:
            if not kept:
                kept.append(function())
        return kept[0]

    return called


def without_repetition(found):
    seen = set()
    for target in found:
        if target.name in seen:
            raise BadRequest(f'clusters: two are named {target.name}. Give one of them another name.')
        seen.add(target.name)
    return found


def registered_target(record, connectors):
    """connectors: function() -> {name: function() -> Connection}, called when the first of the clusters is asked."""
    places = [endpoint.label for endpoint in record.endpoints]

    def connect():
        found = connectors().get(record.name)
        if found is None:
            raise NotFound(f'cluster {record.name} was removed from the registry just now. Run this again.')
        return found()

    return Target(record.name, connect, record, digest([record.id, places]))


def inline_target(access, given):
    """A cluster described where it is used. Raises BadRequest."""
    unknown = sorted(set(given) - INLINE_KEYS)
    if unknown:
        raise BadRequest(
            f'clusters: a cluster given inline has no key {unknown[0]!r}. Its keys are {", ".join(sorted(INLINE_KEYS))}.'
        )
    places = given.get('endpoints') or []
    if isinstance(places, (dict, str)):
        places = [places]
    if not places and not given.get('api_host'):
        raise BadRequest(f'clusters: {given.get("name") or "a cluster given inline"} has neither api_host nor endpoints.')
    endpoints = tuple(Endpoint.from_dict(one if isinstance(one, dict) else options.split_port(str(one), DEFAULT_PORT)) for one in places)
    params = {**{key: access.params.get(key) for key in options.DIRECT_SPEC}, **given}
    params['api_host'] = given.get('api_host') or endpoints[0].host
    connection = options.direct_connection({**params, 'cluster': None}, {})
    connection = connection.replace(name=str(given.get('name') or connection.name), endpoints=endpoints or connection.endpoints)
    return Target(connection.name, lambda: connection, None, identity(connection))


def identity(connection):
    """Where a connection leads and as whom, without its secret."""
    return digest([connection.name, [one.label for one in connection.endpoints], connection.credential.identity])


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
