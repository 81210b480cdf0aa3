# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files, disks, permissions and servers that fail: one clear sentence each, and nothing lost."""
from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import sqlite3
import subprocess

import pytest
from ordinary_user import as_ordinary_user, open_folder
from postgres import PASSWORD
from registries import CANARY, cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.registry import database, secrets
from ansible_collections.pve.fleet.plugins.module_utils.registry.faults import RegistryError
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import AuditRecord
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

__all__ = ['open_folder']


def failure(function):
    """The RegistryError of a call, checked to be one sentence or two without secrets."""
    with pytest.raises(RegistryError) as caught:
        function()
    message = caught.value.message
    assert '\n' not in message
    assert message.endswith('.')
    assert CANARY not in message
    assert PASSWORD not in message
    assert 'Traceback' not in message
    assert caught.value.__cause__ is None
    return caught.value.details['reason'], message


def reason_and_names(path, action):
    """For a forked process: the reason of a failure, or the names of the clusters."""
    registry = open_registry(path)
    try:
        return action(registry)
    except FleetError as error:
        return error.details.get('reason'), error.message


def names(registry):
    return [record.name for record in registry.clusters()]


def save(registry):
    return registry.save_cluster(cluster('new'), [token()])


@pytest.fixture
def closed(open_folder):
    """A registry with a cluster in a folder where an ordinary user may read, and nothing else -> its path."""
    path = open_folder / 'home' / 'registry.db'
    registry = open_registry(path, key_file=open_folder / 'home' / 'registry.key')
    registry.save_cluster(cluster(), [token()])
    registry.close()
    for file in path.parent.iterdir():
        file.chmod(0o444 if file.suffix == '.db' else 0o440)
        os.chown(file, -1, 65534 if os.getuid() == 0 else -1)
    path.parent.chmod(0o555)
    yield path
    path.parent.chmod(0o755)


def test_a_read_only_folder_can_be_read_but_not_written(closed):
    before = closed.read_bytes()
    assert as_ordinary_user(lambda: reason_and_names(closed, names)) == ['prod']
    assert as_ordinary_user(lambda: reason_and_names(closed, lambda r: r.connection('prod', 'viewer').credential.secret)) == CANARY
    reason, message = as_ordinary_user(lambda: reason_and_names(closed, save))
    assert reason == 'read_only'
    assert str(closed) in message
    assert 'correct the permissions' in message
    assert closed.read_bytes() == before
    assert sorted(path.name for path in closed.parent.iterdir()) == ['registry.db', 'registry.key']


def test_what_was_just_written_is_read_from_a_read_only_folder(closed):
    if os.getuid():
        pytest.skip('Two users are needed for this, and only root can become another one.')
    registry = open_registry(closed, key_file=closed.parent / 'registry.key')
    registry.save_cluster(cluster('second'), [token()])
    for file in closed.parent.glob('registry.db*'):
        file.chmod(0o644)
    assert as_ordinary_user(lambda: reason_and_names(closed, names)) == ['prod', 'second']
    registry.close()


def test_a_new_registry_in_a_read_only_folder(closed):
    other = closed.parent / 'deeper' / 'other.db'
    assert as_ordinary_user(lambda: reason_and_names(other, names)) == []
    reason, message = as_ordinary_user(lambda: reason_and_names(other, save))
    assert reason == 'read_only'
    assert str(other) in message


def test_a_file_that_may_not_be_read(closed):
    closed.chmod(0)
    for action in (names, save):
        reason, message = as_ordinary_user(lambda action=action: reason_and_names(closed, action))
        assert reason == 'not_allowed'
        assert 'Correct the permissions' in message


def test_a_folder_that_may_not_be_entered(closed):
    closed.parent.chmod(0)
    for action in (names, save):
        reason, message = as_ordinary_user(lambda action=action: reason_and_names(closed, action))
        assert reason == 'not_allowed'
        assert 'Permission denied' in message


def test_a_folder_in_place_of_the_file(tmp_path):
    for path in (tmp_path, tmp_path / 'file' / 'registry.db'):
        (tmp_path / 'file').touch()
        assert failure(lambda path=path: save(open_registry(path)))[0] in ('not_allowed', 'failed')


def test_a_full_disk_loses_nothing(tmp_path):
    folder = tmp_path / 'small'
    folder.mkdir()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k', 'none', str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip('A small file system cannot be mounted here; the next test stands in for it.')
    try:
        check_full(open_registry(folder / 'registry.db'))
    finally:
        subprocess.run(['umount', '-l', str(folder)], check=True)


def test_a_full_database_loses_nothing(file_registry, monkeypatch):
    file_registry.create()
    file_registry.close()
    connect = sqlite3.connect

    def connect_small(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute('PRAGMA max_page_count = 80')
        return connection

    monkeypatch.setattr(database.sqlite3, 'connect', connect_small)
    check_full(file_registry)


def check_full(registry):
    stored = []

    def fill():
        for number in range(2000):
            registry.save_cluster(cluster(f'c{number}', labels={'x': 'y' * 900}), [token()])
            stored.append(f'c{number}')

    reason, message = failure(fill)
    assert reason == 'disk_full'
    assert 'free some space' in message
    assert stored
    assert sorted(stored) == names(registry)
    assert registry.connection('c0', 'viewer').credential.secret == CANARY
    assert registry.verify_audit()['ok']
    registry.close()


def test_a_full_disk_while_the_key_file_is_made(file_registry, key_file, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(secrets.os, 'fsync', full)
    reason, message = failure(lambda: save(file_registry))
    assert reason == 'key'
    assert 'No space left' in message
    assert str(key_file) in message
    assert list(key_file.parent.iterdir()) == []
    monkeypatch.undo()
    save(file_registry)
    assert names(file_registry) == ['new']


@pytest.mark.parametrize('damage', ['text', 'head', 'middle', 'foreign'])
def test_a_damaged_file_is_said_and_left_alone(file_registry, damage):
    for number in range(60):
        file_registry.save_cluster(cluster(f'c{number}', labels={'x': 'y' * 500}))
    file_registry.close()
    path = file_registry.location.path
    data = path.read_bytes()
    if damage == 'foreign':
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute('CREATE TABLE songs (title TEXT)')
    else:
        new = {
            'text': b'to do: buy milk\n' * 100,
            'head': b'\xff' * 100 + data[100:],
            'middle': data[:100] + b'\xff' * (len(data) - 100),
        }
        path.write_bytes(new[damage])
    before = path.read_bytes()
    for action in (names, save):
        reason, message = failure(lambda action=action: action(file_registry))
        assert reason == 'corrupt'
        assert str(path) in message
        assert 'backup' in message
    file_registry.close()
    assert path.read_bytes() == before


def test_a_registry_that_is_put_back_while_it_is_open_is_seen(file_registry, tmp_path):
    save(file_registry)
    file_registry.close()
    path = file_registry.location.path
    shutil.copy(path, tmp_path / 'backup')
    file_registry.save_cluster(cluster('later'))
    for file in path.parent.iterdir():
        file.unlink()
    assert names(file_registry) == []
    shutil.copy(tmp_path / 'backup', path)
    assert names(file_registry) == ['new']


@contextlib.contextmanager
def locked(registry):
    """Hold the registry's write lock -> a function that lets go of it."""
    with contextlib.ExitStack() as stack:
        if registry.location.path:
            connection = stack.enter_context(contextlib.closing(sqlite3.connect(registry.location.path, isolation_level=None)))
            connection.execute('BEGIN IMMEDIATE')
        else:
            import psycopg

            url = registry.location.url.replace('postgresql+psycopg', 'postgresql')
            connection = stack.enter_context(contextlib.closing(psycopg.connect(url)))
            connection.execute(f'SELECT pg_advisory_xact_lock({database.LOCK_KEY})')
        yield connection.rollback


def test_a_lock_that_is_given_back_in_time_is_never_seen(registry, monkeypatch):
    monkeypatch.setattr(database, 'BUSY_TIMEOUT', 0.05)
    registry.create()
    registry.close()
    with locked(registry) as let_go:
        monkeypatch.setattr(database.time, 'sleep', lambda _seconds: let_go())
        save(registry)
    assert names(registry) == ['new']


def test_a_lock_that_is_never_given_back_is_said(registry, monkeypatch):
    monkeypatch.setattr(database, 'BUSY_TIMEOUT', 0.05)
    monkeypatch.setattr(database, 'PATIENCE', 0.1)
    registry.create()
    registry.close()
    with locked(registry):
        assert names(registry) == []
        reason, message = failure(lambda: save(registry))
    assert reason == 'locked'
    assert 'stayed locked by other processes' in message


def test_a_server_that_is_down_is_said_and_found_again(postgres_server, key_file):
    registry = open_registry(postgres_server.new_schema(), key_file=key_file)
    save(registry)
    postgres_server.stop()
    try:
        for action in (names, lambda r: r.append_audit(AuditRecord('pve_vm', 'create', '1'))):
            reason, message = failure(lambda action=action: action(registry))
            assert reason == 'unreachable'
            assert 'check that the database server runs' in message
    finally:
        postgres_server.start()
    assert names(registry) == ['new']
    postgres_server.stop()
    postgres_server.start()
    registry.append_audit(AuditRecord('pve_vm', 'create', '1'))
    assert registry.verify_audit()['checked'] == 1
    registry.close()


def test_a_wrong_password_or_database_is_said(postgres_server):
    for url, words in (
        (postgres_server.url(password='wr0ng-canary'), 'authentication failed'),
        (postgres_server.url(database='nowhere'), 'does not exist'),
    ):
        reason, message = failure(lambda url=url: names(open_registry(url)))
        assert reason == 'refused'
        assert words in message
        assert 'wr0ng' not in message


def test_a_server_that_never_answers_is_given_up(key_file):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        port = silent.getsockname()[1]
        url = f'postgresql://fleet:{PASSWORD}@127.0.0.1:{port}/fleet?connect_timeout=2'
        reason, message = failure(lambda: names(open_registry(url, key_file=key_file)))
    assert reason == 'unreachable'
    assert f'127.0.0.1:{port}/fleet' in message


def test_a_user_who_may_only_read_is_told(postgres_server, key_file):
    registry = open_registry(postgres_server.new_schema(), key_file=key_file)
    save(registry)
    registry.close()
    schema = registry.location.url.rsplit('%3D', 1)[1]
    execute(registry, 'CREATE ROLE reader_' + schema + " LOGIN PASSWORD 'pg-reader'")
    execute(registry, f'GRANT USAGE ON SCHEMA {schema} TO reader_{schema}')
    execute(registry, f'GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}')
    url = postgres_server.url(schema).replace(f'fleet:{PASSWORD}', f'reader_{schema}:pg-reader')
    reader = open_registry(url, key_file=key_file)
    assert names(reader) == ['new']
    reason, _message = failure(lambda: reader.save_cluster(cluster('other')))
    assert reason == 'read_only'
    reader.close()
