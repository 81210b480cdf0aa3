# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: what is there, and the steps to what is wanted. Pure."""

from __future__ import annotations

import fnmatch
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.steps import Plan
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

NAME = re.compile(r'[A-Za-z][\w-]{1,39}', re.ASCII)
RESERVED = frozenset({'current', 'pending', 'vzdump'})


def read_list(entries):
    """GET .../snapshot -> (snapshots, the oldest first; the one that the guest goes on from, or None)."""
    listed = {entry['name']: entry for entry in entries if entry['name'] != 'current'}
    current = next((entry for entry in entries if entry['name'] == 'current'), {})
    in_order = sorted(listed.values(), key=lambda entry: (int(entry.get('snaptime') or 0), depth(listed, entry)))
    return [shown(entry) for entry in in_order], current.get('parent')


def depth(listed, entry):
    """How many snapshots a snapshot stands on."""
    steps, seen = 0, set()
    while entry and entry['name'] not in seen:
        seen.add(entry['name'])
        entry, steps = listed.get(entry.get('parent')), steps + 1
    return steps


def shown(entry):
    """A snapshot as users see it; `unfinished` only where it was broken off."""
    found = {
        'name': entry['name'],
        'description': str(entry.get('description') or '').rstrip('\n'),
        'snaptime': int(entry.get('snaptime') or 0),
        'vmstate': str(entry.get('vmstate') or 0) == '1',
        'parent': entry.get('parent'),
    }
    return {**found, 'unfinished': entry['snapstate']} if entry.get('snapstate') else found


def check_options(params, row):
    """Raise BadRequest for what cannot be asked of this guest."""
    name, state = params.get('snapshot'), params['state']
    if name is None and (state != 'present' or params.get('keep') is None):
        raise BadRequest(f'snapshot is missing: name the snapshot that shall be {state}, or give keep to thin out those there are.')
    if name is not None and (not NAME.fullmatch(name) or name.lower() in RESERVED):
        raise BadRequest(
            f'{name!r} is not a name for a snapshot: a letter, then letters, digits, _ and -, 2 to 40 in all; '
            f'{joined(sorted(RESERVED), "and")} are reserved.'
        )
    if params.get('keep') is not None and (params['keep'] < 0 or state != 'present'):
        raise BadRequest('keep is the number of snapshots to keep, 0 or more, and goes with state: present.')
    if params['vmstate'] and row['type'] != 'qemu':
        raise BadRequest('vmstate: the memory of a container cannot be saved. Leave vmstate out.')
    if str(row.get('template') or 0) == '1' and state == 'rollback':
        raise BadRequest('a template cannot be rolled back.')


def plan_snapshots(params, snapshots, parent, row):
    """The Plan for one guest. snapshots, parent: of read_list; row: its entry in the list of the cluster."""
    plan = Plan()
    PLANS[params['state']](plan, params, {one['name']: one for one in snapshots}, parent, row)
    if params.get('keep') is not None:
        thin_out(plan, params, snapshots)
    return plan


def present(plan, params, snapshots, parent, row):
    name, text = params.get('snapshot'), params.get('description')
    if name is None:
        return
    found = snapshots.get(name)
    if found is None:
        take(plan, params, row)
    elif found.get('unfinished'):
        raise Conflict(
            f"snapshot {name} was broken off ({found['unfinished']}). Remove it (state: absent, force: true), then take it again.",
            details={'snapshot': name},
        )
    elif text is not None and text.rstrip('\n') != found['description']:
        plan.add('describe', f'set description of snapshot {name}', snapshot=name, text=text)
        plan.differ(entry(name, {'description': found['description']}), entry(name, {'description': text.rstrip('\n')}))


def take(plan, params, row):
    name = params['snapshot']
    if str(row.get('template') or 0) == '1':
        raise BadRequest('a template cannot have snapshots. Take one of a guest that was cloned from it.')
    memory = params['vmstate'] and row.get('status') == 'running'
    plan.add('take', f'take snapshot {name}{" with memory" if memory else ""}', snapshot=name,
             text=params.get('description'), vmstate=params['vmstate'])  # fmt: skip
    text = (params.get('description') or '').rstrip('\n')
    plan.differ({'snapshots': {}}, entry(name, {'description': text, 'vmstate': memory}))


def absent(plan, params, snapshots, parent, row):
    if params['snapshot'] in snapshots:
        remove(plan, snapshots[params['snapshot']], params['force'])


def remove(plan, snapshot, force):
    facts = {key: snapshot[key] for key in ('description', 'vmstate')}
    plan.add('remove', f'remove snapshot {snapshot["name"]}', snapshot=snapshot['name'], force=force)
    plan.differ(entry(snapshot['name'], facts), {'snapshots': {}})


def rollback(plan, params, snapshots, parent, row):
    name = params['snapshot']
    found = snapshots.get(name)
    if found is None:
        hint = suggestion(name, snapshots) or (f'There are {joined(snapshots, "and")}.' if snapshots else 'It has none.')
        raise NotFound(f'there is no snapshot {name} to roll back to. {hint}', details={'snapshot': name})
    if found.get('unfinished'):
        raise Conflict(f'snapshot {name} was broken off ({found["unfinished"]}) and cannot be rolled back to. Remove it.')
    plan.add('rollback', f'roll back to snapshot {name}', snapshot=name, start=params['start'])
    power = 'running' if found['vmstate'] or params['start'] else 'stopped'
    plan.differ({'parent': parent, 'status': row.get('status')}, {'parent': name, 'status': power})


PLANS = {'present': present, 'absent': absent, 'rollback': rollback}


def thin_out(plan, params, snapshots):
    """Remove the oldest beyond the newest `keep` of those that fit keep_pattern; the one that is asked for always stays."""
    name = params.get('snapshot')
    fitting = [one for one in snapshots if fnmatch.fnmatchcase(one['name'], params['keep_pattern']) and one['name'] != name]
    room = params['keep']
    if name is not None and fnmatch.fnmatchcase(name, params['keep_pattern']):
        room = max(0, room - 1)
    for one in fitting[: max(0, len(fitting) - room)]:
        remove(plan, one, params['force'])


def entry(name, facts):
    return {'snapshots': {name: facts}}
