# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions on the registry's database: one writer at a time, patient with others, safe after a fork."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sqlite3
import threading
import time
import urllib.parse
import weakref

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError

from . import faults, model
from .third_party import load

PATIENCE = 60.0
BUSY_TIMEOUT = 2.0
CONNECT_TIMEOUT = 10
LOCK_KEY = 0x7076655F666C6565
ABSENT = object()
_OLD = object()
_CURRENT = object()

_databases = {}
_alive = weakref.WeakSet()
_inherited = []


def database_for(location):
    """The one Database of this process for a location."""
    return _databases.get(location.url) or _databases.setdefault(location.url, Database(location))


def _after_fork():
    """A forked child must neither use nor close its parent's connections: keep them unused, and open its own."""
    for database in list(_alive):
        database.abandon()


os.register_at_fork(after_in_child=_after_fork)


class Database:
    """Runs functions of one SQLAlchemy connection inside read or write transactions.

    Write transactions are serial on both kinds of database (sqlite: BEGIN IMMEDIATE, PostgreSQL: an advisory lock), so
    that a function may read, decide and write. A function may run again when the database asks for another try.
    """

    def __init__(self, location):
        self.location = location
        self.path = location.path
        self._lock = threading.Lock()
        self._engine = None
        self._file = None
        self._ready = False
        _alive.add(self)

    def abandon(self):
        """Forget the engine without closing its connections (see _after_fork)."""
        self._lock = threading.Lock()
        if self._engine is not None:
            _inherited.append(self._engine)
        self._engine = None
        self._ready = False

    def dispose(self):
        """Close all connections."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None
            self._ready = False

    def read(self, work):
        """work(connection) in a read transaction, or ABSENT when there is no registry yet. Writes nothing."""
        found = self._patiently(lambda: self._read_once(work))
        if found is not _OLD:
            return found
        self.write(lambda connection: None)
        return self._patiently(lambda: self._read_once(work))

    def write(self, work, on_create=None):
        """work(connection) in a write transaction. Makes or upgrades the registry first; a new one gets on_create."""
        return self._patiently(lambda: self._write_once(work, on_create))

    def _patiently(self, attempt):
        errors = (load('sqlalchemy').exc.SQLAlchemyError, sqlite3.Error, OSError)
        end = time.monotonic() + PATIENCE
        pause = 0.01
        while True:
            try:
                return attempt()
            except FleetError:
                raise
            except errors as error:
                lost = getattr(error, 'connection_invalidated', False)
                if not (lost or faults.classify(error) == 'retry') or time.monotonic() > end:
                    raise faults.explain(error, self.location.where, PATIENCE) from None
            time.sleep(random.uniform(0.001, pause))
            pause = min(pause * 2, 0.25)

    def _read_once(self, work):
        if self._file_id() is None:
            return ABSENT
        with self._get_engine().connect() as connection:
            if not self._ready:
                state = self._state(connection)
                if state is not _CURRENT:
                    return state
                self._ready = True
            return work(connection)

    def _write_once(self, work, on_create):
        if self._file_id() is None:
            self._make_file()
        with self._get_engine().connect() as connection:
            transaction = connection.execution_options(fleet_write=True).begin()
            ready = self._ready or self._make_ready(connection, on_create)
            result = work(connection)
            self._commit(transaction)
            self._ready = ready
            return result

    def _commit(self, transaction):
        try:
            transaction.commit()
        except load('sqlalchemy').exc.DBAPIError as error:
            if error.connection_invalidated:
                raise faults.sentence('unknown_fate', self.location.where) from None
            raise

    def _make_ready(self, connection, on_create):
        state = self._state(connection)
        if state is not _CURRENT:
            from .migrations import upgrade

            upgrade.upgrade(connection)
        if state is ABSENT and on_create:
            on_create(connection)
        return True

    def _state(self, connection):
        """ABSENT, _OLD or _CURRENT. Raises RegistryError for a newer registry, or a file that is something else."""
        table = model.VERSION_TABLE
        if self.path:
            found = connection.exec_driver_sql('SELECT name FROM sqlite_master').scalars().all()
            if found and table not in found:
                raise faults.sentence('corrupt', self.location.where, ' (a database of another program)')
            exists = bool(found)
        else:
            # Not to_regclass(): it may answer from a cache of before the wait for the lock.
            query = 'SELECT 1 FROM pg_tables WHERE tablename = %s AND schemaname = ANY(current_schemas(false))'
            exists = connection.exec_driver_sql(query, (table,)).scalar() is not None
        sa = load('sqlalchemy')
        query = sa.select(sa.column('version_num')).select_from(sa.table(table))
        version = connection.execute(query).scalar() if exists else None
        if version is None:
            return ABSENT
        if version == model.REVISION:
            return _CURRENT
        from .migrations import upgrade

        if version in upgrade.known_revisions():
            return _OLD
        raise faults.sentence('newer', self.location.where, version)

    def _file_id(self):
        """What identifies the database file, None when there is none. Another file than before: connect anew."""
        if self.path is None:
            return ()
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            status = None
        except PermissionError as error:
            raise faults.sentence('not_allowed', self.location.where, f' ({error.strerror})') from None
        found = (status.st_dev, status.st_ino) if status and status.st_size else None
        if found != self._file:
            self.dispose()
            self._file = found
        return found

    def _make_file(self):
        """Make the folder (0700) and the file (0600); sqlite gives its log files the same mode."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT)) as connection:
            connection.execute('PRAGMA journal_mode=WAL')
        self._file_id()

    def _get_engine(self):
        with self._lock:
            if self._engine is None:
                self._engine = self._sqlite_engine() if self.path else self._postgresql_engine()
            return self._engine

    def _sqlite_engine(self):
        sa = load('sqlalchemy')
        fixed = not os.access(self.path.parent, os.W_OK) and not _has_log(self.path)
        # Without a writable folder sqlite cannot make its lock files, so it is told that the file does not change;
        # then a connection is not kept, so that the next reading sees what has changed after all.
        uri = f'file:{urllib.parse.quote(str(self.path))}?{"mode=ro&immutable=1" if fixed else "mode=rw"}'

        def connect():
            connection = sqlite3.connect(
                uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            connection.execute('PRAGMA foreign_keys=ON')
            connection.execute('PRAGMA secure_delete=ON')
            connection.execute('PRAGMA synchronous=FULL')
            connection.execute('PRAGMA temp_store=MEMORY')
            return connection

        options = {'poolclass': sa.NullPool} if fixed else {'poolclass': sa.QueuePool, 'max_overflow': -1}
        engine = sa.create_engine('sqlite://', creator=connect, hide_parameters=True, **options)

        @sa.event.listens_for(engine, 'begin')
        def begin(connection):
            write = connection.get_execution_options().get('fleet_write')
            connection.exec_driver_sql('BEGIN IMMEDIATE' if write else 'BEGIN')

        return engine

    def _postgresql_engine(self):
        sa = load('sqlalchemy')
        load('psycopg')
        url = sa.make_url(self.location.url)
        timeout = {} if 'connect_timeout' in url.query else {'connect_timeout': CONNECT_TIMEOUT}
        engine = sa.create_engine(
            url,
            pool_size=2,
            max_overflow=8,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={'prepare_threshold': None, 'application_name': 'pve.fleet', **timeout},
        )

        @sa.event.listens_for(engine, 'connect')
        def connect(connection, _record):
            connection.autocommit = True
            connection.execute(f"SET lock_timeout = '{BUSY_TIMEOUT}s'; SET idle_in_transaction_session_timeout = '5min'")
            connection.autocommit = False

        @sa.event.listens_for(engine, 'begin')
        def begin(connection):
            if connection.get_execution_options().get('fleet_write'):
                connection.exec_driver_sql(f'SELECT pg_advisory_xact_lock({LOCK_KEY})')

        return engine


def _has_log(path):
    try:
        return os.stat(f'{path}-wal').st_size > 0
    except OSError:
        return False


def upsert(connection, table, rows, keys):
    """Insert rows (dictionaries with equal keys); a row whose `keys` exist already is replaced."""
    if not rows:
        return
    statement = _upsert_statement(connection.dialect.name, table, tuple(rows[0]), tuple(keys))
    connection.execute(statement, rows)


@functools.cache
def _upsert_statement(dialect, table, names, keys):
    insert = load(f'sqlalchemy.dialects.{dialect}').insert(table)
    values = {name: insert.excluded[name] for name in names if name not in keys}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=values)
