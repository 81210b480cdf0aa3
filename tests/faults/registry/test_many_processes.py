# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes at once, and processes that are killed."""
from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import registry_workload
from registries import execute

PROGRAM = Path(registry_workload.__file__)
PROCESSES = 8
OPERATIONS = 100
# PostgreSQL's own files are in no danger when a client is killed.
KILLS = {'sqlite': 50, 'postgresql': 20}


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def environment():
    return {**os.environ, 'PYTHONPATH': ':'.join(sys.path)}


def finish(process):
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return out


def test_mixed_operations_of_eight_processes_lose_and_double_nothing(registry, registry_url, key_file):
    results = json.loads(finish(start('mixed', registry_url, key_file, PROCESSES, OPERATIONS)))
    assert len(results) == PROCESSES
    done = sum((collections.Counter(result['done']) for result in results), collections.Counter())
    own = [name for result in results for name in result['own']]
    assert sorted([*own, registry_workload.SHARED]) == [record.name for record in registry.clusters()]
    assert registry.cluster(registry_workload.SHARED).labels['count'] == done['count']
    assert registry.verify_audit()['ok']
    assert registry.verify_audit()['checked'] == done['audit']
    assert registry.workspace(registry_workload.WORKSPACE).reserved.guests <= registry_workload.QUOTA


def test_of_two_processes_that_register_one_name_at_once_one_gets_it(registry, registry_url, key_file):
    running = [start('register', registry_url, key_file, 'prod', f'pve{number}') for number in range(2)]
    for process in running:
        assert process.stdout.readline() == 'ready\n'
    for process in running:
        process.stdin.write('go\n')
        process.stdin.flush()
    outcomes = sorted(finish(process).strip() for process in running)
    assert outcomes[0].startswith('Conflict'), outcomes
    assert outcomes[1] == 'stored'
    assert [record.name for record in registry.clusters()] == ['prod']


def test_a_registry_whose_users_are_killed_is_whole_and_keeps_what_was_confirmed(registry, registry_url, key_file):
    rounds = KILLS[registry_url.partition(':')[0]]
    seen = json.loads(finish(start('kill', registry_url, key_file, 7, rounds)))
    assert seen['rounds'] == rounds
    assert min(seen['audited'], seen['counted']) > 0
    if registry.location.path:
        assert execute(registry, 'PRAGMA integrity_check') == [('ok',)]
        assert execute(registry, 'PRAGMA foreign_key_check') == []
