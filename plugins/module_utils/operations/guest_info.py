# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_info: guests of one, several or all clusters, with what is asked of each."""

from __future__ import annotations

import functools
import itertools

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadGateway, BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST, described
from ansible_collections.pve.fleet.plugins.module_utils.guests.errors import explained
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import complete_names, guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import noun
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_filter import fits_name, fits_without_name
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_parts import gather

MOST_CLUSTERS = 16
MOST_GUESTS = 64
FIGURES = ('uptime', 'maxcpu', 'cpu', 'maxmem', 'mem', 'maxdisk', 'disk', 'lock', 'hastate')


def selection(params):
    """Which registered clusters the options mean (see Registry.clusters)."""
    if params.get('clusters') is not None:
        return params['clusters']
    named = options.effective(params).get('cluster')
    return [named] if named else 'all'


def run(context):
    """The module's logic. A cluster or a guest that fails is told in its place and hides no other."""
    params = context.params
    if params.get('clusters') is not None and (params.get('cluster') or params.get('api_host')):
        raise BadRequest('clusters goes with neither cluster nor api_host: name one cluster, or several, not both.')
    clients = wanted_clients(context)
    outcomes = fan_out(functools.partial(look, params), clients.items(), MOST_CLUSTERS)
    single = one_is_meant(params)
    errors = [told(outcome) for outcome in outcomes if outcome.error is not None]
    if single and errors:
        raise next(outcome.error for outcome in outcomes if outcome.error is not None)
    for error in errors:
        context.warn(error['message'])
    found = interleaved([outcome.value for outcome in outcomes if outcome.error is None])
    guests = [outcome.value for outcome in fan_out(functools.partial(entry, params['gather']), found, MOST_GUESTS)]
    guests.sort(key=lambda guest: (guest['cluster'], guest['vmid']))
    return {'changed': False, 'guests': guests, 'clusters': sorted(clients), 'errors': errors}


def one_is_meant(params):
    """Whether the task is about one cluster by itself: then its failure is the task's."""
    if params.get('clusters') is not None:
        return False
    found = options.effective(params)
    return bool(found.get('cluster') or found.get('api_host'))


def wanted_clients(context):
    """{name: Client or FleetError}."""
    if one_is_meant(context.params):
        return {context.cluster_name: context.client}
    return context.clients(selection(context.params))


def told(outcome):
    """A cluster that failed, as an entry of `errors`."""
    return {'cluster': outcome.item[0], **outcome.error.as_dict()}


def look(params, item):
    """The guests of one cluster that fit: a list of (name, client, row, node is offline, release)."""
    name, client = item
    if isinstance(client, FleetError):
        raise client
    rows = [row for row in guest_rows(client) if fits_without_name(params, row)]
    rows = [row for row in complete_names(client, rows) if fits_name(params, row)]
    down, release = set(), NEWEST
    if params['gather'] and rows:
        nodes = client.get('cluster', 'resources', params={'type': 'node'})
        down = {node['node'] for node in nodes if node.get('status') == 'offline'}
        release = client.release
    return [(name, client, row, row['node'] in down, release) for row in rows]


def interleaved(lists):
    """One of each cluster in turn, so that no cluster's limit holds up the others."""
    return [item for group in itertools.zip_longest(*lists) for item in group if item is not None]


def entry(parts, item):
    """One guest as it is returned. What went wrong is in its `error`."""
    name, client, row, down, release = item
    facts = {'config': {}}
    if down:
        error = BadGateway(f'cluster {name}, {noun(row)}: node {row["node"]} is offline, so the guest cannot be asked.', status=595)
        facts['error'] = error.as_dict()
    else:
        for error in gather(client, row, parts, release, facts):
            identity = client.connection.credential.identity
            facts.setdefault('error', explained(error, f'cluster {name}, {noun(row)}', identity, release).as_dict())
    shown = described(row['type'], facts.pop('config'), row, release, name)
    if 'config' not in parts:
        shown.pop('config')
    figures = {key: row[key] for key in FIGURES if row.get(key) is not None}
    return {**shown, **figures, **facts}
