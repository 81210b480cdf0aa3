"""Logging in: tickets, and what a caller may do."""

from __future__ import annotations

import hmac
import re

from ..access import permissions, tickets
from ..call import ROOT, ApiError, Call, ParameterError, operation
from ..schema.formats import REALM, USER, split_list

FAILURE = 'authentication failure'


@operation('GET', '/access/ticket')
def get_ticket(_call: Call) -> None:
    return None


@operation('POST', '/access/ticket')
def create_ticket(call: Call) -> dict:
    cluster, params, now = call.cluster, call.params, call.clock.now()
    user = params['username']
    if params.get('realm') and not user.endswith(f'@{params["realm"]}'):
        user = f'{user}@{params["realm"]}'
    # One text for every cause, so that users cannot be guessed.
    if not re.fullmatch(rf'{USER}@{REALM}', user) or tickets.usable(cluster, user, now) is not None:
        raise ApiError(401, FAILURE)
    if not proven(call, user, params['password']):
        raise ApiError(401, FAILURE)
    if params.get('path') is not None:
        if not permissions.check(cluster, user, params['path'], split_list(params.get('privs') or '')):
            raise ApiError(401, FAILURE)
        return {'username': user}
    result = {'username': user, 'ticket': tickets.make_ticket(cluster, user, now),
              'CSRFPreventionToken': tickets.make_csrf(cluster, user, now),
              'cap': permissions.capabilities(cluster, user)}
    if not cluster.standalone and permissions.check(cluster, user, '/', ['Sys.Audit']):
        result['clustername'] = cluster.name
    return result


def proven(call: Call, user: str, password: str) -> bool:
    """Whether the password is the user's, or a valid ticket of the user (or of root@pam)."""
    cluster = call.cluster
    if password.startswith('PVE:'):
        return tickets.check_ticket(cluster, password, call.clock.now()) in (user, ROOT)
    known = cluster.access.passwords.get(user)
    realm = user.rpartition('@')[2]
    if known is None or realm not in cluster.access.domains:
        return False
    return hmac.compare_digest(known.encode(), password.encode())


@operation('GET', '/access/permissions')
def list_permissions(call: Call) -> dict:
    """The caller's own, or those of `userid` for one who may see them."""
    chosen = call.params.get('userid') or call.authid
    if chosen != call.authid:
        own_token = chosen.partition('!')[0] == call.authid
        if not own_token:
            call.require('/access', 'Sys.Audit')
    path = call.params.get('path')
    if path is not None:
        path = permissions.normalize_path(path)
        if path is None:
            raise ParameterError({'path': f"invalid ACL path '{call.params['path']}'"})
    return permissions.effective(call.cluster, chosen, path)
