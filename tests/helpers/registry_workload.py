# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mixed workload on one registry, for tests that run it in many processes or kill it.

python registry_workload.py mixed URL KEY_FILE PROCESSES COUNT  fork PROCESSES, each runs COUNT operations; print what was done as JSON
python registry_workload.py kill URL KEY_FILE SEED ROUNDS   fork, kill and check ROUNDS times, print what was seen as JSON
python registry_workload.py register URL KEY_FILE NAME HOST wait for a line on stdin, register, print the outcome
"""
from __future__ import annotations

import collections
import importlib
import json
import os
import random
import signal
import sys
import time
import traceback

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import (
    Amounts,
    AuditRecord,
    ClusterRecord,
    MetricSample,
    StoredCredential,
    Workspace,
)
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

SHARED = 'shared'
WORKSPACE = 'shop'
QUOTA = 10
READY = b'r'
FRESH_ROUNDS = 10


class Workload:
    """Random operations; `done` counts those that were told to have succeeded."""

    def __init__(self, registry, seed):
        self.registry = registry
        self.seed = seed
        self.random = random.Random(seed)
        self.done = collections.Counter()
        self.own = []
        self.serial = 0

    def run_one(self):
        """One operation -> its name."""
        name = self.random.choice(('register', 'update', 'count', 'touch', 'remove', 'read', 'audit', 'see', 'reserve'))
        if getattr(self, name)():
            self.done[name] += 1
        return name

    def register(self):
        self.serial += 1
        name = f'c-{self.seed}-{self.serial}'
        login = StoredCredential('operator', 'token', 'fleet@pve!op', f'secret-of-{name}')
        self.registry.save_cluster(ClusterRecord(name=name, endpoints=[Endpoint(f'{name}.example')]), [login])
        self.own.append(name)
        return True

    def update(self):
        if not self.own:
            return False
        record = self.registry.cluster(self.random.choice(self.own))
        record.labels = {**record.labels, 'n': self.random.random()}
        self.registry.save_cluster(record)
        return True

    def count(self):
        """Add one to a counter that all processes share: read, change, save, and again when another was quicker."""
        while True:
            record = self.registry.cluster(SHARED)
            record.labels = {'count': record.labels.get('count', 0) + 1}
            try:
                self.registry.save_cluster(record)
                return True
            except Conflict:
                continue

    def touch(self):
        record = self.registry.cluster(SHARED)
        self.registry.touch(record.id, 'degraded', [{'code': 'quorum', 'message': 'lost'}], '9.2.11', 3)
        return True

    def remove(self):
        if len(self.own) < 3:
            return False
        self.registry.remove_cluster(self.own.pop(0))
        return True

    def read(self):
        self.registry.clusters()
        if self.own:
            name = self.random.choice(self.own)
            assert self.registry.connection(name, 'viewer').credential.secret == f'secret-of-{name}'
        return True

    def audit(self):
        self.registry.append_audit(AuditRecord('workload', 'update', f'{self.seed}', SHARED, who='test', after={'n': 1}))
        return True

    def see(self):
        record = self.registry.cluster(SHARED)
        self.registry.save_snapshot(record.id, [{'node': 'pve1'}], [{'vmid': vmid} for vmid in range(50)])
        self.registry.add_metrics(record.id, [MetricSample('node/pve1', int(time.time()), {'cpu': 0.5})])
        return True

    def reserve(self):
        try:
            held = self.registry.reserve(WORKSPACE, f'{self.seed}/{self.random.randrange(20)}', Amounts(1, 1, 1, 1))
        except Conflict:
            return False
        assert self.registry.workspace(WORKSPACE).reserved.guests <= QUOTA
        if self.random.random() < 0.7:
            self.registry.release(held.id)
        else:
            self.registry.confirm(held.id)
        return True


def prepare(registry):
    """What the workload shares; several processes may do it at once."""
    for make in (
        lambda: registry.save_cluster(ClusterRecord(name=SHARED, endpoints=[Endpoint('shared.example')])),
        lambda: registry.save_workspace(Workspace(WORKSPACE, [SHARED], Amounts(None, None, None, QUOTA))),
    ):
        try:
            make()
        except Conflict:
            pass


def mixed(url, key_file, processes, count):
    running = [_forked(lambda seed=seed: _work(url, key_file, seed, int(count))) for seed in range(int(processes))]
    results = []
    for child, pipe in running:
        with os.fdopen(pipe) as stream:
            results.append(json.loads(stream.read() or 'null'))
        assert os.waitpid(child, 0)[1] == 0, 'a process failed'
    print(json.dumps(results))


def _work(url, key_file, seed, count):
    registry = open_registry(url, key_file=key_file)
    prepare(registry)
    workload = Workload(registry, seed)
    for dummy in range(count):
        workload.run_one()
    return {'done': workload.done, 'own': workload.own}


def _forked(function):
    """Run function() in a forked process -> its id, and a pipe that gives what it returned as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:
        os.write(writing, json.dumps(function()).encode())
        status = 0
    except Exception:  # noqa: BLE001  the parent sees the status
        traceback.print_exc()
    finally:
        os._exit(status)


def register(url, key_file, name, host):
    registry = open_registry(url, key_file=key_file)
    registry.clusters()
    print('ready', flush=True)
    sys.stdin.readline()
    try:
        registry.save_cluster(ClusterRecord(name=name, endpoints=[Endpoint(host)]))
        print('stored')
    except FleetError as error:
        print(error.code, error.message)


def _child(url, key_file, seed, pipe):
    registry = open_registry(url, key_file=key_file)
    prepare(registry)
    os.write(pipe, READY)
    workload = Workload(registry, seed)
    letters = {'audit': b'a', 'count': b'c'}
    while True:
        os.write(pipe, letters.get(workload.run_one(), b'.'))


def kill(url, key_file, seed, rounds):
    """Each round: a child works until it is killed at a random moment; then all that it was told must be there.

    The first rounds have a registry each, and the kill may hit its making; later ones begin when the child is at work.
    """
    chance = random.Random(seed)
    totals = collections.Counter()
    for number in range(int(rounds)):
        fresh = number < FRESH_ROUNDS and url.startswith('sqlite')
        place = (f'{url}-{number}', f'{key_file}-{number}') if fresh else (url, key_file)
        seen = _kill_once(place, number, chance, 0 if fresh else 1 + chance.randrange(6))
        if not fresh:
            totals.update(seen)
        _check(open_registry(place[0], key_file=place[1]), seen if fresh else totals)
    print(json.dumps({'audited': totals['a'], 'counted': totals['c'], 'rounds': int(rounds)}))


def _kill_once(place, seed, chance, steps):
    """Kill a child some moment after so many steps -> what it was told to be stored, counted by kind."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            _child(*place, seed, writing)
        finally:
            os._exit(9)
    os.close(writing)
    done = b''.join(os.read(reading, 1) for dummy in range(steps))
    # Real time on purpose: the point of the kill must not depend on what the child is doing.
    time.sleep(chance.uniform(0.0, 0.02 if steps else 0.15))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, 'the workload ended by itself'
    with os.fdopen(reading, 'rb') as pipe:
        return collections.Counter((done + pipe.read()).decode())


def _check(registry, totals):
    prepare(registry)
    verdict = registry.verify_audit()
    assert verdict['ok'], verdict
    assert verdict['checked'] >= totals['a'], (verdict, totals)
    records = registry.clusters()
    assert len({record.name for record in records}) == len(records)
    for record in records[-10:]:
        if record.name != SHARED:
            assert registry.connection(record.name, 'viewer').credential.secret == f'secret-of-{record.name}'
    count = registry.cluster(SHARED).labels.get('count', 0)
    assert count >= totals['c'], (count, totals)


if __name__ == '__main__':
    for module in ('alembic.operations', 'alembic.runtime.migration', 'cryptography.fernet', 'psycopg', 'sqlalchemy'):
        importlib.import_module(module)
    {'mixed': mixed, 'kill': kill, 'register': register}[sys.argv[1]](*sys.argv[2:])
