# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API tokens. PVE tells a token's secret once, when it is made."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind, get_or_none, usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import StoredCredential

STORE = {
    'name': {'type': 'str', 'required': True},
    'tier': {'type': 'str', 'choices': ['viewer', 'operator', 'admin'], 'default': 'operator'},
}


def full_id(ident):
    return f'{ident["userid"]}!{ident["tokenid"]}'


def wanted(case, client):
    """A new secret is asked for by update_secret; what the token may do has to be given to its successor."""
    if case.state == 'absent' or case.params['update_secret'] != 'always':
        return case.wanted
    held = client.get('access', 'acl') if case.current else []
    return {**case.wanted, 'secret': [row for row in held if row['ugid'] == full_id(case.ident)]}


def changes(case, differing):
    """Make or update; a new secret means to make the token anew and give it back its roles."""
    segments = case.kind.path(case.kind.item, case.ident)
    values = {name: value for name, value in case.wanted.items() if name != 'secret'}
    if case.current is None:
        return [Change(f'create {case.title}', 'POST', segments, values)]
    if 'secret' not in differing:
        return usual_changes(case, differing)
    kept = {name: case.current[name] for name in ('comment', 'expire', 'privsep') if name in case.current}
    return [
        Change(f'delete {case.title} to make it anew', 'DELETE', segments),
        Change(f'create {case.title} with a new secret', 'POST', segments, {**kept, **values}),
        *(Change(f'give {case.title} back the role {row["roleid"]} on {row["path"]}', 'PUT', ('access', 'acl'),
                 {'path': row['path'], 'roles': row['roleid'], 'tokens': full_id(case.ident), 'propagate': bool(int(row.get('propagate', 1)))})
          for row in case.wanted['secret']),
    ]  # fmt: skip


def check(case, context):
    """A token needs its user; one that shall be kept needs a registered cluster."""
    if case.state == 'present' and case.current is None and get_or_none(context.client, 'access', 'users', case.ident['userid']) is None:
        raise NotFound(f'Cannot create {case.title}: there is no user {case.ident["userid"]}. Make it with pve_user first.')
    if case.params.get('store') and case.state == 'absent':
        raise BadRequest('store goes with state: present. A registered cluster keeps the token until it is given another.')
    if case.params.get('store'):
        context.registry.cluster(case.params['store']['name'])


def finish(context, case, answers):
    """The secret, once: to the user, or into the registry."""
    secret = next((answer['value'] for answer in answers if isinstance(answer, dict) and answer.get('value')), None)
    made = case.state == 'present' and (case.current is None or case.params['update_secret'] == 'always')
    if not made:
        return {}
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
    ),
    options={'store': {'type': 'dict', 'options': STORE}},
    wanted=wanted,
    changes=changes,
    check=check,
    finish=finish,
    listed=listed,
)
