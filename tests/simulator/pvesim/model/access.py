"""Users, groups, roles, ACLs, tokens and realms of a cluster (user.cfg, domains.cfg, token.cfg)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def realms() -> dict[str, dict]:
    return {
        'pam': {'type': 'pam', 'comment': 'Linux PAM standard authentication'},
        'pve': {'type': 'pve', 'comment': 'Proxmox VE authentication server'},
    }


@dataclass(slots=True)
class Access:
    """users: by userid: {enable, expire, comment, email, firstname, lastname, keys, groups: set}; groups: by id:
    {comment}; roles: custom ones, by id: set of privileges; acl: by path: {'users'|'groups'|'tokens': {id: {role:
    propagate (bool)}}}; tokens: by userid: {name: {privsep, expire, comment}}; secrets: by user@realm!name: uuid;
    passwords: by userid, in clear; domains: by realm; tfa: by userid.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=lambda: {'root@pam': {'enable': 1, 'expire': 0}})
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: dict[str, set] = field(default_factory=dict)
    acl: dict[str, dict[str, dict]] = field(default_factory=dict)
    tokens: dict[str, dict[str, dict]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    domains: dict[str, dict] = field(default_factory=realms)
    tfa: dict[str, Any] = field(default_factory=dict)
    # Counts up with every change; permission results are kept until it moves. Call touch() after changing anything.
    version: int = 0
    cache: dict = field(default_factory=dict, repr=False, compare=False)

    def touch(self) -> None:
        self.version += 1
        self.cache.clear()

    def members(self, group: str) -> list[str]:
        return [name for name, user in self.users.items() if group in user.get('groups', ())]
