# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""High availability: starting, moving and recovering guests."""
from __future__ import annotations

from pvesim.behaviour import ha_manager
from pvesim.clock import Clock
from pvesim.model import persist

FENCED = 180


def managed(world, vmid=200, node='pve2', **params):
    world.container(vmid, node=node)
    world.post('/cluster/ha/resources', sid=f'ct:{vmid}', **params)
    world.wait(30)
    return world.cluster.guests[vmid]


def state_of(world, sid):
    rows = {row['id']: row for row in world.get('/cluster/ha/status/current')}
    return rows[f'service:{sid}']['state']


def test_the_manager_starts_what_is_wanted_started(three):
    guest = managed(three)
    assert guest.running
    assert state_of(three, 'ct:200') == 'started'
    assert three.row('lxc/200')['hastate'] == 'started'


def test_starting_and_stopping_a_managed_guest_asks_the_manager(three):
    guest = managed(three, state='stopped')
    upid = three.post('/nodes/pve2/lxc/200/status/start')
    assert ':hastart:' in upid
    three.wait(30)
    assert guest.running
    assert three.get('/cluster/ha/resources/ct:200')['state'] == 'started'
    assert ':hastop:' in three.post('/nodes/pve2/lxc/200/status/stop')
    three.wait(30)
    assert not guest.running


def test_a_guest_of_a_dead_node_runs_elsewhere_once_the_node_is_fenced(three):
    guest = managed(three)
    three.down('pve2')
    three.wait(60)
    assert guest.node == 'pve2'
    three.wait(FENCED - 60)
    assert guest.node in ('pve1', 'pve3')
    assert guest.running
    assert state_of(three, 'ct:200') == 'started'
    assert three.get(f'/nodes/{guest.node}/lxc/200/config')['hostname'] == 'ct200'


def test_what_is_not_managed_stays_on_the_dead_node(three):
    guest = three.container(201, node='pve2')
    managed(three)
    three.down('pve2')
    three.wait(FENCED)
    assert guest.node == 'pve2'


def test_nothing_moves_without_quorum(pair):
    guest = managed(pair)
    pair.down('pve2')
    pair.wait(FENCED)
    assert guest.node == 'pve2'


def test_node_affinity_decides_where_to(three):
    guest = managed(three)
    three.post('/cluster/ha/rules', rule='r1', type='node-affinity', resources='ct:200', nodes='pve2:5,pve3:1')
    three.down('pve2')
    three.wait(FENCED)
    assert guest.node == 'pve3'


def test_a_strict_rule_without_a_node_keeps_the_guest_in_recovery_until_there_is_one(three):
    guest = managed(three)
    three.post('/cluster/ha/rules', rule='r1', type='node-affinity', resources='ct:200', nodes='pve2', strict=1)
    three.down('pve2')
    three.wait(FENCED)
    assert (guest.node, state_of(three, 'ct:200')) == ('pve2', 'recovery')
    three.up('pve2')
    three.wait(60)
    assert guest.running
    assert state_of(three, 'ct:200') == 'started'


def test_guests_that_must_be_apart_are_recovered_apart(three):
    first, second = managed(three, 200, 'pve1'), managed(three, 201, 'pve2')
    three.post('/cluster/ha/rules', rule='r1', type='resource-affinity', resources='ct:200,ct:201', affinity='negative')
    three.down('pve2')
    three.wait(FENCED)
    assert (first.node, second.node) == ('pve1', 'pve3')


def test_a_guest_that_cannot_start_ends_in_error_and_is_freed_by_disabling(three):
    three.container(200, node='pve2', net0='name=eth0,bridge=nosuch,hwaddr=BC:24:11:00:00:01,type=veth')
    three.post('/cluster/ha/resources', sid='ct:200', max_restart=0, max_relocate=0)
    three.wait(60)
    assert state_of(three, 'ct:200') == 'error'
    error = three.refused('PUT', '/cluster/ha/resources/ct:200', state='started')
    assert 'in error state' in error.message
    three.put('/cluster/ha/resources/ct:200', state='disabled')
    assert state_of(three, 'ct:200') == 'stopped'


def test_migration_of_a_managed_guest_is_a_request_to_the_manager(three):
    guest = managed(three)
    upid = three.post('/nodes/pve2/lxc/200/migrate', target='pve3', restart=1)
    assert ':hamigrate:' in upid
    three.wait(90)
    assert (guest.node, guest.running) == ('pve3', True)


def test_a_rule_for_more_guests_than_nodes_is_refused(pair):
    for vmid in (200, 201, 202):
        managed(pair, vmid, 'pve1')
    error = pair.refused('POST', '/cluster/ha/rules', rule='r1', type='resource-affinity', affinity='negative',
                         resources='ct:200,ct:201,ct:202')
    assert error.message == ("create ha rule failed: 400 Rule 'r1' is invalid.\n"
                             'resources: rule defines more resources than available nodes')


def test_groups_are_for_the_releases_before_nine(world):
    error = world.refused('GET', '/cluster/ha/groups')
    assert error.message == 'cannot index groups: ha groups have been migrated to rules'


def test_a_fleet_that_was_left_with_a_dead_node_goes_on_where_it_was(three, tmp_path):
    managed(three)
    three.down('pve2')
    three.wait(60)
    persist.save(three.fleet, tmp_path)
    three.use(persist.load(tmp_path, Clock('manual', three.fleet.clock.now())))
    three.run(lambda: ha_manager.resume(three.fleet))
    three.wait(30)
    assert three.cluster.guests[200].node == 'pve2'
    three.wait(FENCED - 60)
    guest = three.cluster.guests[200]
    assert guest.node in ('pve1', 'pve3')
    assert guest.running
