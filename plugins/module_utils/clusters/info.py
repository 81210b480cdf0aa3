# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_cluster_registry_info: what the registry knows, with live health on request."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.clusters import probe
from ansible_collections.pve.fleet.plugins.module_utils.facts.cluster_status import unreachable
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out


def public(record, credentials=None):
    """A cluster as it is returned: everything but secrets."""
    shown = record.as_dict()
    shown.pop('revision')
    if credentials is not None:
        shown['credentials'] = [one.as_dict() for one in sorted(credentials, key=lambda one: one.tier)]
    return shown


def selection(params):
    """The options of the info module as a selection for Registry.clusters."""
    found = {}
    names = [value for value in (params.get('name'), params.get('id')) if value]
    if names:
        found['names'] = names
    for key in ('labels', 'status'):
        if params.get(key):
            found[key] = params[key]
    return found or None


def run(context):
    """The module's logic."""
    live = context.params.get('live')
    wanted = selection(context.params)
    by_status = (wanted or {}).pop('status', None) if live else None
    records = context.registry.clusters(wanted or None)
    found = [public(record) for record in records]
    if live:
        outcomes = fan_out(lambda record: ask(context, record), records)
        if not context.check_mode:
            context.registry.touch_all([note(outcome) for outcome in outcomes])
        found = [{**shown, **health(outcome)} for shown, outcome in zip(found, outcomes, strict=True)]
        found = [one for one in found if not by_status or one['status'] in by_status]
    return {'changed': False, 'clusters': found}


def ask(context, record):
    """One cluster's state now. Raises a FleetError, which is then told in its own entry."""
    client = context.client_named(record.id, 'viewer')
    return probe.probe(client, record.min_nodes)


def note(outcome):
    """What the registry keeps of a live look (see Registry.touch)."""
    if outcome.error is not None:
        state = unreachable(outcome.error)
        return {'cluster_id': outcome.item.id, 'status': state.status, 'reasons': list(state.reasons), 'seen': False}
    state = outcome.value.state
    return {
        'cluster_id': outcome.item.id,
        'status': state.status,
        'reasons': list(state.reasons),
        'version': outcome.value.version,
        'node_count': len(state.nodes),
        'seen': True,
    }


def health(outcome):
    """What a live look adds to a cluster's entry."""
    if outcome.error is not None:
        state = unreachable(outcome.error)
        return {'status': state.status, 'reasons': list(state.reasons), 'error': outcome.error.as_dict()}
    state = outcome.value.state
    return {
        'status': state.status,
        'reasons': list(state.reasons),
        'version': outcome.value.version,
        'node_count': len(state.nodes),
        'nodes': list(state.nodes),
        'quorate': state.quorate,
    }
