# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of a module that reads from several: their clients, and the same work on all of them at once."""

from __future__ import annotations

import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.fleet.views import CLUSTERS_AT_ONCE

ARGUMENTS = {'clusters': {'type': 'raw'}, 'concurrency': {'type': 'int', 'default': 5}, **options.CONNECTION_SPEC}


@dataclasses.dataclass(frozen=True)
class Member:
    """One cluster of a run. client: its Client, or the FleetError in its place."""

    name: str
    client: typing.Any
    record: typing.Any = None


def selection(params):
    """Which registered clusters the options mean, as Registry.clusters takes it."""
    wanted = params.get('clusters')
    if wanted is None:
        named = options.effective(params).get('cluster')
        return [named] if named else None
    if params.get('cluster') or params.get('api_host'):
        raise BadRequest('clusters cannot be given beside cluster or api_host: choose one of them.')
    return wanted


def members(context, records=False):
    """The clusters of the task -> list of Member. records: with what the registry knows of each.

    Raises NotFound for a cluster that is not registered, BadRequest for what is no selection.
    """
    wanted = selection(context.params)
    if wanted is None and options.effective(context.params).get('api_host'):
        connection = limited(context, context.access.default(context.tier))
        return [Member(connection.name, context.client_for(connection))]
    found = context.access.many(wanted, context.tier)
    if not found:
        context.warn('No cluster is registered.' if wanted in (None, 'all') else f'No registered cluster fits clusters: {wanted}.')
    known = {record.name: record for record in context.registry.clusters(wanted)} if records else {}
    return [Member(name, client_of(context, value), known.get(name)) for name, value in found.items()]


def client_of(context, value):
    return value if isinstance(value, FleetError) else context.client_for(limited(context, value))


def limited(context, connection):
    """The connection with the limit of requests that the task wants."""
    return connection.replace(max_in_flight=max(1, context.params['concurrency']))


def on_all(found, work):
    """Call work(member) for all members at once -> list of fan_out.Result; a cluster without login has its error."""

    def one(member):
        if isinstance(member.client, FleetError):
            raise member.client
        return work(member)

    return fan_out(one, found, CLUSTERS_AT_ONCE)
