# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_snapshot on virtual machines and containers."""
from __future__ import annotations

import concurrent.futures

import pytest

WEB = {'cluster': 'prod', 'name': 'web-01'}
CT = {'cluster': 'prod', 'vmid': 201}


def snap(tasks, **given):
    result = tasks.run('pve_snapshot', **given)
    assert not result.get('failed'), result['msg']
    return result


@pytest.mark.parametrize('guest', [WEB, CT, {'cluster': 'prod', 'name': 'web-02', 'vmid': 102}])
def test_taken_once(tasks, guest):
    result = tasks.settled('pve_snapshot', **guest, snapshot='before', description='first\nsecond\n')
    assert result['changes'] == ['take snapshot before']
    assert (result['snapshot']['name'], result['snapshot']['description']) == ('before', 'first\nsecond')


def test_a_description_is_changed(tasks):
    snap(tasks, **CT, snapshot='s1', description='old')
    result = tasks.settled('pve_snapshot', **CT, snapshot='s1', description='new')
    assert result['diff'] == {'before': {'snapshots': {'s1': {'description': 'old'}}}, 'after': {'snapshots': {'s1': {'description': 'new'}}}}
    assert tasks.run('pve_snapshot', **CT, snapshot='s1')['changed'] is False


@pytest.mark.parametrize('guest', [WEB, CT])
def test_removed_once(tasks, guest):
    snap(tasks, **guest, snapshot='s1')
    result = tasks.settled('pve_snapshot', **guest, snapshot='s1', state='absent')
    assert (result['changes'], result['snapshots'], result['snapshot']) == (['remove snapshot s1'], [], None)


def test_memory_goes_along(tasks):
    assert tasks.settled('pve_snapshot', **WEB, snapshot='live', vmstate=True)['snapshot']['vmstate'] is True
    assert 'memory of a container' in tasks.run('pve_snapshot', **CT, snapshot='live', vmstate=True)['msg']
    stopped = tasks.settled('pve_snapshot', cluster='prod', vmid=102, snapshot='live', vmstate=True)
    assert stopped['snapshot']['vmstate'] is False


def test_only_the_newest_are_kept(tasks):
    snap(tasks, **WEB, snapshot='by-hand')
    for number in range(4):
        result = tasks.settled('pve_snapshot', **WEB, snapshot=f'nightly-{number}', keep=2, keep_pattern='nightly-*')
    assert result['changes'] == ['take snapshot nightly-3', 'remove snapshot nightly-1']
    assert [one['name'] for one in result['snapshots']] == ['by-hand', 'nightly-2', 'nightly-3']
    cleared = tasks.settled('pve_snapshot', **WEB, keep=0)
    assert cleared['snapshots'] == []


def test_the_named_one_stays_even_when_it_is_the_oldest(tasks):
    for name in ('s1', 's2', 's3'):
        snap(tasks, **WEB, snapshot=name)
    result = tasks.settled('pve_snapshot', **WEB, snapshot='s1', keep=1)
    assert [one['name'] for one in result['snapshots']] == ['s1']


@pytest.mark.parametrize(('guest', 'start', 'status'), [(WEB, False, 'stopped'), (WEB, True, 'running'), (CT, True, 'running')])
def test_rolled_back_each_time(tasks, guest, start, status):
    snap(tasks, **guest, snapshot='s1')
    vmid = snap(tasks, **guest, snapshot='s2')['guest']['vmid']
    tasks.simulator.control.edit_guest(vmid, set={'cores': 4}, cluster='prod')
    result = tasks.exact('pve_snapshot', **guest, snapshot='s1', state='rollback', start=start)
    assert result['changes'] == ['roll back to snapshot s1']
    assert result['diff']['after'] == {'parent': 's1', 'status': status}
    there = tasks.guest('prod', vmid)
    assert (there.config.get('cores'), there.running) != (4, status == 'running')
    assert there.running == (status == 'running')


def test_a_run_that_was_first_is_no_failure(tasks):
    tasks.simulator.control.task_fault('fail', type='qmsnapshot', text="snapshot name 's1' already used")
    tasks.simulator.control.reset_log()
    result = snap(tasks, **WEB, snapshot='s1')
    assert result['changes'] == ['take snapshot s1']
    assert len(tasks.requests('POST /nodes/pve1/qemu/101/snapshot')) == 2


@pytest.mark.parametrize(('given', 'code', 'words'), [
    ({**WEB, 'snapshot': 's1', 'state': 'rollback'}, 'NotFound', 'no snapshot s1 to roll back to. It has none.'),
    ({'cluster': 'prod', 'name': 'web-1', 'snapshot': 's1'}, 'NotFound', 'Did you mean web-01'),
    ({'cluster': 'prod', 'name': 'web-02', 'vmid': 101, 'snapshot': 's1'}, 'Conflict', 'vmid 101 belongs to web-01'),
    ({'cluster': 'prod', 'name': 'raw', 'snapshot': 's1'}, 'BadRequest', 'snapshots are not possible'),
    ({'cluster': 'prod', 'name': 'golden', 'snapshot': 's1'}, 'BadRequest', 'a template cannot have snapshots'),
    ({**WEB, 'snapshot': '1st'}, 'BadRequest', 'is not a name for a snapshot'),
    ({**WEB, 'snapshot': 'current'}, 'BadRequest', 'is not a name for a snapshot'),
    ({**WEB, 'state': 'absent'}, 'BadRequest', 'snapshot is missing'),
    ({**WEB, 'snapshot': 's1', 'keep': -1}, 'BadRequest', '0 or more'),
])
def test_mistakes_are_told_in_check_mode_as_well(still, given, code, words):
    for check in (True, False):
        result = still.run('pve_snapshot', check, **given)
        assert (result['error']['code'], result['msg'].startswith('cluster prod, guest ')) == (code, True)
        assert words in result['msg']


def test_a_lock_that_nobody_holds_any_more_is_told(tasks):
    tasks.simulator.control.edit_guest(101, set={'lock': 'snapshot'}, cluster='prod')
    result = tasks.run('pve_snapshot', **WEB, snapshot='s1')
    assert result['error']['code'] == 'Locked'
    assert 'qm unlock 101' in result['msg']


def test_missing_rights_are_named(still):
    from pvesim.model.generate import token_secret

    host = still.simulator.urls['prod'][0].removeprefix('https://')
    result = still.run('pve_snapshot', api_host=host, ca_path=still.simulator.ca_path, api_token_id='fleet@pve!viewer',
                       api_token_secret=token_secret(7, 'prod', 'viewer'), name='web-01', snapshot='s1')
    assert result['error']['code'] == 'Forbidden'
    assert 'VM.Snapshot on /vms/101' in result['msg']


def test_many_at_once_take_one_snapshot(tasks):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda number: tasks.run('pve_snapshot', **CT, snapshot='s1'), range(5)))
    assert not [run['msg'] for run in runs if run.get('failed')]
    assert [run['changed'] for run in runs].count(True) == 1
    assert list(tasks.guest('prod', 201).snapshots) == ['s1']
