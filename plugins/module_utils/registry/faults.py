# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database says, turned into one sentence: what happened, where, and what to do."""

from __future__ import annotations

import errno
import sqlite3

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Internal

SENTENCES = {
    'locked': 'The registry {where} stayed locked by other processes for {patience} seconds. Nothing was changed; '
    'look for a process that hangs while it uses the registry, then run the task again.',
    'disk_full': 'The registry {where} cannot be written because its disk is full{said}. Nothing was changed; '
    'free some space, then run the task again.',
    'disk_error': 'The registry {where} cannot be read or written{said}. Nothing was changed; '
    'check the disk and its quota, then run the task again.',
    'read_only': 'The registry {where} cannot be written: the file or its folder is read-only for this user. '
    'Nothing was changed; correct the permissions, or name another registry with registry_url.',
    'not_allowed': 'The registry {where} cannot be opened: this user may not read or write there{said}. '
    'Correct the permissions, or name another registry with registry_url.',
    'corrupt': 'The registry {where} is damaged or is no registry{said}. Nothing was changed; '
    'put back a backup of it, or move it away to start an empty one.',
    'newer': 'The registry {where} was written by a newer release of pve.fleet (revision {said}). Nothing was changed; '
    'update the collection on this machine, or name another registry with registry_url.',
    'unreachable': 'The registry {where} does not answer{said}. Nothing was changed; '
    'check that the database server runs and that registry_url names it.',
    'refused': 'The registry {where} refuses the login{said}. Check user, password and database in registry_url.',
    'unknown_fate': 'The registry {where} was lost at the moment of storing a change; it may or may not be stored. '
    'Check that the database server runs, then run the task again: it goes on from what it finds.',
    'failed': 'The registry {where} could not be used{said}. Nothing was changed.',
}
SQLITE_TEXTS = (
    ('locked', ('is locked', 'is busy', 'locking protocol', 'schema has changed')),
    ('disk_full', ('disk is full',)),
    ('disk_error', ('disk i/o error',)),
    ('read_only', ('readonly', 'read-only')),
    ('not_allowed', ('unable to open',)),
    ('corrupt', ('not a database', 'malformed', 'corrupt')),
)
POSTGRESQL_STATES = (
    ('retry', ('40', '55P03', '53300', '57P03')),
    ('disk_full', ('53100',)),
    ('read_only', ('25006', '42501')),
    ('refused', ('28', '3D000')),
    ('corrupt', ('XX001', 'XX002')),
    ('unreachable', ('08', '57P01', '57P02')),
)
SYSTEM_ERRORS = {
    errno.ENOSPC: 'disk_full',
    errno.EDQUOT: 'disk_full',
    errno.EFBIG: 'disk_full',
    errno.EROFS: 'read_only',
    errno.EACCES: 'read_only',
    errno.EPERM: 'read_only',
}


class RegistryError(Internal):
    """The registry itself failed. details.reason is a key of SENTENCES, or 'key' for everything about the key."""


def sentence(reason, where, said='', patience=0):
    """The RegistryError for a reason. said: the database's own short words, put into brackets."""
    text = SENTENCES[reason].format(where=where, said=said, patience=int(patience))
    return RegistryError(text, details={'registry': str(where), 'reason': reason})


def classify(error):
    """An exception of the database or the system -> a key of SENTENCES, or 'retry' when another try may serve."""
    if isinstance(error, OSError):
        return SYSTEM_ERRORS.get(error.errno, 'failed')
    cause = getattr(error, 'orig', None) or error
    if isinstance(cause, sqlite3.Error):
        return _classify_sqlite(str(cause).lower())
    return _classify_postgresql(cause)


def _classify_sqlite(text):
    found = [reason for reason, parts in SQLITE_TEXTS if any(part in text for part in parts)]
    return 'retry' if found[:1] == ['locked'] else (found or ['failed'])[0]


def _classify_postgresql(cause):
    state = getattr(cause, 'sqlstate', None)
    if state is None:
        # psycopg gives no state when no connection came about; the server's refusal is then only in the text.
        text = str(cause).lower()
        if 'too many clients' in text or 'starting up' in text or 'remaining connection slots' in text:
            return 'retry'
        refused = 'authentication' in text or 'does not exist' in text or 'no pg_hba.conf entry' in text
        return 'refused' if refused else 'unreachable' if _is_operational(cause) else 'failed'
    found = [reason for reason, starts in POSTGRESQL_STATES if state.startswith(starts)]
    return (found or ['failed'])[0]


def _is_operational(cause):
    return type(cause).__name__ in ('OperationalError', 'ConnectionTimeout', 'InterfaceError')


def explain(error, where, patience):
    """The RegistryError for an exception that no further try can heal."""
    reason = classify(error)
    if reason == 'retry':
        reason = 'locked' if 'connect' not in str(error).lower() else 'unreachable'
    return sentence(reason, where, _said(error), patience)


def _said(error):
    if isinstance(error, OSError):
        return f' ({error.strerror}: {error.filename})' if error.filename else f' ({error.strerror})'
    lines = str(getattr(error, 'orig', None) or error).strip().splitlines()
    return f' ({lines[0].strip().rstrip(".")})' if lines else ''
