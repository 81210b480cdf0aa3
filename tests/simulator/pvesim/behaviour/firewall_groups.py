"""Security groups of the cluster's firewall."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError, operation
from ..model.firewall import peek, place
from ..model.sections import assert_unmodified, digest


def listed(groups: dict) -> list[dict]:
    found = []
    for name, group in sorted(groups.items()):
        entry = {'group': name}
        if group.get('comment'):
            entry['comment'] = group['comment']
        found.append(entry)
    return found


@operation('GET', '/cluster/firewall/groups')
def index(call: Call) -> list[dict]:
    entries = listed(peek(call.cluster, 'cluster')['groups'])
    return [{**entry, 'digest': digest(entries)} for entry in entries]


@operation('POST', '/cluster/firewall/groups')
def create(call: Call) -> None:
    """Make a group; with `rename` give an existing one this name (or only a comment, when both are equal)."""
    params, groups = call.params, place(call.cluster, 'cluster')['groups']
    name, old = params['group'], params.get('rename')
    if old is None:
        if name in groups:
            raise ParameterError({'group': f"Security group '{name}' already exists"})
        groups[name] = {'comment': params.get('comment', ''), 'rules': []}
        return
    assert_unmodified(digest(listed(groups)), params.get('digest'))
    if old not in groups:
        raise ParameterError({'group': f"Security group '{old}' does not exist"})
    if name != old and name in groups:
        raise ParameterError({'group': f"Security group '{name}' already exists"})
    groups[name] = groups.pop(old)
    if 'comment' in params:
        groups[name]['comment'] = params['comment']


@operation('DELETE', '/cluster/firewall/groups/{group}')
def delete(call: Call) -> None:
    groups, name = place(call.cluster, 'cluster')['groups'], call.params['group']
    if name not in groups:
        raise ApiError(f"no such security group '{name}'")
    if groups[name]['rules']:
        raise ApiError(f"Security group '{name}' is not empty")
    del groups[name]
