# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a guest is and whatever is declared: check mode tells exactly what the run does, and the run needs no second one.

HYPOTHESIS_PROFILE=nightly tries 2,000 transitions of each kind, the default 200.
"""
from __future__ import annotations

import os

import pytest
from guest_tasks import Tasks, map_devices, prepare
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

STEPS = 20
EXAMPLES = 500 if os.environ.get('HYPOTHESIS_PROFILE') == 'nightly' else 50  # four to five transitions in each
TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu0hYcYKaPHwhI0sgsY8q1sYvz7ZDBCGlVXVgPLDAAA me'

booleans = st.booleans()
storages = st.sampled_from(['local', 'shared'])
sizes = st.sampled_from(['1G', '2G', '3G', '1536M'])
tags = st.lists(st.sampled_from(['web', 'Prod', 'db', 'eu']), max_size=3)
text = st.text(st.sampled_from('abc ÄÖ\n#:,=%"\''), max_size=12)


def options(required=None, **optional):
    """Dictionaries with some of the optional keys."""
    return st.fixed_dictionaries(required or {}, optional=optional)


def some(strategies, at_most=3):
    """Dictionaries with a few of these keys."""
    keys = st.lists(st.sampled_from(sorted(strategies)), max_size=at_most, unique=True)
    return keys.flatmap(lambda names: st.fixed_dictionaries({name: strategies[name] for name in names}))


vm_disk = options({'storage': storages, 'size': sizes}, ssd=booleans, discard=booleans, iothread=booleans,
                  cache=st.sampled_from(['none', 'writeback']), backup=booleans, keep_old=booleans, mbps_rd=st.sampled_from([10, 1.5, None]),
                  format=st.sampled_from(['raw', 'qcow2']))
plain_disk = options({'storage': storages, 'size': sizes}, backup=booleans)
gone = st.sampled_from([{'state': 'detached'}, {'state': 'absent'}])
imported = options({'storage': storages, 'import_from': st.just('local:import/mini.qcow2')}, size=sizes, ssd=booleans)
drive = st.sampled_from([{'iso': 'local:iso/tiny.iso'}, {'iso': 'none'}])
names = st.sampled_from(['guest', 'renamed'])
ha = st.one_of(options({'state': st.just('ignored')}, max_restart=st.integers(0, 2), comment=st.sampled_from(['a', 'b'])),
               st.just({'state': 'absent'}))
vm_net = options({'bridge': st.just('vmbr0')}, tag=st.integers(1, 20), firewall=booleans, rate=st.sampled_from([10, 2.5]),
                 model=st.sampled_from(['virtio', 'e1000']), link_down=booleans,
                 macaddr=st.sampled_from(['BC:24:11:00:00:01', 'bc:24:11:00:00:02']))
ip = st.one_of(st.just('dhcp'), options({'address': st.sampled_from(['10.0.0.5/24', '10.0.0.6/24'])}, gateway=st.just('10.0.0.1')))
VM = some({
    'cores': st.integers(1, 4),
    'sockets': st.integers(1, 2),
    'memory': st.sampled_from(['512M', '1G', 768]),
    'balloon': st.sampled_from([0, 256]),
    'description': text,
    'onboot': booleans,
    'protection': booleans,
    'tags': tags,
    'agent': st.one_of(booleans, options({'enabled': booleans}, fstrim_cloned_disks=booleans)),
    'cpu': st.sampled_from(['host', 'x86-64-v2-AES', {'cputype': 'host', 'flags': '+aes'}]),
    'cpulimit': st.sampled_from([0, 1, 0.5]),
    'cpuunits': st.sampled_from([100, 500]),
    'affinity': st.sampled_from(['0-1', '0,2']),
    'numa': booleans,
    'kvm': booleans,
    'acpi': booleans,
    'tablet': booleans,
    'localtime': booleans,
    'keyboard': st.sampled_from(['de', 'en-us']),
    'watchdog': st.sampled_from(['i6300esb', {'model': 'i6300esb', 'action': 'reset'}]),
    'boot': st.sampled_from([['scsi0'], ['scsi0', 'net0'], 'order=net0', []]),
    'hookscript': st.just('local:snippets/user.yaml'),
    'shares': st.integers(0, 2000),
    'new_name': names,
    'ha': ha,
    'machine': st.sampled_from(['q35', 'pc']),
    'bios': st.sampled_from(['seabios', 'ovmf']),
    'ostype': st.sampled_from(['l26', 'other']),
    'scsihw': st.sampled_from(['virtio-scsi-single', 'virtio-scsi-pci']),
    'vga': st.sampled_from(['std', 'serial0', {'type': 'std', 'memory': 32}]),
    'startup': st.sampled_from(['order=1,up=10', {'order': 2}, {'down': 5, 'order': 2}]),
    'hotplug': st.sampled_from(['1', '0', 'disk,network', 'network']),
    'disks': some({'scsi0': st.one_of(vm_disk, vm_disk, gone), 'scsi1': st.one_of(vm_disk, gone), 'scsi2': imported,
                   'virtio0': st.one_of(plain_disk, gone), 'sata0': plain_disk, 'ide0': drive, 'unused0': st.just({'state': 'absent'}),
                   'efidisk0': options({'storage': storages}, **{'efitype': st.just('4m'), 'pre-enrolled-keys': booleans}),
                   'tpmstate0': options({'storage': storages}, version=st.just('v2.0'))}),
    'networks': some({'net0': vm_net, 'net1': vm_net}),
    'devices': some({'serial0': st.just('socket'), 'rng0': st.just({'source': '/dev/urandom'}), 'usb0': st.sampled_from(['spice', {'mapping': 'stick'}]),
                     'hostpci0': st.just({'mapping': 'card'}), 'audio0': st.just({'device': 'ich9-intel-hda'})}),
    'cloud_init': options({'storage': storages}, user=st.sampled_from(['ops', 'root']), password=st.just('verysecret'),
                          ssh_keys=st.just([KEY]), ip=some({'net0': ip, 'net1': ip}), upgrade=booleans, type=st.sampled_from(['nocloud', 'configdrive2']),
                          searchdomain=st.sampled_from(['example.com', ['example.com', 'example.org']]),
                          custom=st.sampled_from([{'user': 'local:snippets/user.yaml'}, 'vendor=local:snippets/user.yaml']),
                          nameserver=st.sampled_from([['10.0.0.1', '10.0.0.2'], '10.0.0.3'])),
    'remove': st.lists(st.sampled_from(['net1', 'scsi1', 'scsi0', 'virtio0', 'unused0', 'unused1', 'description', 'tags', 'cores', 'serial0', 'ipconfig1',
                                        'boot', 'ide0', 'efidisk0', 'tpmstate0', 'usb0', 'hostpci0', 'startup', 'cicustom', 'ciuser', 'hookscript']),
                       max_size=2, unique=True),
    'reboot': st.just('if_required'),
    'purge': st.just(True),
    'pool': st.sampled_from(['a', 'b', '']),
    'node': st.sampled_from(['pve1', 'pve2']),
    'migration': st.sampled_from([{'storage': 'shared'}, {'storage': {'local': 'shared', 'shared': 'shared'}}]),
    'config': some({'smbios1': st.just({'serial': 'a', 'uuid': '11111111-2222-3333-4444-555555555555'}), 'migrate_speed': st.sampled_from([0, 10]),
                    'vmstatestorage': storages, 'freeze': booleans, 'spice_enhancements': st.just({'videostreaming': 'all'}),
                    'cores': st.none(), 'bios': st.none(), 'scsi3': st.sampled_from(['local:1', 'shared:1,ssd=1']), 'ide1': st.just('none,media=cdrom')}),
}, at_most=6)
ct_net = options({'bridge': st.just('vmbr0')}, ip=st.sampled_from(['dhcp', '10.0.0.5/24']), tag=st.integers(1, 20),
                 firewall=booleans, hwaddr=st.just('BC:24:11:00:00:03'), gw=st.just('10.0.0.1'), ip6=st.sampled_from(['auto', 'fd00::5/64']),
                 rate=st.sampled_from([10, 2.5]), link_down=booleans, mtu=st.sampled_from([1400, 1500]), name=st.sampled_from(['eth0', 'eth7']))
ct_mount = options({'storage': storages, 'size': sizes, 'mp': st.sampled_from(['/data', '/srv'])}, backup=booleans, ro=booleans, acl=booleans,
                   mountoptions=st.just('noatime'), replicate=booleans, keep_old=booleans)
CONTAINER = some({
    'cores': st.integers(1, 4),
    'memory': st.sampled_from(['256M', '1G', 768]),
    'swap': st.sampled_from([0, '256M', 512]),
    'cpulimit': st.sampled_from([0, 1, 1.5]),
    'cpuunits': st.sampled_from([100, 500]),
    'description': text,
    'onboot': booleans,
    'tags': tags,
    'features': st.sampled_from([{'nesting': True}, {'nesting': False}, 'nesting=1,fuse=1']),
    'nameserver': st.sampled_from(['10.0.0.1', ['10.0.0.1', '10.0.0.2']]),
    'searchdomain': st.just('example.com'),
    'startup': st.sampled_from(['order=1,up=10', {'order': 2}]),
    'tty': st.integers(0, 4),
    'console': booleans,
    'cmode': st.sampled_from(['shell', 'tty']),
    'timezone': st.sampled_from(['host', 'Asia/Seoul']),
    'protection': booleans,
    'hookscript': st.just('local:snippets/user.yaml'),
    'unprivileged': booleans,
    'new_name': names,
    'ha': ha,
    'password': st.just('verysecret'),
    'ssh_keys': st.just([KEY]),
    'disks': some({'rootfs': options({'storage': storages, 'size': sizes}, mountoptions=st.just('noatime')), 'mp0': st.one_of(ct_mount, gone),
                   'mp1': st.one_of(ct_mount, gone), 'mp2': options({'volume': st.just('/srv/host'), 'mp': st.just('/host')}, ro=booleans),
                   'unused0': st.just({'state': 'absent'})}),
    'networks': some({'net0': ct_net, 'net1': ct_net}),
    'remove': st.lists(st.sampled_from(['net1', 'mp0', 'mp1', 'mp2', 'unused0', 'unused1', 'description', 'tags', 'cores', 'startup', 'features',
                                        'nameserver', 'hookscript']), max_size=2, unique=True),
    'reboot': st.just('if_required'),
    'purge': st.just(True),
    'pool': st.sampled_from(['a', 'b', '']),
    'node': st.sampled_from(['pve1', 'pve2']),
    'migration': st.just({'storage': 'shared'}),
    'config': some({'debug': booleans, 'cores': st.none(), 'mp3': st.just('shared:1,mp=/three'), 'ostype': st.just('unmanaged')}),
}, at_most=6)
VM_STATES = ['present', 'started', 'stopped', 'restarted', 'paused', 'absent', 'present', 'started', 'present', 'started', 'present', 'template']
CT_STATES = ['present', 'started', 'stopped', 'restarted', 'absent', 'present', 'started', 'present', 'started', 'present', 'template']


def sources(*choices):
    return st.sampled_from(choices)


def name_of(guest):
    return guest.pending.get('name') or guest.config.get('name') or guest.pending.get('hostname') or guest.config.get('hostname')


class Guests(RuleBasedStateMachine):
    """One name, any declaration, any state; others work on the guest in between."""

    module = 'pve_vm'
    base: dict = {}
    sources: tuple = ()

    @initialize()
    def begin(self):
        from pvesim.fixtures import running

        self.running = running(start_state='pair')
        self.simulator = self.running.__enter__()
        prepare(self.simulator)
        self.tasks = Tasks(self.simulator)
        self.tasks.cluster.pools.update({'a': {}, 'b': {}})
        self.share_files_and_devices()
        self.make_template()
        self.make_origin()
        self.archive = self.back_up('origin')

    def share_files_and_devices(self):
        """What lies on pve1 lies on pve2 as well, so that a guest starts on either; a mapped device of each kind."""
        cluster = self.tasks.cluster
        cluster.volumes.at('local', 'pve2').update(cluster.volumes.at('local', 'pve1'))
        map_devices(cluster)

    def make_origin(self):
        raise NotImplementedError

    def back_up(self, name):
        done = self.tasks.run('pve_backup', action='run', name=name, storage='local')
        assert not done.get('failed'), done['msg']
        return done['backups'][0]['volid']

    def make_template(self):
        raise NotImplementedError

    def transition(self, declared, state, source):
        guest = self.guest()
        declared = {**declared, 'name': name_of(guest) if guest else 'guest', 'state': state, 'force': True}
        if guest is None:
            declared = {**declared, **source}
        if 'placement' in declared:
            declared.pop('node', None)
        if state == 'restarted':
            declared.pop('reboot', None)
        self.agree(declared)

    def with_archive(self, source):
        return {**source, 'restore': {**source['restore'], 'archive': self.archive}} if 'restore' in source else source

    def agree(self, declared):
        predicted = self.tasks.run(self.module, True, **declared)
        result = self.tasks.run(self.module, **declared)
        if predicted.get('failed'):
            assert predicted['msg'] == result.get('msg'), (declared, predicted['msg'], result)
            assert predicted['error']['code'] != 'Internal', predicted['msg']
            return
        assert not result.get('failed'), f'{result["msg"]} {predicted["changes"]} {declared}'
        assert predicted['changes'] == result['changes'], declared
        assert predicted['diff'] == result['diff'], declared
        assert predicted['changed'] == result['changed'], declared
        if declared['state'] == 'restarted':
            declared = {**declared, 'state': 'started'}
        again = self.tasks.run(self.module, **declared)
        assert not again.get('failed'), (declared, again['msg'])
        assert again['changes'] == [], declared
        assert again['diff'] == {'before': {}, 'after': {}}, declared

    def guest(self):
        named = [one for one in self.tasks.cluster.guests.values() if name_of(one) in ('guest', 'renamed')]
        assert len(named) < 2
        return named[0] if named else None

    @rule(key=st.sampled_from(['scsi0', 'virtio0', 'rootfs', 'mp0']))
    def grow(self, key):
        """An amount to add is added by each run, so there is no second run without changes."""
        guest = self.guest()
        if guest is None or key not in guest.config:
            return
        declared = {'name': name_of(guest), 'disks': {key: {'size': '+512M'}}}
        predicted, result = self.tasks.run(self.module, True, **declared), self.tasks.run(self.module, **declared)
        assert (predicted.get('msg'), predicted.get('changes'), predicted.get('diff')) == (result.get('msg'), result.get('changes'), result.get('diff'))

    @rule(onboot=booleans, cores=st.integers(1, 4))
    def somebody_else_edits(self, onboot, cores):
        guest = self.guest()
        if guest is not None:
            self.simulator.control.edit_guest(guest.vmid, set={'onboot': int(onboot), 'cores': cores})

    @invariant()
    def no_lock_is_left(self):
        if hasattr(self, 'tasks') and self.guest() is not None:
            assert not self.guest().lock

    def teardown(self):
        if hasattr(self, 'running'):
            self.running.__exit__(None, None, None)


class VirtualMachines(Guests):
    module = 'pve_vm'

    def make_template(self):
        made = self.tasks.vm(name='golden', tags=['gold'], node='pve1', memory='512M', state='template', networks={'net0': {'bridge': 'vmbr0', 'tag': 3}},
                             disks={'scsi0': {'storage': 'shared', 'size': '1G', 'discard': True}},
                             cloud_init={'storage': 'shared', 'user': 'first', 'password': 'ofthetemplate'})
        assert not made.get('failed'), made['msg']

    def make_origin(self):
        """A machine that runs, with a snapshot and a change that waits for a reboot."""
        made = self.tasks.vm(name='origin', node='pve1', memory='512M', cores=1, state='started', description='of old',
                             networks={'net0': {'bridge': 'vmbr0'}}, disks={'scsi0': {'storage': 'shared', 'size': '1G', 'format': 'qcow2'}})
        assert not made.get('failed'), made['msg']
        assert not self.tasks.run('pve_snapshot', name='origin', snapshot='before').get('failed')
        assert self.tasks.vm(name='origin', memory='768M', cores=2, tags=['later'], networks={'net1': {'bridge': 'vmbr0'}})['reboot_required']

    @rule(declared=VM, state=st.sampled_from(VM_STATES), source=sources(
        {}, {'node': 'pve1'}, {'placement': {'strategy': 'pack'}}, {'clone': {'template': 'golden'}}, {'clone': {'template': 'golden', 'full': False}},
        {'clone': {'template': 'golden', 'storage': 'local'}}, {'clone': {'template': 'golden', 'format': 'qcow2'}},
        {'clone': {'template': 'golden', 'storage': 'local'}, 'placement': {'nodes': ['pve2']}}, {'clone': {'tag': 'gold'}},
        {'clone': {'template': 'origin'}}, {'clone': {'template': 'origin', 'snapshot': 'before'}}, {'restore': {}},
        {'restore': {'storage': 'shared', 'unique': True}}))
    def declare(self, declared, state, source):
        self.transition(declared, state, self.with_archive(source))


class Containers(Guests):
    module = 'pve_container'

    def make_template(self):
        made = self.tasks.container(name='golden', tags=['gold'], node='pve1', memory='512M', state='template',
                                    disks={'rootfs': {'storage': 'shared', 'size': '1G'}}, ostemplate=TEMPLATE,
                                    networks={'net0': {'bridge': 'vmbr0', 'ip': 'dhcp'}})
        assert not made.get('failed'), made['msg']

    def make_origin(self):
        made = self.tasks.container(name='origin', node='pve1', memory='512M', ostemplate=TEMPLATE, description='of old', state='started',
                                    disks={'rootfs': {'storage': 'shared', 'size': '1G'}}, networks={'net0': {'bridge': 'vmbr0', 'ip': 'dhcp'}})
        assert not made.get('failed'), made['msg']

    @rule(declared=CONTAINER, state=st.sampled_from(CT_STATES), source=sources(
        {'node': 'pve1', 'ostemplate': TEMPLATE, 'storage': 'local'}, {'node': 'pve1', 'ostemplate': TEMPLATE, 'storage': 'local'},
        {'ostemplate': TEMPLATE, 'storage': 'shared', 'placement': {'nodes': ['pve1']}}, {'clone': {'template': 'golden'}},
        {'clone': {'template': 'golden', 'storage': 'local'}}, {'clone': {'template': 'golden', 'full': False}}, {'clone': {'tag': 'gold'}},
        {'restore': {}}, {'restore': {'storage': 'shared', 'unique': True}}))
    def declare(self, declared, state, source):
        self.transition(declared, state, self.with_archive(source))


@pytest.mark.parametrize('machine', [VirtualMachines, Containers])
def test_check_mode_tells_what_the_run_does(machine):
    run_state_machine_as_test(machine, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
        suppress_health_check=list(HealthCheck)))
