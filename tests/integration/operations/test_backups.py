# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_backup: run, list, prune, restore."""
from __future__ import annotations

import pytest

WEB = {'cluster': 'prod', 'name': 'web-01'}


def backup(tasks, action, **given):
    result = tasks.run('pve_backup', action=action, **{'cluster': 'prod', **given})
    assert not result.get('failed'), result['msg']
    return result


def listed(tasks, **given):
    return [one['volid'] for one in backup(tasks, 'list', **given)['backups']]


def old_backup(tasks, days, vmid=101, storage='backup', node='pve1', protected=False):
    """A backup made so many days ago -> its volume."""
    from pvesim.model import backups
    from pvesim.model import storage as storages

    cluster = tasks.cluster('prod')
    guest, moment = cluster.guests[vmid], tasks.simulator.fleet.clock.now() - days * 86400
    name = backups.archive_name(storages.section(cluster, storage), guest, 'zstd', moment)
    rows = backups.data_of(cluster, guest, backups.disks_of(guest))
    volume = backups.make_archive(guest, f'{storage}:{name}', rows, backups.archive_size(rows, 'zstd'), moment)
    volume.protected = protected
    storages.add(cluster, node, volume)
    return volume.volid


def test_one_guest_is_backed_up(tasks):
    result = tasks.exact('pve_backup', action='run', **WEB, storage='backup', notes='{{guestname}}', protected=True)
    assert result['changes'] == ['back up web-01 (101) on pve1 to backup']
    made = result['backups'][0]
    assert (made['vmid'], made['type'], made['notes'], made['protected'], made['node']) == (101, 'qemu', 'web-01', True, 'pve1')
    assert listed(tasks, vmid=101) == [made['volid']]


def test_each_guest_of_a_pool_on_its_own_node(tasks):
    tasks.simulator.control.reset_log()
    result = tasks.exact('pve_backup', action='run', cluster='prod', pool='shop', storage='local', compress='none')
    assert result['changes'] == ['back up web-01 (101) on pve1 to local', 'back up web-02 (102) on pve2 to local']
    assert sorted(one for one in tasks.requests('vzdump') if one.startswith('POST')) == ['POST /nodes/pve1/vzdump', 'POST /nodes/pve2/vzdump']
    there = backup(tasks, 'list', storage='local')['backups']
    assert sorted((one['vmid'], one['node']) for one in there) == [(101, 'pve1'), (102, 'pve2')]


def test_all_but_some(tasks):
    result = tasks.exact('pve_backup', action='run', cluster='prod', all=True, exclude=[103, 900], type='qemu', storage='backup')
    assert [one['vmid'] for one in result['diff']['after']['backups']] == [101, 102]


def test_backups_are_thinned_out_as_they_are_made(tasks):
    old = [old_backup(tasks, days) for days in (3, 2, 1)]
    backup(tasks, 'run', name='web-01', storage='backup', keep_last=2)
    there = listed(tasks, vmid=101)
    assert len(there) == 2
    assert old[2] in there


def test_without_waiting_the_task_is_told(tasks):
    result = backup(tasks, 'run', name='web-01', storage='backup', wait=False)
    assert result['upids'][0].startswith('UPID:pve1:')
    assert result['backups'] == []


def test_a_guest_that_fails_is_named_and_the_others_are_done(tasks):
    tasks.simulator.control.edit_guest(101, set={'lock': 'migrate'}, cluster='prod')
    result = tasks.run('pve_backup', action='run', cluster='prod', pool='shop', storage='backup')
    assert (result['failed'], result['changed'], result['error']['code']) == (True, True, 'TaskFailed')
    assert result['msg'] == 'cluster prod: there is no backup of web-01 (101): VM is locked (migrate).'
    assert result['changes'] == ['back up web-02 (102) on pve2 to backup']
    assert result['error']['details']['failed'] == [101]


def test_other_options_of_vzdump_are_checked(tasks):
    assert tasks.exact('pve_backup', action='run', **WEB, storage='backup', options={'pigz': 2})['backups']
    result = tasks.run('pve_backup', True, action='run', **WEB, storage='backup', options={'pigs': 2})
    assert 'Did you mean pigz' in result['msg']


@pytest.mark.parametrize('whose', [{'vmid': 101}, {'name': 'web-01'}, {'all': True}])
def test_pruning_removes_what_is_not_kept(tasks, whose):
    old = [old_backup(tasks, days) for days in (9, 5, 1)]
    kept = old_backup(tasks, 8, protected=True)
    result = tasks.settled('pve_backup', action='prune', cluster='prod', storage='backup', keep_last=1, **whose)
    assert result['changes'] == [f'remove backup {volid}' for volid in old[:2]]
    assert listed(tasks, vmid=101) == [old[2], kept]


def test_pruning_asks_every_node_of_a_local_storage(tasks):
    gone = [old_backup(tasks, 5, 101, 'local', 'pve1'), old_backup(tasks, 4, 102, 'local', 'pve2')]
    for vmid, node in ((101, 'pve1'), (102, 'pve2')):
        old_backup(tasks, 1, vmid, 'local', node)
    result = tasks.settled('pve_backup', action='prune', cluster='prod', storage='local', all=True, keep_daily=1)
    assert sorted(one['volid'] for one in result['backups']) == sorted(gone)


def test_a_lost_guest_comes_back_once(tasks):
    backup(tasks, 'run', name='web-01', storage='backup')
    guest = tasks.cluster('prod').guests.pop(101)
    result = tasks.settled('pve_backup', action='restore', cluster='prod', vmid=101, archive='latest', start=True)
    assert result['changes'][0].endswith(' to 101 on pve1')
    assert (result['guest']['vmid'], result['guest']['type'], result['guest']['node']) == (101, 'qemu', 'pve1')
    back = tasks.guest('prod', 101)
    assert (back.config['net0'], back.running) == (guest.config['net0'], True)


def test_a_container_comes_back_under_another_id_and_name(tasks):
    made = backup(tasks, 'run', vmid=201, storage='backup')['backups'][0]
    result = tasks.settled('pve_backup', action='restore', cluster='prod', vmid=202, archive=made['volid'], new_name='dns-copy',
                           unique=True, target_storage='local-lvm')
    assert result['guest']['type'] == 'lxc'
    assert tasks.guest('prod', 202).config['hostname'] == 'dns-copy'


def test_a_guest_is_overwritten_only_by_force_and_stopped(tasks):
    made = backup(tasks, 'run', name='web-02', storage='backup')['backups'][0]
    tasks.simulator.control.edit_guest(102, set={'cores': 7}, cluster='prod')
    same = {'action': 'restore', 'cluster': 'prod', 'archive': made['volid']}
    kept = tasks.run('pve_backup', **same)
    assert (kept['changed'], tasks.guest('prod', 102).config['cores']) == (False, 7)
    assert 'Set force' in kept['warnings'][0]
    done = tasks.exact('pve_backup', **same, force=True)
    assert 'in place of what it is' in done['changes'][0]
    assert tasks.guest('prod', 102).config['cores'] != 7


def test_a_running_guest_is_not_overwritten(tasks):
    made = backup(tasks, 'run', name='web-01', storage='backup')['backups'][0]
    result = tasks.run('pve_backup', action='restore', cluster='prod', archive=made['volid'], force=True)
    assert result['error']['code'] == 'Conflict'
    assert 'Stop it first' in result['msg']


def test_a_storage_that_does_not_answer_hides_no_other(tasks):
    volid = old_backup(tasks, 1)
    tasks.simulator.control.fault('status', status=500, message='no such device', path='/nodes/pve2/storage/local/content', count=0)
    result = backup(tasks, 'list')
    assert volid in [one['volid'] for one in result['backups']]
    assert [(one['storage'], one['node']) for one in result['errors']] == [('local', 'pve2')]


@pytest.mark.parametrize(('given', 'code', 'words'), [
    ({'action': 'run', 'name': 'web-01'}, 'BadRequest', 'storage is missing'),
    ({'action': 'run', 'name': 'web-01', 'storage': 'bakcup'}, 'NotFound', 'Did you mean backup'),
    ({'action': 'run', 'name': 'web-01', 'storage': 'local-lvm'}, 'BadRequest', 'cannot hold backups'),
    ({'action': 'run', 'storage': 'backup'}, 'BadRequest', 'say what to back up'),
    ({'action': 'run', 'storage': 'backup', 'name': 'web-01', 'all': True}, 'BadRequest', 'one of them'),
    ({'action': 'run', 'storage': 'backup', 'pool': 'shopp'}, 'NotFound', 'Did you mean shop'),
    ({'action': 'prune', 'storage': 'backup', 'vmid': 101}, 'BadRequest', 'has no retention of its own'),
    ({'action': 'prune', 'storage': 'backup', 'keep_last': 1}, 'BadRequest', 'say whose backups'),
    ({'action': 'prune', 'storage': 'backup', 'vmid': 101, 'keep_last': -1}, 'BadRequest', '0 or more'),
    ({'action': 'restore'}, 'BadRequest', 'archive is missing'),
    ({'action': 'restore', 'archive': 'latest'}, 'BadRequest', 'needs to know whose backup'),
    ({'action': 'restore', 'archive': 'latest', 'vmid': 555}, 'NotFound', 'There is no backup of that guest'),
    ({'action': 'restore', 'archive': 'backup:backup/vzdump-qemu-555-2026_01_31-02_00_00.vma.zst'}, 'NotFound', 'no backup of that guest'),
])
def test_mistakes_are_told_in_check_mode_as_well(still, given, code, words):
    for check in (True, False):
        result = still.run('pve_backup', check, **{'cluster': 'prod', **given})
        assert (result['error']['code'], result['msg'].startswith('cluster prod')) == (code, True), result['msg']
        assert words in result['msg']


def test_older_releases(elder):
    backup(elder, 'run', name='web-01', storage='backup', notes='old')
    assert elder.settled('pve_snapshot', cluster='prod', vmid=201, snapshot='s1', keep=1)['changed']
    moved = elder.exact('pve_guest_migrate', cluster='prod', name='web-02', target_cluster='lab', delete_source=True)
    assert moved['guest']['cluster'] == 'lab'
    elder.cluster('prod').guests.pop(101)
    assert elder.settled('pve_backup', action='restore', cluster='prod', vmid=101, archive='latest')['guest']['vmid'] == 101
