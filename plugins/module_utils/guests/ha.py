# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""High availability: the resource that keeps a guest running. Planning is pure; read_ha and apply_ha talk."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import check_group
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

RESOURCES = '/cluster/ha/resources'
SETTINGS = ('state', 'group', 'max_restart', 'max_relocate', 'failback', 'comment')


def sid(desired, vmid):
    return f'{desired.kind.ha_type}:{vmid}'


def read_ha(client, desired, row):
    """The guest's HA resource, or None. One request, none where the list of guests says that there is no resource."""
    if row is not None and not row.get('hastate'):
        return None
    try:
        return client.get('cluster', 'ha', 'resources', sid(desired, row['vmid']))
    except FleetError as error:
        if 'no such resource' in error.message:
            return None
        raise


def plan_ha(plan, desired, facts):
    if desired.ha is None:
        return
    current = facts.ha
    if desired.ha.get('state') == 'absent':
        if current is not None:
            plan.add('ha', 'remove from HA', method='delete', settings={})
            plan.differ({'ha': shown(current)}, {})
        return
    wanted = {name: desired.ha[name] for name in SETTINGS if desired.ha.get(name) is not None}
    wanted = wanted if current is not None else {'state': 'started', **wanted}
    changed = {name: value for name, value in wanted.items() if current is None or different(current.get(name), value)}
    if not changed:
        return
    words = ', '.join(f'{name}={value}' for name, value in changed.items())
    if current is None:
        plan.add('ha', f'add to HA ({words})', method='post', settings=wanted)
        plan.differ({}, {'ha': wanted})
    else:
        plan.add('ha', f'set {words} in HA', method='put', settings=changed)
        plan.differ({'ha': {name: current.get(name) for name in changed}}, {'ha': changed})


def check_ha(context, plan):
    """Raise BadRequest for settings of HA that this release does not have; the group must be there."""
    for settings in [step.data['settings'] for step in plan.steps if step.name == 'ha']:
        for problem in tables(context.client.release).check('POST', RESOURCES, settings, complete=False).values():
            raise BadRequest(f'ha: {problem}')
        if settings.get('group'):
            check_group(context, settings['group'])


def shown(current):
    return {name: current[name] for name in SETTINGS if current.get(name) is not None}


def different(current, wanted):
    if isinstance(wanted, bool):
        return str(current) not in (('1', 'True') if wanted else ('0', 'False'))
    if isinstance(wanted, int):
        return str(1 if current is None else current) != str(wanted)
    return ('started' if current == 'enabled' else current) != wanted


def apply_ha(client, desired, vmid, method, settings):
    """Add, change or remove the resource."""
    if method == 'delete':
        client.delete('cluster', 'ha', 'resources', sid(desired, vmid))
    elif method == 'post':
        client.post('cluster', 'ha', 'resources', params={'sid': sid(desired, vmid), **settings})
    else:
        client.put('cluster', 'ha', 'resources', sid(desired, vmid), params=settings)
