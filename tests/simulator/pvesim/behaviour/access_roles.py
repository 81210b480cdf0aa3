"""Roles: the built-in ones of the release and those made by users."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError, operation
from ..data.privileges import ROLES
from ..model.access import Access
from ..model.sections import inside, split_list


def known_role(access: Access, role: str) -> set[str]:
    if role not in access.roles:
        raise ApiError(f"role '{role}' does not exist")
    return access.roles[role]


@operation('GET', '/access/roles')
def index(call: Call) -> list[dict]:
    special = ROLES[call.release]
    roles = [{'roleid': name, 'privs': ','.join(sorted(privileges)), 'special': 1}
             for name, privileges in special.items()]
    roles += [{'roleid': name, 'privs': ','.join(sorted(privileges)), 'special': 0}
              for name, privileges in call.cluster.access.roles.items()]
    return sorted(roles, key=lambda role: role['roleid'])


@operation('GET', '/access/roles/{roleid}')
def read(call: Call) -> dict:
    role = call.params['roleid']
    privileges = ROLES[call.release].get(role)
    if privileges is None:
        privileges = known_role(call.cluster.access, role)
    return dict.fromkeys(sorted(privileges), 1)


@operation('POST', '/access/roles')
def create(call: Call) -> None:
    access, role = call.cluster.access, call.params['roleid']
    if role.lower().startswith('pve') and call.release != '7.4':
        raise ParameterError({'roleid': "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"})
    with inside('create role failed'):
        if role in access.roles or role in ROLES[call.release]:
            raise ApiError(f"role '{role}' already exists")
        access.roles[role] = set(split_list(call.params.get('privs')))
        access.touch()


@operation('PUT', '/access/roles/{roleid}')
def update(call: Call) -> None:
    access, role = call.cluster.access, call.params['roleid']
    if role in ROLES[call.release]:
        raise ApiError(f"auto-generated role '{role}' cannot be modified")
    with inside('update role failed'):
        privileges = known_role(access, role)
        given = set(split_list(call.params.get('privs')))
        access.roles[role] = privileges | given if call.params.get('append') else given
        access.touch()


@operation('DELETE', '/access/roles/{roleid}')
def delete(call: Call) -> None:
    """A role that ACLs still name goes as well."""
    access, role = call.cluster.access, call.params['roleid']
    if role in ROLES[call.release]:
        raise ApiError(f"auto-generated role '{role}' cannot be deleted")
    with inside('delete role failed'):
        known_role(access, role)
        del access.roles[role]
        access.touch()
