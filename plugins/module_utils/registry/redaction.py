# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask what looks like a secret. The second belt: callers mask what they know before. Pure."""

from __future__ import annotations

import re

MASK = '********'
SECRET_KEY = re.compile(
    r'passw(or)?d|passphrase|secret|ticket|csrf|private_?key|authorization|cookie|^(api_?)?token$|_token$|api_?key|'
    r'registry_?key|encryption_?key',
    re.IGNORECASE,
)
# Names that hold such a word and are no secrets.
PLAIN_KEY = re.compile(r'secret_lookup|_id$|_file$|_path$', re.IGNORECASE)
SECRET_TEXT = re.compile(
    r'(PVEAPIToken=[^=\s]+=)[^\s,"\']+|(PVE:[^:\s]+:[0-9A-F]{8}::)\S+|'
    r'(\b\w*(?:password|passwd|passphrase|secret)\b["\']?\s*[=:]\s*["\']?)[^\s,;"\'}]+',
    re.IGNORECASE,
)


def redact(value):
    """The same structure with masked values under telling keys, and masked tokens, tickets and passwords in texts."""
    if isinstance(value, dict):
        return {str(key): _masked(entry) if _is_secret(str(key)) else redact(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [redact(entry) for entry in value]
    if isinstance(value, str):
        return SECRET_TEXT.sub(lambda found: next(group for group in found.groups() if group) + MASK, value)
    return value


def _is_secret(key):
    name = key.replace('-', '_')
    return bool(SECRET_KEY.search(name)) and not PLAIN_KEY.search(name)


def _masked(value):
    return value if value is None or isinstance(value, bool) or value == '' else MASK
