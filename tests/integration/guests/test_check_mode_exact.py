# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a guest is and whatever is declared: check mode tells exactly what the run does, and the run needs no second one.

HYPOTHESIS_PROFILE=nightly tries 2,000 transitions of each kind, the default 200.
"""
from __future__ import annotations

import os

import pytest
from guest_tasks import Tasks, prepare
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

STEPS = 20
EXAMPLES = 500 if os.environ.get('HYPOTHESIS_PROFILE') == 'nightly' else 50  # four to five transitions in each
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
                  cache=st.sampled_from(['none', 'writeback']), backup=booleans)
plain_disk = options({'storage': storages, 'size': sizes}, backup=booleans)
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
    'protection': st.just(False),
    'tags': tags,
    'agent': st.one_of(booleans, options({'enabled': booleans}, fstrim_cloned_disks=booleans)),
    'cpu': st.sampled_from(['host', 'x86-64-v2-AES', {'cputype': 'host', 'flags': '+aes'}]),
    'machine': st.sampled_from(['q35', 'pc']),
    'bios': st.sampled_from(['seabios', 'ovmf']),
    'ostype': st.sampled_from(['l26', 'other']),
    'scsihw': st.sampled_from(['virtio-scsi-single', 'virtio-scsi-pci']),
    'vga': st.sampled_from(['std', 'serial0', {'type': 'std', 'memory': 32}]),
    'startup': st.sampled_from(['order=1,up=10', {'order': 2}, {'down': 5, 'order': 2}]),
    'hotplug': st.sampled_from(['1', '0', 'disk,network', 'network']),
    'disks': some({'scsi0': vm_disk, 'scsi1': vm_disk, 'virtio0': plain_disk, 'sata0': plain_disk,
                   'ide0': st.sampled_from([{'iso': 'local:iso/tiny.iso'}, {'iso': 'none'}])}),
    'networks': some({'net0': vm_net, 'net1': vm_net}),
    'devices': some({'serial0': st.just('socket'), 'rng0': st.just({'source': '/dev/urandom'})}),
    'cloud_init': options({'storage': storages}, user=st.sampled_from(['ops', 'root']), password=st.just('verysecret'),
                          ssh_keys=st.just([KEY]), ip=some({'net0': ip, 'net1': ip}), upgrade=booleans,
                          nameserver=st.sampled_from([['10.0.0.1', '10.0.0.2'], '10.0.0.3'])),
    'remove': st.lists(st.sampled_from(['net1', 'scsi1', 'unused0', 'description', 'tags', 'cores', 'serial0', 'ipconfig1']),
                       max_size=2, unique=True),
    'reboot': st.just('if_required'),
    'pool': st.sampled_from(['a', 'b', '']),
    'node': st.sampled_from(['pve1', 'pve2']),
    'config': some({'shares': st.integers(0, 2000), 'numa': booleans, 'audio0': st.just({'device': 'ich9-intel-hda'})}),
}, at_most=6)
ct_net = options({'bridge': st.just('vmbr0')}, ip=st.sampled_from(['dhcp', '10.0.0.5/24']), tag=st.integers(1, 20),
                 firewall=booleans, hwaddr=st.just('BC:24:11:00:00:03'))
ct_mount = options({'storage': storages, 'size': sizes, 'mp': st.sampled_from(['/data', '/srv'])}, backup=booleans)
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
    'disks': some({'rootfs': options({'storage': storages, 'size': sizes}), 'mp0': ct_mount, 'mp1': ct_mount}),
    'networks': some({'net0': ct_net, 'net1': ct_net}),
    'remove': st.lists(st.sampled_from(['net1', 'mp1', 'unused0', 'description', 'tags', 'cores']), max_size=2, unique=True),
    'reboot': st.just('if_required'),
    'pool': st.sampled_from(['a', 'b', '']),
    'node': st.sampled_from(['pve1', 'pve2']),
}, at_most=6)
VM_STATES = ['present', 'started', 'stopped', 'restarted', 'paused', 'absent', 'present', 'started']
CT_STATES = ['present', 'started', 'stopped', 'restarted', 'absent', 'present', 'started']


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
        self.make_template()

    def make_template(self):
        raise NotImplementedError

    def transition(self, declared, state, source):
        declared = {**declared, 'name': 'guest', 'state': state, 'force': True}
        if self.guest() is None:
            declared = {**declared, **source}
        if state == 'restarted':
            declared.pop('reboot', None)
        self.agree(declared)

    def agree(self, declared):
        predicted = self.tasks.run(self.module, True, **declared)
        result = self.tasks.run(self.module, **declared)
        if predicted.get('failed'):
            assert predicted['msg'] == result.get('msg'), (declared, predicted['msg'], result)
            assert predicted['error']['code'] != 'Internal', predicted['msg']
            return
        assert not result.get('failed'), (declared, predicted['changes'], result['msg'])
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
        named = [one for one in self.tasks.cluster.guests.values() if 'guest' in (one.config.get('name'), one.config.get('hostname'))]
        assert len(named) < 2
        return named[0] if named else None

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
        made = self.tasks.vm(name='golden', node='pve1', memory='512M', state='template', networks={'net0': {'bridge': 'vmbr0', 'tag': 3}},
                             disks={'scsi0': {'storage': 'shared', 'size': '1G', 'discard': True}},
                             cloud_init={'storage': 'shared', 'user': 'first'})
        assert not made.get('failed'), made['msg']

    @rule(declared=VM, state=st.sampled_from(VM_STATES),
          source=st.sampled_from([{}, {'node': 'pve1'}, {'clone': {'template': 'golden'}}, {'clone': {'template': 'golden', 'full': False}},
                                  {'clone': {'template': 'golden', 'storage': 'local'}}]))
    def declare(self, declared, state, source):
        self.transition(declared, state, source)


class Containers(Guests):
    module = 'pve_container'

    def make_template(self):
        made = self.tasks.container(name='golden', node='pve1', memory='512M', state='template', disks={'rootfs': {'storage': 'shared', 'size': '1G'}},
                                    ostemplate='local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', networks={'net0': {'bridge': 'vmbr0', 'ip': 'dhcp'}})
        assert not made.get('failed'), made['msg']

    @rule(declared=CONTAINER, state=st.sampled_from(CT_STATES),
          source=st.sampled_from([{'node': 'pve1', 'ostemplate': 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', 'storage': 'local'},
                                  {'clone': {'template': 'golden'}}, {'clone': {'template': 'golden', 'storage': 'local'}}]))
    def declare(self, declared, state, source):
        self.transition(declared, state, source)


@pytest.mark.parametrize('machine', [VirtualMachines, Containers])
def test_check_mode_tells_what_the_run_does(machine):
    run_state_machine_as_test(machine, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
        suppress_health_check=list(HealthCheck)))
