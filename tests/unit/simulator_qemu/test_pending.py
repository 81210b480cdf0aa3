# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes a running VM takes at once, and which wait for its restart."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.behaviour import qemu_pending as pending

NET = 'virtio=BC:24:11:00:00:01,bridge=vmbr0'
DISK = 'local:1/vm-1-disk-0.raw,size=1G'


@pytest.mark.parametrize(('name', 'value', 'at_once'), [
    ('name', 'x', True), ('tags', 'a', True), ('description', 'x', True), ('ciuser', 'x', True), ('ipconfig0', 'x', True),
    ('cpuunits', 200, True), ('cpulimit', '2', True), ('onboot', 1, True), ('protection', 1, True),
    ('cores', 2, False), ('memory', '2048', False), ('cpu', 'host', False), ('boot', 'order=net0', False),
    ('vga', 'std', False), ('agent', '1', False), ('bios', 'ovmf', False), ('vcpus', 1, False),
    ('net0', NET, True), ('scsi1', DISK, True), ('virtio1', DISK, True), ('sata1', DISK, False), ('ide1', DISK, False),
    ('efidisk0', DISK, False), ('tpmstate0', DISK, False), ('balloon', 512, True),
])
def test_by_default_network_disks_and_usb_are_plugged(name, value, at_once):
    assert pending.applies_now({}, name, value) is at_once


@given(st.sampled_from(('net0', 'scsi1', 'memory', 'vcpus', 'tablet')))
def test_without_hotplug_devices_wait(name):
    value = {'net0': NET, 'scsi1': DISK}.get(name, 1)
    assert not pending.applies_now({'hotplug': '0'}, name, value)
    assert not pending.deletes_now({'hotplug': '0'}, name)


def test_memory_and_processors_are_plugged_where_that_is_enabled():
    config = {'hotplug': 'memory,cpu'}
    assert pending.applies_now(config, 'memory', '2048')
    assert pending.applies_now(config, 'vcpus', 2)
    assert not pending.applies_now(config, 'net0', NET)


@pytest.mark.parametrize(('old', 'new', 'pluggable', 'at_once'), [
    (NET, f'{NET},tag=5', False, True), (NET, NET.replace('vmbr0', 'vmbr1'), False, True),
    (NET, f'{NET},rate=3,firewall=1', False, True), (NET, NET.replace('virtio', 'e1000'), False, False),
    (NET, NET.replace(':01', ':02'), True, True), (NET, f'{NET},mtu=1400', False, False),
])
def test_a_network_device_changes_in_place_but_for_the_card_itself(old, new, pluggable, at_once):
    assert pending.net_applies(old, new, pluggable) is at_once


@pytest.mark.parametrize(('new', 'at_once'), [
    (f'{DISK},iops=100', True), (f'{DISK},backup=0', True), (f'{DISK},cache=writeback', False),
    (f'{DISK},discard=on', False), (f'{DISK},iothread=1', False), (f'{DISK},ssd=1', False),
])
def test_a_disk_in_use_takes_limits_but_no_new_cache(new, at_once):
    assert pending.drive_applies(DISK, 'scsi0', new, True) is at_once


def test_another_medium_goes_into_a_drive_but_a_drive_does_not_become_a_disk():
    assert pending.drive_applies('none,media=cdrom', 'ide2', 'local:iso/a.iso,media=cdrom', True)
    with pytest.raises(pending.HotplugError, match='unable to change media type'):
        pending.drive_applies('none,media=cdrom', 'ide2', DISK, True)


def test_only_trimming_changes_in_the_agent_of_a_running_machine():
    assert pending.applies_now({'agent': '1'}, 'agent', 'enabled=1,fstrim_cloned_disks=1')
    assert not pending.applies_now({'agent': '1'}, 'agent', '0')


def running(site, vmid=100, **options):
    site.create(vmid, memory=128, **options)
    assert site.run('POST', f'{vmid}/status/start')[0] == 'OK'


def rows(site, vmid=100):
    return {row['key']: row for row in site.get(f'{vmid}/pending')}


def test_what_waits_is_shown_merged_and_comes_with_the_next_start(site):
    running(site)
    site.put('100/config', cores=4, name='web')
    assert rows(site)['cores'] == {'key': 'cores', 'pending': 4}
    assert site.get('100/config')['cores'] == 4
    assert 'cores' not in site.get('100/config', current=1)
    assert site.get('100/config', current=1)['name'] == 'web'
    site.run('POST', '100/status/stop')
    assert rows(site)['cores'] == {'key': 'cores', 'value': 4}


def test_a_waiting_change_can_be_taken_back(site):
    running(site)
    site.put('100/config', memory=256, delete='boot')
    assert rows(site)['boot']['delete'] == 1
    site.put('100/config', revert='memory,boot')
    assert all('pending' not in row and 'delete' not in row for row in rows(site).values())


def test_setting_the_current_value_leaves_nothing_waiting(site):
    running(site)
    site.put('100/config', memory=128)
    assert 'pending' not in rows(site)['memory']


def test_a_bridge_that_is_not_there_cannot_be_plugged(site):
    running(site)
    status, _text, errors = site.send('PUT', '100/config', net0='virtio,bridge=vmbr77')
    assert status == 400
    assert errors == {'net0': "hotplug problem - bridge 'vmbr77' does not exist\n"}


def test_values_of_the_cloudinit_drive_wait_for_it_to_be_written(site):
    running(site, ide2='local:cloudinit', ciuser='old')
    site.put('100/config', ciuser='new', nameserver='1.1.1.1')
    shown = {row['key']: row for row in site.get('100/cloudinit')}
    assert shown['ciuser'] == {'key': 'ciuser', 'value': 'old', 'pending': 'new'}
    assert shown['nameserver'] == {'key': 'nameserver', 'pending': '1.1.1.1'}
    site.put('100/cloudinit')
    assert {row['key']: row for row in site.get('100/cloudinit')}['ciuser'] == {'key': 'ciuser', 'value': 'new'}
