# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_workspace_quota: room for guests in a workspace, taken before they are made."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, FleetError, Forbidden
from ansible_collections.pve.fleet.plugins.module_utils.options import REGISTRY_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Amounts
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.declarations import amounts, declarations, holder
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.manage import public

RESOURCES = ('cpus', 'memory', 'disk', 'guests')
ARGUMENTS = {
    'workspace': {'type': 'str', 'required': True},
    'guests': {'type': 'list', 'elements': 'dict', 'required': True},
    'state': {'type': 'str', 'choices': ['reserved', 'confirmed', 'released'], 'default': 'reserved'},
    'leaving': {'type': 'list', 'elements': 'dict', 'default': []},
    'hold': {'type': 'int', 'default': 3600},
    **REGISTRY_SPEC,
}


def run(context):
    """The module's logic. All guests get their room, or none does."""
    workspace = context.registry.workspace(context.params['workspace'])
    held = {one.holder: one for one in context.registry.reservations(workspace.name)}
    guests = declarations(context.params['guests'])
    if context.params['state'] == 'released':
        return release(context, workspace, held, guests)
    return take(context, workspace, held, {holder(guest): (guest['cluster'], amounts(guest, workspace.quota)) for guest in guests})


def release(context, workspace, held, guests):
    """Give room back."""
    going = [holder(guest) for guest in guests if holder(guest) in held]
    for name in going:
        if not context.check_mode:
            context.registry.release_holder(workspace.name, name)
            context.did(f'release {name}')
    after = {name: one for name, one in held.items() if name not in going}
    return result(context, workspace, held, after, [f'release {name}' for name in going])


def take(context, workspace, held, wanted):
    """Reserve, and confirm where asked; what is held already in that amount is left alone."""
    confirm = context.params['state'] == 'confirmed'
    coming = {name: one for name, one in wanted.items() if name not in held or held[name].amounts != one[1]}
    waiting = [name for name in wanted if confirm and not (name in held and held[name].confirmed)]
    words = [f'reserve {described(one[1])} for {name}' for name, one in coming.items()]
    words += [f'confirm {name}' for name in waiting]
    if context.check_mode:
        predict(workspace, held, coming, {holder(guest) for guest in context.params['leaving']})
    else:
        reserve_all(context, workspace, held, coming)
        for name in waiting:
            context.registry.confirm(reservation(context, workspace, name).id)
    return result(context, workspace, held, {**held, **coming}, words)


def reservation(context, workspace, name):
    return next(one for one in context.registry.reservations(workspace.name) if one.holder == name)


def reserve_all(context, workspace, held, coming):
    """Reserve for each; when one finds no room, those before it get back what they had."""
    done = []
    try:
        for name, (cluster, asked) in coming.items():
            context.registry.reserve(workspace.name, name, asked, cluster, context.params['hold'])
            done.append(name)
    except FleetError:
        for name in done:
            restore(context, workspace, held.get(name), name)
        raise


def restore(context, workspace, before, name):
    if before is None:
        context.registry.release_holder(workspace.name, name)
    else:
        context.registry.reserve(workspace.name, name, before.amounts, before.cluster, context.params['hold'])


def predict(workspace, held, coming, leaving):
    """Raise what reserving would raise once those that leave are gone."""
    gone = [one.amounts for name, one in held.items() if name in leaving]
    taken = {resource: amount - sum(getattr(one, resource) for one in gone) for resource, amount in workspace.reserved.as_dict().items()}
    for name, (cluster, asked) in coming.items():
        if cluster not in workspace.clusters:
            raise Forbidden(
                f'Workspace {workspace.name} may not use cluster {cluster}. Its clusters are: {", ".join(workspace.clusters) or "none"}.',
                details={'workspace': workspace.name, 'cluster': cluster},
            )
        mine = held[name].amounts if name in held else Amounts()
        for resource in RESOURCES:
            taken[resource] += getattr(asked, resource) - getattr(mine, resource)
            limit = getattr(workspace.quota, resource)
            if limit is not None and getattr(asked, resource) and taken[resource] > limit:
                raise no_room(workspace.name, resource, limit, taken[resource] - getattr(asked, resource), getattr(asked, resource))


def no_room(name, resource, limit, used, asked):
    return Conflict(
        f'Workspace {name} has no room: its quota of {resource} is {limit}, {used} are reserved and {asked} are asked for. '
        'Ask for less, release something, or raise the quota.',
        details={'workspace': name, 'resource': resource, 'quota': limit, 'used': used, 'asked': asked},
    )


def described(asked):
    return f'{asked.cpus} CPUs, {asked.memory >> 20} MiB of memory, {asked.disk >> 30} GiB of disk'


def result(context, workspace, before, after, words):
    def names(found):
        return sorted(found)

    shown = workspace if context.check_mode else context.registry.workspace(workspace.name)
    diff = {'before': {'holders': names(before)}, 'after': {'holders': names(after)}} if words else {'before': {}, 'after': {}}
    return {'changed': bool(words), 'changes': words, 'diff': diff, 'workspace': public(shown)}
