# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools: guests and storages that are handled together."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.members import (
    combined,
    guest_row,
    membership,
    with_vmid,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import suggestion

SHOWN = ('id', 'type', 'vmid', 'name', 'node', 'storage')


def read(client, ident):
    """Nested pools can be asked for by query only, which 7.4 does not know."""
    if client.release == '7.4':
        return with_members(get_or_none(client, 'pools', ident['poolid']))
    rows = get_or_none(client, 'pools', params=ident)
    return with_members(rows[0]) if rows else None


def with_members(pool):
    """A pool in its options' terms. Members' figures are left out: they are never the same twice."""
    if pool is None:
        return None
    members = pool.get('members') or []
    return {
        'comment': pool.get('comment', ''),
        'vms': [str(row['vmid']) for row in members if 'vmid' in row],
        'storages': sorted({row['storage'] for row in members if row.get('type') == 'storage'}),
        'members': [{name: row[name] for name in SHOWN if name in row} for row in members],
    }


def listed(client, _named):
    return client.get('pools')


def wanted(case, context):
    """Names become vmids; by membership, what is named is added, taken away, or all that there is."""
    if case.state == 'absent':
        return {}
    current = case.current or {'vms': [], 'storages': [], 'members': []}
    given = {name: [str(item) for item in case.wanted[name]] for name in ('vms', 'storages') if name in case.wanted}
    names = {row['name']: str(row['vmid']) for row in current['members'] if row.get('name') and 'vmid' in row}
    given = {name: [names.get(item, item) for item in items] for name, items in given.items()}
    unknown = [item for name, items in given.items() for item in items if item not in current[name]]
    if unknown and case.params['membership'] != 'absent':
        given = looked_up(case, given, context)
    return {**case.wanted, **{name: combined(current[name], items, case.params['membership']) for name, items in given.items()}}


def looked_up(case, given, context):
    """The members as vmids and storage names, each known to the cluster: PVE itself would take any id."""
    rows = context.client.get('cluster', 'resources')
    guests = [row for row in rows if row.get('type') in ('qemu', 'lxc')]
    found = dict(given)
    if 'vms' in given:
        found['vms'] = [vmid_of(case, item, guests, context) for item in given['vms']]
    stores = {row['storage'] for row in rows if row.get('type') == 'storage'}
    for name in given.get('storages', []):
        if name not in stores:
            context.missing(NotFound(f'Cannot put storage {name} into {case.title}: there is no such storage. {suggestion(name, sorted(stores))}'.strip()))
    return found


def vmid_of(case, item, guests, context):
    """The vmid of a guest given by vmid or name. Raises what guest_row raises, and Conflict for one of another pool."""
    row = guest_row(item, guests, case.title, context)
    other = row and row.get('pool')
    if other not in (None, '', case.ident['poolid']) and not case.params['allow_move']:
        raise Conflict(f'Guest {item} is in pool {other}. Set allow_move: true to move it to {case.title}.')
    return str(row['vmid']) if row else item


def changes(case, differing):
    """The pool itself, then who comes, then who goes."""
    current = case.current or {'vms': [], 'storages': []}
    steps = []
    if case.current is None:
        params = {'poolid': case.ident['poolid'], 'comment': case.wanted.get('comment') or None}
        steps.append(Change(f'create {case.title}', 'POST', ('pools',), params))
    elif 'comment' in differing:
        steps.append(update(case, f'update {case.title}: comment', {'comment': case.wanted['comment']}))
    target = {name: set(case.wanted.get(name, current[name])) for name in ('vms', 'storages')}
    come = {name: sorted(target[name] - set(current[name])) for name in target}
    go = {name: sorted(set(current[name]) - target[name]) for name in target}
    if any(come.values()):
        steps.append(update(case, f'add {listing(come)} to {case.title}', {**wire(come), 'allow-move': case.params['allow_move'] or None}))
    if any(go.values()):
        steps.append(update(case, f'take {listing(go)} out of {case.title}', {**wire(go), 'delete': True}))
    return steps


def wire(named):
    return {'vms': with_vmid(named['vms']), 'storage': named['storages'] or None}


def listing(named):
    return ', '.join([*(f'guest {vmid}' for vmid in named['vms']), *(f'storage {name}' for name in named['storages'])])


def update(case, words, params):
    if case.release == '7.4':
        return Change(words, 'PUT', ('pools', case.ident['poolid']), params)
    return Change(words, 'PUT', ('pools',), {**case.ident, **params})


def deletion(case):
    if case.release == '7.4':
        return [Change(f'delete {case.title}', 'DELETE', ('pools', case.ident['poolid']))]
    return [Change(f'delete {case.title}', 'DELETE', ('pools',), dict(case.ident))]


def check(case, context):
    """PVE deletes empty pools only; said before check mode promises what would fail."""
    if case.state != 'absent':
        return
    inside = [f'guest {vmid}' for vmid in case.current['vms']] + [f'storage {name}' for name in case.current['storages']]
    inside += [f'pool {row["poolid"]}' for row in context.client.get('pools') if row['poolid'].startswith(case.ident['poolid'] + '/')]
    if inside:
        raise Conflict(f'{case.title} is not deleted: it contains {", ".join(inside)}. Take them out first (membership: exact with empty lists).')


POOL = Kind(
    name='pool',
    plural='pools',
    identity=('poolid',),
    collection='pools',
    item='pools/{poolid}',
    fields=(
        Field('poolid', required=True),
        Field('comment', default=''),
        Field('vms', 'list', elements='str'),
        Field('storages', 'list', elements='str'),
    ),
    options={
        **membership('present'),
        'allow_move': {'type': 'bool', 'default': False},
    },
    read=read,
    listed=listed,
    wanted=wanted,
    changes=changes,
    deletion=deletion,
    check=check,
)
