# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller hands to a module that runs elsewhere: the clusters it needs, so that no registry is needed there."""

from __future__ import annotations

import json

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import canonical


def handover(spec, params, access, local, actor=None, audit=False):
    """The option fleet_context (JSON text) for a module.

    spec: runner.ModuleSpec; params: validated options; access: fleet.access.Access on the controller;
    local: whether the module runs on the controller itself; audit: whether it writes its audit records itself, there.
    """
    handed = {'actor': actor, 'registry': spec.connection == 'registry' and local, 'audit': audit}
    if spec.connection == 'cluster':
        handed.update(one_cluster(spec, params, access))
    elif spec.connection == 'clusters':
        handed.update(many_clusters(spec, params, access))
    references = [*secret_lookups(params), *(stored_lookups(access) if handed['registry'] else ())]
    handed['secrets'] = {canonical(reference): secret_or_error(access, reference) for reference in references}
    return json.dumps(handed)


def stored_lookups(access):
    """The references in the registry: a module that manages it may need any of them."""
    for credentials in access.registry.credentials_by_cluster().values():
        yield from (one.reference for one in credentials if one.reference)


def secret_or_error(access, reference):
    """What a reference leads to; a lookup that fails does so where the secret is needed, if it is."""
    try:
        return {'value': access.resolve(reference)}
    except FleetError as error:
        return {'error': error.as_dict()}


def one_cluster(spec, params, access):
    found = options.effective(params, access.environment)
    if 'cluster' not in found:
        return {}
    return {'default': found['cluster'], 'connections': {found['cluster']: connection_or_error(access, found['cluster'], spec.tier_for(params))}}


def many_clusters(spec, params, access):
    found = options.effective(params, access.environment)
    selection = spec.selection(params) if spec.selection else params.get('clusters')
    if 'api_host' in found and params.get('clusters') is None and spec.as_admin is None:
        return {}
    connections = {
        name: {'error': value.as_dict()} if isinstance(value, FleetError) else value.replace(state_dir=None).as_dict()
        for name, value in access.many(selection, spec.tier_for(params)).items()
    }
    admin = {name: connection_or_error(access, name, 'admin') for name in (spec.as_admin(params) if spec.as_admin else ())}
    return {'connections': connections, 'admin': admin}


def connection_or_error(access, name, tier):
    """A connection as a dictionary; its error in its place is raised where the module runs, in the same words."""
    try:
        return access.named(name, tier).replace(state_dir=None).as_dict()
    except FleetError as error:
        return {'error': error.as_dict()}


def secret_lookups(value):
    """All secret_lookup dictionaries within options."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == 'secret_lookup' and isinstance(item, dict):
                yield item
            else:
                yield from secret_lookups(item)
    elif isinstance(value, list):
        for item in value:
            yield from secret_lookups(item)
