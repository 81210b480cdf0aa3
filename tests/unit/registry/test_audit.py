# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log: what it keeps, and that tampering shows."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries import execute

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import AuditRecord
from ansible_collections.pve.fleet.plugins.module_utils.registry.redaction import MASK, redact

COLUMNS = (
    'time', 'who', 'module', 'action', 'object', 'cluster', 'cluster_id', 'before', 'after', 'changes', 'outcome',
    'request_id', 'previous_hash', 'hash',
)  # fmt: skip


def entry(number, **more):
    return AuditRecord(
        **{
            'module': 'pve_vm',
            'action': 'update',
            'object': f'vm {number}',
            'cluster': 'prod',
            'cluster_id': 'c0',
            'who': 'ops@host',
            'before': {'cores': number},
            'after': {'cores': number + 1, 'name': 'wéb\x00'},
            'changes': [f'set cores to {number + 1}'],
            'request_id': f'r{number}',
            **more,
        }
    )


@pytest.fixture
def log(registry):
    for number in range(6):
        registry.append_audit(entry(number))
    return registry


def test_records_come_back_in_order(log):
    records = log.read_audit()
    assert [record.seq for record in records] == [1, 2, 3, 4, 5, 6]
    third = records[2]
    assert (third.before, third.after) == ({'cores': 2}, {'cores': 3, 'name': 'wéb\x00'})
    assert (third.changes, third.outcome) == (['set cores to 3'], 'ok')
    assert records[2].previous_hash == records[1].hash
    verdict = log.verify_audit()
    assert verdict == {'ok': True, 'checked': 6, 'first_bad': None, 'reason': '', 'head': {'count': 6, 'hash': records[5].hash}}


def test_filters(log):
    log.append_audit(entry(7, cluster='lab', outcome='failed', time='2020-01-01T00:00:00Z'))
    assert [record.seq for record in log.read_audit({'limit': 2})] == [6, 7]
    assert [record.seq for record in log.read_audit({'cluster': 'lab', 'who': None})] == [7]
    assert [record.seq for record in log.read_audit({'until': '2020-12-31T00:00:00Z'})] == [7]
    assert len(log.read_audit({'since': '2021-01-01T00:00:00Z', 'module': 'pve_vm'})) == 6
    with pytest.raises(BadRequest, match="no filter 'colour'"):
        log.read_audit({'colour': 'red'})


@pytest.mark.parametrize('column', COLUMNS)
def test_a_changed_column_shows(log, column):
    value = '"x"' if column in ('before', 'after', 'changes') else 'f' * 64
    execute(log, f'UPDATE audit SET {column} = ? WHERE seq = 3', (value,))  # noqa: S608
    verdict = log.verify_audit()
    assert not verdict['ok']
    assert verdict['first_bad'] == 3
    assert '3' in verdict['reason']


@pytest.mark.parametrize(
    ('statements', 'first', 'words'),
    [
        (['DELETE FROM audit WHERE seq = 1'], 1, 'record 1 is missing'),
        (['DELETE FROM audit WHERE seq = 4'], 4, 'record 4 is missing'),
        (['DELETE FROM audit WHERE seq = 6'], 6, 'last 1 record'),
        (['DELETE FROM audit'], 1, 'last 6 record'),
        (['DELETE FROM audit WHERE seq = 4', 'UPDATE audit SET seq = seq - 1 WHERE seq > 4'], 4, 'removed, inserted'),
        (['UPDATE audit SET seq = -1 WHERE seq = 2', 'UPDATE audit SET seq = 2 WHERE seq = 3', 'UPDATE audit SET seq = 3 WHERE seq = -1'],
         1, 'missing|removed'),
        (['DELETE FROM audit WHERE seq > 4', 'UPDATE audit_head SET count = 4'], None, 'head of the log was changed'),
        (['DELETE FROM audit_head'], None, 'head of the log is missing'),
        (['DELETE FROM audit', 'DELETE FROM audit_head'], None, 'head of the log is missing'),
    ],
)  # fmt: skip
def test_removed_and_reordered_records_show_and_going_on_does_not_heal_it(log, statements, first, words):
    for statement in statements:
        execute(log, statement)
    verdict = log.verify_audit()
    assert not verdict['ok']
    if 'removed' not in words:
        assert verdict['first_bad'] == first
    assert words.split('|')[-1] in verdict['reason'] or words.split('|')[0] in verdict['reason']
    log.append_audit(entry(8))
    log.append_audit(entry(9))
    assert not log.verify_audit()['ok']
    log.rotate_key()
    assert not log.verify_audit()['ok']


def test_a_chain_written_anew_without_the_key_shows(log):
    from ansible_collections.pve.fleet.plugins.module_utils.registry import audit

    rows = [record.as_dict() for record in log.read_audit()]
    previous = audit.START
    for row in rows:
        texts = {name: audit.canonical(row[name]) for name in audit.JSON_FIELDS}
        row = {**row, **texts, 'who': 'nobody'}
        row['hash'] = audit._hash(row, previous)
        execute(
            log,
            'UPDATE audit SET who = ?, previous_hash = ?, hash = ? WHERE seq = ?',
            ('nobody', previous, row['hash'], row['seq']),
        )
        previous = row['hash']
    execute(log, 'UPDATE audit_head SET hash = ?', (previous,))
    assert 'head of the log was changed' in log.verify_audit()['reason']


def test_secrets_are_masked_before_they_are_stored(registry):
    registry.append_audit(entry(1, before=None, after={'password': 'canary', 'user': 'a'}, changes=['password=canary']))
    stored = str(execute(registry, 'SELECT * FROM audit'))
    assert 'canary' not in stored
    assert registry.read_audit()[0].after == {'password': MASK, 'user': 'a'}


@pytest.mark.parametrize(
    'key', ['password', 'api_password', 'cipassword', 'token_secret', 'secret', 'api-token', 'ticket', 'CSRFPreventionToken',
            'PVEAuthCookie', 'private_key', 'registry_key', 'passphrase', 'Authorization', 'apikey'],
)  # fmt: skip
def test_values_under_telling_keys_are_masked(key):
    assert redact({'deep': [{key: 'canary'}]}) == {'deep': [{key: MASK}]}
    assert redact({key: {'nested': 'canary'}}) == {key: MASK}


@pytest.mark.parametrize('key', ['token_id', 'api_token_id', 'sshkeys', 'fingerprint', 'key_file', 'name', 'secret_lookup', 'monkey'])
def test_other_values_stay(key):
    assert redact({key: 'plain'}) == {key: 'plain'}


@pytest.mark.parametrize(
    'text',
    [
        'PVEAPIToken=fleet@pve!a=canary',
        'Cookie PVE:root@pam:65F0A1B2::canary',
        'user=a,password=canary,x=1',
        "{'cipassword': canary}",
        'secret: canary',
    ],
)
def test_secrets_inside_texts_are_masked(text):
    assert 'canary' not in redact(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_redacting_twice_is_redacting_once(value):
    assert redact(redact(value)) == redact(value)
