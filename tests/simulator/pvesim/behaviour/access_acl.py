"""Access control lists."""

from __future__ import annotations

import re

from ..access.permissions import may_modify
from ..call import ApiError, Call, ParameterError, operation
from ..data.privileges import ROLES
from ..model.access import Access
from ..model.sections import inside, split_list
from .access_tokens import known_token

SUBJECTS = ('users', 'groups', 'tokens')
NAME = r'[A-Za-z0-9.\-_]+'
COMMON = (rf'/|/access(?:/(?:groups|realm)(?:/{NAME})?)?|/nodes(?:/{NAME})?|/pool(?:/{NAME})?|/sdn|/storage(?:/{NAME})?'
          r'|/vms(?:/[1-9][0-9]{2,})?')
SINCE_8 = (rf'/mapping(?:/{NAME}){{0,2}}|/pool(?:/{NAME}){{2,3}}|/sdn/(?:controllers|dns|fabrics|ipams|zones)(?:/{NAME})?'
           rf'|/sdn/zones/{NAME}/{NAME}(?:/[1-9][0-9]{{0,3}})?')
PATHS = {'7.4': re.compile(rf'{COMMON}|/sdn/(?:zones|vnets)/{NAME}'), '8.4': re.compile(f'{COMMON}|{SINCE_8}'),
         '9': re.compile(f'{COMMON}|{SINCE_8}')}


def normalised(path: str) -> str | None:
    """The path with single slashes and none at the end; None when it does not begin with one."""
    path = re.sub('/+', '/', path)
    if not path.startswith('/') or not re.fullmatch(r'[A-Za-z0-9.\-_/]+', path):
        return None
    return path.rstrip('/') or '/'


@operation('GET', '/access/acl')
def index(call: Call) -> list[dict]:
    access, found = call.cluster.access, []
    audit = call.may('/access', 'Sys.Audit')
    for path, entry in sorted(access.acl.items()):
        if not (audit or may_modify(call.cluster, call.authid, path, quiet=True)):
            continue
        for subjects in SUBJECTS:
            for name, roles in sorted(entry.get(subjects, {}).items()):
                found += [{'path': path, 'type': subjects[:-1], 'ugid': name, 'roleid': role,
                           'propagate': int(propagate)} for role, propagate in roles.items()]
    return found


@operation('PUT', '/access/acl')
def update(call: Call) -> None:
    params, access = call.params, call.cluster.access
    if not any(params.get(name) for name in SUBJECTS):
        raise ParameterError(dict.fromkeys(SUBJECTS, "either 'users', 'groups' or 'tokens' is required."))
    path = normalised(params['path'])
    if path is None or not (params.get('delete') or PATHS[call.release].fullmatch(path)):
        raise ParameterError({'path': f"invalid ACL path '{params['path']}'"})
    roles = split_list(params['roles'])
    named = {name: split_list(params.get(name)) for name in SUBJECTS}
    with inside('ACL update failed'):
        for role in roles:
            if role not in access.roles and role not in ROLES[call.release]:
                raise ApiError(f"role '{role}' does not exist")
            assert_known(access, named)
    delete, propagate = params.get('delete'), int(params.get('propagate', True))
    for subjects, names in named.items():
        for name in names:
            change(access, path, subjects, name, roles, None if delete else propagate)
    access.touch()


def assert_known(access: Access, named: dict[str, list[str]]) -> None:
    for group in named['groups']:
        if group not in access.groups:
            raise ApiError(f"group '{group}' does not exist")
    for user in named['users']:
        if user not in access.users:
            raise ApiError(f"user '{user}' does not exist")
    for tokenid in named['tokens']:
        user, _mark, name = tokenid.partition('!')
        known_token(access, user, name)


def change(access: Access, path: str, subjects: str, name: str, roles: list[str], propagate: int | None) -> None:
    """Give (or, with propagate None, take) the roles; empty entries leave the tree."""
    entry = access.acl.setdefault(path, {})
    held = entry.setdefault(subjects, {}).setdefault(name, {})
    for role in roles:
        if propagate is None:
            held.pop(role, None)
        else:
            held[role] = propagate
    if not held:
        del entry[subjects][name]
    if not entry[subjects]:
        del entry[subjects]
    if not entry:
        del access.acl[path]
