# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log: a chain of hashes whose head is signed.

Each record's hash covers the record and the hash before it, so a changed, removed, inserted or reordered record shows.
The head (number of records, last hash) is signed with a key derived from the registry's key, so that removing the
last records, or writing the whole chain anew, shows as well. A head that did not fit when a record was appended is
marked as broken inside the signature: going on does not heal it. What cannot be seen in the database alone is a whole
older copy of it put back; `head` of verify() is there to be noted elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest

from .codec import canonical, now_text
from .model import tables
from .records import AuditRecord
from .redaction import redact
from .third_party import load

START = '0' * 64
JSON_FIELDS = ('before', 'after', 'changes')
HASHED = (
    'action', 'after', 'before', 'changes', 'cluster', 'cluster_id', 'module', 'object', 'outcome', 'request_id',
    'seq', 'time', 'who',
)  # fmt: skip
EQUALS = ('cluster', 'cluster_id', 'module', 'action', 'object', 'who', 'outcome', 'request_id')
FILTERS = (*EQUALS, 'since', 'until', 'limit')


def start(connection, ring, key_id):
    """The signed head of an empty log."""
    _put_head(connection, ring, key_id, 0, START, '')


def append(connection, ring, key_id, record):
    """Store a record after the last one -> AuditRecord with seq, time and hashes."""
    head = _head(connection)
    seq, previous = _last(connection)
    broken = _head_fault(head, ring, key_id, seq, previous)
    row = _row(record, seq + 1)
    row['previous_hash'] = previous
    row['hash'] = _hash(row, previous)
    connection.execute(tables().audit.insert(), row)
    note = (head.broken if head else '') or (broken and f'{broken}, found when record {seq + 1} was written')
    _put_head(connection, ring, key_id, seq + 1, row['hash'], note)
    return _record(row)


def sign_again(connection, old_ring, old_id, new_ring, new_id):
    """Sign the head with another key; a head that does not fit stays marked as broken."""
    head = _head(connection)
    seq, previous = _last(connection)
    fault = _head_fault(head, old_ring, old_id, seq, previous)
    note = (head.broken if head else '') or (fault and f'{fault}, found when the key was changed')
    _put_head(connection, new_ring, new_id, seq, previous, note)


@functools.cache
def _queries():
    """Of the head, and of the last record."""
    sa = load('sqlalchemy')
    table = tables().audit
    return sa.select(tables().audit_head), sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)


def _head(connection):
    return connection.execute(_queries()[0]).first()


def _last(connection):
    """(sequence number, hash) of the last record."""
    return connection.execute(_queries()[1]).first() or (0, START)


def _head_fault(head, ring, key_id, seq, last_hash):
    """'' when the head is signed and fits the last record, else what is wrong."""
    if head is None:
        return 'the signed head of the log is missing'
    if not hmac.compare_digest(head.signature, ring.sign(key_id, _payload(head.count, head.hash, head.broken))):
        return 'the head of the log was changed'
    if seq < head.count:
        return f'the last {head.count - seq} record(s) are missing'
    if seq > head.count:
        return f'{seq - head.count} record(s) were added at the end'
    return '' if last_hash == head.hash else 'the chain was written anew'


def _put_head(connection, ring, key_id, count, last_hash, broken):
    table = tables().audit_head
    row = {'id': 1, 'count': count, 'hash': last_hash, 'broken': broken}
    row['signature'] = ring.sign(key_id, _payload(count, last_hash, broken))
    if not connection.execute(table.update(), row).rowcount:
        connection.execute(table.insert(), row)


def _payload(count, last_hash, broken):
    return canonical([count, last_hash, broken]).encode()


def _row(record, seq):
    row = {name: _plain(getattr(record, name)) for name in HASHED if name not in JSON_FIELDS}
    row.update({name: canonical(redact(getattr(record, name))) for name in JSON_FIELDS})
    row.update(seq=seq, time=record.time or now_text())
    return row


def _plain(value):
    return redact(str(value or '')).replace('\x00', '')


def _hash(row, previous):
    """SHA-256 over the canonical JSON of the record (before, after and changes as they are stored) and `previous`."""
    parts = (f'"{name}":{row[name] if name in JSON_FIELDS else json.dumps(row[name])}' for name in HASHED)
    return hashlib.sha256(('{' + ','.join(parts) + '}' + previous).encode()).hexdigest()


def _record(row):
    return AuditRecord(**{**row, **{name: json.loads(row[name]) for name in JSON_FIELDS}})


def read(connection, filters):
    """AuditRecords, oldest first. filters: equal values of EQUALS, since and until (ISO 8601 texts), limit (the newest).

    Raises BadRequest for another filter.
    """
    filters = {key: value for key, value in (filters or {}).items() if value is not None}
    unknown = sorted(set(filters) - set(FILTERS))
    if unknown:
        raise BadRequest(f'The audit log has no filter {unknown[0]!r}. There are: {", ".join(FILTERS)}.')
    table = tables().audit
    query = load('sqlalchemy').select(table).order_by(table.c.seq.desc())
    for name in EQUALS:
        if name in filters:
            query = query.where(table.c[name] == str(filters[name]))
    if 'since' in filters:
        query = query.where(table.c.time >= filters['since'])
    if 'until' in filters:
        query = query.where(table.c.time <= filters['until'])
    if 'limit' in filters:
        query = query.limit(int(filters['limit']))
    return [_record(dict(row)) for row in reversed(connection.execute(query).mappings().all())]


def verify(connection, ring, key_id):
    """Check the whole chain -> {ok, checked, first_bad (a sequence number or None), reason, head {count, hash}}."""
    table = tables().audit
    seq, previous = 0, START
    for row in connection.execute(load('sqlalchemy').select(table).order_by(table.c.seq)).mappings():
        fault = _record_fault(row, seq, previous)
        if fault:
            return _verdict(seq, previous, fault, row['seq'] if row['seq'] == seq + 1 else seq + 1)
        seq, previous = row['seq'], row['hash']
    head = _head(connection)
    fault = _head_fault(head, ring, key_id, seq, previous)
    first = min(seq, head.count) + 1 if head and seq != head.count else None
    if not fault and head.broken:
        fault = head.broken
    return _verdict(seq, previous, fault, first if fault else None)


def _record_fault(row, seq, previous):
    if row['seq'] != seq + 1:
        return f'record {seq + 1} is missing'
    if row['previous_hash'] != previous:
        return f'record {seq + 1} does not follow the one before it: records were removed, inserted or put in another order'
    return '' if _hash(row, previous) == row['hash'] else f'record {seq + 1} was changed'


def _verdict(checked, last_hash, fault, first_bad):
    return {
        'ok': not fault,
        'checked': checked,
        'first_bad': first_bad,
        'reason': fault,
        'head': {'count': checked, 'hash': last_hash},
    }
