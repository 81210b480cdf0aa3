# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings and hardware of nodes, bulk actions, replication."""
from __future__ import annotations

NETWORK = '/nodes/pve1/network'


def test_network_changes_wait_until_they_are_applied(world):
    world.post(NETWORK, iface='vmbr1', type='bridge', cidr='10.7.0.1/24', autostart=1, comments='hi')
    answer = world.send('GET', NETWORK)
    assert '+iface vmbr1 inet static' in answer['changes']
    entry = world.get(f'{NETWORK}/vmbr1')
    assert (entry['address'], entry['netmask'], entry['method'], entry['comments']) == (
        '10.7.0.1', '24', 'static', 'hi\n')
    assert 'active' not in entry
    world.finished(world.put(NETWORK))
    answer = world.send('GET', NETWORK)
    assert 'changes' not in answer
    assert {row['iface']: row.get('active') for row in answer['data']} == {'vmbr0': 1, 'vmbr1': 1}


def test_network_changes_can_be_dropped(world):
    world.delete(f'{NETWORK}/vmbr0')
    world.delete(NETWORK)
    assert [row['iface'] for row in world.get(NETWORK)] == ['vmbr0']


def test_network_conflicts_are_told_by_parameter(world):
    world.put(f'{NETWORK}/vmbr0', type='bridge', cidr='10.0.0.2/24', gateway='10.0.0.1')
    error = world.refused('POST', NETWORK, iface='vmbr1', type='bridge', cidr='10.1.0.1/24', gateway='10.1.0.254')
    assert error.errors == {'gateway': "Default gateway already exists on interface 'vmbr0'."}
    assert world.refused('POST', NETWORK, iface='vmbr0', type='bridge').errors == {'iface': 'interface already exists'}
    assert world.refused('PUT', f'{NETWORK}/vmbr9', type='bridge').errors == {'iface': 'interface does not exist'}


def test_an_address_can_be_taken_from_an_interface(world):
    world.put(f'{NETWORK}/vmbr0', type='bridge', cidr='10.0.0.2/24')
    world.put(f'{NETWORK}/vmbr0', type='bridge', delete='cidr')
    entry = world.get(f'{NETWORK}/vmbr0')
    assert entry['method'] == 'manual'
    assert not {'cidr', 'address', 'netmask'} & set(entry)


def test_services_start_and_stop(world):
    world.finished(world.post('/nodes/pve1/services/cron/stop'))
    assert world.get('/nodes/pve1/services/cron/state')['state'] == 'dead'
    world.finished(world.post('/nodes/pve1/services/cron/start'))
    assert world.get('/nodes/pve1/services/cron/state')['state'] == 'running'


def test_time_zones_are_those_that_exist(world):
    world.put('/nodes/pve1/time', timezone='Europe/Vienna')
    found = world.get('/nodes/pve1/time')
    assert found['localtime'] - found['time'] in (3600, 7200)
    assert world.refused('PUT', '/nodes/pve1/time', timezone='Mars/Base').status in (400, 500)


def test_a_volume_group_on_a_new_disk_becomes_a_storage(world):
    world.cluster.nodes['pve1'].extra['disks'] = [{
        'devpath': '/dev/sdz', 'size': 10 ** 12, 'used': None, 'gpt': 0, 'type': 'ssd', 'health': 'PASSED', 'wearout': 99}]
    world.finished(world.post('/nodes/pve1/disks/lvm', name='fast', device='/dev/sdz', add_storage=1))
    assert world.get('/storage/fast')['vgname'] == 'fast'
    assert world.get('/nodes/pve1/storage/fast/status')['total'] == 10 ** 12
    assert world.get('/nodes/pve1/disks/list', type='unused') == []
    error = world.refused('POST', '/nodes/pve1/disks/lvm', name='more', device='/dev/sdz')
    assert error.message == "device '/dev/sdz' is already in use"


def test_disks_have_health_and_smart_values(world):
    rows = world.get('/nodes/pve1/disks/list')
    assert rows
    assert rows == world.get('/nodes/pve1/disks/list')
    for row in rows:
        assert world.get('/nodes/pve1/disks/smart', disk=row['devpath'])['health'] == row['health']


def test_the_certificate_has_an_end(world):
    for row in world.get('/nodes/pve1/certificates/info'):
        assert row['notbefore'] <= world.fleet.clock.now() < row['notafter']


def test_a_batch_answers_each_call_by_itself(world):
    commands = '[{"method":"GET","path":"version"},{"method":"GET","path":"nodes/pve1/lxc/999/config"}]'
    first, second = world.post('/nodes/pve1/execute', commands=commands)
    assert (first['status'], first['data']['release']) == (200, '9.2')
    assert second['status'] == 500


def test_startall_starts_what_is_to_be_started_in_order(world):
    world.container(201, onboot=1, startup='order=2')
    world.container(202, onboot=1, startup='order=1')
    world.container(203)
    upid = world.post('/nodes/pve1/startall')
    world.finished(upid)
    assert world.cluster.tasks[upid].lines == ['Starting CT 202', 'Starting CT 201', 'TASK OK']
    assert [vmid for vmid, guest in world.cluster.guests.items() if guest.running] == [201, 202]
    world.finished(world.post('/nodes/pve1/stopall'))
    assert not any(guest.running for guest in world.cluster.guests.values())


def test_all_guests_of_a_node_can_be_moved_away(three):
    three.container(200)
    three.container(201, store='local').begin_running(three.fleet.clock.now())
    three.finished(three.post('/nodes/pve1/migrateall', target='pve3'))
    assert {guest.node for guest in three.cluster.guests.values()} == {'pve3'}
    assert three.cluster.guests[201].running


def test_bulk_actions_reach_guests_of_all_nodes(three):
    three.container(200, node='pve1')
    three.container(201, node='pve2')
    three.finished(three.post('/cluster/bulk-action/guest/start'))
    assert all(guest.running for guest in three.cluster.guests.values())
    three.finished(three.post('/cluster/bulk-action/guest/shutdown', vms=201))
    assert [guest.running for guest in three.cluster.guests.values()] == [True, False]


def test_a_bulk_action_says_what_it_leaves_alone(three):
    three.container(200).begin_running(three.fleet.clock.now())
    three.container(201)
    upid = three.post('/cluster/bulk-action/guest/shutdown')
    assert three.done(upid) == 'WARNINGS: 1'
    assert three.cluster.tasks[upid].lines == [
        'Shutting down all guests', 'Shutting down CT 200 (Timeout = 180 seconds)', 'WARN: Skipping CT 201, not running.', 'TASK WARNINGS: 1']


def test_a_bulk_action_fails_with_the_guests_that_did_and_goes_on_with_the_others(three):
    three.container(200)
    three.container(201)
    upid = three.post('/cluster/bulk-action/guest/start', vms='201')
    three.finished(upid)
    assert three.cluster.tasks[upid].lines[:2] == ['Starting guests: 201', 'Starting CT 201']
    three.cluster.guests[200].config['lock'] = 'backup'
    upid = three.post('/cluster/bulk-action/guest/migrate', target='pve2', online=1)
    assert three.done(upid) == 'Some guests failed to migrate 200'
    assert (three.cluster.guests[200].node, three.cluster.guests[201].node) == ('pve1', 'pve2')


def test_bulk_actions_on_all_guests_need_the_right_on_all(three):
    error = three.refused('POST', '/cluster/bulk-action/guest/start', 'nobody@pve')
    assert (error.status, error.message) == (403, 'Permission check failed (/, VM.PowerMgmt)')


def test_replication_is_for_volumes_that_can_be_sent(three):
    three.container(200, store='local')
    three.container(201, store='tank')
    error = three.refused('POST', '/cluster/replication', id='200-0', type='local', target='pve2')
    assert error.message == "missing replicate feature on volume 'local:200/vm-200-disk-0.raw'"
    three.post('/cluster/replication', id='201-0', type='local', target='pve2')
    assert [(row['id'], row['source'], row['target']) for row in three.get('/cluster/replication')] == [
        ('201-0', 'pve1', 'pve2')]
    assert 'replication job' in three.refused('DELETE', '/nodes/pve1/lxc/201').message
    three.delete('/cluster/replication/201-0', force=1)
    assert three.get('/cluster/replication') == []


def test_nextid_is_the_first_that_is_free(world):
    assert world.get('/cluster/nextid') == '100'
    world.container(100)
    assert world.get('/cluster/nextid') == '101'
    assert world.refused('GET', '/cluster/nextid', vmid=100).errors == {'vmid': 'CT 100 already exists'}


def test_rebooting_a_node_brings_it_back(three):
    three.post('/nodes/pve2/status', command='reboot')
    three.wait(20)
    assert not three.cluster.nodes['pve2'].online
    three.wait(120)
    assert three.cluster.nodes['pve2'].online
