# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the registry takes to list and to store clusters, against the bare database and a plain file.

Listing: the floor is sqlite3's own fetch of the same rows, the peer a YAML file of the same clusters read with PyYAML.
Storing: a cluster with its encrypted token and its audit record, one transaction each; the floor is sqlite3's own insert
of rows of that size, also one transaction each and as durable.
"""
from __future__ import annotations

import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from row import row

CLUSTERS = 1000
NODES = 3
STORED = 200
ROUNDS = 30
NAMES = ('list 1000 registered clusters', 'store a cluster', 'read 20000 guests of a snapshot')


def milliseconds(work: Callable, rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for dummy in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def rows(only: str | None = None) -> Iterator[dict]:
    """The rows of the benchmark table, one after another."""
    from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

    measures = dict(zip(NAMES, (listing, storing, snapshot), strict=True))
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(open_registry(Path(folder) / 'registry.db')) as registry:
        store(registry, STORED)
        for name, measure in measures.items():
            if only in (None, name):
                yield measure(name, registry, Path(folder))


def store(registry, count: int, first: int = 0) -> None:
    """Register clusters as pve_cluster_registry does, without asking a server."""
    from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
    from ansible_collections.pve.fleet.plugins.module_utils.registry.records import (
        AuditRecord,
        ClusterRecord,
        StoredCredential,
    )

    for number in range(first, first + count):
        name = f'cluster-{number:04}'
        endpoints = [Endpoint(f'pve{node}.{name}.example.com', 8006, ':'.join(['AB'] * 32)) for node in range(NODES)]
        login = StoredCredential('operator', 'token', 'fleet@pve!operator', '0d6f1c2e-5b1f-4a77-9d5b-2f0c3c5c7a11')
        labels = {'site': f'site-{number % 10}', 'stage': 'prod'}
        record = registry.save_cluster(ClusterRecord(name=name, endpoints=endpoints, labels=labels), [login])
        registry.append_audit(
            AuditRecord('pve_cluster_registry', 'create', name, name, record.id, 'bench', after=record.as_dict())
        )


def listing(name: str, registry, folder: Path) -> dict:
    store(registry, CLUSTERS - STORED, STORED)
    records = registry.clusters()
    assert len(records) == CLUSTERS
    file = folder / 'clusters.yml'
    file.write_text(yaml.safe_dump([record.as_dict() for record in records]))
    with contextlib.closing(sqlite3.connect(registry.location.path)) as connection:
        floor = milliseconds(lambda: connection.execute('SELECT * FROM clusters').fetchall())
    peer = milliseconds(lambda: yaml.load(file.read_text(), yaml.CSafeLoader), 5)
    return row(name, 'ms', milliseconds(registry.clusters), floor=floor, peer=peer, goal='ours <= 10')


def storing(name: str, registry, folder: Path) -> dict:
    first = len(registry.clusters())
    start = time.perf_counter()
    store(registry, STORED, first)
    ours = (time.perf_counter() - start) / STORED * 1000
    with contextlib.closing(sqlite3.connect(folder / 'floor.db', isolation_level=None)) as connection:
        connection.executescript('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE rows (name TEXT UNIQUE, text TEXT)')
        numbers = iter(range(10 * STORED))

        def insert():
            for _transaction in ('cluster', 'audit record'):
                connection.execute('BEGIN IMMEDIATE')
                connection.execute('INSERT INTO rows VALUES (?, ?)', (f'row-{next(numbers)}', 'x' * 1000))
                connection.execute('COMMIT')

        floor = milliseconds(insert, STORED)
    return row(name, 'ms', ours, floor=floor, goal='ours <= 10')


def snapshot(name: str, registry, _folder: Path) -> dict:
    guests = [
        {'vmid': vmid, 'name': f'web-{vmid}', 'node': f'pve{vmid % 16}', 'status': 'running', 'tags': ['prod', 'web'],
         'type': 'qemu', 'cpu': 0.25, 'mem': 8589934592, 'maxmem': 17179869184, 'template': False}
        for vmid in range(100, 20100)
    ]  # fmt: skip
    owner = registry.clusters()[0].id
    registry.save_snapshot(owner, [], guests)
    return row(name, 'ms', milliseconds(lambda: registry.snapshot(owner), 5))
