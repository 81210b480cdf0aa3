# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared guests are completed, counted and summed up; drained guests find a place."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import UNLIMITED, Amounts
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.declarations import amounts, declarations
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.drain import drain_plan
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.summary import first_address, summary

GIB = 1 << 30
LIMITED = Amounts(10, 10 * GIB, 100 * GIB, 5)


def one(**guest):
    return declarations([{'name': 'web', **guest}], cluster='prod')[0]


def test_an_entry_wins_over_the_defaults_key_by_key():
    guest = declarations(
        [{'name': 'web', 'memory': '4G', 'disks': {'scsi0': {'size': '40G'}}}],
        {'memory': '2G', 'cores': 2, 'disks': {'scsi0': {'storage': 'ceph', 'size': '10G'}}}, 'shop', 'prod')[0]
    assert guest == {'kind': 'vm', 'cluster': 'prod', 'name': 'web', 'memory': '4G', 'cores': 2,
                     'disks': {'scsi0': {'storage': 'ceph', 'size': '40G'}}, 'tags': ['shop']}


@pytest.mark.parametrize(('guests', 'words'), [
    ([{}], 'Entry 1 of the guests has no name.'),
    (['web'], 'Entry 1 of the guests has no name.'),
    ([{'name': 'web', 'kind': 'pod'}], "Guest web: kind is 'pod'. Write vm or container."),
    ([{'name': 'web'}, {'name': 'web'}], 'Guest web of cluster prod is listed twice.'),
    ({'web': {}}, 'guests must be a list'),
])
def test_a_wrong_list_is_refused_in_one_sentence(guests, words):
    with pytest.raises(BadRequest) as error:
        declarations(guests, cluster='prod')
    assert words in error.value.message


def test_a_guest_without_a_cluster_is_refused():
    with pytest.raises(BadRequest, match='Guest web names no cluster'):
        declarations([{'name': 'web'}])


def test_the_same_name_in_two_clusters_is_two_guests():
    assert len(declarations([{'name': 'web', 'cluster': 'a'}, {'name': 'web', 'cluster': 'b'}])) == 2


def test_what_a_guest_takes():
    guest = one(cores=2, sockets=2, memory='4G', disks={'scsi0': {'size': '40G'}, 'scsi1': {'size': 10}, 'ide2': {'iso': 'local:iso/a.iso'}})
    assert amounts(guest, LIMITED) == Amounts(4, 4 * GIB, 50 * GIB, 1)


def test_a_bare_number_of_memory_is_mib():
    assert amounts(one(cores=1, memory=512, disks={'scsi0': {'size': '1G'}}), LIMITED).memory == GIB // 2


@pytest.mark.parametrize(('guest', 'word'), [
    ({'memory': '1G', 'disks': {'scsi0': {'size': '1G'}}}, 'cores'),
    ({'cores': 1, 'disks': {'scsi0': {'size': '1G'}}}, 'memory'),
    ({'cores': 1, 'memory': '1G'}, 'the size of its disks'),
    ({'cores': 1, 'memory': '1G', 'disks': {'scsi0': {'storage': 'ceph'}}}, 'the size of its disks'),
])
def test_what_a_quota_limits_must_be_declared(guest, word):
    with pytest.raises(BadRequest, match=f'Guest prod/web does not declare {word}'):
        amounts(one(**guest), LIMITED)


def test_without_a_limit_nothing_must_be_declared():
    assert amounts(one(), UNLIMITED) == Amounts(0, 0, 0, 1)


def test_growth_cannot_be_counted():
    with pytest.raises(BadRequest, match='no absolute size'):
        amounts(one(cores=1, memory='1G', disks={'scsi0': {'size': '+10G'}}), LIMITED)


def test_a_summary_tells_what_changed():
    results = [
        {'cluster': 'prod', 'kind': 'vm', 'name': 'web', 'changed': True, 'changes': ['start'],
         'guest': {'cluster': 'prod', 'name': 'web', 'vmid': 100, 'node': 'pve1', 'status': 'running',
                   'addresses': {'net0': ['fe80::1', '2001:db8::1', '10.0.0.5']}}},
        {'cluster': 'prod', 'kind': 'container', 'name': 'dns', 'changed': False, 'changes': [], 'guest': None},
        {'cluster': 'lab', 'kind': 'vm', 'name': 'lost', 'changed': False, 'changes': [], 'failed': True, 'msg': 'no room', 'guest': None},
    ]
    found = summary(results, [{'cluster': 'prod', 'name': 'old', 'vmid': 101, 'node': 'pve1'}])
    assert found['counts'] == {'guests': 3, 'changed': 1, 'removed': 1, 'failed': 1}
    assert (found['guests'][2]['status'], found['guests'][2]['failed']) == ('unknown', 'no room')
    assert found['drift'] is True
    assert (found['guests'][0]['address'], found['guests'][0]['changes']) == ('10.0.0.5', ['start'])
    assert found['guests'][1]['status'] == 'absent'
    assert found['removed'] == [{'cluster': 'prod', 'name': 'old', 'vmid': 101}]


def test_link_local_addresses_do_not_serve():
    assert first_address({'net0': ['fe80::1', '169.254.0.3']}) is None


def row(name, free, status='online'):
    return {'node': name, 'maxmem': free + 1, 'mem': 1, 'status': status}


def running(vmid, memory):
    return {'vmid': vmid, 'name': f'g{vmid}', 'type': 'qemu', 'status': 'running', 'maxmem': memory}


@given(st.lists(st.integers(1, 100), max_size=20), st.lists(st.integers(0, 2000), min_size=1, max_size=5))
def test_drained_guests_fit_where_they_go(sizes, free):
    guests = [running(100 + number, size) for number, size in enumerate(sizes)]
    nodes = [row(f'n{number}', size) for number, size in enumerate(free)]
    try:
        plan = drain_plan(guests, [*nodes, row('old', 0)], 'old')
    except Conflict:
        return
    assert [entry['vmid'] for entry in plan] == [guest['vmid'] for guest in guests]
    for number, room in enumerate(free):
        assert sum(guest['maxmem'] for guest, entry in zip(guests, plan, strict=True) if entry['target'] == f'n{number}') <= room


def test_a_drain_without_another_node_is_refused():
    with pytest.raises(Conflict, match='no other node is online'):
        drain_plan([running(100, 1)], [row('old', 9), row('n1', 9, 'offline')], 'old')


def test_only_running_guests_move_unless_told():
    guests = [running(100, 1), {**running(101, 1), 'status': 'stopped'}]
    nodes = [row('old', 9), row('n1', 9)]
    assert [entry['vmid'] for entry in drain_plan(guests, nodes, 'old')] == [100]
    assert [entry['vmid'] for entry in drain_plan(guests, nodes, 'old', stopped=True)] == [100, 101]


def test_paused_guests_move_as_running_ones_do():
    guests = [{**running(100, 1), 'status': 'paused'}, {**running(101, 1), 'status': 'stopped'}]
    assert [entry['vmid'] for entry in drain_plan(guests, [row('old', 9), row('n1', 9)], 'old')] == [100]


def test_a_guest_that_is_on_its_way_keeps_its_target_while_that_serves():
    nodes, earlier = [row('old', 9), row('n1', 5), row('n2', 9)], [{'vmid': 100, 'target': 'n1'}]
    assert drain_plan([running(100, 1)], nodes, 'old', earlier=earlier)[0]['target'] == 'n1'
    assert drain_plan([running(100, 7)], nodes, 'old', earlier=earlier)[0]['target'] == 'n2'
    assert drain_plan([running(100, 1)], [*nodes[1:], row('n1', 5, 'offline')], 'n1', earlier=earlier)[0]['target'] == 'n2'
