# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_workspace and pve_workspace_info: shares of clusters with a quota, in the registry."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.options import REGISTRY_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Amounts, Workspace
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import parse_size

QUOTA = {
    'cpus': {'type': 'int'},
    'memory': {'type': 'str'},
    'disk': {'type': 'str'},
    'guests': {'type': 'int'},
}
ARGUMENTS = {
    'name': {'type': 'str', 'required': True},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'clusters': {'type': 'list', 'elements': 'str'},
    'quota': {'type': 'dict', 'options': QUOTA},
    **REGISTRY_SPEC,
}
INFO_ARGUMENTS = {'name': {'type': 'str'}, **REGISTRY_SPEC}
SHOWN = ('clusters', 'quota')


def info(context):
    """The logic of pve_workspace_info."""
    name = context.params.get('name')
    found = [context.registry.workspace(name)] if name else context.registry.workspaces()
    return {'changed': False, 'workspaces': [shown(context.registry, workspace) for workspace in found]}


def shown(registry, workspace):
    """A Workspace with its reservations, as it is returned."""
    held = [
        {'holder': one.holder, 'cluster': one.cluster, 'confirmed': one.confirmed, **one.amounts.as_dict()}
        for one in registry.reservations(workspace.name)
    ]
    return {**public(workspace), 'reservations': held}


def public(workspace):
    """A Workspace as it is returned."""
    names = ('name', 'clusters', 'quota', 'reserved', 'created_at', 'updated_at')
    return {name: value for name, value in workspace.as_dict().items() if name in names}


def run(context):
    """The logic of pve_workspace."""
    name = context.params['name']
    current = next((one for one in context.registry.workspaces() if one.name == name), None)
    if context.params['state'] == 'absent':
        return remove(context, current)
    want = declared(context.params, current)
    before, after = settings(current), settings(want)
    if before == after:
        return result(False, [], before, after, current)
    words = [f'create workspace {name}'] if current is None else differences(name, before, after)
    if not context.check_mode:
        want = context.registry.save_workspace(want)
        context.did(words[0])
    else:
        check_clusters(context.registry, want)
    return result(True, words, before, after, want)


def declared(params, current):
    """The Workspace as it shall be; what is not given stays. Raises BadRequest."""
    want = dataclasses.replace(current) if current else Workspace(name=params['name'])
    if params.get('clusters') is not None:
        want.clusters = sorted(set(params['clusters']))
    if params.get('quota') is not None:
        want.quota = quota_of(params['quota'])
    return want


def quota_of(given):
    """The option quota -> Amounts; what it does not name has no limit. Raises BadRequest."""
    amounts = {name: given.get(name) for name in ('cpus', 'guests')}
    for name in ('memory', 'disk'):
        try:
            amounts[name] = None if given.get(name) is None else parse_size(given[name])
        except ValueError:
            raise BadRequest(f'quota: {name}: {given[name]!r} is no size. Write 64G, or a number of bytes.') from None
    return Amounts(**amounts)


def settings(workspace):
    """What a task declares of a workspace, for comparing and for the diff."""
    data = workspace.as_dict() if workspace else {}
    return {name: data[name] for name in SHOWN if name in data}


def differences(name, before, after):
    return [f'set {key} of workspace {name} to {after[key]}' for key in SHOWN if before.get(key) != after[key]]


def check_clusters(registry, workspace):
    """Check mode refuses what the run would refuse: clusters that are not registered."""
    for name in workspace.clusters:
        registry.cluster(name)


def remove(context, current):
    if current is None:
        return result(False, [], {}, {}, None)
    if current.reserved != Amounts():
        raise Conflict(
            f'Workspace {current.name} still has {current.reserved.guests} guest(s) reserved. Remove them or release them first.',
            details={'workspace': current.name, 'reserved': current.reserved.as_dict()},
        )
    if not context.check_mode:
        context.registry.remove_workspace(current.name)
    return result(True, [f'remove workspace {current.name}'], settings(current), {}, None)


def result(changed, words, before, after, workspace):
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    diff = {side: {key: data[key] for key in differing if key in data} for side, data in (('before', before), ('after', after))}
    return {'changed': changed, 'changes': words, 'diff': diff, 'workspace': public(workspace) if workspace else None}
