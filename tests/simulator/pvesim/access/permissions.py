"""Roles, ACLs and the check language of the tables, as PVE::AccessControl and PVE::RPCEnvironment evaluate them."""

from __future__ import annotations

import re
from typing import Any

from ..call import ROOT, ApiError
from ..data import privileges
from ..model.cluster import Cluster
from ..schema.formats import FormatError, split_list, userid

CAP_PATHS = ('/', '/nodes', '/access/groups', '/vms', '/storage', '/sdn', '/mapping')
CAP_PATTERNS = {
    'vms': re.compile(r'VM\.|Permissions\.Modify'),
    'access': re.compile(r'(?:User|Group)\.|Permissions\.Modify'),
    'storage': re.compile(r'Datastore\.|Permissions\.Modify'),
    'nodes': re.compile(r'Sys\.|Permissions\.Modify'),
    'sdn': re.compile(r'SDN\.|Permissions\.Modify'),
    'dc': re.compile(r'Sys\.Audit|Sys\.Modify|SDN\.'),
    'mapping': re.compile(r'Mapping\.|Permissions\.Modify'),
}
KEPT_RESULTS = 100_000
TOP_PATHS = ('/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms')


def denied(what: str = '') -> ApiError:
    """The 403 of PVE::Exception::raise_perm_exc."""
    return ApiError(403, f'Permission check failed ({what})' if what else 'Permission check failed')


def role_privileges(cluster: Cluster, role: str) -> frozenset | set:
    built_in = privileges.ROLES[cluster.release].get(role)
    return built_in if built_in is not None else cluster.access.roles.get(role, frozenset())


def token_info(cluster: Cluster, authid: str) -> dict | None:
    user, dummy, name = authid.partition('!')
    return cluster.access.tokens.get(user, {}).get(name)


def normalize_path(path: str | None) -> str | None:
    """'//vms//1/' -> '/vms/1'; None where it cannot be an ACL path."""
    if path is None or not path.startswith('/'):
        return None
    return '/' + '/'.join(part for part in path.split('/') if part)


def roles_of(cluster: Cluster, authid: str, path: str) -> dict[str, bool]:
    """Roles of a user or token on a path with their propagation; pools are not looked at."""
    if authid == ROOT:
        return {'Administrator': True}
    access, user = cluster.access, authid
    if '!' in authid:
        info = token_info(cluster, authid)
        if info is None:
            return {}
        if not info.get('privsep'):
            return roles_of(cluster, authid.partition('!')[0], path)
    groups = () if '!' in authid else access.users.get(user, {}).get('groups', ())
    found: dict[str, bool] = {}
    parts = [part for part in path.split('/') if part]
    for depth in range(len(parts) + 1):
        entry = access.acl.get('/' + '/'.join(parts[:depth]))
        if entry:
            found = roles_at(entry, user, groups, depth == len(parts)) or found
    if 'NoAccess' in found:
        return {'NoAccess': found['NoAccess']}
    return found


def roles_at(entry: dict[str, dict], user: str, groups: Any, final: bool) -> dict[str, bool]:
    """Roles that one path's entry gives; those of the user (or token) itself hide those of groups."""
    own = entry.get('tokens' if '!' in user else 'users', {}).get(user, {})
    new = {role: bool(propagate) for role, propagate in own.items() if final or propagate}
    if new:
        return new
    for group in groups:
        for role, propagate in entry.get('groups', {}).get(group, {}).items():
            if final or propagate:
                new[role] = bool(propagate)
    return new


def pools_with(cluster: Cluster, path: str) -> tuple[str, ...]:
    """The pools that the guest or storage of an ACL path is in; its rights depend on them."""
    kind, dummy, name = path[1:].partition('/')
    if kind == 'vms' and name.isdigit():
        vmid = int(name)
        return tuple([poolid for poolid, pool in cluster.pools.items() if vmid in pool.get('vms', ())])
    if kind == 'storage' and name and '/' not in name:
        return tuple([poolid for poolid, pool in cluster.pools.items() if name in pool.get('storages', ())])
    return ()


def permissions(cluster: Cluster, authid: str, path: str) -> dict[str, bool]:
    """Privileges of a user or token on a normalised path -> whether they propagate."""
    if authid == ROOT:
        return dict.fromkeys(privileges.ALL[cluster.release], True)
    cache = cluster.access.cache
    pools = pools_with(cluster, path) if cluster.pools else ()
    key = (authid, path, pools)
    found = cache.get(key)
    if found is None:
        if len(cache) > KEPT_RESULTS:
            cache.clear()
        found = compute(cluster, authid, path, pools)
        # Most paths give one of a few results: those are kept once.
        found = cache[key] = cache.setdefault(frozenset(found.items()), found)
    return found


def compute(cluster: Cluster, authid: str, path: str, pools: tuple[str, ...]) -> dict[str, bool]:
    owner, is_token, _name = authid.partition('!')
    if is_token:
        info = token_info(cluster, authid)
        if info is None:
            return {}
        if not info.get('privsep'):
            return permissions(cluster, owner, path)
    roles = roles_of(cluster, authid, path)
    inherited = {role for poolid in pools for role in roles_of(cluster, authid, f'/pool/{poolid}')}
    if inherited and 'NoAccess' not in roles:
        roles = {'NoAccess': False} if 'NoAccess' in inherited else {**dict.fromkeys(inherited, False), **roles}
    found: dict[str, bool] = {}
    for role, propagate in roles.items():
        for name in role_privileges(cluster, role):
            found[name] = found.get(name) or propagate
    if is_token and owner != ROOT:
        users = permissions(cluster, owner, path)
        found = {name: users[name] and propagate for name, propagate in found.items() if name in users}
    return found


def check(cluster: Cluster, authid: str, path: str, wanted: list[str], any_of: bool = False) -> bool:
    """Whether all (or one) of the privileges are held on the path."""
    if authid == ROOT:
        return True
    held = permissions(cluster, authid, normalize_path(path) or '/')
    return any(name in held for name in wanted) if any_of else all(name in held for name in wanted)


def require(cluster: Cluster, authid: str, path: str, wanted: list[str], any_of: bool = False) -> None:
    """Raise the 403 of PVE: it names the first missing privilege, or all where one would do."""
    if check(cluster, authid, path, wanted, any_of):
        return
    if any_of:
        raise denied(f'{path}, {"|".join(wanted)}')
    held = permissions(cluster, authid, normalize_path(path) or '/')
    raise denied(f'{path}, {next(name for name in wanted if name not in held)}')


def fill(template: str, params: dict[str, Any]) -> str:
    """'/vms/{vmid}' -> '/vms/100'; '-' where the parameter is missing."""
    return re.sub(r'\{([^}]+)\}', lambda match: str(params.get(match[1]) or '-'), template)


def check_operation(cluster: Cluster, permission: dict, authid: str | None, params: dict[str, Any]) -> None:
    """Raise unless the caller may run an operation with this `permissions` entry. params: unchecked, by name."""
    if authid is None:
        if permission.get('user') == 'world':
            return
        raise denied('user != null')
    if authid == ROOT:
        return
    if not permission:
        raise denied('user != root@pam')
    if permission.get('user') in ('all', 'world'):
        return
    if permission.get('check') and holds(cluster, permission['check'], authid, params, False):
        return
    raise denied()


def holds(cluster: Cluster, test: list, authid: str, params: dict, quiet: bool) -> bool:
    """One test of the check language. quiet=False raises the 403 with its detail where PVE would."""
    kind = test[0]
    if kind == 'and':
        return all(holds(cluster, part, authid, params, quiet) for part in test[1:])
    if kind == 'or':
        if any(holds(cluster, part, authid, params, True) for part in test[1:]):
            return True
        return refuse(quiet)
    return TESTS[kind](cluster, test, authid, params, quiet)


def refuse(quiet: bool, what: str = '') -> bool:
    if quiet:
        return False
    raise denied(what)


def test_perm(cluster: Cluster, test: list, authid: str, params: dict, quiet: bool) -> bool:
    options = dict(zip(test[3::2], test[4::2], strict=False))
    if (needed := options.get('require_param')) and params.get(needed) is None:
        return refuse(quiet)
    path = normalize_path(fill(test[1], params)) or '/'
    if quiet:
        return check(cluster, authid, path, test[2], bool(options.get('any')))
    require(cluster, authid, path, test[2], bool(options.get('any')))
    return True


def test_perm_modify(cluster: Cluster, test: list, authid: str, params: dict, quiet: bool) -> bool:
    path = normalize_path(fill(test[1], params))
    return path is not None and may_modify(cluster, authid, path, quiet)


def may_modify(cluster: Cluster, authid: str, path: str, quiet: bool = False) -> bool:
    """Whether ACLs of a path may be changed (check_perm_modify)."""
    wanted = ['Permissions.Modify']
    for start, extra in (('/storage/', 'Datastore.Allocate'), ('/vms/', 'VM.Allocate'), ('/pool/', 'Pool.Allocate')):
        if path.startswith(start):
            wanted.append(extra)
    return check(cluster, authid, path, wanted, True) or refuse(quiet, f'{path}, {"|".join(wanted)}')


def user_exists(cluster: Cluster, user: str, quiet: bool) -> bool:
    if user in cluster.access.users:
        return True
    if quiet:
        return False
    raise ApiError(500, f"no such user ('{user}')")


def test_userid_group(cluster: Cluster, test: list, authid: str, params: dict, quiet: bool) -> bool:
    wanted, options = test[1], dict(zip(test[2::2], test[3::2], strict=False))
    user, existing = str(params.get('userid', '')), options.get('groups_param') != 'create'
    if existing and not user_exists(cluster, user, quiet):
        return False
    if check(cluster, authid, '/access/groups', wanted, True):
        return True
    allowed = {name for name in cluster.access.groups if check(cluster, authid, f'/access/groups/{name}', wanted, True)}
    if options.get('groups_param'):
        named = split_list(str(params.get('groups') or ''))
        if not named:
            raise denied(f'/access/groups, {"|".join(wanted)}')
        for group in named:
            if group not in allowed:
                raise denied(f'/access/groups/{group}, {"|".join(wanted)}')
    if existing and not allowed & set(cluster.access.users[user].get('groups', ())):
        return refuse(quiet)
    return True


def test_userid_param(cluster: Cluster, test: list, authid: str, params: dict, quiet: bool) -> bool:
    user = str(params.get('userid', ''))
    try:
        userid(user)
    except FormatError as error:
        raise ApiError(500, str(error).rstrip('\n')) from None
    if test[1] == 'self':
        if not user_exists(cluster, user, quiet):
            return False
        return user == authid or refuse(quiet)
    path = f'/access/realm/{user.rpartition("@")[2]}'
    return check(cluster, authid, path, [test[1]]) or refuse(quiet, f'{path}, {test[1]}')


TESTS = {'perm': test_perm, 'perm-modify': test_perm_modify, 'userid-group': test_userid_group,
         'userid-param': test_userid_param}


def acl_paths(cluster: Cluster) -> list[str]:
    """Paths named in ACLs, and those above them."""
    found = {'/'}
    for path in cluster.access.acl:
        parts = [part for part in path.split('/') if part]
        found.update('/' + '/'.join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return sorted(found)


def capabilities(cluster: Cluster, authid: str) -> dict[str, dict[str, int]]:
    """What POST access/ticket returns as `cap`."""
    result: dict[str, dict[str, int]] = {name: {} for name in CAP_PATTERNS}
    for path in dict.fromkeys([*CAP_PATHS, *acl_paths(cluster)]):
        top = path.split('/')[1] or 'dc'
        for name in permissions(cluster, authid, path):
            if top == 'pool':
                if name.startswith('VM.'):
                    result['vms'][name] = 1
                elif name.startswith('Datastore.'):
                    result['storage'][name] = 1
            elif top in CAP_PATTERNS and CAP_PATTERNS[top].match(name):
                result[top][name] = 1
    return result


def effective(cluster: Cluster, authid: str, path: str | None = None) -> dict[str, dict[str, int]]:
    """What GET access/permissions returns: privileges by path with their propagation."""
    if path is not None:
        paths = [path]
    else:
        members = [f'/vms/{vmid}' for pool in cluster.pools.values() for vmid in pool.get('vms', ())]
        members += [f'/storage/{name}' for pool in cluster.pools.values() for name in pool.get('storages', ())]
        paths = list(dict.fromkeys([*TOP_PATHS, *acl_paths(cluster), *members]))
    found = {}
    for name in paths:
        held = permissions(cluster, authid, name)
        if held or path is not None:
            found[name] = {privilege: int(propagate) for privilege, propagate in held.items()}
    return found
