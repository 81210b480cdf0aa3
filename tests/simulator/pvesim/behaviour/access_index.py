"""The index of /access."""

from __future__ import annotations

from ..call import Call, operation

PAGES = ('acl', 'domains', 'groups', 'openid', 'password', 'permissions', 'roles', 'tfa', 'ticket', 'users')


@operation('GET', '/access')
def index(_call: Call) -> list[dict]:
    return [{'subdir': page} for page in PAGES]
