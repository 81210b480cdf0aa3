# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tasks at once: nobody's guest is lost, nobody's change either."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from guest_tasks import Tasks, golden_vm, named, paired

from ansible_collections.pve.fleet.plugins.module_utils.api.transport import Transport

TRANSPORT = 'ansible_collections.pve.fleet.plugins.module_utils.api.client.Transport'


@pytest.fixture
def tasks():
    with paired() as simulator:
        yield Tasks(simulator)


def at_once(count, work):
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_twenty_creations_without_an_id_make_twenty_guests(tasks):
    results = at_once(20, lambda number: tasks.vm(name=f'new-{number}', node='pve1', memory='64M'))
    assert [one['msg'] for one in results if one.get('failed')] == []
    assert len({one['vm']['vmid'] for one in results}) == 20
    assert all(len(named(tasks, f'new-{number}')) == 1 for number in range(20))
    assert all(f' as {one["vm"]["vmid"]} on pve1' in one['changes'][0] for one in results)


def test_twenty_clones_without_an_id_make_twenty_guests(tasks):
    golden_vm(tasks)
    results = at_once(20, lambda number: tasks.vm(name=f'copy-{number}', clone={'template': 'golden'}, memory='1G'))
    assert [one['msg'] for one in results if one.get('failed')] == []
    assert len(named(tasks, 'golden')) == 1
    assert all(len(named(tasks, f'copy-{number}')) == 1 for number in range(20))


def test_containers_race_as_well(tasks):
    results = at_once(10, lambda number: tasks.container(
        name=f'ct-{number}', node='pve1', ostemplate='local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', storage='shared'))
    assert [one['msg'] for one in results if one.get('failed')] == []
    assert len({one['container']['vmid'] for one in results}) == 10


def test_two_changes_of_one_guest_are_both_there(tasks):
    made = tasks.vm(name='web', node='pve1', memory='64M')
    assert not made.get('failed'), made['msg']
    wishes = [{'cores': 3}, {'tags': ['a']}, {'description': 'mine'}, {'onboot': True}, {'memory': '128M'}, {'cpuunits': 200}]
    results = at_once(len(wishes), lambda number: tasks.vm(name='web', **wishes[number]))
    guest = named(tasks, 'web')[0].config
    there = [guest.get('cores') == 3, guest.get('tags') == 'a', guest.get('description') == 'mine', guest.get('onboot') == 1,
             guest.get('memory') == '128', guest.get('cpuunits') == 200]
    for wish, result, found in zip(wishes, results, there, strict=True):
        assert found or (result.get('failed') and result['error']['code'] == 'Conflict'), (wish, result)


def test_two_changes_of_one_network_do_not_undo_each_other(tasks):
    made = tasks.vm(name='web', node='pve1', networks={'net0': {'bridge': 'vmbr0'}})
    assert not made.get('failed'), made['msg']
    wishes = [{'tag': 5}, {'firewall': True}, {'rate': 10}]
    results = at_once(3, lambda number: tasks.vm(name='web', networks={'net0': wishes[number]}))
    text = named(tasks, 'web')[0].config['net0']
    for expected, result in zip(('tag=5', 'firewall=1', 'rate=10'), results, strict=True):
        assert expected in text or (result.get('failed') and result['error']['code'] == 'Conflict'), (text, result)


def test_the_same_change_twice_at_once_is_done_once(tasks):
    tasks.vm(name='web', node='pve1', disks={'scsi0': {'storage': 'local', 'size': '1G'}})
    results = at_once(4, lambda number: tasks.vm(name='web', disks={'scsi0': {'size': '2G'}, 'scsi1': {'storage': 'local', 'size': '1G'}}))
    assert [one['msg'] for one in results if one.get('failed')] == []
    guest = named(tasks, 'web')[0].config
    assert 'size=2G' in guest['scsi0']
    assert not [key for key in guest if key.startswith('unused')]


def grown(tasks, key='scsi0'):
    return named(tasks, 'web')[0].config[key].rpartition('size=')[2]


def with_disk(tasks, size='1G'):
    made = tasks.vm(name='web', node='pve1', disks={'scsi0': {'storage': 'local', 'size': size}})
    assert not made.get('failed'), made['msg']
    return made['vm']['vmid']


def test_two_tasks_that_add_to_a_disk_both_count(tasks):
    with_disk(tasks)
    results = at_once(3, lambda number: tasks.vm(name='web', disks={'scsi0': {'size': '+1G'}}))
    assert [one['msg'] for one in results if one.get('failed')] == []
    assert grown(tasks) == '4G'


class Meddling(Transport):
    """Somebody else changes the guest right before it is configured, so often."""

    times, edit = 0, None

    def send(self, endpoint, method, target, *arguments, **options):
        if method in ('PUT', 'POST') and target.endswith('/config') and Meddling.times:
            Meddling.times -= 1
            Meddling.edit(Meddling.times)
        return super().send(endpoint, method, target, *arguments, **options)


@pytest.fixture
def meddle(tasks, monkeypatch):
    """meddle(vmid, times): from now on so many changes come in between."""
    def begin(vmid, times):
        Meddling.times = times
        Meddling.edit = lambda number: tasks.simulator.control.edit_guest(vmid, set={'description': f'edit {number}'})
        monkeypatch.setattr(TRANSPORT, Meddling)

    yield begin
    Meddling.times = 0


def test_a_change_that_comes_in_between_is_planned_for_and_nothing_grows_twice(tasks, meddle):
    meddle(with_disk(tasks), 2)
    result = tasks.vm(name='web', disks={'scsi0': {'size': '+1G'}}, cores=3)
    assert not result.get('failed'), result['msg']
    assert result['changes'] == ['grow scsi0 from 1G to 2G', 'set cores to 3']
    assert (grown(tasks), named(tasks, 'web')[0].config['cores'], named(tasks, 'web')[0].config['description']) == ('2G', 3, 'edit 0')


def test_changes_without_end_are_a_conflict_and_what_was_done_is_told(tasks, meddle):
    meddle(with_disk(tasks), 50)
    result = tasks.vm(name='web', disks={'scsi0': {'size': '+1G'}}, cores=3)
    assert (result['failed'], result['error']['code'], result['changes']) == (True, 'Conflict', ['grow scsi0 from 1G to 2G'])
    assert grown(tasks) == '2G'


@pytest.mark.parametrize('action', ['reset', 'reset-after'])
@pytest.mark.parametrize('declared', ['+1G', '2G'])
def test_a_growth_whose_answer_is_lost_is_there_once(tasks, action, declared):
    with_disk(tasks)
    tasks.simulator.control.fault(action, method='PUT', path='*/resize')
    result = tasks.vm(name='web', disks={'scsi0': {'size': declared}}, cores=2)
    assert not result.get('failed'), result['msg']
    assert (grown(tasks), named(tasks, 'web')[0].config['cores']) == ('2G', 2)


def test_a_growth_that_is_under_way_when_its_answer_is_lost_is_there_once():
    with paired(time='real') as simulator:
        tasks = Tasks(simulator)
        with_disk(tasks)
        simulator.control.fault('reset-after', method='PUT', path='*/resize')
        result = tasks.vm(name='web', disks={'scsi0': {'size': '+1G'}})
        assert not result.get('failed'), result['msg']
        assert grown(tasks) == '2G'
