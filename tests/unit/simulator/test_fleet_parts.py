# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clock, tasks, state in a folder, command line."""
from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from driver import Driver
from hypothesis import given
from hypothesis import strategies as st
from pvesim import cli, tasks
from pvesim.call import TaskError
from pvesim.cli import coverage, main, seconds
from pvesim.clock import Clock
from pvesim.fixtures import running, started
from pvesim.model import persist
from pvesim.model.start_states import STATES
from pvesim.server import Server


def run_task(worker, mode='fast', before=None):
    async def body():
        driver = Driver()
        driver.fleet.clock = Clock(mode)
        upid = tasks.start(driver.fleet, driver.cluster, 'pve1', 'qmclone', 100, 'root@pam', worker)
        if before:
            await before(driver, driver.cluster.tasks[upid])
        await driver.settle()
        return driver.cluster.tasks[upid]

    return asyncio.run(body())


def test_tasks_end_as_their_workers_do():
    def warns(task):
        task.log('one')
        task.warn('careful')
        yield 1

    def fails(_task):
        yield 1
        raise TaskError('no space\nleft')

    warned = run_task(warns)
    assert (warned.exitstatus, warned.lines[-1]) == ('WARNINGS: 1', 'TASK WARNINGS: 1')
    failed = run_task(fails)
    assert (failed.exitstatus, failed.lines) == ('no space left', ['TASK ERROR: no space left'])
    assert run_task(lambda _task: None).exitstatus == 'OK'


def test_time_stands_still_until_it_is_moved():
    seen = []

    def worker(task):
        for step in range(3):
            seen.append((step, task.now()))
            yield 60

    async def move(driver, task):
        await asyncio.sleep(0)
        driver.fleet.clock.advance(119)
        assert task.running
        driver.fleet.clock.advance(61)

    task = run_task(worker, 'manual', move)
    assert task.exitstatus == 'OK'
    assert task.endtime - task.starttime == 180
    assert [round(when - seen[0][1]) for _step, when in seen] == [0, 60, 120]


def test_an_interrupted_task():
    def worker(_task):
        yield 1e6

    async def interrupt(_driver, task):
        await asyncio.sleep(0)
        tasks.stop(task)

    assert run_task(worker, 'manual', interrupt).exitstatus == 'received interrupt'


@pytest.mark.parametrize('state', sorted(STATES))
def test_state_survives_a_folder(tmp_path, state):
    driver = Driver(state)
    driver.send('POST', '/pools', poolid='kept')
    driver.cluster.access.tokens['root@pam'] = {'t': {'privsep': 0}}
    persist.save(driver.fleet, tmp_path)
    loaded = persist.load(tmp_path, Clock('fast')).clusters[driver.cluster.name]
    assert persist.encode(loaded) == persist.encode(driver.cluster)
    assert not (tmp_path / 'cluster-0.json').stat().st_mode & 0o077


def test_a_broken_state_is_one_sentence(tmp_path):
    persist.save(STATES['single'](), tmp_path)
    (tmp_path / 'cluster-0.json').write_text('{')
    with pytest.raises(ValueError, match=r'cluster-0\.json cannot be read'):
        persist.load(tmp_path, Clock())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    | st.tuples(inner, inner), max_leaves=12)


@given(VALUES)
def test_any_value_of_the_model_survives_encoding(value):
    assert persist.decode(json.loads(json.dumps(persist.encode(value)))) == value


def test_times_on_the_command_line():
    assert [seconds(text) for text in ('5ms', '0.2s', '3')] == [0.005, 0.2, 3]


def test_coverage_names_every_operation():
    lines = coverage().splitlines()
    assert 'yes 9    GET /version' in lines
    assert lines[-1].startswith('release 9: ')


def test_a_wrong_fleet_file_is_one_sentence(capsys, tmp_path):
    assert main(['--fleet', str(tmp_path / 'none.yml')]) == 2
    said = capsys.readouterr().err
    assert 'none.yml' in said
    assert said.count('\n') == 1


async def some_turns(server):
    saving = asyncio.create_task(cli.keep_saved(server))
    for _turn in range(9):
        await asyncio.sleep(0)
    saving.cancel()


def test_changes_are_saved_while_the_server_runs(monkeypatch):
    monkeypatch.setattr(cli, 'SAVE_EVERY', 0)
    saved = []
    with running() as simulator:
        simulator.server.saver = saved.append
        asyncio.run(some_turns(simulator.server))
        simulator.control.send('GET', 'clock')
        asyncio.run(some_turns(simulator.server))
        assert len(saved) == 1
        simulator.control.expire_tickets()
        asyncio.run(some_turns(simulator.server))
        assert len(saved) == 2
    assert len(saved) == 3


def test_what_a_running_task_does_is_saved_later():
    fleet = STATES['single'](clock=Clock('manual'))
    server = Server(fleet, save=lambda _fleet: None)

    def worker(_task):
        yield 10

    async def body():
        tasks.start(fleet, next(iter(fleet.clusters.values())), 'pve1', 'qmclone', 100, 'root@pam', worker)
        server.save()
        assert server.changed
        for _second in range(20):
            fleet.clock.advance(1)
            await asyncio.sleep(0)
        server.save()
        assert not server.changed

    asyncio.run(body())


def test_a_process_of_its_own_keeps_state(tmp_path):
    arguments = ('--start-state', 'single', '--port', '0', '--time', 'fast', '--state', str(tmp_path))
    with started(*arguments) as simulator:
        assert Path(simulator.ca_path).parent == tmp_path
        assert simulator.control.send('GET', 'clock')['mode'] == 'fast'
    assert persist.exists(tmp_path)
    with started(*arguments) as simulator:
        assert list(simulator.urls) == ['pve1']
