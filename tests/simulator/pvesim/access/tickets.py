"""Tickets, CSRF prevention tokens and API tokens: made and verified as PVE::AccessControl does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import unquote

from ..call import ROOT, ApiError
from ..model.cluster import Cluster

LIFETIME = 2 * 3600
FUTURE = 300
TICKET = re.compile(r'PVE:(\S+):([0-9A-F]{8})::(\S+)')


def unauthorized(reason: str) -> ApiError:
    """A 401 of the proxy: no body."""
    return ApiError(401, reason, body=False)


def secret(cluster: Cluster) -> bytes:
    """The key of this cluster's tickets; replacing it makes every ticket invalid."""
    key = cluster.extra.get('ticket_key')
    if key is None:
        key = cluster.extra['ticket_key'] = secrets.token_hex(16)
    return key.encode()


def signature(cluster: Cluster, text: str) -> str:
    # As long as the RSA signature of the real server, so that headers are of its size.
    generation = str(cluster.extra.get('ticket_generation', 0)).encode()
    digest = hashlib.shake_256(secret(cluster) + generation + text.encode()).digest(256)
    return base64.b64encode(digest).decode()


def make_ticket(cluster: Cluster, user: str, now: float) -> str:
    plain = f'PVE:{user}:{int(now):08X}'
    return f'{plain}::{signature(cluster, plain)}'


def check_ticket(cluster: Cluster, ticket: str, now: float) -> str | None:
    """The user of a valid ticket, None for any other text."""
    known = cluster.access.cache.get(('ticket', ticket))
    if known is None:
        match = TICKET.fullmatch(ticket)
        if not match or not hmac.compare_digest(signature(cluster, ticket.partition('::')[0]), match[3]):
            return None
        known = cluster.access.cache['ticket', ticket] = (match[1], int(match[2], 16))
    user, made = known
    return user if -FUTURE <= now - made <= LIFETIME else None


def make_csrf(cluster: Cluster, user: str, now: float) -> str:
    stamp = f'{int(now):08X}'
    digest = hmac.new(secret(cluster), f'{stamp}:{user}'.encode(), hashlib.sha256).digest()
    return f'{stamp}:{base64.b64encode(digest).decode().rstrip("=")}'


def check_csrf(cluster: Cluster, user: str, token: str | None, now: float) -> bool:
    stamp, colon, _digest = (token or '').partition(':')
    if not colon or not re.fullmatch(r'[0-9A-F]{8}', stamp):
        return False
    made = int(stamp, 16)
    valid = hmac.compare_digest(make_csrf(cluster, user, made), token)
    return valid and -FUTURE <= now - made <= LIFETIME


def expire_all(cluster: Cluster) -> None:
    """Every ticket made so far counts as expired; CSRF tokens stay good."""
    cluster.extra['ticket_generation'] = cluster.extra.get('ticket_generation', 0) + 1
    cluster.access.cache.clear()


def usable(cluster: Cluster, user: str, now: float) -> str | None:
    """Why a user may not log in, None where he may."""
    entry = cluster.access.users.get(user)
    if entry is None:
        return f"no such user ('{user}')"
    if not entry.get('enable', 1):
        return f"user '{user}' is disabled"
    if entry.get('expire') and int(entry['expire']) < now:
        return f"user '{user}' access expired"
    return None


def verify_token(cluster: Cluster, value: str, now: float) -> str:
    """'user@realm!name=uuid' -> 'user@realm!name'. Raises the 401."""
    authid, dummy, key = value.rpartition('=')
    user, dummy, name = authid.partition('!')
    info = cluster.access.tokens.get(user, {}).get(name)
    if not authid:
        why = 'no tokenid specified'
    elif (reason := usable(cluster, user, now)) is not None:
        why = reason
    elif info is None:
        why = f"no such token '{name}' for user '{user}'"
    elif info.get('expire') and int(info['expire']) < now:
        why = f"token '{name}' access expired"
    elif not hmac.compare_digest(cluster.access.secrets.get(authid, '').encode(), key.encode()):
        why = 'invalid token value!'
    else:
        return authid
    raise hidden_reason(cluster, why)


def hidden_reason(cluster: Cluster, why: str) -> ApiError:
    """A 401 whose reason 9 tells to its log only."""
    return unauthorized('Authentication failed!' if cluster.release == '9' else why)


def authenticate(cluster: Cluster, method: str, headers: dict, now: float, csrf: bool = True) -> str:
    """The caller of a request by its headers. Raises the 401 of the proxy."""
    header = headers.get('Authorization') or ''
    if header.startswith('PVEAPIToken='):
        return verify_token(cluster, header[len('PVEAPIToken='):], now)
    ticket = ticket_of(header, headers.get('Cookie') or '')
    if not ticket:
        raise unauthorized('No ticket')
    user = check_ticket(cluster, ticket, now)
    if user is None:
        raise unauthorized('permission denied - invalid PVE ticket')
    if user != ROOT and (why := usable(cluster, user, now)):
        raise hidden_reason(cluster, why)
    if csrf and method != 'GET' and not check_csrf(cluster, user, headers.get('CSRFPreventionToken'), now):
        raise unauthorized('Permission denied - invalid csrf token')
    return user


def ticket_of(authorization: str, cookies: str) -> str | None:
    if authorization.startswith('PVEAuthCookie='):
        return unquote(authorization[len('PVEAuthCookie='):])
    start = cookies.find('PVEAuthCookie=')
    if start < 0:
        return None
    return unquote(cookies[start + len('PVEAuthCookie='):].split(';', 1)[0].strip().strip('"'))
