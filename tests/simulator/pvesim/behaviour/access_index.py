"""The index of /access."""

from __future__ import annotations

from ..call import Call, operation

PAGES = ('users', 'groups', 'roles', 'acl', 'domains', 'openid', 'tfa', 'ticket', 'password')


@operation('GET', '/access')
def index(_call: Call) -> list[dict]:
    return [{'subdir': page} for page in PAGES]
