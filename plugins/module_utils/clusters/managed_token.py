# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User, role and token that the registry makes for itself on a cluster, and takes away again."""

from __future__ import annotations

import hashlib
import socket

from ansible_collections.pve.fleet.plugins.module_utils.api import errors
from ansible_collections.pve.fleet.plugins.module_utils.clusters import tiers
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import StoredCredential

COMMENT = 'Made by pve.fleet for its cluster registry'


def token_name(location, cluster):
    """The token's name: the same at each run, and another for each registry, so that two do not take each other's away.

    location: registry.location.Location; cluster: the name in the registry.
    """
    place = f'{socket.gethostname()}:{location.path}' if location.path else location.where
    return 'registry-' + hashlib.sha256(f'{place} {cluster}'.encode()).hexdigest()[:8]


def make(client, wanted_tiers, name):
    """Make role, user, right and token for each tier -> (credentials, managed).

    client: logged in as an administrator; name: the tokens' name. managed: {'tokens': {tier: token id}}. What exists already is used.
    Raises Forbidden when the login may not do this.
    """
    known = client.get('access', 'roles', 'Administrator')
    roles = {role['roleid']: role.get('privs') or '' for role in client.get('access', 'roles')}
    users = {user['userid'] for user in client.get('access', 'users')}
    credentials = [make_tier(client, tier, name, known, roles, users) for tier in wanted_tiers]
    return credentials, {'tokens': {one.tier: one.identity for one in credentials}}


def make_tier(client, tier, name, known, roles, users):
    """Role, user, right and token of one tier -> StoredCredential.

    The user's token may remove itself later: PVE lets it only through User.Modify on a group that the user is in.
    """
    role, user, group = tiers.role_id(tier), tiers.user_id(tier), tiers.group_id(tier)
    make_role(client, roles, role, tiers.privileges(tier, known))
    make_role(client, roles, tiers.SELF_ROLE, tiers.SELF_PRIVILEGES)
    if group not in {one['groupid'] for one in client.get('access', 'groups')}:
        client.post('access', 'groups', params={'groupid': group, 'comment': COMMENT})
    if user not in users:
        client.post('access', 'users', params={'userid': user, 'groups': group, 'comment': COMMENT})
    else:
        client.put('access', 'users', user, params={'groups': group, 'append': True})
    client.put('access', 'acl', params={'path': '/', 'roles': role, 'users': user})
    client.put('access', 'acl', params={'path': f'/access/groups/{group}', 'roles': tiers.SELF_ROLE, 'users': user})
    if user in users and name in token_names(client, user):
        client.delete('access', 'users', user, 'token', name)
    made = client.post('access', 'users', user, 'token', name, params={'privsep': False, 'comment': COMMENT})
    return StoredCredential(tier, 'token', made['full-tokenid'], made['value'])


def make_role(client, roles, role, privileges):
    """Make a role, or bring it to these privileges."""
    text = ','.join(privileges)
    if role not in roles:
        client.post('access', 'roles', params={'roleid': role, 'privs': text})
        roles[role] = text
    elif sorted(roles[role].split(',')) != sorted(privileges):
        client.put('access', 'roles', role, params={'privs': text})


def outdated_roles(client, wanted_tiers):
    """{role: (its privileges, those that it should have)} where these differ, as they do after an upgrade to another release.

    client: logged in as an administrator. A role that is not there is no role of ours to be changed.
    """
    known = client.get('access', 'roles', 'Administrator')
    held = {role['roleid']: sorted(filter(None, (role.get('privs') or '').split(','))) for role in client.get('access', 'roles')}
    wanted = {tiers.role_id(tier): tiers.privileges(tier, known) for tier in wanted_tiers}
    return {role: (held[role], privileges) for role, privileges in wanted.items() if role in held and held[role] != privileges}


def update_roles(client, roles):
    """Give roles what outdated_roles() found that they should have."""
    for role, (_held, privileges) in roles.items():
        client.put('access', 'roles', role, params={'privs': ','.join(privileges)})


def role_words(role, held, privileges):
    """What changes in a role, for a person."""
    given, taken = sorted(set(privileges) - set(held)), sorted(set(held) - set(privileges))
    parts = [f'give it {", ".join(given)}'] if given else []
    parts += [f'take {", ".join(taken)} from it'] if taken else []
    return f'bring role {role} up to date: {" and ".join(parts)}'


def token_names(client, user):
    return {token['tokenid'] for token in client.get('access', 'users', user, 'token')}


def planned(wanted_tiers, name):
    """The credentials that make() would give, without secrets: for check mode."""
    return [StoredCredential(tier, 'token', f'{tiers.user_id(tier)}!{name}') for tier in wanted_tiers]


def remove_own(client, token):
    """Let a token remove itself. client: logged in with it. Its user stays, without any way to log in."""
    user, name = token.split('!', 1)
    try:
        client.delete('access', 'users', user, 'token', name)
    except (errors.NotFound, errors.Unauthorized):
        return


def remove_all(client, managed):
    """Take the tokens away, and each user, group and role that nothing else uses any more. client: an administrator's."""
    users = {one['userid'] for one in client.get('access', 'users')}
    for tier, token in managed['tokens'].items():
        user, name = token.split('!', 1)
        if user not in users:
            continue
        names = token_names(client, user)
        if name in names:
            client.delete('access', 'users', user, 'token', name)
        if names <= {name}:
            client.delete('access', 'users', user)
            remove_group(client, tiers.group_id(tier))
    used = {entry['roleid'] for entry in client.get('access', 'acl')}
    known = {role['roleid'] for role in client.get('access', 'roles')}
    for role in {*(tiers.role_id(tier) for tier in managed['tokens']), tiers.SELF_ROLE} & known - used:
        client.delete('access', 'roles', role)


def remove_group(client, group):
    """Remove a group of ours, unless somebody else was put into it."""
    found = next((one for one in client.get('access', 'groups') if one['groupid'] == group), None)
    if found and not client.get('access', 'groups', group).get('members'):
        client.delete('access', 'groups', group)
