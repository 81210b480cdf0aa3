# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API tokens. PVE tells a token's secret once, when it is made."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import StoredCredential

STORE = {
    'name': {'type': 'str', 'required': True},
    'tier': {'type': 'str', 'choices': ['viewer', 'operator', 'admin'], 'default': 'operator'},
}
# The first version that makes a new secret for a token as it stands; others have to delete it, and its roles with it.
REGENERATES = (9, 2)
# Meanwhile a second token keeps roles and attributes: a run that is broken off is finished by the next one.
KEEPER = '.renewal'
MARK = 'pve.fleet keeps the roles of a token that gets a new secret. '
ATTRIBUTES = ('comment', 'expire', 'privsep')
LEFT, LOST = 'left', 'lost'


def full_id(ident):
    return f'{ident["userid"]}!{ident["tokenid"]}'


def keeper_of(ident):
    return {**ident, 'tokenid': ident['tokenid'] + KEEPER}


def read(client, ident):
    """The token. `renewal` tells of a run that was broken off: its keeper is LEFT, or the token is LOST but for that."""
    rows = {row['tokenid']: row for row in tokens_of(client, ident['userid'])}
    token, keeper = rows.get(ident['tokenid']), rows.get(keeper_of(ident)['tokenid'])
    if keeper is None or not (keeper.get('comment') or '').startswith(MARK):
        return token
    if token is not None:
        return {**token, 'renewal': LEFT}
    return {**keeper, 'tokenid': ident['tokenid'], 'comment': keeper['comment'].removeprefix(MARK), 'renewal': LOST}


def tokens_of(client, userid):
    """The tokens of a user, none where there is no such user: then PVE forbids the question to everyone but root."""
    try:
        return get_or_none(client, 'access', 'users', userid, 'token') or []
    except Forbidden:
        if is_user(client, userid):
            raise
        return []


def is_user(client, userid):
    return any(row['userid'] == userid for row in client.get('access', 'users'))


def wanted(case, context):
    """No keeper shall be left. How a new secret is made goes along as `secret`: by regenerating, or with these roles."""
    if case.state == 'absent' or case.current is None:
        return case.wanted
    if case.params.get('store') and not case.renews:
        warn_unless_stored(case, context)
    found = {**case.wanted, 'renewal': ''}
    if case.renews or case.current.get('renewal'):
        ids = (full_id(case.ident), full_id(keeper_of(case.ident)))
        rows = [row for row in context.client.get('access', 'acl') if row['ugid'] in ids]
        roles = {(row['path'], row['roleid'], bool(int(row.get('propagate', 1)))) for row in rows}
        found['secret'] = {'regenerates': regenerates(context.client), 'roles': sorted(roles)}
    return found


def warn_unless_stored(case, context):
    """A run that was broken off may have made the token and not kept its secret."""
    place = case.params['store']
    record = registered(context, place['name'])
    held = context.registry.credentials(record.id) if record else []
    if not any(one.tier == place['tier'] and one.identity == full_id(case.ident) for one in held):
        context.warn(f'{case.title} is not the login of tier {place["tier"]} of cluster {place["name"]}, and its secret is not told again. '
                     'Run once with update_secret: always to store a new one.')


def regenerates(client):
    return tuple(int(number) for number in re.findall(r'\d+', client.version()['version'])[:2]) >= REGENERATES


def changes(case, differing):
    """Make, update, or make anew without losing roles: whatever of these steps was done before can be done again."""
    if case.current is None:
        return usual_changes(case, differing)
    left, how = case.current.get('renewal'), case.wanted.get('secret')
    named = [name for name in differing if name in ATTRIBUTES]
    anew = left == LOST or ('secret' in differing and not how['regenerates'])
    if anew:
        steps = [*([] if left == LOST else kept(case, left, how['roles'])), made(case)]
    elif 'secret' in differing:
        params = {**{name: case.wanted[name] for name in named}, 'regenerate': True}
        steps = [Change(f'make a new secret for {case.title}', 'PUT', case.kind.path(case.kind.item, case.ident), params)]
    else:
        steps = usual_changes(case, named) if named else []
    if anew or left:
        steps += [*given(case, case.ident, how['roles']), gone(case, keeper_of(case.ident))]
    return steps


def kept(case, left, roles):
    """The keeper, with all roles, before the token goes."""
    keeper = keeper_of(case.ident)
    params = {**{name: case.current[name] for name in ATTRIBUTES if name in case.current}, 'comment': MARK + case.current.get('comment', '')}
    path = case.kind.path(case.kind.item, keeper)
    make = [] if left else [Change(f'keep the roles of {case.title} in {case.kind.describe(keeper)}', 'POST', path, params)]
    return [*make, *given(case, keeper, roles), gone(case, case.ident)]


def made(case):
    params = {name: case.wanted.get(name, case.current.get(name)) for name in ATTRIBUTES}
    return Change(f'create {case.title} with a new secret', 'POST', case.kind.path(case.kind.item, case.ident), params)


def given(case, ident, roles):
    return [
        Change(f'give {case.kind.describe(ident)} the role {role} on {path}', 'PUT', ('access', 'acl'),
               {'path': path, 'roles': role, 'tokens': full_id(ident), 'propagate': propagate})
        for path, role, propagate in roles
    ]  # fmt: skip


def gone(case, ident):
    return Change(f'delete {case.kind.describe(ident)}', 'DELETE', case.kind.path(case.kind.item, ident))


def deletion(case):
    left = case.current.get('renewal')
    return [gone(case, ident) for ident, there in ((case.ident, left != LOST), (keeper_of(case.ident), bool(left))) if there]


def check(case, context):
    """A token needs its user, one that shall be kept a registered cluster, and a login does not take itself away."""
    if case.state == 'present' and case.current is None and not is_user(context.client, case.ident['userid']):
        context.missing(NotFound(f'Cannot create {case.title}: there is no user {case.ident["userid"]}. Make it with pve_user first.'))
    own = context.client.connection.credential.token_id == full_id(case.ident)
    if own and case.current is not None and (case.renews or case.state == 'absent'):
        raise BadRequest(f'{case.title} is what this task is logged in with, and would lock it out. Use another login for that.')
    if case.params.get('store'):
        check_store(case, context)


def check_store(case, context):
    if case.state == 'absent':
        raise BadRequest('store goes with state: present. A registered cluster keeps the token until it is given another.')
    registered(context, case.params['store']['name'])


def registered(context, name):
    """The record of a cluster, None for one that check mode expects of an earlier task."""
    try:
        return context.registry.cluster(name)
    except NotFound as error:
        context.missing(error)
        return None


def finish(context, case, answers):
    """The secret, once: to the user, or into the registry."""
    if case.state == 'absent' or not (case.current is None or case.renews or case.current.get('renewal') == LOST):
        return {}
    told = [answer for answer in answers if isinstance(answer, dict) and answer.get('full-tokenid') == full_id(case.ident)]
    secret = next((answer['value'] for answer in told if answer.get('value')), None)
    if secret is None:
        raise Conflict(
            f'{case.title} was made, but the answer with its secret was lost. Run again with update_secret: always.'
        )
    if not context.params.get('store'):
        return {'token_id': full_id(case.ident), 'token_secret': secret}
    context.secret(secret)
    store(context.registry, context.params['store'], full_id(case.ident), secret)
    context.did(f'store {case.title} in the registry for cluster {context.params["store"]["name"]}')
    return {'token_id': full_id(case.ident)}


def store(registry, place, token_id, secret):
    """Keep the token as the login of a tier of a registered cluster, in place of what that tier had."""
    record = registry.cluster(place['name'])
    new = StoredCredential(tier=place['tier'], kind='token', identity=token_id, secret=secret)
    registry.save_cluster(record, [new], expected_version=record.revision)


def listed(client, named):
    """The tokens of one user, or of all."""
    if named.get('userid'):
        rows = client.get('access', 'users', named['userid'], 'token')
        return [{'userid': named['userid'], **row} for row in rows]
    users = client.get('access', 'users', params={'full': True})
    return [{'userid': user['userid'], **token} for user in users for token in user.get('tokens') or []]


TOKEN = Kind(
    name='token',
    plural='tokens',
    identity=('userid', 'tokenid'),
    collection='access/users/{userid}/token/{tokenid}',
    item='access/users/{userid}/token/{tokenid}',
    fields=(
        Field('userid', required=True),
        Field('tokenid', required=True),
        Field('comment', default=''),
        Field('expire', 'int', default=0),
        Field('privsep', 'bool', default=True),
        Field('secret', secret=True, given=False),
        Field('renewal', hidden=True, given=False),
    ),
    options={'store': {'type': 'dict', 'options': STORE}},
    read=read,
    wanted=wanted,
    changes=changes,
    deletion=deletion,
    check=check,
    finish=finish,
    listed=listed,
)
