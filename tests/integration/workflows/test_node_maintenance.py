# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes are emptied, rebooted and filled again one at a time; what breaks off is taken up, what goes wrong stops the work."""
from __future__ import annotations

import json
import threading

import pytest
from workflows import Workflows, said

NODES = ['seoul-pve1', 'seoul-pve2', 'seoul-pve3']
DISK = {'scsi0': 'ceph:4', 'memory': 1024}
AT_HOME = {100: 'seoul-pve1', 101: 'seoul-pve1', 102: 'seoul-pve1', 103: 'seoul-pve2', 104: 'seoul-pve1'}
STOPPED = 104
FLEET = {'seed': 7, 'clusters': [{
    'name': 'seoul', 'nodes': NODES,
    'storages': [{'storage': 'local', 'type': 'dir', 'path': '/var/lib/vz', 'content': ['iso', 'backup'], 'size': '200G'},
                 {'storage': 'ceph', 'type': 'rbd', 'pool': 'vm', 'content': ['images', 'rootdir'], 'size': '2T'}],
    'guests': [{'name': 'web-01', 'vmid': 100, 'node': 'seoul-pve1', 'status': 'running', 'config': DISK},
               {'name': 'web-02', 'vmid': 101, 'node': 'seoul-pve1', 'status': 'running', 'config': DISK},
               {'name': 'dns-01', 'vmid': 102, 'node': 'seoul-pve1', 'status': 'running', 'kind': 'lxc',
                'config': {'rootfs': 'ceph:4', 'memory': 512}},
               {'name': 'other', 'vmid': 103, 'node': 'seoul-pve2', 'status': 'running', 'config': DISK},
               {'name': 'asleep', 'vmid': STOPPED, 'node': 'seoul-pve1', 'status': 'stopped', 'config': DISK}],
}]}


@pytest.fixture
def fleet(tmp_path):
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    description = tmp_path / 'fleet.yml'
    description.write_text(json.dumps(FLEET), encoding='utf-8')
    with running(fleet=load(description, Clock('fast'))) as simulator:
        yield simulator


@pytest.fixture
def seoul(fleet):
    return fleet.fleet.clusters['seoul']


@pytest.fixture
def workflows(run_playbook, fleet):
    return Workflows(run_playbook, fleet).onboarded()


def work(*nodes, **more):
    return {'node_maintenance_cluster': 'seoul', 'node_maintenance_nodes': list(nodes), 'node_maintenance_delay': 1,
            'node_maintenance_retries': 3, **{f'node_maintenance_{key}': value for key, value in more.items()}}


def places(seoul):
    return {vmid: guest.node for vmid, guest in seoul.guests.items()}


def asked(fleet, method, path):
    return fleet.control.log()['counts'].get(f'{method} {path}', 0)


def reboots(fleet, node='seoul-pve1'):
    return asked(fleet, 'POST', f'/nodes/{node}/status')


def time_stands_still(fleet):
    """Tasks that begin now do not end before time_goes_on()."""
    fleet.fleet.clock.mode = 'manual'


def time_goes_on(fleet):
    fleet.control.advance(1000)
    fleet.fleet.clock.mode = 'fast'


def held_down(fleet):
    """A node that reboots stays down until the function that is returned is called."""
    from pvesim.behaviour.nodes_status import REBOOT_SECONDS

    clock = fleet.fleet.clock
    go_on = clock.call_after
    clock.call_after = lambda seconds, callback: seconds == REBOOT_SECONDS or go_on(seconds, callback)

    def back():
        clock.call_after = go_on
        fleet.control.node_up('seoul-pve1')

    return back


def moving(seoul, vmid):
    return lambda: seoul.guests[vmid].config.get('lock') == 'migrate'


def last_words(run):
    return run.result('pve.fleet.node_maintenance : Say where the work stopped')['msg']


def at_home_and_running(seoul):
    assert places(seoul) == AT_HOME
    assert [vmid for vmid, guest in seoul.guests.items() if not guest.running] == [STOPPED]


def test_a_node_is_emptied_rebooted_and_filled_again(workflows, fleet, seoul):
    plan = workflows.role('node_maintenance', work('seoul-pve1'), '--check').ok()
    assert len([words for dummy, words in said(plan) if 'migrate' in words]) == 3
    assert (places(seoul), reboots(fleet)) == (AT_HOME, 0)
    workflows.role('node_maintenance', work('seoul-pve1')).ok()
    at_home_and_running(seoul)
    assert [reboots(fleet, node) for node in NODES] == [1, 0, 0]


def test_guests_under_ha_are_moved_and_return_as_well(workflows, fleet, seoul):
    workflows.run_playbook([{'name': 'Under HA', 'pve.fleet.pve_ha_resource': {'cluster': 'seoul', 'sid': 'vm:101', 'hastate': 'started'}}]).ok()
    plan = workflows.role('node_maintenance', work('seoul-pve1'), '--check').ok()
    done = workflows.role('node_maintenance', work('seoul-pve1')).ok()
    assert said(plan)[:3] == said(done)[:3]
    at_home_and_running(seoul)


def test_a_run_that_is_killed_while_it_drains_is_finished_by_the_next(workflows, fleet, seoul):
    time_stands_still(fleet)
    workflows.killed('node_maintenance', work('seoul-pve1'), moving(seoul, 100))
    time_goes_on(fleet)
    assert (places(seoul)[100] == 'seoul-pve1', places(seoul)[101]) == (False, 'seoul-pve1')
    other = workflows.role('node_maintenance', work('seoul-pve2'))
    assert (other.rc, other.changed, reboots(fleet, 'seoul-pve2')) == (2, [], 0)
    assert 'broken off while draining node seoul-pve1 of cluster seoul. Name that node as well' in other.output
    run = workflows.role('node_maintenance', work('seoul-pve1')).ok()
    assert 'broken off while draining node seoul-pve1' in run.output
    at_home_and_running(seoul)
    assert reboots(fleet) == 1
    workflows.role('node_maintenance', work('seoul-pve2', reboot=False)).ok()


def test_a_run_that_is_killed_after_the_reboot_was_ordered_does_not_order_it_again(workflows, fleet, seoul):
    back = held_down(fleet)
    workflows.killed('node_maintenance', work('seoul-pve1', retries=100), lambda: not seoul.nodes['seoul-pve1'].online)
    threading.Timer(6, back).start()
    run = workflows.role('node_maintenance', work('seoul-pve1', retries=100)).ok()
    assert 'broken off while rebooting node seoul-pve1' in run.output
    at_home_and_running(seoul)
    assert reboots(fleet) == 1


def test_a_run_that_is_killed_before_the_node_heard_of_its_reboot_orders_it(workflows, fleet, seoul):
    fleet.control.fault('reset', method='POST', path='/nodes/seoul-pve1/status')
    workflows.killed('node_maintenance', work('seoul-pve1', retries=100), lambda: not fleet.control.send('GET', 'faults'))
    workflows.role('node_maintenance', work('seoul-pve1')).ok()
    at_home_and_running(seoul)
    assert reboots(fleet) == 1


@pytest.mark.matrix
def test_a_run_that_is_killed_while_guests_return_only_goes_on_with_that(workflows, fleet, seoul):
    workflows.killed('node_maintenance', work('seoul-pve1'), lambda: reboots(fleet) and places(seoul)[100] == 'seoul-pve1')
    run = workflows.role('node_maintenance', work('seoul-pve1')).ok()
    assert 'broken off while bringing guests back to node seoul-pve1' in run.output
    at_home_and_running(seoul)
    assert reboots(fleet) == 1


def test_nodes_that_were_finished_are_left_alone_when_a_run_over_all_is_taken_up(workflows, fleet, seoul):
    fleet.control.task_fault('fail', type='qmigrate', id=103, text='no route to host')
    stopped = workflows.role('node_maintenance', work())
    assert 'Stopped while draining node seoul-pve2 of cluster seoul' in stopped.output
    run = workflows.role('node_maintenance', work()).ok()
    assert 'nodes that it had finished are left alone: seoul-pve1' in run.output
    assert [reboots(fleet, node) for node in NODES] == [1, 1, 1]
    at_home_and_running(seoul)
    workflows.role('node_maintenance', work('seoul-pve1')).ok()
    assert reboots(fleet) == 2


def test_a_migration_that_fails_stops_the_work_at_once(workflows, fleet, seoul):
    fleet.control.task_fault('fail', type='qmigrate', id=100, text='no route to host')
    run = workflows.role('node_maintenance', work('seoul-pve1', 'seoul-pve2'))
    assert (run.rc, places(seoul), reboots(fleet)) == (2, AT_HOME, 0)
    last = last_words(run)
    assert last.startswith('Stopped while draining node seoul-pve1 of cluster seoul: ')
    assert 'no route to host' in last
    workflows.role('node_maintenance', work('seoul-pve1', 'seoul-pve2')).ok()
    at_home_and_running(seoul)


def test_without_quorum_nothing_is_begun(workflows, fleet, seoul):
    fleet.control.quorum(lost=True)
    run = workflows.role('node_maintenance', work('seoul-pve1'))
    assert (run.rc, run.changed, places(seoul)) == (2, [], AT_HOME)
    assert 'Stopped while about to drain node seoul-pve1 of cluster seoul: no_quorum, ' in last_words(run)


def test_guests_do_not_return_before_the_cluster_is_sound_again(workflows, fleet, seoul, tmp_path):
    breaks = tmp_path / 'breaks.yml'
    breaks.write_text(json.dumps([{'name': 'Another node dies', 'ansible.builtin.uri': {
        'url': f'{fleet.url}/pvesim/node/down', 'method': 'POST', 'body_format': 'json', 'body': {'node': 'seoul-pve3'},
        'ca_path': fleet.ca_path}}]), encoding='utf-8')
    wanted = work('seoul-pve1', reboot=False, move_stopped=True)
    run = workflows.role('node_maintenance', {**wanted, 'node_maintenance_tasks_file': str(breaks)})
    assert (run.rc, 'seoul-pve1' in places(seoul).values()) == (2, False)
    last = last_words(run)
    assert 'nodes_offline, ' in last
    assert 'This has lasted for 3 s' in last
    fleet.control.node_up('seoul-pve3')
    workflows.role('node_maintenance', wanted).ok()
    assert places(seoul) == AT_HOME


@pytest.mark.matrix
def test_a_node_that_does_not_come_back_stops_the_work(workflows, fleet, seoul):
    back = held_down(fleet)
    run = workflows.role('node_maintenance', work('seoul-pve1', 'seoul-pve2'))
    assert (run.rc, reboots(fleet, 'seoul-pve2')) == (2, 0)
    last = last_words(run)
    assert last.startswith('Stopped while rebooting node seoul-pve1 of cluster seoul: The node has not restarted within 3 s: ')
    back()
    workflows.role('node_maintenance', work('seoul-pve1', 'seoul-pve2')).ok()
    at_home_and_running(seoul)
    assert [reboots(fleet, node) for node in NODES] == [1, 1, 0]


def test_a_guest_that_was_deleted_or_replaced_meanwhile_is_not_brought_back(workflows, fleet, seoul):
    workflows.killed('node_maintenance', work('seoul-pve1'), lambda: reboots(fleet))
    del seoul.guests[100]
    seoul.guests[101].config['name'] = 'someone-else'
    away = places(seoul)[101]
    run = workflows.role('node_maintenance', work('seoul-pve1')).ok()
    for gone in ('web-01 (100)', 'web-02 (101)'):
        assert f'{gone} was deleted or replaced meanwhile and is left alone.' in run.output
    assert places(seoul) == {101: away, 102: 'seoul-pve1', 103: 'seoul-pve2', 104: 'seoul-pve1'}
