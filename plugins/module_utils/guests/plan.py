# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From (what is, what is wanted, facts) to a Plan. Pure: the same plan serves check mode and the real run."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.guests import ha, power
from ansible_collections.pve.fleet.plugins.module_utils.guests.configuration import plan_configuration
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST, schemas
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import label
from ansible_collections.pve.fleet.plugins.module_utils.guests.origin import plan_origin
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import State
from ansible_collections.pve.fleet.plugins.module_utils.guests.steps import Plan
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish, differs
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined


@dataclasses.dataclass
class Facts:
    """What a plan needs to know besides the guest itself.

    release: whose tables serve. root: whether root@pam itself asks. vmid, node: of a guest to be made.
    source: the State of what is cloned or restored. shared: storages that all nodes share. ha: the guest's HA resource,
    or None. linked: volumes of linked clones of a template that is to go.
    """

    release: str = NEWEST
    root: bool = True
    vmid: int | None = None
    node: str | None = None
    source: State | None = None
    shared: frozenset = frozenset()
    ha: dict | None = None
    linked: tuple = ()


def plan_guest(desired, state, facts):
    """Desired, State (None: no such guest), Facts -> Plan. Raises FleetError for what cannot be done."""
    plan = Plan()
    if desired.state == 'absent':
        if state is not None:
            plan_absent(plan, desired, state, facts)
        return plan
    created = state is None
    if created:
        state = plan_origin(plan, desired, facts)
        refuse_template_power(desired, state)
    else:
        refuse_template_power(desired, state)
        plan_migration(plan, desired, state)
    now = power.plan_down(plan, desired, state)
    plan_configuration(plan, desired, dataclasses.replace(state, power=now), facts, created)
    plan_pool(plan, desired, state, created)
    ha.plan_ha(plan, desired, facts)
    refuse_paths_in_template(desired, state)
    refuse_waiting(desired, state)
    power.plan_up(plan, desired, state, now)
    if created:
        plan.before = {'state': 'absent'}
    return plan


def refuse_template_power(desired, state):
    if state.template and desired.state not in ('present', 'template', 'stopped'):
        raise BadRequest(
            f'{state.name} ({state.vmid}) is a template, which cannot be {desired.state}. '
            'Clone it, and declare the state of the clone.'
        )


def refuse_paths_in_template(desired, state):
    """A container with paths or devices of the host as mount points cannot become a template."""
    if desired.state != 'template' or state.template or not desired.kind.root_disk:
        return
    left = {key: str(value).removeprefix('volume=') for key, value in state.config.items() if desired.kind.is_disk(key) and key not in desired.remove}
    left.update({key: wish.volume or left.get(key, '') if wish.state == 'present' else '' for key, wish in desired.disks.items()})
    paths = sorted(key for key, volume in left.items() if volume.startswith('/'))
    if paths:
        raise BadRequest(
            f'{joined(paths, "and")}: a template cannot have paths of its node as mount points. Remove them (remove), and declare them on its clones.',
            details={'mount_points': paths},
        )


def refuse_waiting(desired, state):
    """Raise BadRequest for an address that is waited for which only a guest agent could tell, where there is none."""
    agent = find_parameter(schemas(desired.kind.name), 'agent')
    if desired.wait_for not in ('agent', 'ip') or not agent or not desired.runs:
        return
    wish = desired.wishes.get('agent', Wish(state.config.get('agent')))
    if not differs('agent', Wish({'enabled': True}, partial=True), wish.value if not wish.partial else str(wish.value.get('enabled', 0)), agent):
        return
    raise BadRequest(
        f'wait_for: {desired.wait_for} needs the guest agent, which is not switched on. Declare agent: true (with qemu-guest-agent '
        'installed in it), or leave wait_for out.'
    )


def plan_absent(plan, desired, state, facts):
    """Removing a guest; refused where it would take something along that somebody wants."""
    who = label({'name': state.name, 'vmid': state.vmid})
    if str(state.config.get('protection', '0')) == '1':
        raise Conflict(
            f'{who} is protected against removal. Set protection: false with a task of its own before removing it.',
            details={'vmid': state.vmid},
        )
    if facts.linked:
        raise Conflict(
            f'{who} is a template with linked clones: {joined(facts.linked, "and")}. Remove those first, '
            'or make them independent by moving their disks.',
            details={'volumes': list(facts.linked)},
        )
    if state.ha_managed and not desired.purge:
        raise Conflict(
            f'{who} is managed by HA. Declare purge: true to remove it there, in backup jobs and in replication as well.'
        )
    if state.running:
        power.add_down(plan, desired, state)
    plan.add('destroy', f'destroy {desired.kind.noun} {who} on {state.node}')
    plan.differ({'state': 'present', 'name': state.name, 'vmid': state.vmid, 'node': state.node}, {'state': 'absent'})


def plan_migration(plan, desired, state):
    if not desired.node or desired.node == state.node:
        return
    how = ' while it runs' if state.running and desired.kind.live_migration else ''
    if state.running and not desired.kind.live_migration:
        how = ' with a restart'
    plan.add('migrate', f'migrate from {state.node} to {desired.node}{how}', target=desired.node, power=state.power)
    plan.differ({'node': state.node}, {'node': desired.node})


def plan_pool(plan, desired, state, created):
    if desired.pool is None or created:
        return
    now = state.row.get('pool') or ''
    if now == desired.pool:
        return
    if desired.pool:
        plan.add('pool', f'put into pool {desired.pool}' + (f' (from {now})' if now else ''), old=now, new=desired.pool)
    else:
        plan.add('pool', f'take out of pool {now}', old=now, new='')
    plan.differ({'pool': now or None}, {'pool': desired.pool or None})
