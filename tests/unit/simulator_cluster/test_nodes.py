# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several nodes: reports, dead nodes, quorum."""
from __future__ import annotations


def test_a_new_guest_is_unknown_until_its_node_reports(three):
    three.finished(three.post('/nodes/pve1/qemu', vmid=100, name='web'))
    row = three.row('qemu/100')
    assert row == {'id': 'qemu/100', 'vmid': 100, 'node': 'pve1', 'type': 'qemu', 'status': 'unknown'}
    three.wait(10)
    row = three.row('qemu/100')
    assert (row['status'], row['name'], row['maxmem']) == ('stopped', 'web', 512 << 20)


def test_resources_show_a_start_only_with_the_next_report(three):
    three.container(200, node='pve2')
    three.finished(three.post('/nodes/pve2/lxc/200/status/start'))
    assert three.get('/nodes/pve2/lxc/200/status/current')['status'] == 'running'
    three.wait(10)
    assert three.row('lxc/200')['status'] == 'running'


def test_a_dead_node_keeps_limits_but_has_no_figures(three):
    three.down('pve2')
    row = next(row for row in three.get('/nodes') if row['node'] == 'pve2')
    assert row['status'] == 'offline'
    assert row['maxmem'] == three.cluster.nodes['pve2'].memory
    assert not {'cpu', 'mem', 'uptime', 'disk'} & set(row)
    status = {row['name']: row.get('online') for row in three.get('/cluster/status')}
    assert status == {'realpve': None, 'pve1': 1, 'pve2': 0, 'pve3': 1}


def test_calls_to_a_dead_node_end_in_595_without_a_body(three):
    three.container(200, node='pve2')
    three.down('pve2')
    for method, path in (('GET', '/nodes/pve2/status'), ('GET', '/nodes/pve2/lxc/200/config'),
                         ('POST', '/nodes/pve2/lxc/200/status/start')):
        error = three.refused(method, path)
        assert (error.status, error.body) == (595, False)


def test_guests_of_a_dead_node_keep_their_state_for_five_minutes(three):
    three.container(200, node='pve2').begin_running(three.fleet.clock.now() - 60)
    three.down('pve2')
    assert three.row('lxc/200')['status'] == 'running'
    three.wait(280)
    assert three.row('lxc/200')['status'] == 'running'
    three.wait(30)
    row = three.row('lxc/200')
    assert (row['status'], 'name' in row) == ('unknown', False)


def test_one_of_two_nodes_has_no_quorum_and_refuses_writes(pair):
    pair.container(200)
    pair.down('pve2')
    assert pair.get('/cluster/status')[0]['quorate'] == 0
    error = pair.refused('PUT', '/nodes/pve1/lxc/200/config', memory=600)
    assert 'no quorum' in error.message
    assert pair.get('/nodes/pve1/lxc/200/config')['memory'] == 512
    pair.up('pve2')
    pair.put('/nodes/pve1/lxc/200/config', memory=600)


def test_two_of_three_nodes_go_on(three):
    three.container(200)
    three.down('pve3')
    assert three.get('/cluster/status')[0]['quorate'] == 1
    three.put('/nodes/pve1/lxc/200/config', memory=600)


def test_a_node_that_comes_back_has_started_only_what_is_to_be_started_at_boot(three):
    for vmid, config in ((200, {'onboot': 1}), (201, {})):
        three.container(vmid, node='pve2', **config).begin_running(three.fleet.clock.now())
    three.down('pve2')
    three.wait(30)
    three.up('pve2')
    three.wait(30)
    assert (three.cluster.guests[200].running, three.cluster.guests[201].running) == (True, False)
    assert next(row for row in three.get('/nodes') if row['node'] == 'pve2')['status'] == 'online'


def test_an_unknown_node_is_a_name_that_cannot_be_looked_up(three):
    error = three.refused('GET', '/nodes/nosuch/status')
    assert error.status == 500
    assert error.message.startswith("hostname lookup 'nosuch' failed")


def test_rights_filter_guests_and_figures(three):
    three.container(200)
    three.container(201)
    three.post('/access/users', userid='a@pve')
    three.put('/access/acl', path='/vms/200', users='a@pve', roles='PVEVMAdmin')
    rows = three.get('/cluster/resources', 'a@pve')
    assert [row['id'] for row in rows if row['type'] == 'lxc'] == ['lxc/200']
    assert not any('mem' in row for row in rows if row['type'] == 'node')
    assert [row['vmid'] for row in three.get('/nodes/pve1/lxc', 'a@pve')] == [200]
    error = three.refused('GET', '/nodes/pve1/lxc/201/config', 'a@pve')
    assert (error.status, error.message) == (403, 'Permission check failed (/vms/201, VM.Audit)')


def test_figures_are_the_same_for_the_same_moment_and_move_with_time(three):
    three.container(200, node='pve1').begin_running(three.fleet.clock.now() - 100)
    first, again = (three.get('/nodes/pve1/lxc/200/status/current') for dummy in range(2))
    assert first == again
    three.wait(90)
    later = three.get('/nodes/pve1/lxc/200/status/current')
    assert later['cpu'] != first['cpu']
    assert later['netin'] > first['netin']
    assert later['uptime'] == first['uptime'] + 90
