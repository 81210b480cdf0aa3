# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access control list: who has which role on a path."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind

ENTRY = {
    'type': {'type': 'str', 'choices': ['user', 'group', 'token'], 'default': 'user'},
    'ugid': {'type': 'str', 'required': True},
    'roleid': {'type': 'str', 'required': True},
    'propagate': {'type': 'bool', 'default': True},
}


def identify(params):
    path = params.get('path')
    if path and not path.startswith('/'):
        raise BadRequest(f'path: {path!r} does not begin with a slash. Paths are such as /, /vms/100 or /pool/shop.')
    return {'path': re.sub('/+', '/', path).rstrip('/') or '/'} if path else {}


def canonical(row):
    return {'type': row['type'], 'ugid': row['ugid'], 'roleid': row['roleid'], 'propagate': bool(int(row.get('propagate', 1)))}


def key(entry):
    return entry['type'], entry['ugid'], entry['roleid']


def listed(client, _named):
    """One object per path."""
    rows = client.get('access', 'acl')
    paths = sorted({row['path'] for row in rows})
    return [{'path': path, 'entries': entries(rows, path)} for path in paths]


def entries(rows, path):
    return sorted((canonical(row) for row in rows if row['path'] == path), key=key)


def read(client, ident):
    return {'entries': entries(client.get('access', 'acl'), ident['path'])}


def named(params):
    """The entries of a task: the one of its options and those in its list."""
    single = [params.get(name) for name in ('ugid', 'roleid')]
    if any(single) and not all(single):
        raise BadRequest('ugid and roleid go together: who gets which role. Give both, or use entries.')
    one = {name: params.get(name) for name in ENTRY}
    one.update(type=one['type'] or 'user', propagate=one['propagate'] is not False)
    found = ([one] if all(single) else []) + (params.get('entries') or [])
    if not found and not params['exclusive']:
        raise BadRequest('No entry is given. Give ugid and roleid, or entries, or exclusive for the whole path.')
    return {key(entry): canonical(entry) for entry in found}


def wanted(case, _context):
    """All entries that the path shall have afterwards."""
    given = named(case.params)
    held = {key(entry): entry for entry in case.current['entries']}
    if case.state == 'absent':
        left = {} if case.params['exclusive'] and not given else {one: held[one] for one in held if one not in given}
    else:
        left = given if case.params['exclusive'] else {**held, **given}
    return {'entries': [left[one] for one in sorted(left)]}


def differences(case):
    """(entries to set, entries to take away)."""
    held = {key(entry): entry for entry in case.current['entries']}
    target = {key(entry): entry for entry in case.wanted['entries']}
    return [target[one] for one in target if held.get(one) != target[one]], [held[one] for one in held if one not in target]


def changes(case, _differing):
    given, taken = differences(case)
    return [step(case, entry, 'give', {'propagate': entry['propagate']}) for entry in given] + [
        step(case, entry, 'take', {'delete': True}) for entry in taken
    ]


def step(case, entry, verb, more):
    path = case.ident['path']
    words = f'{verb} {entry["type"]} {entry["ugid"]} the role {entry["roleid"]} on {path}'
    if verb == 'take':
        words = f'take the role {entry["roleid"]} on {path} from {entry["type"]} {entry["ugid"]}'
    params = {'path': path, 'roles': entry['roleid'], f'{entry["type"]}s': entry['ugid'], **more}
    return Change(words, 'PUT', ('access', 'acl'), params)


def check(case, context):
    """Roles and subjects that do not exist are told before anything is sent."""
    given, _taken = differences(case)
    if not given:
        return
    roles = {row['roleid'] for row in context.client.get('access', 'roles')}
    users = context.client.get('access', 'users', params={'full': True})
    known = {
        'user': {row['userid'] for row in users},
        'token': {f'{row["userid"]}!{one["tokenid"]}' for row in users for one in row.get('tokens') or []},
        'group': {row['groupid'] for row in context.client.get('access', 'groups')} if any(one['type'] == 'group' for one in given) else (),
    }
    for entry in given:
        if entry['roleid'] not in roles:
            context.missing(NotFound(f'There is no role {entry["roleid"]} to give on {case.ident["path"]}. Make it with pve_role first.'))
        if entry['ugid'] not in known[entry['type']]:
            context.missing(NotFound(f'There is no {entry["type"]} {entry["ugid"]} to give {entry["roleid"]} on {case.ident["path"]}.'))


ACL = Kind(
    name='acl',
    plural='acls',
    label='access to',
    identity=('path',),
    collection='access/acl',
    item='access/acl',
    singleton=True,
    fields=(Field('path', required=True), Field('entries', 'list', elements='dict', options=ENTRY)),
    options={
        **{name: {**option, 'required': False, 'default': None} for name, option in ENTRY.items()},
        'exclusive': {'type': 'bool', 'default': False},
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    },
    identify=identify,
    read=read,
    listed=listed,
    wanted=wanted,
    changes=changes,
    check=check,
)
