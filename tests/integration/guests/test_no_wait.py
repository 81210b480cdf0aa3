# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wait: false starts the last task and returns it; what cannot be left running is refused before anything is done."""
from __future__ import annotations

import pytest
from guest_tasks import golden_container, golden_vm, named

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'


def left(tasks, module, **options):
    """The task as check mode foretells it; its task is left running, waited for with pve_task, and then there is nothing to do."""
    predicted = tasks.run(module, True, wait=False, **options)
    tasks.simulator.control.reset_log()
    result = tasks.run(module, wait=False, **options)
    assert not result.get('failed'), result['msg']
    assert (predicted['changes'], predicted['diff']) == (result['changes'], result['diff'])
    assert 'upid' not in predicted
    assert result['upid'] == result['upids'][-1]
    assert not [one for one in tasks.requests() if f'tasks/{result["upid"]}' in one]
    ended = tasks.run('pve_task', upids=[result['upid']])
    assert not ended.get('failed'), ended['msg']
    again = tasks.run(module, wait=False, **options)
    assert (again.get('msg'), again['changes']) == (None, [])
    assert 'upid' not in again
    return result


def test_a_guest_is_started_and_stopped(tasks):
    assert not tasks.vm(name='web', node='pve1').get('failed')
    assert left(tasks, 'pve_vm', name='web', state='started', cores=2)['changes'] == ['set cores to 2', 'start']
    assert left(tasks, 'pve_vm', name='web', state='stopped', force=True)['changes'] == ['shut down']
    golden_container(tasks)
    assert not tasks.container(name='ct', clone={'template': 'golden'}).get('failed')
    assert left(tasks, 'pve_container', name='ct', state='started')['upid'].split(':')[5] == 'vzstart'


def test_a_restart_by_force_waits_for_the_end_before_the_start(tasks):
    assert not tasks.vm(name='web', node='pve1', state='started').get('failed')
    result = tasks.vm(name='web', state='restarted', force=True, wait=False)
    assert [upid.split(':')[5] for upid in result['upids']] == ['qmshutdown', 'qmstart']
    assert not tasks.run('pve_task', upids=[result['upid']]).get('failed')
    assert named(tasks, 'web')[0].running


def test_a_guest_is_made_moved_and_removed(tasks):
    golden_vm(tasks)
    made = left(tasks, 'pve_vm', name='web', clone={'template': 'golden', 'storage': 'local'})
    assert (made['vm']['name'], made['vm']['vmid']) == ('web', named(tasks, 'web')[0].vmid)
    left(tasks, 'pve_vm', name='web', node='pve2')
    assert named(tasks, 'web')[0].node == 'pve2'
    left(tasks, 'pve_vm', name='web', disks={'scsi0': {'storage': 'shared'}})
    gone = left(tasks, 'pve_vm', name='web', state='absent')
    assert gone['vm'] is None
    left(tasks, 'pve_vm', name='new', node='pve1', memory='1G', disks={'scsi0': {'storage': 'local', 'size': '1G'}})
    left(tasks, 'pve_container', name='ct', node='pve1', ostemplate=TEMPLATE, storage='local', state='started')


@pytest.mark.parametrize(('options', 'sentence'), [
    ({'clone': {'template': 'golden'}, 'memory': '1G'}, 'wait: false: "clone template golden (100) to 101 on pve1" cannot be left running, since "set memory'),
    ({'node': 'pve1', 'disks': {'scsi0': {'storage': 'local', 'import_from': 'local:import/mini.qcow2', 'size': '1G'}}}, 'it is not complete by itself'),
    ({'node': 'pve1', 'wait_for': 'agent'}, 'wait: false and wait_for: agent contradict each other.'),
])
def test_what_cannot_be_left_running_is_refused_before_anything_is_done(tasks, options, sentence):
    golden_vm(tasks)
    tasks.simulator.control.reset_log()
    for check in (True, False):
        result = tasks.vm(check, name='web', wait=False, **options)
        assert result['error']['code'] == 'BadRequest'
        assert sentence in result['msg']
    assert not [one for one in tasks.requests() if not one.startswith('GET')]


def test_what_takes_no_time_needs_no_waiting(tasks):
    assert not tasks.vm(name='web', node='pve1').get('failed')
    result = tasks.vm(name='web', cores=3, wait=False)
    assert (result['changes'], 'upid' in result) == (['set cores to 3'], False)


def test_snapshots_and_backups(tasks):
    made = tasks.vm(name='web', node='pve1', disks={'scsi0': {'storage': 'local', 'size': '1G', 'format': 'qcow2'}})
    assert not made.get('failed'), made['msg']
    left(tasks, 'pve_snapshot', name='web', snapshot='one')
    assert not tasks.run('pve_snapshot', name='web', snapshot='two').get('failed')
    assert len(left(tasks, 'pve_snapshot', name='web', snapshot='three', keep=1)['upids']) == 3
    backup = tasks.run('pve_backup', action='run', name='web', storage='local')
    result = tasks.run('pve_backup', action='restore', archive=backup['backups'][0]['volid'], vmid=500, wait=False)
    assert result['upid'].split(':')[5] == 'qmrestore'
    assert not tasks.run('pve_task', upids=[result['upid']]).get('failed')
    assert 500 in tasks.cluster.guests
    tasks.simulator.control.advance(60)
    assert not tasks.run('pve_backup', action='run', vmid=made['vm']['vmid'], storage='local').get('failed')
    pruned = tasks.run('pve_backup', action='prune', vmid=made['vm']['vmid'], storage='local', keep_last=1, wait=False)
    assert (len(pruned['changes']), pruned['upid']) == (1, pruned['upids'][0])


def test_both_ways_of_running_leave_the_task_to_itself(run_playbook, tasks):
    for name in ('one', 'two'):
        assert not tasks.vm(name=name, node='pve1').get('failed')
    tasks.simulator.control.advance(30)

    def play(name, guest, inside, **more):
        return {'name': name, 'pve.fleet.pve_vm': {**tasks.connection(), 'name': guest, 'state': 'started', 'wait': False},
                'vars': {'pve_fleet_in_process': inside}, **more}

    done = run_playbook([play('would', 'one', True, check_mode=True), play('inside', 'one', True), play('module', 'two', False)]).ok()
    for name in ('inside', 'module'):
        result = done.result(name)
        assert (result['changes'], result['diff']) == (done.result('would')['changes'], done.result('would')['diff'])
        assert result['upid'] == result['upids'][-1]
