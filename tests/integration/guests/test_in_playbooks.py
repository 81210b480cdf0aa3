# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules in plays, in the worker and as modules of their own, and what a user does with them day by day."""
from __future__ import annotations

import pytest
from guest_tasks import golden_container, golden_vm, named, orphans

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'


def test_both_ways_of_running_give_the_same(run_playbook, tasks):
    golden_vm(tasks)
    task = {'name': 'web', 'clone': {'template': 'golden'}, 'memory': '1G', 'cores': 2, 'state': 'started', 'networks': {'net0': {'tag': 4}}}

    def play(name, inside, check=False):
        return {'name': name, 'pve.fleet.pve_vm': {**tasks.connection(), **task}, 'vars': {'pve_fleet_in_process': inside}, 'check_mode': check}

    remove = {'name': 'gone', 'pve.fleet.pve_vm': {**tasks.connection(), 'name': 'web', 'state': 'absent', 'force': True}}
    done = run_playbook([play('would', True, True), play('would as module', False, True), play('inside', True), play('again', False), remove,
                         play('module', False), play('again inside', True)]).ok()
    keys = ('changed', 'changes', 'diff', 'pending', 'reboot_required')
    first = {key: done.result('inside')[key] for key in keys}
    for name in ('would', 'would as module', 'module'):
        found = {key: done.result(name)[key] for key in keys}
        assert (found['changes'], found['diff'], found['changed']) == (first['changes'], first['diff'], True)
    assert done.result('again')['changes'] == []
    assert done.result('again inside')['changes'] == []


def test_an_unchanged_guest_takes_three_requests(tasks):
    options = {'name': 'web', 'node': 'pve1', 'memory': '1G', 'tags': ['a'], 'state': 'started', 'disks': {'scsi0': {'storage': 'local', 'size': '1G'}}}
    tasks.exact('pve_vm', **options)
    tasks.simulator.control.reset_log()
    assert tasks.vm(**options)['changes'] == []
    assert len(tasks.requests()) <= 3
    options = {'name': 'ct', 'node': 'pve1', 'ostemplate': TEMPLATE, 'storage': 'local', 'state': 'started'}
    tasks.exact('pve_container', **options)
    tasks.simulator.control.reset_log()
    assert tasks.container(**options)['changes'] == []
    assert len(tasks.requests()) <= 3


def test_a_machine_from_an_image(tasks):
    tasks.exact('pve_vm', name='img', node='pve1', bios='ovmf', machine='q35', agent=True, boot=['scsi0'], disks={
        'scsi0': {'storage': 'local', 'import_from': 'local:import/mini.qcow2', 'size': '1G'},
        'efidisk0': {'storage': 'local', 'efitype': '4m', 'pre-enrolled-keys': True}, 'tpmstate0': {'storage': 'local', 'version': 'v2.0'}})
    assert 'size=1G' in named(tasks, 'img')[0].config['scsi0']


def test_disks_are_detached_attached_and_destroyed(tasks):
    tasks.exact('pve_vm', name='web', node='pve1', disks={'scsi0': {'storage': 'local', 'size': '1G'}})
    tasks.exact('pve_vm', name='web', disks={'scsi0': {'state': 'detached'}})
    unused = tasks.vm(name='web')['vm']['config']['unused']
    tasks.exact('pve_vm', name='web', disks={'virtio3': {'volume': unused['unused0']}})
    tasks.exact('pve_vm', name='web', disks={'virtio3': {'state': 'absent'}})
    assert orphans(tasks) == []
    assert not [key for key in named(tasks, 'web')[0].config if key.startswith('unused')]


@pytest.mark.parametrize('state', ['started', 'stopped'])
def test_guests_move_between_nodes(tasks, state):
    golden_vm(tasks)
    tasks.exact('pve_vm', name='web', clone={'template': 'golden', 'storage': 'local'}, node='pve2', state=state, force=True)
    result = tasks.exact('pve_vm', name='web', node='pve1', state=state, force=True, migration={'storage': {'local': 'shared'}})
    assert result['vm']['node'] == 'pve1'
    golden_container(tasks, name='gold-ct')
    tasks.exact('pve_container', name='ct', clone={'template': 'gold-ct'}, state=state, force=True)
    assert tasks.exact('pve_container', name='ct', node='pve2', state=state, force=True)['container']['node'] == 'pve2'


def test_pools_and_high_availability(tasks):
    tasks.cluster.pools.update({'shop': {}, 'lab': {}})
    golden_vm(tasks)
    tasks.exact('pve_vm', name='web', clone={'template': 'golden'}, pool='shop', ha={'state': 'started', 'max_restart': 2})
    tasks.simulator.control.advance(30)
    assert tasks.exact('pve_vm', name='web', pool='lab')['vm']['pool'] == 'lab'
    refused = tasks.vm(name='web', state='absent')
    assert 'is managed by HA. Declare purge: true' in refused['msg']
    tasks.exact('pve_vm', name='web', state='absent', purge=True)


def test_addresses_are_waited_for(tasks):
    golden_vm(tasks, agent=True)
    result = tasks.vm(name='web', clone={'template': 'golden'}, state='started', wait_for='ip', placement={'strategy': 'spread'})
    assert result['vm']['addresses']['net0'][0].startswith('10.')
    tasks.simulator.control.reset_log()
    assert tasks.vm(name='web', state='started', wait_for='ip')['vm']['addresses'] == result['vm']['addresses']
    assert len(tasks.requests()) <= 3


def test_changes_that_wait_for_a_reboot(tasks):
    tasks.exact('pve_vm', name='web', node='pve1', memory='1G', state='started')
    waiting = tasks.exact('pve_vm', name='web', memory='2G')
    assert (waiting['pending'], waiting['reboot_required']) == ({'memory': 2048}, True)
    applied = tasks.exact('pve_vm', name='web', memory='2G', reboot='if_required', force=True)
    assert applied['changes'] == ['reboot to apply pending changes']
    assert applied['pending'] == {}
