"""Groups of users."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from ..model.access import Access
from ..model.sections import inside

SEE = ('User.Modify', 'Sys.Audit', 'Group.Allocate')


def known_group(access: Access, group: str) -> dict:
    if group not in access.groups:
        raise ApiError(f"group '{group}' does not exist")
    return access.groups[group]


def commented(entry: dict, group: dict) -> dict:
    if group.get('comment'):
        entry['comment'] = group['comment']
    return entry


@operation('GET', '/access/groups')
def index(call: Call) -> list[dict]:
    access = call.cluster.access
    return [commented({'groupid': name, 'users': ','.join(sorted(access.members(name)))}, group)
            for name, group in sorted(access.groups.items())
            if call.may(f'/access/groups/{name}', SEE, any=True)]


@operation('POST', '/access/groups')
def create(call: Call) -> None:
    access, name = call.cluster.access, call.params['groupid']
    with inside('create group failed'):
        if name in access.groups:
            raise ApiError(f"group '{name}' already exists")
        access.groups[name] = {'comment': call.params.get('comment', '')}
        access.touch()


@operation('GET', '/access/groups/{groupid}')
def read(call: Call) -> dict:
    access, name = call.cluster.access, call.params['groupid']
    group = known_group(access, name)
    return commented({'members': sorted(access.members(name))}, group)


@operation('PUT', '/access/groups/{groupid}')
def update(call: Call) -> None:
    access = call.cluster.access
    with inside('update group failed'):
        group = known_group(access, call.params['groupid'])
        if 'comment' in call.params:
            group['comment'] = call.params['comment']


@operation('DELETE', '/access/groups/{groupid}')
def delete(call: Call) -> None:
    """A group with members goes as well; its members and ACLs are released."""
    access, name = call.cluster.access, call.params['groupid']
    with inside('delete group failed'):
        known_group(access, name)
        del access.groups[name]
        for user in access.users.values():
            user['groups'] = set(user.get('groups', ())) - {name}
        for entry in access.acl.values():
            entry.get('groups', {}).pop(name, None)
        access.touch()
