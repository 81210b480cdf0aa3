# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a VM: made, changed, copied, moved, destroyed; and what its volumes are called meanwhile."""
from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pvesim.clock import Clock
from pvesim.model.start_states import STATES
from pvesim.tasks import stop

from .conftest import Machines


def volids(machines):
    return sorted(volid for place in machines.cluster.volumes.by_place.values() for volid, volume in place.items()
                  if volume.content == 'images')


def test_a_minimal_machine_shows_what_pve_adds(site):
    config = site.create(100)
    assert set(config) == {'boot', 'digest', 'meta', 'smbios1', 'vmgenid'}
    assert config['boot'] == ' '


def test_disks_read_back_without_format_and_with_a_size(site):
    config = site.create(100, scsi0='local:1,format=qcow2,iothread=1,ssd=on', scsi1='local:0.01', ide2='local:cloudinit')
    assert config['scsi0'] == 'local:100/vm-100-disk-0.qcow2,iothread=1,size=1G,ssd=1'
    assert config['scsi1'] == 'local:100/vm-100-disk-1.raw,size=10486K'
    assert config['ide2'] == 'local:100/vm-100-cloudinit.qcow2,media=cdrom'


def test_a_creation_that_fails_leaves_neither_machine_nor_volumes(site):
    ended, _lines = site.run('POST', '', vmid=100, scsi0='local:1', scsi1='local:999/vm-999-disk-0.raw')
    assert ended == "unable to create VM 100 - volume 'local:999/vm-999-disk-0.raw' does not exist"
    assert site.send('GET', '100/config')[0] == 500
    assert volids(site) == []


def test_a_taken_id_is_refused(site):
    site.create(100)
    status, text, _errors = site.send('POST', '', vmid=100)
    assert (status, text) == (500, "unable to create VM 100 - VM 100 already exists on node 'pve1'")


def test_detached_disks_stay_as_unused_and_are_freed_from_there(site):
    site.create(100, scsi0='local:1')
    site.put('100/config', delete='scsi0')
    assert site.get('100/config')['unused0'] == 'local:100/vm-100-disk-0.raw'
    site.put('100/unlink', idlist='unused0', force=1)
    assert volids(site) == []


def test_a_stale_digest_changes_nothing(site):
    old = site.create(100)['digest']
    site.put('100/config', cores=2, digest=old)
    status, text, _errors = site.send('PUT', '100/config', cores=3, digest=old)
    assert (status, text) == (500, 'checksum mismatch (file change by other user?)')
    assert site.get('100/config')['cores'] == 2


def test_templates_have_base_images_that_linked_clones_name(site):
    site.create(100, scsi0='local:1,format=qcow2')
    assert site.run('POST', '100/template')[0] == 'OK'
    assert site.get('100/config')['scsi0'] == 'local:100/base-100-disk-0.qcow2,size=1G'
    assert site.run('POST', '100/clone', newid=101, name='linked')[0] == 'OK'
    clone = site.get('101/config')
    assert clone['scsi0'] == 'local:100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2,size=1G'
    assert 'template' not in clone
    ended, _lines = site.run('DELETE', '100')
    assert ended == "base volume 'local:100/base-100-disk-0.qcow2' is still in use by linked cloned"
    assert site.run('DELETE', '101')[0] == 'OK'
    assert site.run('DELETE', '100')[0] == 'OK'
    assert volids(site) == []


def test_a_clone_differs_in_what_must_be_its_own(site):
    first = site.create(100, scsi0='local:1', net0='virtio,bridge=vmbr0', name='web')
    assert site.run('POST', '100/clone', newid=101)[0] == 'OK'
    second = site.get('101/config')
    assert second['name'] == 'Copy-of-VM-web'
    for key in ('net0', 'smbios1', 'vmgenid', 'scsi0'):
        assert first[key] != second[key]


def test_growing_is_possible_shrinking_is_not(site):
    site.create(100, scsi0='local:1')
    assert site.run('PUT', '100/resize', disk='scsi0', size='+512M')[0] == 'OK'
    assert site.get('100/config')['scsi0'].endswith('size=1536M')
    assert site.run('PUT', '100/resize', disk='scsi0', size='1G')[0] == 'shrinking disks is not supported'


def test_a_snapshot_brings_back_configuration_and_size(site):
    site.create(100, scsi0='local:1,format=qcow2', cores=1)
    assert site.run('POST', '100/snapshot', snapname='before')[0] == 'OK'
    site.put('100/config', cores=4)
    site.run('PUT', '100/resize', disk='scsi0', size='3G')
    assert site.run('POST', '100/snapshot/before/rollback')[0] == 'OK'
    config = site.get('100/config')
    assert (config['cores'], config['parent']) == (1, 'before')
    assert config['scsi0'].endswith('size=1G')
    assert [row['name'] for row in site.get('100/snapshot')] == ['before', 'current']


def test_raw_disks_on_a_directory_have_no_snapshots(site):
    site.create(100, scsi0='local:1')
    assert site.run('POST', '100/snapshot', snapname='s1')[0] == 'snapshot feature is not available'
    assert site.get('100/feature', feature='snapshot')['hasFeature'] == 0


def test_a_disk_moves_to_another_machine_under_its_name(site):
    site.create(100, scsi0='local:1', scsi1='local:2')
    site.create(101, scsi0='local:1')
    assert site.run('POST', '100/move_disk', disk='scsi1', target__vmid=101, target__disk='scsi4')[0] == 'OK'
    assert site.get('101/config')['scsi4'] == 'local:101/vm-101-disk-1.raw,size=2G'
    assert 'scsi1' not in site.get('100/config')


def test_protection_keeps_machine_and_disks(site):
    site.create(100, scsi0='local:1', protection=1)
    assert site.send('DELETE', '100')[1] == "can't remove VM 100 - protection mode enabled"
    assert site.send('PUT', '100/config', delete='scsi0')[1] == "can't remove drive 'scsi0' - protection mode enabled"


@pytest.mark.parametrize(('options', 'text'), [
    ({'net0': 'virtio,bridge=vmbr77'}, "bridge 'vmbr77' does not exist"),
    ({'cores': 8}, 'MAX 2 vcpus allowed per VM on this node'),
    ({'lock': 'backup'}, 'VM is locked (backup)'), ({'template': 1}, "you can't start a vm if it's a template"),
])
def test_what_keeps_a_machine_from_starting_is_said_by_the_task(site, options, text):
    site.create(100, **{key: value for key, value in options.items() if key != 'lock'})
    if 'lock' in options:
        site.put('100/config', **options)
    ended, lines = site.run('POST', '100/status/start')
    assert ended == text
    assert lines[-1] == f'TASK ERROR: {text}'


def test_a_machine_without_a_system_does_not_shut_down_unless_forced(site):
    site.create(100)
    site.run('POST', '100/status/start')
    assert site.run('POST', '100/status/shutdown', timeout=3)[0] == 'VM quit/powerdown failed - got timeout'
    assert site.run('POST', '100/status/shutdown', timeout=3, forceStop=1)[0] == 'OK'
    assert site.get('100/status/current')['status'] == 'stopped'


def test_offline_migration_takes_the_volumes_along(pair):
    pair.create(100, scsi0='local:1,format=qcow2')
    assert pair.run('POST', '100/migrate', target='pve2')[0] == 'OK'
    assert pair.send('GET', '100/config')[0] == 500
    assert pair.get('/nodes/pve2/qemu/100/config')['scsi0'] == 'local:100/vm-100-disk-0.qcow2,size=1G'
    places = {node for (_storage, node), found in pair.cluster.volumes.by_place.items()
              if 'local:100/vm-100-disk-0.qcow2' in found}
    assert places == {'pve2'}


def test_a_migration_to_a_dead_node_leaves_everything_as_it_was(pair):
    pair.create(100, scsi0='local:1')
    pair.cluster.nodes['pve2'].online = False
    pair.cluster.standalone = True
    before = pair.get('100/config')
    assert pair.run('POST', '100/migrate', target='pve2')[0] == 'migration aborted'
    assert pair.get('100/config') == before


@pytest.fixture
def moving(pair):
    """A running machine that could move at any time."""
    pair.create(100)
    pair.run('POST', '100/status/start')
    return pair


def test_a_paused_machine_is_paused_where_it_has_moved_to(moving):
    moving.run('POST', '100/status/suspend')
    assert moving.run('POST', '100/migrate', target='pve2', online=1)[0] == 'OK'
    moving.node = 'pve2'
    assert moving.get('100/status/current')['qmpstatus'] == 'paused'
    assert moving.run('POST', '100/status/resume')[0] == 'OK'
    assert moving.get('100/status/current')['qmpstatus'] == 'running'


@pytest.mark.parametrize(('machine', 'status'), [('pc-i440fx-9.2', 'migration aborted'), ('pc-i440fx-10.1', 'OK')])
def test_a_running_machine_of_an_old_type_with_a_shared_clipboard_does_not_move(pair, machine, status):
    pair.create(100, vga='std,clipboard=vnc', machine=machine)
    pair.run('POST', '100/status/start')
    assert ('clipboard=vnc' in pair.get('100/migrate')['local_resources']) == (status != 'OK')
    ended, lines = pair.run('POST', '100/migrate', target='pve2', online=1)
    assert ended == status
    assert any("VMs with 'clipboard' set to 'vnc' are not live migratable!" in line for line in lines) == (status != 'OK')


def test_resources_that_are_kept_apart_stand_against_a_move(pair):
    pair.create(100)
    pair.create(101)
    for vmid in (100, 101):
        assert pair.send('POST', '/cluster/ha/resources', sid=f'vm:{vmid}', state='stopped')[0] == 200
    pair.cluster.guests[101].node = 'pve2'
    pair.cluster.section('ha-rules')['apart'] = {'type': 'resource-affinity', 'affinity': 'negative', 'resources': 'vm:100,vm:101'}
    found = pair.get('100/migrate')
    assert found['allowed_nodes'] == []
    assert found['not_allowed_nodes'] == {'pve2': {'blocking-ha-resources': [{'sid': 'vm:101', 'cause': 'resource-affinity'}]}}
    assert found['dependent-ha-resources'] == []


def template_of(fleet):
    return next(guest for guest in fleet.cluster.guests.values() if guest.template)


def test_a_clone_of_an_installed_template_has_an_agent_with_the_address_it_was_given(fleet):
    template = template_of(fleet)
    fleet.node = template.node
    fleet.run('POST', f'{template.vmid}/clone', newid=5000, name='web')
    fleet.put('5000/config', ipconfig0='ip=10.9.9.9/24,gw=10.9.9.1')
    assert fleet.run('POST', '5000/status/start')[0] == 'OK'
    found = fleet.get('5000/agent/network-get-interfaces')['result']
    addresses = [row['ip-address'] for card in found for row in card['ip-addresses']]
    assert '10.9.9.9' in addresses
    assert fleet.get('5000/agent/get-host-name') == {'result': {'host-name': 'web'}}
    pid = fleet.send('POST', '5000/agent/exec', command='hostname')[1]['pid']
    assert fleet.get('5000/agent/exec-status', pid=pid)['out-data'] == 'web\n'
    assert fleet.send('GET', '5000/agent/exec-status', pid=pid)[1] == 'Agent error: PID ld does not exist'


def test_files_written_by_the_agent_are_read_again(fleet):
    template = template_of(fleet)
    fleet.node = template.node
    fleet.run('POST', f'{template.vmid}/clone', newid=5000, name='web')
    fleet.run('POST', '5000/status/start')
    fleet.send('POST', '5000/agent/file-write', file='/tmp/x', content='hello')
    assert fleet.get('5000/agent/file-read', file='/tmp/x') == {'content': 'hello', 'bytes-read': 5}
    assert fleet.send('GET', '5000/agent/file-read', file='/tmp/nope')[0] == 500


def test_memory_survives_suspension_and_online_migration(fleet):
    template = template_of(fleet)
    fleet.node = template.node
    fleet.run('POST', f'{template.vmid}/clone', newid=5000)
    fleet.run('POST', '5000/status/start')
    assert fleet.run('POST', '5000/status/suspend', todisk=1)[0] == 'OK'
    assert fleet.get('5000/config')['lock'] == 'suspended'
    assert fleet.run('POST', '5000/status/start')[0] == 'OK'
    assert not {'lock', 'vmstate', 'runningmachine'} & set(fleet.get('5000/config'))
    target = next(name for name in fleet.cluster.nodes if name != fleet.node)
    assert fleet.send('POST', '5000/migrate', target=target)[1] == "can't migrate running VM without --online"
    assert fleet.run('POST', '5000/migrate', target=target, online=1)[0] == 'OK'
    assert fleet.get(f'/nodes/{target}/qemu/5000/status/current')['status'] == 'running'


def test_a_machine_moves_to_another_cluster(fleet):
    template = template_of(fleet)
    fleet.node = template.node
    fleet.run('POST', f'{template.vmid}/clone', newid=5000, full=1, name='web')
    other = list(fleet.fleet.clusters.values())[1]
    other.access.tokens['root@pam'] = {'mig': {'privsep': 0}}
    other.access.secrets['root@pam!mig'] = 'secret'
    node = next(iter(other.nodes.values()))
    ended, lines = fleet.run(
        'POST', '5000/remote_migrate', target__vmid=7000, target__storage='local-lvm', target__bridge='vmbr0', delete=1,
        target__endpoint=f'apitoken=PVEAPIToken=root@pam!mig=secret,host={node.ip}')
    assert ended == 'OK', lines
    assert 5000 not in fleet.cluster.guests
    assert other.guests[7000].config['name'] == 'web'
    assert other.guests[7000].config['scsi0'].startswith('local-lvm:vm-7000-disk-0,')


CHANGES = st.lists(st.one_of(
    st.tuples(st.just('set'), st.fixed_dictionaries({}, optional={
        'cores': st.integers(1, 4), 'name': st.sampled_from(('a1', 'b2')), 'memory': st.integers(16, 4096),
        'tags': st.sampled_from(('', 'x;y', 'Z')), 'description': st.text(max_size=8), 'onboot': st.integers(0, 1),
        'scsi1': st.just('local:1'), 'net0': st.just('virtio,bridge=vmbr0')})),
    st.tuples(st.just('delete'), st.sampled_from(('cores', 'scsi1', 'net0', 'name', 'unused0'))),
    st.tuples(st.just('power'), st.sampled_from(('start', 'stop'))),
), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(CHANGES)
def test_whatever_is_done_every_volume_is_named_once_and_goes_with_the_machine(site, changes):
    site.create(100, scsi0='local:1')
    try:
        for kind, value in changes:
            if kind == 'set' and value:
                assert site.send('PUT', '100/config', **value)[0] == 200
            elif kind == 'delete':
                assert site.send('PUT', '100/config', delete=value)[0] == 200
            elif kind == 'power':
                site.run('POST', f'100/status/{value}')
            guest = site.cluster.guests[100]
            named = [str(text).split(',', maxsplit=1)[0] for config in (guest.config, guest.pending) for key, text in config.items()
                     if key.startswith(('scsi', 'unused')) and key != 'scsihw']
            assert sorted(named) == volids(site)
    finally:
        site.run('POST', '100/status/stop')
        assert site.run('DELETE', '100')[0] == 'OK'
    assert volids(site) == []


@pytest.mark.parametrize('release', ['7.4', '8.4'])
def test_older_releases_know_the_same_life(release):
    machines = Machines(STATES['single'](release, Clock('fast')))
    machines.create(100, scsi0='local:1,format=qcow2', net0='virtio,bridge=vmbr0')
    answer = machines.put('100/resize', disk='scsi0', size='+1G')
    assert (answer is None) is (release == '7.4')
    assert machines.get('100/config')['scsi0'].endswith('size=2G')
    assert machines.run('POST', '100/status/start')[0] == 'OK'
    status = machines.get('100/status/current')
    assert 'memhost' not in status
    assert status['diskread'] == 0
    assert machines.run('POST', '100/status/stop')[0] == 'OK'
    machines.loop.close()


def test_stopping_a_task_undoes_what_it_began(fleet):
    template = template_of(fleet)
    fleet.node = template.node
    before = volids(fleet)

    async def begin_and_stop():
        call = fleet.dispatcher.make_call('POST', f'/nodes/{template.node}/qemu/{template.vmid}/clone', 'root@pam',
                                          {'newid': '5000', 'full': '1'})
        task = fleet.cluster.tasks[fleet.dispatcher.run(call)]
        for _turn in range(100):
            if len(task.lines) < 4:
                await asyncio.sleep(0)
        stop(task)
        return task.exitstatus

    assert fleet.loop.run_until_complete(begin_and_stop()) != 'OK'
    assert 5000 not in fleet.cluster.guests
    assert volids(fleet) == before


def test_a_machine_may_be_left_to_ha_from_the_start(pair):
    pair.create(100, ha__managed=1)
    assert pair.cluster.section('ha-resources')['vm:100'] == {'type': 'vm', 'state': 'stopped'}
    status, text, _errors = pair.send('DELETE', '100')
    assert (status, text) == (500, 'unable to remove VM 100 - used in HA resources and purge parameter not set.')
    assert pair.run('DELETE', '100', purge=1)[0] == 'OK'
    assert 'vm:100' not in pair.cluster.section('ha-resources')


def test_a_windows_machine_has_a_fixed_version(site):
    assert site.create(100, ostype='w2k8')['machine'] == 'pc-i440fx-10.1'
    site.create(101, machine='q35,viommu=virtio')
    site.put('101/config', ostype='win11')
    assert site.get('101/config')['machine'] == 'pc-q35-10.1,viommu=virtio'


@pytest.mark.parametrize(('option', 'text'), [
    ({'vga': 'serial0,clipboard=vnc'}, 'vga type serial0 is not compatible with VNC clipboard'),
    ({'machine': 'pc,viommu=intel'}, 'to use Intel vIOMMU please set the machine type to q35'),
])
def test_hardware_that_does_not_go_together_is_refused(site, option, text):
    assert site.run('POST', '', vmid=100, **option)[0] == f'unable to create VM 100 - {text}'
    site.create(101)
    assert site.send('PUT', '101/config', **option)[:2] == (500, text)
