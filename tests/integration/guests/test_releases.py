# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests live on older releases as they do on the newest: each change is foretold by check mode and done once."""
from __future__ import annotations

import json
import re

import pytest
import yaml
from guest_tasks import ROOT, Tasks, golden_container, golden_vm, map_devices, named, orphans, paired
from playbook import ansible

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
RELEASES = ('7.4', '8.4', '9')


class Registered(Tasks):
    """Tasks on a registered cluster, each with the token of the tier that serves."""

    def __init__(self, simulator, registry):
        super().__init__(simulator)
        self.registry = registry

    def connection(self):
        return {'registry_url': self.registry, 'cluster': 'prod'}

    @property
    def declared(self):
        return {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': self.simulator.port}], 'ca_path': self.simulator.ca_path, 'min_nodes': 2,
                **ROOT, 'create_token': True, 'token_tiers': ['viewer', 'operator', 'admin']}


@pytest.fixture(params=RELEASES)
def release(request):
    return request.param


@pytest.fixture
def tasks(release, tmp_path):
    with paired(release=release) as simulator:
        found = Registered(simulator, str(tmp_path / 'registry.db'))
        found.cluster.pools.update({'shop': {}, 'lab': {}})
        found.exact('pve_cluster_registry', **found.declared)
        yield found


def test_a_machine_from_nothing(tasks):
    made = tasks.exact(
        'pve_vm', name='web', node='pve1', cores=2, memory='1G', balloon=512, bios='ovmf', machine='q35', cpu='host', agent=True, tags=['b', 'A'],
        vga='serial0', boot=['scsi0'], description='first', onboot=True, pool='shop', state='started',
        disks={'scsi0': {'storage': 'shared', 'size': '1G', 'discard': True, 'iothread': True}, 'efidisk0': {'storage': 'shared', 'efitype': '4m'},
               'tpmstate0': {'storage': 'shared', 'version': 'v2.0'}, 'ide0': {'iso': 'local:iso/tiny.iso'}},
        networks={'net0': {'bridge': 'vmbr0', 'tag': 5, 'firewall': True}}, devices={'serial0': 'socket', 'rng0': {'source': '/dev/urandom'}},
        cloud_init={'storage': 'shared', 'user': 'ops', 'password': 'verysecret', 'ip': {'net0': {'address': '10.0.0.5/24', 'gateway': '10.0.0.1'}}})
    shown = made['vm']
    assert (shown['status'], shown['pool'], shown['tags']) == ('running', 'shop', ['a', 'b'])
    assert (shown['config']['memory'], shown['config']['networks']['net0']['tag']) == (1024, 5)


def test_disks_of_a_machine(tasks):
    tasks.exact('pve_vm', name='web', node='pve1', state='started', disks={'scsi0': {'storage': 'local', 'size': '1G', 'format': 'qcow2'}})
    tasks.exact('pve_vm', name='web', disks={'scsi0': {'size': '2G'}, 'scsi1': {'storage': 'shared', 'size': '1G'}})
    tasks.exact('pve_vm', name='web', disks={'scsi0': {'storage': 'shared'}, 'scsi1': {'ssd': True, 'mbps_rd': 10}})
    tasks.exact('pve_vm', name='web', disks={'scsi1': {'state': 'detached'}})
    assert {'scsi0', 'unused0'} <= set(named(tasks, 'web')[0].config)
    tasks.exact('pve_vm', name='web', remove=['unused0'])
    tasks.exact('pve_vm', name='web', state='absent', force=True)
    assert orphans(tasks) == []


@pytest.mark.parametrize('state', ['started', 'stopped'])
def test_life_of_a_cloned_machine(tasks, state):
    golden_vm(tasks, agent=True)
    web = {'name': 'web', 'state': state, 'force': True}
    tasks.exact('pve_vm', **web, clone={'template': 'golden'}, pool='shop', memory='1G', ha={'state': state, 'max_restart': 2},
                cloud_init={'user': 'ops', 'ip': {'net0': 'dhcp'}}, disks={'scsi0': {'size': '2G'}}, reboot='if_required')
    tasks.simulator.control.advance(30)
    tasks.exact('pve_vm', **web, pool='lab', memory='2G', reboot='if_required')
    tasks.exact('pve_vm', **web, ha={'state': 'absent'})
    moved = tasks.exact('pve_vm', **web, node='pve2')
    assert (moved['vm']['node'], moved['vm']['pool'], moved['vm']['config']['memory']) == ('pve2', 'lab', 2048)
    tasks.exact('pve_vm', name='web', state='absent', purge=True, force=True)
    assert named(tasks, 'web') == []


def test_a_linked_clone_on_its_own_storage(tasks):
    golden_vm(tasks, disks={'scsi0': {'storage': 'shared', 'size': '1G', 'format': 'qcow2'}})
    tasks.exact('pve_vm', name='web', clone={'template': 'golden', 'full': False}, disks={'scsi0': {'discard': True}})
    tasks.exact('pve_vm', name='web', state='absent')


def test_power_of_a_machine(tasks):
    tasks.exact('pve_vm', name='web', node='pve1', state='started', disks={'scsi0': {'storage': 'local', 'size': '1G'}})
    for state in ('paused', 'started', 'stopped', 'started'):
        assert tasks.exact('pve_vm', name='web', state=state, force=True)['vm']['status'] == {'started': 'running'}.get(state, state)
    restarted = tasks.vm(name='web', state='restarted', force=True)
    assert (restarted['changed'], restarted['vm']['status']) == (True, 'running')


def test_life_of_a_container(tasks):
    golden_container(tasks)
    tasks.exact('pve_container', name='dns', node='pve1', ostemplate=TEMPLATE, cores=2, memory='512M', swap=0, pool='shop', state='started', tags=['Web'],
                disks={'rootfs': {'storage': 'local', 'size': '1G'}, 'mp0': {'storage': 'shared', 'size': '1G', 'mp': '/srv', 'backup': True}},
                networks={'net0': {'bridge': 'vmbr0', 'ip': 'dhcp', 'tag': 4}}, features={'nesting': True}, nameserver=['10.0.0.1'], onboot=True,
                password='verysecret', startup={'order': 1})
    tasks.exact('pve_container', name='dns', memory='1G', disks={'rootfs': {'size': '2G'}, 'mp1': {'storage': 'shared', 'size': '1G', 'mp': '/data'}})
    tasks.exact('pve_container', name='dns', pool='lab', ha={'state': 'started'})
    tasks.simulator.control.advance(30)
    tasks.exact('pve_container', name='dns', ha={'state': 'absent'}, new_name='ns')
    tasks.exact('pve_container', name='ns', state='stopped', force=True, disks={'rootfs': {'storage': 'shared'}, 'mp1': {'state': 'absent'}})
    moved = tasks.exact('pve_container', name='ns', node='pve2', state='started')
    assert (moved['container']['node'], moved['container']['pool']) == ('pve2', 'lab')
    tasks.exact('pve_container', name='copy', clone={'template': 'golden'}, node='pve2', state='started')
    for name in ('ns', 'copy'):
        tasks.exact('pve_container', name=name, state='absent', force=True)
    assert [volume for volume in orphans(tasks) if 'base' not in volume] == []


def test_snapshots_and_backups(tasks):
    tasks.exact('pve_vm', name='web', node='pve1', state='started', disks={'scsi0': {'storage': 'shared', 'size': '1G', 'format': 'qcow2'}})
    tasks.exact('pve_snapshot', name='web', snapshot='before', description='before it', vmstate=True)
    rolled = tasks.run('pve_snapshot', name='web', snapshot='before', state='rollback', start=True)
    assert rolled['changed'] is True
    tasks.exact('pve_snapshot', name='web', snapshot='before', state='absent')
    made = tasks.run('pve_backup', action='run', name='web', storage='shared', notes='{{guestname}}', protected=False)
    assert made['backups'][0]['notes'] == 'web'
    tasks.exact('pve_vm', name='web', state='absent', force=True)
    tasks.exact('pve_backup', action='restore', vmid=made['backups'][0]['vmid'], archive='latest', start=True)
    assert tasks.vm(name='web', state='started')['changes'] == []
    pruned = tasks.run('pve_backup', action='prune', name='web', storage='shared', keep_last=1)
    assert pruned['changed'] is False


def test_snapshots_and_backups_of_a_container(tasks):
    tasks.exact('pve_container', name='dns', node='pve1', ostemplate=TEMPLATE, state='stopped', disks={'rootfs': {'storage': 'shared', 'size': '1G'}})
    made = tasks.run('pve_backup', action='run', name='dns', storage='shared')
    assert made['changed'] is True
    tasks.exact('pve_container', name='dns', state='absent')
    tasks.exact('pve_backup', action='restore', vmid=made['backups'][0]['vmid'], archive='latest')
    assert tasks.container(name='dns', state='started')['changes'] == ['start']


NEWER = [
    ('9', 'pve_vm', {'agent': {'enabled': True, 'freeze-fs': False}}),
    ('9', 'pve_vm', {'machine': {'type': 'q35', 'viommu': 'intel', 'aw-bits': 39}}),
    ('9', 'pve_vm', {'cpu': {'cputype': 'host', 'guest-phys-bits': 40}}),
    ('8.4', 'pve_vm', {'devices': {'usb0': {'mapping': 'stick'}}}),
    ('8.4', 'pve_vm', {'devices': {'hostpci0': 'mapping=card'}}),
    ('8.4', 'pve_vm', {'vga': {'type': 'std', 'clipboard': 'vnc'}}),
    ('8.4', 'pve_vm', {'disks': {'scsi0': {'storage': 'shared', 'size': '1G', 'vendor': 'me'}}}),
    ('8.4', 'pve_vm', {'cloud_init': {'upgrade': False}}),
    ('9', 'pve_container', {'networks': {'net0': {'bridge': 'vmbr0', 'host-managed': True}}}),
    ('9', 'pve_container', {'disks': {'mp0': {'storage': 'shared', 'size': '1G', 'mp': '/srv', 'keepattrs': True}}}),
]


@pytest.mark.parametrize(('since', 'module', 'options'), NEWER)
def test_what_a_release_does_not_have_is_refused_before_anything_is_sent(tasks, release, since, module, options):
    source = {'ostemplate': TEMPLATE, 'disks': {'rootfs': {'storage': 'shared', 'size': '1G'}, **options.get('disks', {})}} if module == 'pve_container' else {}
    declared = {'name': 'new', 'node': 'pve1', **options, **source}
    if release >= since:
        map_devices(tasks.cluster)
        tasks.exact(module, **declared)
        return
    tasks.simulator.control.reset_log()
    foretold, done = tasks.run(module, True, **declared), tasks.run(module, **declared)
    assert foretold['msg'] == done['msg']
    assert f'Proxmox VE {release}, only of ' in done['msg']
    assert [one for one in tasks.requests() if not one.startswith('GET')] == []


def test_what_only_older_releases_have(tasks, release):
    declared = {'name': 'new', 'node': 'pve1', 'disks': {'ide1': {'storage': 'shared', 'size': '1G', 'cyls': 100, 'heads': 16, 'secs': 63}}}
    if release == '9':
        assert 'ide1: cyls is not a setting of Proxmox VE 9, only of 7.4 and 8.4.' in tasks.vm(**declared)['msg']
        return
    tasks.exact('pve_vm', **declared)
    tasks.exact('pve_vm', name='new', disks={'ide1': {'ssd': True}})
    assert 'cyls=100' in named(tasks, 'new')[0].config['ide1']


def test_a_setting_goes_by_the_name_that_the_release_has(tasks, release):
    name = 'freeze-fs' if release == '9' else 'freeze-fs-on-backup'
    tasks.exact('pve_vm', name='web', node='pve1', agent={'enabled': True, name: False})
    tasks.exact('pve_vm', name='web', agent={'enabled': True, 'fstrim_cloned_disks': True})
    tasks.exact('pve_vm', name='web', agent={'freeze-fs-on-backup': True})
    tasks.exact('pve_vm', name='web', agent={'enabled': False})


def test_where_ha_runs_a_guest(tasks, release):
    tasks.exact('pve_vm', name='web', node='pve1', disks={'scsi0': {'storage': 'shared', 'size': '1G'}}, ha={'state': 'stopped'})
    group, failback = ({'name': 'web', 'ha': {'state': 'stopped', **more}} for more in ({'group': 'east'}, {'failback': False}))
    if release == '9':
        tasks.exact('pve_vm', **failback)
        for check in (True, False):
            assert 'Proxmox VE 9 has rules instead of HA groups' in tasks.vm(check, **group)['msg']
        return
    for check in (True, False):
        assert f'ha: failback is not a parameter of Proxmox VE {release}, only of 9.' in tasks.vm(check, **failback)['msg']
    assert "there is no HA group 'east'" in tasks.vm(**group)['msg']
    assert "there is no HA group 'east'" in tasks.vm(True, **group)['warnings'][0]
    assert not tasks.run('pve_ha_rule', rule='east', nodes=['pve2']).get('failed')
    tasks.exact('pve_vm', **group)


def test_nodes_and_the_cluster_are_described(tasks, release):
    golden_vm(tasks)
    tasks.exact('pve_vm', name='web', clone={'template': 'golden'}, state='started', pool='shop', ha={'state': 'started'})
    nodes = {one['node']: one for one in tasks.run('pve_node_facts', gather_subset=['all', '!updates'])['nodes']}
    assert {name: (one['status'], one['problems']) for name, one in nodes.items()} == {'pve1': ('online', {}), 'pve2': ('online', {})}
    assert nodes['pve1']['pve_version'].startswith(release)
    assert re.fullmatch(r'\d+\.\d+\.\d+-\d+-pve', nodes['pve1']['kernel'])
    assert nodes['pve1']['networks']['vmbr0']['type'] == 'bridge'
    [found] = tasks.run('pve_cluster_info')['clusters']
    assert found['version'].startswith(release)
    assert (found['quorate'], found['capacity']['guests']['running'], found['skipped']) == (True, 1, [])
    assert 'shop' in found['capacity']['pools']


def test_guests_are_in_the_inventory(tasks, release, run_playbook, tmp_path):
    golden_vm(tasks, agent=True)
    tasks.exact('pve_vm', name='web', clone={'template': 'golden'}, state='started', pool='shop', tags=['front'])
    tasks.exact('pve_container', name='dns', node='pve1', ostemplate=TEMPLATE, storage='shared', networks={'net0': {'bridge': 'vmbr0', 'ip': '10.0.0.53/24'}})
    source = tmp_path / 'fleet.pve.yml'
    source.write_text(yaml.safe_dump({'plugin': 'pve.fleet.pve', 'registry_url': tasks.registry, 'nodes': True, 'gather': ['config', 'network', 'snapshots']}))
    done = ansible('inventory', '-i', str(source), '--list', '--export', environment=run_playbook.environment(), cwd=tmp_path)
    listed = json.loads(done.stdout, object_hook=lambda found: found.get('__ansible_unsafe', found))
    hosts = listed['_meta']['hostvars']
    assert sorted(hosts) == ['dns', 'golden', 'pve1', 'pve2', 'web']
    assert hosts['web']['ansible_host'].startswith('10.')
    assert hosts['dns']['ansible_host'] == '10.0.0.53'
    assert [listed[group]['hosts'] for group in ('pve_pool_shop', 'pve_tag_front', 'pve_type_lxc', 'pve_template')] == [['web'], ['web'], ['dns'], ['golden']]
    assert 'WARNING' not in done.stderr


def test_each_tier_has_the_rights_that_the_release_knows(tasks, release):
    roles = {name.removeprefix('Fleet'): set(held) for name, held in tasks.cluster.access.roles.items()}
    assert roles['Viewer'] < roles['Operator'] < roles['Admin'] | {'User.Modify'}
    assert ('VM.Monitor' in roles['Viewer'], 'VM.GuestAgent.Audit' in roles['Viewer']) == (release != '9', release == '9')
    assert ('SDN.Use' in roles['Operator'], 'Mapping.Use' in roles['Operator']) == (release != '7.4', release != '7.4')
    gone = tasks.run('pve_cluster_registry', name='prod', state='absent', **ROOT)
    assert not gone.get('failed'), gone['msg']
    assert [name for name in tasks.cluster.access.roles if name.startswith('Fleet')] == []


def test_a_tier_gets_the_rights_that_it_lacks_as_after_an_upgrade(tasks):
    role = tasks.cluster.access.roles['FleetViewer']
    before = set(role)
    role.discard('VM.Audit')
    predicted = tasks.run('pve_cluster_registry', True, **tasks.declared)
    assert predicted['changes'] == ['bring role FleetViewer up to date: give it VM.Audit']
    assert 'VM.Audit' not in role
    result = tasks.exact('pve_cluster_registry', **tasks.declared)
    assert set(result['diff']['after']['roles']['FleetViewer']) == before == set(tasks.cluster.access.roles['FleetViewer'])
