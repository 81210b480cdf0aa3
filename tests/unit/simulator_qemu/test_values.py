# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings of drives and network devices, sizes, boot order, tags: what PVE makes of them."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.behaviour import qemu_drive, qemu_net, qemu_options
from pvesim.model.cluster import Cluster

OPTIONS = st.dictionaries(
    st.sampled_from(('cache', 'discard', 'serial', 'aio')), st.sampled_from(('on', 'writeback', 'x1', 'native')))
FLAGS = st.dictionaries(st.sampled_from(('ssd', 'iothread', 'backup')), st.sampled_from(('0', '1', 'on', 'no')))


@given(OPTIONS, FLAGS, st.integers(1, 1 << 45), st.randoms())
def test_a_printed_drive_reads_back_as_the_same_whatever_the_order_was(options, flags, size, dice):
    items = [f'{key}={value}' for key, value in {**options, **flags, 'size': size}.items()]
    dice.shuffle(items)
    printed = qemu_drive.print_drive(qemu_drive.parse_drive(','.join(['local:1/vm-1-disk-0.raw', *items])))
    assert qemu_drive.print_drive(qemu_drive.parse_drive(printed)) == printed
    names = [item.split('=')[0] for item in printed.split(',')[1:]]
    assert names == sorted(names)
    assert printed.startswith('local:1/vm-1-disk-0.raw,')


@given(st.integers(0, 1 << 50))
def test_sizes_survive_printing(size):
    assert qemu_drive.parse_drive(f'x:y,size={size}').get('size') == size
    printed = qemu_drive.print_drive({'file': 'x:y', 'size': size})
    assert qemu_drive.parse_drive(printed)['size'] == size


@pytest.mark.parametrize(('gib', 'size'), [(1, 1 << 30), (0.5, 1 << 29), (0.01, 10486 * 1024)])
def test_new_disks_have_whole_kibibytes(gib, size):
    assert qemu_drive.gib_to_bytes(gib) == size


@pytest.mark.parametrize(('value', 'stored'), [
    ('virtio,bridge=vmbr0,macaddr=BC:24:11:00:00:01', 'virtio=BC:24:11:00:00:01,bridge=vmbr0'),
    ('model=e1000,tag=12,bridge=vmbr0,macaddr=bc:24:11:aa:bb:cc', 'e1000=bc:24:11:aa:bb:cc,bridge=vmbr0,tag=12'),
    ('virtio=bc:24:11:aa:bb:cc,firewall=off,bridge=vmbr0', 'virtio=bc:24:11:aa:bb:cc,bridge=vmbr0,firewall=0'),
])
def test_network_devices_are_written_model_first(value, stored):
    assert qemu_net.with_mac(Cluster('c'), value) == stored


def test_a_device_without_an_address_gets_one_below_the_prefix_of_the_datacenter():
    cluster = Cluster('c', options={'mac_prefix': 'BC:24:12'})
    first, second = (qemu_net.with_mac(cluster, 'virtio,bridge=vmbr0') for dummy in range(2))
    assert first.startswith('virtio=BC:24:12:')
    assert first != second


@given(st.lists(st.text('abcXYZ019', min_size=1), max_size=8), st.sampled_from((',', ';', ' ')))
def test_tags_are_lower_case_sorted_and_unique(tags, separator):
    stored = qemu_options.unique_tags(Cluster('c'), separator.join(tags))
    parts = stored.split(';') if stored else []
    assert parts == sorted({tag.lower() for tag in tags})
    assert qemu_options.unique_tags(Cluster('c'), stored) == stored


def test_a_case_sensitive_datacenter_keeps_the_case_of_tags():
    cluster = Cluster('c', options={'tag-style': 'case-sensitive=1'})
    assert qemu_options.unique_tags(cluster, 'b;Zeta;a') == 'Zeta;a;b'


@pytest.mark.parametrize(('config', 'devices'), [
    ({}, []), ({'net0': 'x', 'scsi1': 's:1', 'scsi0': 's:2'}, ['scsi0', 'net0']),
    ({'ide2': 'none,media=cdrom', 'virtio0': 's:1'}, ['virtio0', 'ide2']),
])
def test_default_boot_order_is_disk_then_drive_then_network(config, devices):
    assert qemu_drive.default_boot(config) == devices


@pytest.mark.parametrize(('key', 'value', 'shown'), [
    ('onboot', True, 1), ('cpulimit', 1.5, '1.5'), ('cpulimit', 2.0, '2'), ('tags', '', ' '),
    ('description', 'two\nlines\n', 'two\nlines'), ('cores', 4, 4),
])
def test_values_read_back_as_the_real_server_shows_them(key, value, shown):
    assert qemu_options.stored(key, value) == shown


def test_ssh_keys_are_looked_into():
    good = 'ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIEDbAQHABUkGqF9VWWLkZP5sQX9pS2E1q6dqSMXe0Gf2%20me%40x%0A'
    qemu_options.check_ssh_keys(good)
    with pytest.raises(Exception, match='SSH public key validation error'):
        qemu_options.check_ssh_keys('garbage%20key')
