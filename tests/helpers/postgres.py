# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away PostgreSQL server on a unix socket, and fixtures that give each test its own registry."""
from __future__ import annotations

import dataclasses
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.parse
import uuid
from pathlib import Path

import pytest

PASSWORD = 'pg-canary-0f3b'
ABSENT = 'PostgreSQL is not installed here (pg_config --bindir finds no initdb): its half of the registry tests is skipped.'


@dataclasses.dataclass
class Server:
    """A running server; `stop()` and `start()` may be called in between."""

    programs: Path
    folder: Path
    prefix: list

    def run(self, program, *arguments):
        command = [*self.prefix, str(self.programs / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        options = f"-F -k {self.folder} -c listen_addresses='' -c max_connections=60"
        self.run('pg_ctl', '-D', str(self.folder / 'data'), '-w', '-l', str(self.folder / 'log'), '-o', options, 'start')

    def stop(self, mode='immediate'):
        self.run('pg_ctl', '-D', str(self.folder / 'data'), '-m', mode, '-w', 'stop')

    def url(self, schema='public', password=PASSWORD, database='postgres'):
        host, path = (urllib.parse.quote(text, safe='') for text in (str(self.folder), f'-csearch_path={schema}'))
        return f'postgresql://fleet:{password}@/{database}?host={host}&options={path}'

    def new_schema(self):
        """Make an empty schema -> the URL of a registry in it (a database for each test would take much longer)."""
        import psycopg

        name = 'r' + uuid.uuid4().hex
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA {name}')
        return self.url(name)


def find_programs():
    """The folder with initdb and pg_ctl, or None."""
    try:
        folder = subprocess.run(['pg_config', '--bindir'], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(folder.strip()) if (Path(folder.strip()) / 'initdb').exists() else None


def other_user():
    """initdb refuses root: -> the command's beginning that drops root's rights, and the user id."""
    if os.getuid():
        return [], os.getuid()
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get('postgres') or names['nobody']
    return ['setpriv', f'--reuid={entry.pw_uid}', f'--regid={entry.pw_gid}', '--clear-groups'], entry.pw_uid


@pytest.fixture(scope='session')
def postgres_server():
    """A Server for all tests of the session."""
    programs = find_programs()
    prefix, owner = other_user()
    if programs is None or (prefix and not shutil.which('setpriv')):
        pytest.skip(ABSENT)
    folder = Path(tempfile.mkdtemp(prefix='pve-fleet-pg-'))
    server = Server(programs, folder, prefix)
    (folder / 'password').write_text(PASSWORD)
    for path in (folder, folder / 'password'):
        os.chown(path, owner, -1)
    login = ['-U', 'fleet', '-A', 'scram-sha-256', '--pwfile', str(folder / 'password')]
    try:
        server.run('initdb', '-D', str(folder / 'data'), '-N', '-E', 'UTF8', '--locale=C', *login)
        server.start()
        yield server
    finally:
        if (folder / 'data' / 'postmaster.pid').exists():
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=['sqlite', 'postgresql'])
def registry_url(request, tmp_path):
    """The URL of a registry that does not exist yet, once for each kind of database."""
    if request.param == 'sqlite':
        return f'sqlite:///{tmp_path}/home/registry.db'
    return request.getfixturevalue('postgres_server').new_schema()
