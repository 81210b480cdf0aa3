# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures and small makers for the tests of the registry."""
from __future__ import annotations

import contextlib
import sqlite3

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord, StoredCredential
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

CANARY = 'canary-5ecret-c0ffee-4711'


def cluster(name='prod', **more):
    """A ClusterRecord that is not stored yet."""
    endpoints = [Endpoint(f'{name}1.example.com'), Endpoint(f'{name}2.example.com', 8007, ':'.join(['AB'] * 32))]
    return ClusterRecord(**{'name': name, 'endpoints': endpoints, **more})


def token(tier='operator', secret=CANARY, **more):
    """A StoredCredential with a token."""
    return StoredCredential(**{'tier': tier, 'kind': 'token', 'identity': f'fleet@pve!{tier}', 'secret': secret, **more})


@pytest.fixture
def key_file(tmp_path):
    """Where the registry's key will be."""
    return tmp_path / 'keys' / 'registry.key'


@pytest.fixture
def registry(registry_url, key_file):
    """A Registry on each kind of database; it does not exist before the first change."""
    with contextlib.closing(open_registry(registry_url, key_file=key_file)) as opened:
        yield opened


@pytest.fixture
def file_registry(tmp_path, key_file):
    """A Registry in a sqlite file: tmp_path/home/registry.db."""
    with contextlib.closing(open_registry(f'sqlite:///{tmp_path}/home/registry.db', key_file=key_file)) as opened:
        yield opened


def execute(registry, statement, parameters=()):
    """Run SQL behind the registry's back (with ? for parameters) -> the rows."""
    if registry.location.path:
        with contextlib.closing(sqlite3.connect(registry.location.path)) as connection:
            rows = connection.execute(statement, parameters).fetchall()
            connection.commit()
            return rows
    import psycopg

    url = registry.location.url.replace('postgresql+psycopg', 'postgresql')
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.replace('?', '%s'), parameters)
        return cursor.fetchall() if cursor.description else []
