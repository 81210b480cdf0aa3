# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind


def wanted(case, _context):
    """With append, the groups that the user has are kept."""
    if case.params['append'] and case.wanted.get('groups') and case.current:
        return {**case.wanted, 'groups': sorted({*case.wanted['groups'], *case.current.get('groups', [])})}
    return case.wanted


def changes(case, differing):
    """The profile, with only the missing groups where nothing is taken away; the password has a path of its own."""
    if case.current is None:
        return usual_changes(case, differing)
    profile = [name for name in differing if name != 'password']
    steps = usual_changes(case, profile) if profile else []
    if 'groups' in profile and case.params['append']:
        missing = set(case.wanted['groups']) - set(case.current.get('groups', []))
        params = {**steps[0].params, 'groups': sorted(missing), 'append': True}
        steps = [dataclasses.replace(steps[0], params=params)]
    if 'password' in differing:
        params = {'userid': case.ident['userid'], 'password': case.wanted['password']}
        steps.append(Change(f'set the password of {case.title}', 'PUT', ('access', 'password'), params))
    return steps


def check(case, context):
    """What PVE would accept and should not: deleting root, a user in a realm that does not exist. Groups must be there."""
    userid = case.ident['userid']
    if case.state == 'absent' and userid == 'root@pam':
        raise BadRequest('root@pam cannot be deleted: PVE would only delete its tokens. Name another user.')
    if case.state == 'present' and case.current is None:
        realms = sorted(row['realm'] for row in context.client.get('access', 'domains'))
        if userid.rpartition('@')[2] not in realms:
            context.missing(NotFound(f'Cannot create {case.title}: there is no such realm. The realms are {", ".join(realms)}.'))
    added = set(case.wanted.get('groups') or []) - set((case.current or {}).get('groups', []))
    lost = sorted(added - {row['groupid'] for row in context.client.get('access', 'groups')}) if added else []
    if lost:
        context.missing(NotFound(f'Cannot put {case.title} into {", ".join(lost)}: there is no such group. Make it with pve_group first.'))


def listed(client, _named):
    return client.get('access', 'users', params={'full': True})


USER = Kind(
    name='user',
    plural='users',
    identity=('userid',),
    collection='access/users',
    item='access/users/{userid}',
    fields=(
        Field('userid', required=True),
        Field('comment', default=''),
        Field('email', default=''),
        Field('enable', 'bool', default=True),
        Field('expire', 'int', default=0),
        Field('firstname', default=''),
        Field('lastname', default=''),
        Field('groups', 'list', elements='str', default=()),
        Field('keys', hidden=True, default=''),
        Field('password', secret=True),
    ),
    options={'append': {'type': 'bool', 'default': False}},
    wanted=wanted,
    changes=changes,
    check=check,
    listed=listed,
)
