# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of guests: wishes against values, disks, placement, progress, descriptions."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests import cloud_init, disks, hotplug, placement
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import by_network, declared_addresses
from ansible_collections.pve.fleet.plugins.module_utils.guests.checks import volumes_in
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import described, schemas
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import find, find_source
from ansible_collections.pve.fleet.plugins.module_utils.guests.in_the_making import marked_description, without_mark
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import LXC, QEMU
from ansible_collections.pve.fleet.plugins.module_utils.guests.origin import backup_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.progress import shown_line
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import from_pending
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish, differs, merged_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import GIB

NET = 'virtio=BC:24:11:AB:51:92,bridge=vmbr0,tag=3'
DISK = 'local:100/vm-100-disk-0.raw,discard=on,size=2G'


def schema(key, kind='qemu'):
    return find_parameter(schemas(kind), key)


def row(vmid, name=None, kind='qemu', node='pve1', **more):
    return {'vmid': vmid, 'type': kind, 'node': node, **({'name': name} if name else {}), **more}


@pytest.mark.parametrize(('key', 'wish', 'current', 'expected'), [
    ('net0', Wish({'bridge': 'vmbr0'}, True), NET, False),
    ('net0', Wish({'bridge': 'vmbr1'}, True), NET, True),
    ('net0', Wish({'tag': None}, True), NET, True),
    ('net0', Wish({'macaddr': 'bc:24:11:ab:51:92'}, True), NET, False),
    ('net0', Wish({'model': 'e1000'}, True), NET, True),
    ('net0', Wish({'bridge': 'vmbr0'}, True), None, True),
    ('agent', Wish({'enabled': False}, True), '1', True),
    ('agent', Wish({'enabled': False}, True), None, False),
    ('memory', Wish(2048), '2048', False),
    ('onboot', Wish(False), None, False),
    ('tags', Wish(['B', 'a']), 'a;b', False),
    ('tags', Wish([]), 'a', True),
    ('description', Wish(''), None, False),
    ('startup', Wish({'order': 2}, True), '2', False),
])  # fmt: skip
def test_a_wish_differs_only_where_it_asks_for_something_else(key, wish, current, expected):
    assert differs(key, wish, current, schema(key)) is expected


def test_a_merged_network_keeps_its_address_and_what_is_not_managed():
    assert merged_text('net0', Wish({'tag': 9}, True), NET, schema('net0')) == 'virtio=BC:24:11:AB:51:92,bridge=vmbr0,tag=9'
    assert merged_text('net0', Wish({'tag': None}, True), NET, schema('net0')) == 'virtio=BC:24:11:AB:51:92,bridge=vmbr0'
    assert merged_text('net0', Wish('virtio,bridge=vmbr7'), NET, schema('net0')) == 'virtio=BC:24:11:AB:51:92,bridge=vmbr7'


@given(st.integers(1, 4096), st.integers(1, 4096))
def test_disks_grow_and_never_shrink(now, asked):
    wish = disks.read_disks(QEMU, {'scsi0': {'size': f'{asked}G'}})['scsi0']
    current = f'local:100/vm-100-disk-0.raw,size={now}G'
    if asked < now:
        with pytest.raises(BadRequest, match='disks only grow'):
            disks.disk_changes(QEMU, 'scsi0', wish, current, schema('scsi0'))
        return
    actions = [one.action for one in disks.disk_changes(QEMU, 'scsi0', wish, current, schema('scsi0'))]
    assert actions == ([] if asked == now else ['grow'])


@pytest.mark.parametrize(('declared', 'current', 'actions'), [
    ({'storage': 'local', 'size': '2G', 'discard': True}, DISK, []),
    ({'storage': 'shared', 'size': '4G', 'ssd': True}, DISK, ['move', 'grow', 'set']),
    ({'storage': 'shared', 'size': '4G'}, None, ['add']),
    ({'state': 'absent'}, DISK, ['destroy']),
    ({'state': 'detached'}, DISK, ['detach']),
    ({'state': 'absent'}, None, []),
    ({'iso': 'none'}, 'local:iso/x.iso,media=cdrom', ['swap']),
    ({'size': '+1G'}, DISK, ['grow']),
    ('local:4,ssd=1', None, ['add']),
])  # fmt: skip
def test_what_must_be_done_about_a_disk(declared, current, actions):
    wish = disks.read_disks(QEMU, {'scsi0': declared})['scsi0']
    assert [one.action for one in disks.disk_changes(QEMU, 'scsi0', wish, current, schema('scsi0'))] == actions


@pytest.mark.parametrize(('declared', 'sentence'), [
    ({'size': '2G'}, 'give the storage for it'),
    ({'storage': 'local'}, 'give the size for it'),
    ({'storage': 'local', 'size': '+2G'}, 'give its whole size'),
])
def test_a_new_disk_lacks_something(declared, sentence):
    wish = disks.read_disks(QEMU, {'scsi0': declared})['scsi0']
    with pytest.raises(BadRequest, match=sentence):
        disks.disk_changes(QEMU, 'scsi0', wish, None, schema('scsi0'))


def test_the_text_of_a_new_disk():
    wish = disks.read_disks(QEMU, {'scsi0': {'storage': 'ceph', 'size': '1536M', 'ssd': True}})['scsi0']
    assert disks.new_disk_text(QEMU, 'scsi0', wish, schema('scsi0')) == 'ceph:1.5,ssd=1'
    wish = disks.read_disks(LXC, {'mp0': {'storage': 'ceph', 'size': '8G', 'mp': '/data'}})['mp0']
    assert disks.new_disk_text(LXC, 'mp0', wish, schema('mp0', 'lxc')) == 'ceph:8,mp=/data'


def test_pending_values_are_merged_and_a_grown_disk_shows_its_true_size():
    state = from_pending(QEMU, row(100), [
        {'key': 'memory', 'value': '512', 'pending': '1024'}, {'key': 'cores', 'value': 2, 'delete': 1}, {'key': 'digest', 'value': 'abc'},
        {'key': 'scsi0', 'value': DISK, 'pending': 'local:100/vm-100-disk-0.raw,size=1G,ssd=1'}])  # fmt: skip
    assert state.config == {'memory': '1024', 'scsi0': 'local:100/vm-100-disk-0.raw,size=2G,ssd=1'}
    assert state.active['cores'] == 2
    assert state.digest == 'abc'
    assert state.pending['cores'] is None


def test_guests_are_found_by_id_or_name():
    rows = [row(100, 'a'), row(101, 'b', 'lxc'), row(102, 'c'), row(103, 'c')]
    assert find(None, rows, 'qemu', names=('a',))['vmid'] == 100
    assert find(None, rows, 'lxc', vmid=101)['name'] == 'b'
    assert find(None, rows, 'qemu', names=('zzz',)) is None
    with pytest.raises(Conflict, match='2 guests are named c'):
        find(None, rows, 'qemu', names=('c',))
    with pytest.raises(BadRequest, match='is a CT'):
        find(None, rows, 'qemu', names=('b',))
    with pytest.raises(Conflict, match='belongs to a'):
        find(None, rows, 'qemu', vmid=100, names=('x',))


def test_a_template_is_found_by_its_tag():
    rows = [row(100, 'old', template=1, tags='gold'), row(101, 'web', tags='gold'), row(102, 'new', template=1, tags='best')]
    assert find_source(None, rows, 'qemu', tag='gold')['vmid'] == 100
    with pytest.raises(NotFound, match='Did you mean best'):
        find_source(None, rows, 'qemu', tag='bets')


NODES = [{'node': name, 'status': status, 'maxmem': 16 * GIB, 'mem': used * GIB}
         for name, used, status in (('a', 8, 'online'), ('b', 2, 'online'), ('c', 12, 'online'), ('d', 0, 'offline'))]


def test_placement():
    assert placement.choose_node(NODES, []) == 'b'
    assert placement.choose_node(NODES, [], {'strategy': 'pack'}, 2048) == 'c'
    assert placement.choose_node(NODES, [], {'strategy': 'pack'}, 6144) == 'a'
    assert placement.choose_node(NODES, [row(1, 'x', node='b', tags='web')], {'avoid': 'web'}) == 'a'
    assert placement.choose_node(NODES, [row(1, 'x', node='b', status='running', maxmem=12 * GIB)]) == 'a'
    with pytest.raises(BadRequest, match='d is not online'):
        placement.choose_node(NODES, [], {'nodes': ['d']})
    with pytest.raises(BadRequest, match=r'no node has 40\.0 GiB'):
        placement.choose_node(NODES, [], {'strategy': 'pack'}, 40960)


def test_progress_has_one_form():
    line = 'transferred 12.3 GiB of 27.0 GiB (45.56%)'
    assert shown_line('web-01', 'clone', line, 41) == 'web-01 clone 46 % 12.3/27.0 GiB 0:41'
    assert shown_line('web-01', 'start', 'starting', 61) == 'web-01 start 1:01'


def test_addresses_are_told_by_network():
    interfaces = [('lo', '00:00:00:00:00:00', ['127.0.0.1']), ('ens18', 'bc:24:11:ab:51:92', ['fe80::1', '10.0.0.5'])]
    assert by_network('qemu', {'net0': NET}, interfaces) == {'net0': ['10.0.0.5', 'fe80::1']}
    assert declared_addresses('qemu', {'ipconfig0': 'ip=10.0.0.5/24,gw=10.0.0.1', 'ipconfig1': 'ip=dhcp'}) == {'net0': ['10.0.0.5']}


def test_a_description_hides_secrets_and_parses_the_rest():
    shown = described('qemu', {'cipassword': '**********', 'net0': NET, 'scsi0': DISK, 'tags': 'b;a', 'digest': 'x'}, row(100, 'a', status='running'))
    assert 'cipassword' not in str(shown)
    assert shown['config']['networks']['net0']['tag'] == 3
    assert shown['config']['disks']['scsi0']['discard'] is True
    assert shown['tags'] == ['a', 'b']


def test_public_keys_are_recognised():
    key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu0hYcYKaPHwhI0sgsY8q1sYvz7ZDBCGlVXVgPLDAAA me'
    assert cloud_init.key_lines(f'# mine\n{key}\n\n') == [key]
    with pytest.raises(BadRequest, match='is not a public key'):
        cloud_init.key_lines(['ssh-ed25519 not-base64'])
    with pytest.raises(BadRequest, match=r'write 10\.0\.0\.5/24'):
        cloud_init.ip_settings('net0', {'address': '10.0.0.5'})


def test_memory_waits_for_a_reboot_unless_it_may_be_plugged():
    state = from_pending(QEMU, row(100), [{'key': 'memory', 'value': '512'}])
    assert hotplug.waits(QEMU, 'memory', state, '1024', schema('memory'))
    state.active['hotplug'] = 'memory,disk'
    assert not hotplug.waits(QEMU, 'memory', state, '1024', schema('memory'))
    assert not hotplug.waits(LXC, 'memory', state, '1024', schema('memory', 'lxc'))


@pytest.mark.parametrize('text', ['', 'of old', 'two\n\nparts'])
def test_the_mark_of_an_unfinished_clone_leaves_nothing_behind(text):
    state = from_pending(QEMU, row(100), [{'key': 'description', 'value': text}] if text else [])
    state.config['description'] = marked_description(state)
    assert state.marked
    assert without_mark(state).config.get('description', '') == text
    assert not without_mark(state).marked


@pytest.mark.parametrize(('text', 'volumes'), [
    ('local:1.5,ssd=1', []),
    ('ceph:cloudinit', []),
    ('none,media=cdrom', []),
    ('shared:0,import-from=local:import/a.qcow2,ssd=1', ['local:import/a.qcow2']),
    ('local:999/vm-999-disk-0.raw,size=1G', ['local:999/vm-999-disk-0.raw']),
    ('user=local:snippets/a.yaml,vendor=nfs:snippets/b.yaml', ['local:snippets/a.yaml', 'nfs:snippets/b.yaml']),
])
def test_volumes_that_must_be_there(text, volumes):
    assert list(volumes_in(text)) == volumes


def test_a_backup_tells_what_the_guest_was():
    text = '#Gr%C3%B6%C3%9Fe\n#two\ncores: 2\nnet0: virtio=BC:24:11:AB:51:92\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n[before]\ncores: 1\n'
    assert backup_config(QEMU, 'x', text).config == {'description': 'Größe\ntwo', 'cores': '2', 'net0': 'virtio=BC:24:11:AB:51:92'}
