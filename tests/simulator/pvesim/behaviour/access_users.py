"""Users, their passwords and what they are shown of each other."""

from __future__ import annotations

from ..call import ROOT, ApiError, Call, ParameterError, operation
from ..model.access import Access
from ..model.sections import inside, split_list

TEXTS = ('firstname', 'lastname', 'email', 'comment', 'keys')
SEE = ('User.Modify', 'Sys.Audit')


def realm_of(userid: str) -> str:
    return userid.rpartition('@')[2]


def known_user(access: Access, userid: str) -> dict:
    """The user's entry, else 500."""
    if userid not in access.users:
        raise ApiError(f"no such user ('{userid}')")
    return access.users[userid]


def shown(user: dict) -> dict:
    """What user.cfg keeps of a user: empty texts vanish, save the e-mail address when a later field is set."""
    seen = {'enable': int(user.get('enable', 1)), 'expire': int(user.get('expire', 0))}
    for key in TEXTS:
        if user.get(key):
            seen[key] = user[key]
    if 'comment' in seen or 'keys' in seen:
        seen.setdefault('email', '')
    return seen


def shown_token(token: dict) -> dict:
    """A token as user.cfg keeps it."""
    seen = {'privsep': int(token.get('privsep', 1)), 'expire': int(token.get('expire', 0))}
    if token.get('comment'):
        seen['comment'] = token['comment']
    return seen


def visible_groups(call: Call, *privileges: str) -> set[str]:
    return {group for group in call.cluster.access.groups
            if call.may(f'/access/groups/{group}', privileges, any=True)}


@operation('GET', '/access/users')
def index(call: Call) -> list[dict]:
    access = call.cluster.access
    everyone = call.may('/access/groups', SEE, any=True)
    groups = visible_groups(call, *SEE)
    found = []
    for userid in sorted(access.users):
        user = access.users[userid]
        if not (everyone or userid == call.user or groups & set(user.get('groups', ()))):
            continue
        if 'enabled' in call.params and bool(user.get('enable', 1)) != bool(call.params['enabled']):
            continue
        found.append(listed(access, userid, bool(call.params.get('full'))))
    return found


def listed(access: Access, userid: str, full: bool) -> dict:
    user = access.users[userid]
    entry = {'userid': userid, **shown(user)}
    if realm_of(userid) in access.domains:
        entry['realm-type'] = access.domains[realm_of(userid)]['type']
    if full:
        entry['groups'] = ','.join(sorted(user.get('groups', ())))
        tokens = access.tokens.get(userid)
        entry['tokens'] = [{'tokenid': name, **shown_token(tokens[name])} for name in sorted(tokens)] if tokens else None
    return entry


@operation('POST', '/access/users')
def create(call: Call) -> None:
    params, access = call.params, call.cluster.access
    userid = params['userid']
    with inside('create user failed'):
        if userid in access.users:
            raise ApiError(f"user '{userid}' already exists")
        if 'password' in params:
            set_password(access, userid, params['password'])
        groups = wanted_groups(access, params.get('groups'))
        user = {'enable': int(params.get('enable', True)), 'expire': params.get('expire', 0), 'groups': groups}
        user.update({key: params[key] for key in TEXTS if params.get(key)})
        access.users[userid] = user
        access.touch()


def wanted_groups(access: Access, names: str | None) -> set[str]:
    groups = split_list(names)
    for group in groups:
        if group not in access.groups:
            raise ApiError(f"no such group '{group}'")
    return set(groups)


def set_password(access: Access, userid: str, password: str) -> None:
    """Store the password where the realm keeps passwords; 500 where it does not."""
    realm = realm_of(userid)
    if realm not in access.domains:
        raise ApiError(f"auth domain '{realm}' does not exist")
    kind = access.domains[realm]['type']
    if kind not in ('pam', 'pve'):
        raise ApiError(f"can't set password on auth type '{kind}'")
    access.passwords[userid] = password


@operation('GET', '/access/users/{userid}')
def read(call: Call) -> dict:
    access, userid = call.cluster.access, call.params['userid']
    user = known_user(access, userid)
    tokens = access.tokens.get(userid)
    return {**shown(user), 'groups': sorted(user.get('groups', ())),
            'tokens': {name: shown_token(token) for name, token in tokens.items()} if tokens else None}


@operation('PUT', '/access/users/{userid}')
def update(call: Call) -> None:
    params, access = call.params, call.cluster.access
    with inside('update user failed'):
        user = known_user(access, params['userid'])
        if 'groups' in params:
            groups = wanted_groups(access, params['groups'])
            user['groups'] = groups | set(user.get('groups', ())) if params.get('append') else groups
        for key in ('enable', 'expire'):
            if key in params:
                user[key] = int(params[key])
        user.update({key: params[key] for key in TEXTS if key in params})
        access.touch()


@operation('DELETE', '/access/users/{userid}')
def delete(call: Call) -> None:
    """A user that does not exist is no error; root@pam comes back at once, without its tokens."""
    forget_user(call.cluster.access, call.params['userid'])


def forget_user(access: Access, userid: str) -> None:
    access.users.pop(userid, None)
    access.passwords.pop(userid, None) if realm_of(userid) == 'pve' else None
    access.tfa.pop(userid, None)
    for name in access.tokens.pop(userid, {}):
        access.secrets.pop(f'{userid}!{name}', None)
    for entry in access.acl.values():
        entry.get('users', {}).pop(userid, None)
        for tokenid in [name for name in entry.get('tokens', {}) if name.startswith(f'{userid}!')]:
            del entry['tokens'][tokenid]
    if userid == ROOT:
        access.users[ROOT] = {'enable': 1, 'expire': 0}
    access.touch()


@operation('PUT', '/access/password')
def change_password(call: Call) -> None:
    access, userid = call.cluster.access, call.params['userid']
    confirm(call, 'confirmation-password')
    known_user(access, userid)
    if not call.is_root and userid != call.user and (userid == ROOT or realm_of(userid) == 'pam'):
        raise ApiError(403, 'Permission check failed')
    set_password(access, userid, call.params['password'])


def confirm(call: Call, name: str) -> None:
    """Everyone but root@pam proves who he is with his own password, where the release asks for it."""
    if call.is_root or name not in call.operation.properties:
        return
    if name not in call.params:
        raise ParameterError({name: 'password is required to modify user'})
    if call.cluster.access.passwords.get(call.user) != call.params[name]:
        raise ApiError('invalid credentials')
