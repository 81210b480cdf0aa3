# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers from creation to removal, as their configuration reads back."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.model import container, start_states

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
SECRET = '01234567-89ab-cdef-0123-456789abcdef'
LXC = '/nodes/pve1/lxc'
CONFIG = f'{LXC}/200/config'


def create(world, **params):
    world.finished(world.post(LXC, **{'vmid': 200, 'ostemplate': TEMPLATE, 'storage': 'local', **params}))
    return world.get(CONFIG)


def test_a_minimal_container_has_the_defaults(world):
    config = create(world)
    config.pop('digest')
    assert config == {'arch': 'amd64', 'ostype': 'debian', 'hostname': 'CT200', 'memory': 512, 'swap': 512,
                      'unprivileged': 1, 'rootfs': 'local:200/vm-200-disk-0.raw,size=4G'}


def test_networks_gain_an_address_and_a_type(world):
    net = create(world, net0='bridge=vmbr0,name=eth0,ip=dhcp')['net0']
    assert net.startswith('name=eth0,bridge=vmbr0,hwaddr=BC:24:11:')
    assert net.endswith(',ip=dhcp,type=veth')


def test_tags_and_descriptions_are_normalised(world):
    config = create(world, tags='B,a;b', description='one\ntwo')
    assert (config['tags'], config['description']) == ('a;b', 'one\ntwo\n')


def test_a_failed_creation_leaves_nothing(world):
    upid = world.post(LXC, vmid=200, ostemplate='local:vztmpl/none.tar.gz', rootfs='local:1')
    assert world.done(upid) == "unable to create CT 200 - volume 'local:vztmpl/none.tar.gz' does not exist"
    assert 200 not in world.cluster.guests
    assert not [volid for volid in world.cluster.volumes.at('local', 'pve1') if 'vm-200' in volid]


@pytest.mark.parametrize(('params', 'text'), [
    ({'mp0': 'local:1,mp=/data'}, "mount points configured, but 'rootfs' not set - aborting"),
    ({'pool': 'nosuch'}, "Permission check failed (pool 'nosuch' does not exist)"),
    ({'rootfs': 'nosuch:1'}, "storage 'nosuch' does not exist"),
])
def test_creation_is_refused_at_once(world, params, text):
    assert world.refused('POST', LXC, vmid=200, ostemplate=TEMPLATE, **params).message == text
    assert 200 not in world.cluster.guests


def test_only_root_mounts_folders_of_the_host(world):
    world.container()
    error = world.refused('PUT', CONFIG, 'admin@pve', mp0='/srv,mp=/srv')
    assert error.message == 'Permission check failed (mount point type bind is only allowed for root@pam)'
    world.put(CONFIG, mp0='/srv,mp=/srv')
    assert world.get(CONFIG)['mp0'] == '/srv,mp=/srv'


def test_a_running_container_takes_some_options_at_once_and_the_rest_with_its_next_start(world):
    world.container()
    world.finished(world.post(f'{LXC}/200/status/start'))
    world.put(CONFIG, memory=600, nameserver='10.0.0.1')
    rows = {row['key']: row for row in world.get(f'{LXC}/200/pending')}
    assert rows['memory'] == {'key': 'memory', 'value': 600}
    assert rows['nameserver'] == {'key': 'nameserver', 'pending': '10.0.0.1'}
    assert 'nameserver' not in world.get(CONFIG, current=1)
    world.finished(world.post(f'{LXC}/200/status/reboot'))
    assert world.get(CONFIG, current=1)['nameserver'] == '10.0.0.1'


def test_a_pending_change_can_be_reverted(world):
    world.container().begin_running(world.fleet.clock.now())
    world.put(CONFIG, nameserver='10.0.0.1')
    world.put(CONFIG, revert='nameserver')
    assert 'nameserver' not in world.get(CONFIG)


def test_what_cannot_be_hotplugged_is_named_and_nothing_is_kept(world):
    world.container().begin_running(world.fleet.clock.now())
    before = world.get(CONFIG)
    world.cluster.nodes['pve1'].extra['cgroups_closed'] = True
    error = world.refused('PUT', CONFIG, memory=600, swap=0, hostname='other', nameserver='10.0.0.1')
    text = 'unable to hotplug {}: short read on command socket (16 != 0)\n'
    assert (error.status, error.errors) == (400, {'memory': text.format('memory'), 'swap': text.format('swap')})
    assert world.get(CONFIG) == before


def test_only_what_a_request_names_is_applied_to_a_stopped_container(world):
    guest = world.container()
    guest.begin_running(world.fleet.clock.now())
    world.put(CONFIG, nameserver='10.0.0.1')
    guest.end_running()
    world.put(CONFIG, memory=600)
    assert world.get(CONFIG, current=1).get('nameserver') is None
    world.put(CONFIG, nameserver='10.0.0.2')
    assert world.get(CONFIG, current=1)['nameserver'] == '10.0.0.2'


@pytest.mark.parametrize(('params', 'errors'), [
    ({'revert': 'nosuch'}, {'revert': "unknown option 'nosuch'"}),
    ({'revert': 'cores', 'cores': 2}, {'revert': "you can't use '-cores' and '-revert cores' at the same time"}),
    ({'revert': 'cores', 'delete': 'cores'}, {'delete': "you can't use '-delete cores' and '-revert cores' at the same time"}),
])
def test_an_option_is_set_deleted_or_reverted(world, params, errors):
    world.container()
    assert world.refused('PUT', CONFIG, **params).errors == errors


def test_a_removed_mount_point_becomes_unused_and_then_goes_with_its_volume(world):
    world.container()
    world.put(CONFIG, mp0='nfs:2,mp=/data')
    assert world.get(CONFIG)['mp0'] == 'nfs:200/vm-200-disk-1.raw,mp=/data,size=2G'
    world.put(CONFIG, delete='mp0')
    assert world.get(CONFIG)['unused0'] == 'nfs:200/vm-200-disk-1.raw'
    world.put(CONFIG, delete='unused0')
    assert 'nfs:200/vm-200-disk-1.raw' not in world.cluster.volumes.at('nfs', '', True)


def test_the_size_in_a_mount_point_is_read_only(world):
    world.container()
    world.put(CONFIG, rootfs='nfs:200/vm-200-disk-0.raw,size=20G')
    assert world.get(CONFIG)['rootfs'] == 'nfs:200/vm-200-disk-0.raw,size=1G'


@pytest.mark.parametrize(('params', 'status', 'text'), [
    ({}, 500, 'no options specified'),
    ({'unprivileged': 0}, 500, "unable to modify read-only option: 'unprivileged'"),
    ({'delete': 'rootfs'}, 500, "unable to delete required option 'rootfs'"),
    ({'delete': 'nosuch'}, 400, 'Parameter verification failed.'),
    ({'cores': 1, 'digest': '0' * 40}, 500, 'detected modified configuration - file changed by other user? Try again.'),
])
def test_changes_that_are_refused_change_nothing(world, params, status, text):
    world.container()
    before = world.get(CONFIG)
    error = world.refused('PUT', CONFIG, **params)
    assert (error.status, error.message) == (status, text)
    assert world.get(CONFIG) == before


def test_growing_is_a_task_and_shrinking_is_refused(world):
    world.container()
    world.finished(world.put(f'{LXC}/200/resize', disk='rootfs', size='+100M'))
    assert world.get(CONFIG)['rootfs'].endswith(',size=1124M')
    assert world.refused('PUT', f'{LXC}/200/resize', disk='rootfs', size='500M').message == 'unable to shrink disk size'


def test_a_clone_has_its_own_volume_and_address(world):
    world.container(net0='name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,type=veth')
    world.finished(world.post(f'{LXC}/200/clone', newid=201, hostname='copy'))
    config = world.get(f'{LXC}/201/config')
    assert config['hostname'] == 'copy'
    assert config['rootfs'] == 'nfs:201/vm-201-disk-0.raw,size=1G'
    assert 'BC:24:11:00:00:01' not in config['net0']
    assert 'lock' not in world.get(CONFIG)


def test_the_answer_to_template_comes_before_the_work(world):
    world.container()
    assert world.post(f'{LXC}/200/template') is None
    assert 'template' not in world.get(CONFIG)
    world.wait(3)
    config = world.get(CONFIG)
    assert (config['template'], config['rootfs']) == (1, 'nfs:200/base-200-disk-0.raw,size=1G')


def test_linked_clones_need_a_storage_that_can_make_them(world):
    world.container()
    world.post(f'{LXC}/200/template')
    error = world.refused('POST', f'{LXC}/200/clone', newid=201)
    assert error.message == "Linked clone feature for 'nfs:200/base-200-disk-0.raw' is not available"
    assert list(world.cluster.guests) == [200]


def test_a_template_on_zfs_has_linked_clones_and_cannot_go_before_them(world):
    world.container(store='tank')
    world.post(f'{LXC}/200/template')
    world.finished(world.post(f'{LXC}/200/clone', newid=201))
    assert world.get(f'{LXC}/201/config')['rootfs'].startswith('tank:basevol-200-disk-0/')
    assert 'still in use by linked clones' in world.done(world.delete(f'{LXC}/200'))
    world.finished(world.delete(f'{LXC}/201'))
    world.finished(world.delete(f'{LXC}/200'))


def test_snapshots_go_back_to_what_was(world):
    world.container(store='tank')
    world.finished(world.post(f'{LXC}/200/snapshot', snapname='before', description='d'))
    world.put(CONFIG, memory=1024)
    names = [(row['name'], row.get('parent')) for row in world.get(f'{LXC}/200/snapshot')]
    assert names == [('before', None), ('current', 'before')]
    world.finished(world.post(f'{LXC}/200/snapshot/before/rollback', start=1))
    assert world.get(CONFIG)['memory'] == 512
    assert world.cluster.guests[200].running
    world.finished(world.delete(f'{LXC}/200/snapshot/before'))
    assert [row['name'] for row in world.get(f'{LXC}/200/snapshot')] == ['current']


def test_raw_files_have_no_snapshots(world):
    world.container()
    assert world.done(world.post(f'{LXC}/200/snapshot', snapname='first')) == 'snapshot feature is not available'


def test_power_actions_say_what_stands_against_them(world):
    world.container()
    for action in ('stop', 'shutdown', 'suspend'):
        assert world.refused('POST', f'{LXC}/200/status/{action}').message == 'CT 200 not running'
    world.finished(world.post(f'{LXC}/200/status/start'))
    assert world.refused('POST', f'{LXC}/200/status/start').message == 'CT 200 already running'
    error = world.refused('DELETE', f'{LXC}/200')
    assert error.message == 'unable to destroy CT 200 - container is running'


def test_a_locked_container_does_not_start(world):
    world.container(lock='backup')
    assert world.done(world.post(f'{LXC}/200/status/start')) == 'CT is locked (backup)'


def test_a_protected_container_stays(world):
    world.container(protection=1)
    assert world.refused('DELETE', f'{LXC}/200').message == "can't remove CT 200 - protection mode enabled"


def test_removal_takes_volumes_pool_and_rights_along(world):
    world.container()
    world.post('/pools', poolid='p')
    world.put('/pools', poolid='p', vms='200')
    world.finished(world.delete(f'{LXC}/200', purge=1))
    assert world.get('/pools', poolid='p')[0]['members'] == []
    assert not world.cluster.volumes.at('nfs', '', True)


def test_interfaces_are_those_of_the_networks_and_null_while_stopped(world):
    world.container(net0='name=eth0,bridge=vmbr0,hwaddr=BC:24:11:DF:54:9B,ip=10.0.0.5/24,type=veth')
    assert world.get(f'{LXC}/200/interfaces') is None
    world.finished(world.post(f'{LXC}/200/status/start'))
    loopback, card = world.get(f'{LXC}/200/interfaces')
    assert loopback['name'] == 'lo'
    assert card['ip-addresses'] == [
        {'ip-address': '10.0.0.5', 'prefix': '24', 'ip-address-type': 'inet'},
        {'ip-address': 'fe80::be24:11ff:fedf:549b', 'prefix': '64', 'ip-address-type': 'inet6'},
    ]


def test_a_running_container_moves_by_a_restart(three):
    three.container(store='local')
    three.finished(three.post(f'{LXC}/200/status/start'))
    error = three.refused('POST', f'{LXC}/200/migrate', target='pve2')
    assert error.message == "can't migrate running container without --online or --restart"
    three.finished(three.post(f'{LXC}/200/migrate', target='pve2', restart=1))
    guest = three.cluster.guests[200]
    assert (guest.node, guest.running) == ('pve2', True)
    assert 'local:200/vm-200-disk-0.raw' in three.cluster.volumes.at('local', 'pve2')
    assert 'local:200/vm-200-disk-0.raw' not in three.cluster.volumes.at('local', 'pve1')
    assert three.refused('GET', CONFIG).message == "Configuration file 'nodes/pve1/lxc/200.conf' does not exist"


def test_moving_a_volume_keeps_the_old_one_unless_told_otherwise(world):
    world.container(store='local')
    world.finished(world.post(f'{LXC}/200/move_volume', volume='rootfs', storage='nfs'))
    config = world.get(CONFIG)
    assert config['rootfs'] == 'nfs:200/vm-200-disk-0.raw,size=1G'
    assert config['unused0'] == 'local:200/vm-200-disk-0.raw'
    world.cluster.storages['iso'] = {'type': 'dir', 'path': '/x', 'content': 'iso'}
    status = world.done(world.post(f'{LXC}/200/move_volume', volume='rootfs', storage='iso'))
    assert status == "content type 'rootdir' is not available or configured on storage 'iso'"


WORD = st.text('abcdefgh', min_size=1, max_size=8)
NET = st.fixed_dictionaries({'name': WORD}, optional={
    'bridge': WORD, 'hwaddr': st.just('BC:24:11:00:00:01'), 'tag': st.integers(1, 4094).map(str), 'firewall':
    st.sampled_from(['0', '1']), 'ip': st.sampled_from(['dhcp', '10.0.0.1/24']), 'mtu': st.integers(64, 9000).map(str)})


@given(NET)
def test_what_is_printed_of_a_network_is_read_back(values):
    text = container.print_value('9', 'net0', values)
    assert text.startswith(f'name={values["name"]}')
    assert container.parse('9', 'net0', text) == values


@given(NET)
def test_normalising_twice_changes_nothing(values):
    once = container.network('9', container.print_value('9', 'net0', values), 'BC:24:11:AA:BB:CC')
    assert container.network('9', once, 'BC:24:11:DD:EE:FF') == once


def test_a_backup_is_restored_under_another_id(world):
    world.container(description='kept\n', net0='name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,type=veth')
    world.finished(world.post('/nodes/pve1/vzdump', vmid=200, storage='local', compress='zstd'))
    archive = world.get('/nodes/pve1/storage/local/content', content='backup')[0]['volid']
    world.finished(world.post(LXC, vmid=210, ostemplate=archive, restore=1, storage='local', unique=1, memory=256))
    config = world.get(f'{LXC}/210/config')
    assert (config['hostname'], config['description'], config['memory']) == ('ct200', 'kept\n', 256)
    assert config['rootfs'] == 'local:210/vm-210-disk-0.raw,size=1G'
    assert 'BC:24:11:00:00:01' not in config['net0']


def test_a_restore_overwrites_only_when_told_to(world):
    world.container()
    world.finished(world.post('/nodes/pve1/vzdump', vmid=200, storage='local', compress='zstd'))
    archive = world.get('/nodes/pve1/storage/local/content', content='backup')[0]['volid']
    world.put(CONFIG, memory=1024)
    error = world.refused('POST', LXC, vmid=200, ostemplate=archive, restore=1)
    assert error.message == "CT 200 already exists on node 'pve1'"
    world.finished(world.post(LXC, vmid=200, ostemplate=archive, restore=1, force=1, storage='nfs'))
    config = world.get(CONFIG)
    assert config['memory'] == 512
    assert [volid for volid in world.cluster.volumes.at('nfs', '', True) if '/vm-200-' in volid] == [
        config['rootfs'].partition(',')[0]]


def test_a_container_moves_to_another_cluster(world):
    far = next(iter(start_states.single('9', world.fleet.clock).clusters.values()))
    far.name, world.fleet.clusters['far'] = 'far', far
    far.access.tokens['root@pam'] = {'move': {'privsep': 0, 'expire': 0}}
    far.access.secrets['root@pam!move'] = SECRET
    world.container(net0='name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,type=veth')
    endpoint = f'host=10.111.0.11,apitoken=PVEAPIToken=root@pam!move={SECRET}'
    world.finished(world.post(f'{LXC}/200/remote_migrate', **{
        'target-endpoint': endpoint, 'target-storage': 'local', 'target-bridge': 'vmbr7', 'target-vmid': 300, 'delete': 1}))
    assert 200 not in world.cluster.guests
    assert far.guests[300].config['rootfs'] == 'local:300/vm-300-disk-0.raw,size=1G'
    assert 'bridge=vmbr7' in far.guests[300].config['net0']


@pytest.mark.parametrize('world', [{'release': release} for release in ('9', '8.4', '7.4')], indirect=True)
def test_a_container_lives_in_every_release(world):
    create(world, net0='name=eth0,bridge=vmbr0,ip=dhcp', onboot=1)
    world.finished(world.post(f'{LXC}/200/status/start'))
    world.put(CONFIG, cores=2)
    assert world.get(f'{LXC}/200/status/current')['cpus'] == 2
    assert world.get(f'{LXC}/200/rrddata', timeframe='hour')
    world.finished(world.post(f'{LXC}/200/status/shutdown'))
    world.finished(world.post(f'{LXC}/200/clone', newid=201))
    for vmid in (200, 201):
        world.finished(world.delete(f'{LXC}/{vmid}', purge=1))
    assert not world.cluster.guests
    assert {row['type'] for row in world.get('/cluster/resources')} == {
        'node', 'storage', 'network' if world.cluster.release == '9' else 'sdn'}
    for path in ('status', 'network', 'services', 'disks/list', 'certificates/info', 'apt/update', 'apt/repositories',
                 'hardware/pci', 'capabilities/qemu/machines', 'report', 'syslog', 'subscription', 'hosts'):
        assert world.get(f'/nodes/pve1/{path}') is not None


def test_the_directory_of_a_container_that_is_not_there_is_refused(world):
    text = "Configuration file 'nodes/pve1/lxc/200.conf' does not exist"
    assert [world.refused('GET', f'{LXC}/200{path}').message for path in ('', '/status')] == [text, text]
    world.container()
    assert {'subdir': 'interfaces'} in world.get(f'{LXC}/200')
    assert {'subdir': 'reboot'} in world.get(f'{LXC}/200/status')
