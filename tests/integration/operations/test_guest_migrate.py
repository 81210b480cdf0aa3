# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_migrate between two registered clusters."""
from __future__ import annotations

import concurrent.futures

import pytest

WEB = {'cluster': 'prod', 'name': 'web-01', 'target_cluster': 'lab'}
CT = {'cluster': 'prod', 'vmid': 201, 'target_cluster': 'lab', 'restart': True}


def secret_of(tasks, cluster, user):
    return next(secret for token, secret in tasks.cluster(cluster).access.secrets.items() if token.startswith(user))


def test_a_running_machine_moves_and_leaves_nothing(tasks):
    result = tasks.exact('pve_guest_migrate', **WEB, delete_source=True)
    assert result['changes'] == ['migrate web-01 (101) from prod to lab and delete it here']
    assert (result['guest']['cluster'], result['guest']['vmid']) == ('lab', 101)
    assert tasks.guest('prod', 101) is None
    assert tasks.guest('lab', 101).running
    again = tasks.run('pve_guest_migrate', **WEB, delete_source=True)
    assert (again['changed'], again['changes'], again['guest']['cluster']) == (False, [], 'lab')


def test_the_source_stays_and_the_second_run_knows_it(tasks):
    result = tasks.exact('pve_guest_migrate', **WEB, target_vmid=5101)
    assert result['diff']['after'] == {
        'cluster': 'lab', 'vmid': 5101, 'storages': {'local-lvm': 'local-lvm'}, 'bridges': {'vmbr0': 'vmbr0'}, 'source': 'stopped'}
    again = tasks.run('pve_guest_migrate', **WEB, target_vmid=5101)
    assert (again['changed'], again.get('failed')) == (False, None)
    assert 'its source is still in prod' in again['warnings'][0]


@pytest.mark.parametrize('delete', [True, False])
def test_a_container_moves_by_a_restart(tasks, delete):
    tasks.exact('pve_guest_migrate', **CT, delete_source=delete)
    assert tasks.guest('lab', 201).running
    assert tasks.run('pve_guest_migrate', **CT, delete_source=delete)['changed'] is False


def test_a_migration_that_is_not_waited_for(tasks):
    predicted, result = (tasks.run('pve_guest_migrate', check, **WEB, wait=False) for check in (True, False))
    assert (predicted['changes'], predicted['diff'], predicted['guest']) == (result['changes'], result['diff'], result['guest'])
    assert (result['upid'], result['guest']['cluster']) == (result['upids'][0], 'prod')
    assert not tasks.run('pve_task', cluster='prod', upids=[result['upid']]).get('failed')
    assert tasks.guest('lab', 101).running
    assert tasks.run('pve_guest_migrate', **WEB)['changed'] is False


def test_disks_go_where_they_are_sent(tasks):
    result = tasks.exact('pve_guest_migrate', cluster='prod', name='web-02', target_cluster='lab', target_storage={'*': 'local'})
    assert result['diff']['after']['storages'] == {'local-lvm': 'local'}
    assert tasks.guest('lab', 102).config['scsi0'].startswith('local:')


def test_the_secret_of_the_target_is_nowhere(tasks):
    secret = secret_of(tasks, 'lab', 'fleet-admin@pve')
    tasks.simulator.control.task_fault('fail', type='qmigrate', text=f'tunnel with PVEAPIToken=fleet-admin@pve!x={secret} broke')
    result = tasks.run('pve_guest_migrate', **WEB)
    assert result['failed']
    assert 'tunnel with' in result['msg']
    assert secret not in str(result)
    done = tasks.run('pve_guest_migrate', **WEB)
    assert done['changed']
    assert secret not in str(done)
    audit = tasks.run('pve_audit_info')
    assert secret not in str(audit)


def test_both_clusters_have_it_in_their_audit_log(tasks):
    tasks.run('pve_guest_migrate', **WEB)
    found = [one for one in tasks.run('pve_audit_info')['records'] if one['action'] == 'migrate']
    assert sorted(one['cluster'] for one in found) == ['lab', 'prod']


def prepare_snapshot(tasks):
    assert tasks.run('pve_snapshot', cluster='prod', name='web-01', snapshot='s1')['changed']


def prepare_device(tasks):
    tasks.guest('prod', 101).config['hostpci0'] = '0000:01:00.0'


def prepare_storage(tasks):
    del tasks.cluster('lab').storages['local-lvm']


@pytest.mark.parametrize(('given', 'code', 'words'), [
    ({**WEB, 'target_storage': 'backup'}, 'BadRequest', 'cannot hold disks of a VM'),
    ({**WEB, 'target_storage': {'ceph': 'local'}}, 'BadRequest', 'nothing is said for local-lvm'),
    ({**WEB, 'target_bridge': 'vmbr7'}, 'NotFound', "bridge 'vmbr7' (for vmbr0) is not on node lab1"),
    ({**WEB, 'online': False}, 'Conflict', 'it is running and online is false'),
    ({**CT, 'restart': False}, 'Conflict', 'containers cannot move while they run'),
    ({**WEB, 'target_cluster': 'prod'}, 'BadRequest', 'in cluster prod already'),
    ({**WEB, 'target_cluster': 'lob'}, 'NotFound', 'Did you mean lab'),
    ({**WEB, 'name': 'nobody'}, 'NotFound', 'there is no such guest'),
    ({**WEB, 'target_vmid': 105}, 'Conflict', 'vmid 105 belongs to db-01 (105) on lab1 of cluster lab. Give another target_vmid.'),
])
def test_what_cannot_work_is_refused_before_anything_is_sent(still, given, code, words):
    refused(still, given, code, words)


@pytest.mark.parametrize(('prepare', 'code', 'words'), [
    (prepare_snapshot, 'Conflict', 'it has snapshots (s1)'),
    (prepare_device, 'Conflict', 'it uses devices of its node (hostpci0)'),
    (prepare_storage, 'NotFound', "storage 'local-lvm' (for local-lvm) is not on node lab1 of cluster lab"),
])
def test_what_the_guest_or_the_target_lacks_is_told_first(tasks, prepare, code, words):
    prepare(tasks)
    refused(tasks, WEB, code, words)


def refused(fleet, given, code, words):
    for check in (True, False):
        result = fleet.run('pve_guest_migrate', check, **given)
        assert (result['error']['code'], result['msg'].startswith('cluster prod, guest ')) == (code, True), result['msg']
        assert words in result['msg']
    assert fleet.requests('remote_migrate') == []


def test_rights_that_the_token_lacks_are_named(tasks):
    access = tasks.cluster('lab').access
    role = access.roles['FleetAdmin']
    access.roles['FleetAdmin'] = type(role)(one for one in role if one != 'Sys.Incoming')
    result = tasks.run('pve_guest_migrate', True, **WEB)
    assert result['error']['code'] == 'Forbidden'
    assert 'lacks Sys.Incoming on / of cluster lab' in result['msg']


def test_a_target_with_a_password_is_refused(tasks):
    port = int(tasks.simulator.urls['lab'][0].rpartition(':')[2])
    made = tasks.run('pve_cluster_registry', name='lab2', endpoints=[{'host': 'localhost', 'port': port}], ca_path=tasks.simulator.ca_path,
                     api_user='root@pam', api_password='pvesim-password', min_nodes=1)
    assert not made.get('failed'), made['msg']
    assert 'registered with a password' in tasks.run('pve_guest_migrate', **{**WEB, 'target_cluster': 'lab2'})['msg']


@pytest.mark.parametrize('delete', [True, False])
def test_a_second_run_waits_for_the_first_and_finds_the_guest_there(slow, delete):
    slow.simulator.control.send('POST', 'settings', disk_rate=8 << 30)
    source = slow.guest('prod', 102)
    given = {'cluster': 'prod', 'name': 'web-02', 'target_cluster': 'lab', 'delete_source': delete}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(slow.run, 'pve_guest_migrate', **given)
        while source.lock != 'migrate':
            assert not first.done(), first.result()
        second = slow.run('pve_guest_migrate', **given)
    assert not second.get('failed'), second['msg']
    assert (first.result()['changed'], second['changed'], second['guest']['cluster']) == (True, False, 'lab')
    assert (slow.guest('prod', 102) is None) is delete
