# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server would refuse halfway, or take and fail with later, is told before anything is done."""
from __future__ import annotations

import pytest
from guest_tasks import golden_vm, map_devices, named

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
DISKS = {'scsi0': {'storage': 'local', 'size': '1G'}, 'ide2': {'iso': 'local:iso/tiny.iso'}}


@pytest.fixture
def web(tasks):
    made = tasks.vm(name='web', node='pve1', disks=DISKS)
    assert not made.get('failed'), made['msg']


@pytest.fixture
def ct(tasks):
    made = tasks.container(name='ct', node='pve1', ostemplate=TEMPLATE, disks={
        'rootfs': {'storage': 'local', 'size': '1G'}, 'mp0': {'volume': '/srv', 'mp': '/srv'}})
    assert not made.get('failed'), made['msg']


def refused(tasks, module, sentence, early=True, **options):
    """early: in check mode as well; otherwise check mode warns, since an earlier task may be about to bring what is missing."""
    tasks.simulator.control.reset_log()
    foretold, result = tasks.run(module, True, **options), tasks.run(module, **options)
    assert result.get('failed'), result
    assert sentence in result['msg'], result['msg']
    assert sentence in (foretold['msg'] if early else foretold['warnings'][0])
    assert not [one for one in tasks.requests() if not one.startswith('GET')]


def test_an_image_of_one_node_keeps_a_machine_there(tasks, web):
    refused(tasks, 'pve_vm', 'it cannot leave pve1: ide2 holds local:iso/tiny.iso. Eject it', name='web', node='pve2')
    tasks.exact('pve_vm', name='web', disks={'ide2': {'iso': 'none'}})
    assert tasks.exact('pve_vm', name='web', node='pve2')['vm']['node'] == 'pve2'
    refused(tasks, 'pve_vm', "node 'pve9' is not in the cluster", name='web', node='pve9')


def test_devices_and_storages_of_one_node_keep_a_machine_there(tasks, web):
    tasks.exact('pve_vm', name='web', disks={'ide2': {'iso': 'none'}}, devices={'usb0': {'host': '1234:5678'}})
    refused(tasks, 'pve_vm', 'it cannot leave pve1: usb0 is a device of that node.', name='web', node='pve2')
    tasks.exact('pve_vm', name='web', remove=['usb0'])
    tasks.cluster.storages['fast'] = {'type': 'dir', 'path': '/fast', 'content': 'images', 'nodes': 'pve1'}
    tasks.exact('pve_vm', name='web', disks={'scsi0': {'storage': 'fast'}})
    refused(tasks, 'pve_vm', 'fast, where its disks are, is not on node pve2. Say where they shall go', name='web', node='pve2')
    tasks.exact('pve_vm', name='web', node='pve2', migration={'storage': 'shared'})


def test_mapped_devices_move_with_a_machine_that_is_stopped(tasks):
    map_devices(tasks.cluster)
    made = tasks.vm(name='web', node='pve1', devices={'hostpci0': {'mapping': 'card'}}, state='started')
    assert not made.get('failed'), made['msg']
    refused(tasks, 'pve_vm', 'it cannot leave pve1: hostpci0 cannot move while it runs. Stop it', name='web', node='pve2')
    tasks.exact('pve_vm', name='web', state='stopped', force=True)
    assert tasks.exact('pve_vm', name='web', node='pve2')['vm']['node'] == 'pve2'


def test_paths_of_a_node_keep_a_container_there_and_from_being_a_template(tasks, ct):
    refused(tasks, 'pve_container', 'it cannot leave pve1: mp0 is /srv of that node.', name='ct', node='pve2')
    refused(tasks, 'pve_container', 'mp0: a template cannot have paths of its node as mount points.', name='ct', state='template')
    assert tasks.exact('pve_container', name='ct', state='template', remove=['mp0'])['container']['template'] is True


def test_what_has_snapshots_becomes_no_template(tasks):
    made = tasks.vm(name='snap', node='pve1', disks={'scsi0': {'storage': 'local', 'size': '1G', 'format': 'qcow2'}})
    assert not made.get('failed'), made['msg']
    assert not tasks.run('pve_snapshot', name='snap', snapshot='one').get('failed')
    refused(tasks, 'pve_vm', 'it has snapshots (one), and a template cannot have any.', name='snap', state='template')


def test_a_conversion_that_fails_is_told_at_once(tasks):
    made = tasks.container(name='ct', node='pve1', ostemplate=TEMPLATE, storage='local')
    assert not made.get('failed'), made['msg']
    tasks.simulator.control.task_fault('fail', type='vztemplate', text='no space left')
    result = tasks.container(name='ct', state='template')
    assert 'no space left' in result['msg']


def test_protected_guests_keep_their_disks(tasks, web, ct):
    tasks.exact('pve_vm', name='web', protection=True)
    for disk in ({'scsi0': {'state': 'detached'}}, {'scsi0': {'state': 'absent'}}):
        refused(tasks, 'pve_vm', 'the guest is protected, which stands against this', name='web', disks=disk)
    tasks.exact('pve_vm', name='web', disks={'scsi1': {'storage': 'local', 'size': '1G'}})
    tasks.exact('pve_container', name='ct', protection=True)
    refused(tasks, 'pve_container', 'stands against this: add mp1', name='ct', disks={'mp1': {'storage': 'local', 'size': '1G', 'mp': '/x'}})


def test_what_is_kept_is_not_destroyed_by_the_next_run(tasks, web):
    sentence = 'scsi0 shall be kept as an unused disk and unused0 be destroyed: run again, the task would destroy what it kept.'
    refused(tasks, 'pve_vm', sentence, name='web', disks={'scsi0': {'state': 'detached'}, 'unused0': {'state': 'absent'}})
    refused(tasks, 'pve_vm', sentence, name='web', remove=['scsi0', 'unused0'])


def test_a_boot_order_is_of_devices_that_are_there_and_stays_as_declared(tasks, web):
    refused(tasks, 'pve_vm', 'boot: it has no net0 to boot from. It has ide2 and scsi0.', name='web', boot=['scsi0', 'net0'])
    refused(tasks, 'pve_vm', 'boot: it has no scsi0 to boot from.', name='web', boot=['scsi0'], disks={'scsi0': {'state': 'detached'}})
    result = tasks.exact('pve_vm', name='web', boot=['scsi0'], disks={'ide0': {'iso': 'none'}})
    assert result['vm']['config']['boot'] == ['scsi0']


def test_what_is_not_there_is_told(tasks, web):
    refused(tasks, 'pve_vm', "'local:snippets/usr.yaml' (cicustom) is not on storage 'local' of node pve1", False,
            name='web', cloud_init={'storage': 'local', 'drive': 'ide3', 'custom': {'user': 'local:snippets/usr.yaml'}})
    refused(tasks, 'pve_vm', "'local:snippets/hook.pl' (hookscript) is not on storage", False, name='web', hookscript='local:snippets/hook.pl')
    refused(tasks, 'pve_vm', "'local:999/vm-999-disk-0.raw' (scsi5) is not on storage", False,
            name='web', disks={'scsi5': {'volume': 'local:999/vm-999-disk-0.raw'}})
    refused(tasks, 'pve_vm', "pool 'shpo' is not there", False, name='web', pool='shpo')
    refused(tasks, 'pve_vm', "usb0: there is no USB mapping 'stik'", False, name='web', devices={'usb0': {'mapping': 'stik'}})
    map_devices(tasks.cluster)
    tasks.cluster.section('mapping-pci')['card']['map'].pop(0)
    refused(tasks, 'pve_vm', "hostpci0: the PCI mapping 'card' has no device of node pve1.", False, name='web', devices={'hostpci0': {'mapping': 'card'}})
    tasks.exact('pve_vm', name='web', devices={'usb0': {'mapping': 'stick'}})


def test_names_stay_apart(tasks, web):
    golden_vm(tasks)
    refused(tasks, 'pve_vm', 'cannot be renamed to golden, which is the name of golden (101, VM on pve1)', name='web', new_name='golden')
    tasks.exact('pve_vm', name='web', new_name='shop')
    assert named(tasks, 'shop')


def test_an_address_that_nobody_could_tell_is_not_waited_for(tasks, web):
    refused(tasks, 'pve_vm', 'wait_for: ip needs the guest agent, which is not switched on.', name='web', state='started', wait_for='ip')
    assert not tasks.vm(name='web', state='started').get('failed')
    late = tasks.vm(name='web', state='started', wait_for='agent', agent=True)
    assert 'and never will: its guest agent is not switched on.' in late['msg']


def test_high_availability_and_the_power_state_agree(tasks, web):
    refused(tasks, 'pve_vm', 'ha: HA would keep it started, and state: stopped wants something else.', name='web', state='stopped', ha={'state': 'started'})
    tasks.exact('pve_vm', name='web', ha={'max_restart': 2})
    tasks.simulator.control.advance(60)
    tasks.exact('pve_vm', name='web', state='stopped', force=True)
    assert tasks.exact('pve_vm', name='web', ha={'max_restart': 1})['changes'] == ['set max_restart=1 in HA']


@pytest.mark.parametrize(('options', 'sentence'), [
    ({'config': {'lock': 'backup'}}, 'config: lock cannot be set by a task: locks belong to Proxmox VE.'),
    ({'config': {'lock': None}}, 'config: lock cannot be set by a task'),
    ({'remove': ['digest']}, 'remove: digest cannot be removed by a task'),
    ({'remove': ['template']}, 'remove: template has an option of its own, state: template. Use that.'),
])
def test_what_is_not_for_tasks(tasks, web, options, sentence):
    refused(tasks, 'pve_vm', sentence, name='web', **options)
