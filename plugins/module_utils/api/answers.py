# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an HTTP answer to `data`, or to the error that says what PVE meant. Pure.

PVE answers permanent errors with 500 and says what it means only in words, so the words decide.
"""

from __future__ import annotations

import json
import re

from ansible_collections.pve.fleet.plugins.module_utils.api import errors

GATEWAY = frozenset({502, 503, 504, 595, 596, 597, 599})
BY_STATUS = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    501: errors.NotFound,
}
BY_WORDS = (
    (re.compile(r'^403 |Permission check failed|permission denied', re.I), errors.Forbidden),
    (re.compile(r'^400 Parameter verification failed'), errors.BadRequest),
    (re.compile(r'no quorum|cluster not ready', re.I), errors.BadGateway),
    (re.compile(r'(VM|CT|container) is locked|can.t lock file|got (lock request )?timeout|cfs.lock', re.I), errors.Locked),
    (re.compile(r'checksum mismatch|detected modified configuration', re.I), errors.Conflict),
    (re.compile(r'already (exists|defined|used|in use)|is already a member', re.I), errors.Conflict),
    (re.compile(r'does not exist|no such|hostname lookup|not found|unable to find', re.I), errors.NotFound),
)
TRY_AGAIN = re.compile(r"can't lock file|got lock request timeout|cfs.lock '[^']*' error|trying to acquire (cfs )?lock", re.I)


def is_try_again(text):
    """True for the few texts with which PVE says that nothing was done and another try may succeed."""
    return bool(TRY_AGAIN.search(text or ''))


def parse(status, reason, content_type, body, where):
    """An answer -> the whole decoded body (it has `data`).

    status: int; reason: PVE's message for people; body: bytes; where: words for messages ('GET /nodes on pve1:8006').
    Raises the FleetError that fits; BadGateway for what is no answer of the Proxmox API.
    """
    if 300 <= status < 400:
        raise errors.BadGateway(
            f'{where}: the server redirects elsewhere, so it is not the Proxmox API itself. '
            'Check host and port; a reverse proxy must pass /api2 on unchanged.',
            details={'http_status': status},
        )
    if status >= 400:
        raise failure(status, reason, body, where)
    try:
        decoded = json.loads(body)
    except ValueError:
        kind = 'an HTML page' if body.lstrip()[:1] == b'<' else 'something that is not JSON'
        raise errors.BadGateway(
            f"{where}: the server answered with {kind} instead of the API's JSON. "
            'Check that host and port lead to the Proxmox API (8006), or what stands between.',
            details={'http_status': status, 'content_type': content_type or ''},
        ) from None
    if not isinstance(decoded, dict) or 'data' not in decoded:
        raise errors.BadGateway(
            f'{where}: the answer has no "data", so it does not come from the Proxmox API. Check host and port.',
            details={'http_status': status},
        )
    return decoded


def failure(status, reason, body, where):
    """The FleetError for an answer of 400 and above."""
    decoded = decoded_or_empty(body)
    message = (decoded.get('message') or reason or '').strip()
    named = decoded.get('errors') if isinstance(decoded.get('errors'), dict) else {}
    details = {'http_status': status}
    if named:
        details['errors'] = {name: str(text).strip() for name, text in named.items()}
    kind = error_class(status, message)
    return kind(f'{where}: {words(status, message, details.get("errors"))}', status=status, details=details)


def decoded_or_empty(body):
    try:
        decoded = json.loads(body) if body else {}
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def error_class(status, message):
    """Which class of error a status with this message is."""
    if status in GATEWAY:
        return errors.BadGateway
    if status in BY_STATUS:
        return BY_STATUS[status]
    for pattern, kind in BY_WORDS:
        if pattern.search(message):
            return kind
    return errors.Internal if status >= 500 else errors.BadRequest


def words(status, message, named):
    """One line for people out of PVE's message and its texts per parameter."""
    if named:
        message = '; '.join(f'{name}: {text}' for name, text in sorted(named.items()))
    if status == 595:
        return 'the node that should answer is offline or not reachable from the others (595).'
    if status == 401 and not message.strip():
        return 'not logged in (401): the ticket or token is wrong or has expired.'
    if not message or message == 'No ticket' or status == 401:
        return f'{message or "no reason given"} (HTTP {status})'
    return ' '.join(message.split())
