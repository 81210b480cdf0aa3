# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong is told in one sentence: what, where, what to do. The same in check mode, wherever it can be known."""
from __future__ import annotations

import pytest
from guest_tasks import Tasks, golden_vm, named

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
DISK = {'scsi0': {'storage': 'local', 'size': '2G'}}


def failed(tasks, code, *words, module='pve_vm', check=True, **options):
    """The task fails with that code and these words; check mode says the same when it can know."""
    result = tasks.run(module, **options)
    assert result.get('failed'), result
    assert result['error']['code'] == code, result
    for word in words:
        assert word in result['msg'], result['msg']
    if check:
        assert tasks.run(module, True, **options)['msg'] == result['msg']
    assert result['msg'].count('cluster ') >= 1
    assert result['changed'] is False
    return result


@pytest.fixture
def web(tasks):
    """A virtual machine web on pve1 with a disk of 2G."""
    made = tasks.vm(name='web', node='pve1', disks=DISK)
    assert not made.get('failed'), made['msg']
    return named(tasks, 'web')[0]


def test_storage_without_the_content(tasks):
    failed(tasks, 'BadRequest', "storage 'isos' cannot hold disks of a VM (scsi0): its content types are iso,vztmpl, and images is needed. "
           'On pve1 local and shared can.', name='a', node='pve1', disks={'scsi0': {'storage': 'isos', 'size': '1G'}})


def test_storage_without_space(tasks):
    result = failed(tasks, 'BadRequest', "storage 'local' has ", ' GiB free on pve1 and scsi0 asks for 92160 GiB. Choose another storage or a smaller disk.',
                    name='a', node='pve1', disks={'scsi0': {'storage': 'local', 'size': '90T'}})
    assert result['error']['details']['asked'] == 90 << 40


def test_storage_that_is_not_there(tasks):
    failed(tasks, 'NotFound', "storage 'locl' (scsi0) is not on node pve1", 'Did you mean local?',
           name='a', node='pve1', disks={'scsi0': {'storage': 'locl', 'size': '1G'}})


def test_bridge_that_is_not_there(tasks):
    failed(tasks, 'NotFound', "bridge 'vmbr9' (net0) is not on node pve1", 'Did you mean vmbr0?',
           name='a', node='pve1', networks={'net0': {'bridge': 'vmbr9'}})


def test_template_that_is_not_there(tasks):
    golden_vm(tasks)
    failed(tasks, 'NotFound', "template 'goldne' was not found. Did you mean golden?", name='a', clone={'template': 'goldne'})
    failed(tasks, 'NotFound', "template 'zzz' was not found. Templates are golden.", name='a', clone={'template': 'zzz'})
    failed(tasks, 'NotFound', "no template of a VM has the tag 'gold'.", name='a', clone={'tag': 'gold'})


def test_id_of_another_name(tasks, web):
    failed(tasks, 'Conflict', f'vmid {web.vmid} belongs to web on pve1, not to shop.', 'give new_name to rename it', name='shop', vmid=web.vmid)
    failed(tasks, 'Conflict', f'vmid {web.vmid} belongs to web on pve1, not to shop.', name='shop', vmid=web.vmid, state='absent')


def test_name_of_several_guests(tasks, web):
    assert not tasks.vm(name='web', vmid=500, node='pve2').get('failed')
    tasks.simulator.control.advance(30)
    failed(tasks, 'Conflict', f'2 guests are named web: web ({web.vmid}, VM on pve1) and web (500, VM on pve2). Give the vmid', name='web')


def test_name_of_the_other_kind(tasks, web):
    failed(tasks, 'BadRequest', f'web is a VM ({web.vmid}), not a CT. Use the module for it, or another name.', module='pve_container', name='web')


def test_missing_rights_name_the_privilege_and_the_path(tasks, web):
    golden_vm(tasks)
    access = tasks.cluster.access
    access.users['low@pve'] = {'enable': 1, 'expire': 0, 'groups': set()}
    access.passwords['low@pve'] = 'low12345'
    access.acl['/vms'] = {'users': {'low@pve': {'PVEAuditor': True}}}
    access.touch()
    low = Tasks(tasks.simulator, {'api_user': 'low@pve', 'api_password': 'low12345'})
    path = f'/vms/{web.vmid}'
    failed(low, 'Forbidden', 'low@pve lacks ', 'VM.Config.CPU', f' on {path}, which PUT /nodes/pve1/qemu/{web.vmid}/config needs',
           check=False, name='web', cores=4)
    failed(low, 'Forbidden', f'low@pve lacks VM.PowerMgmt on {path}', check=False, name='web', state='started')
    failed(low, 'Forbidden', 'low@pve lacks VM.Clone on /vms/', check=False, name='new', clone={'template': 'golden'})
    failed(low, 'Forbidden', 'low@pve lacks VM.Allocate', 'on /vms or on the pool', check=False, name='new', node='pve1')
    failed(low, 'Forbidden', f'low@pve lacks VM.Allocate on {path}', check=False, name='web', state='absent')


def test_locked_by_a_backup(tasks, web):
    web.config['lock'] = 'backup'
    failed(tasks, 'Locked', 'it is locked (backup): a backup is being made. Wait until that is done', check=False, name='web', cores=3)


def test_locked_by_a_clone_that_was_broken_off(tasks, web):
    web.config['lock'] = 'clone'
    failed(tasks, 'Locked', f'web ({web.vmid}) on pve1 is locked (clone) and no task works on it', f"'qm unlock {web.vmid}' on pve1", name='web', cores=3)


def test_shrinking(tasks, web):
    failed(tasks, 'BadRequest', 'scsi0 has 2G and the task asks for 1G: disks only grow. Declare at least 2G', name='web', disks={'scsi0': {'size': '1G'}})


def test_quorum_lost(tasks, web):
    assert not tasks.container(name='ct', node='pve1', ostemplate=TEMPLATE, storage='local').get('failed')
    tasks.simulator.control.quorum(True)
    sentence = "the cluster has no quorum, so nothing can be changed. Bring back more than half of its nodes ('pvecm status' shows them)."
    failed(tasks, 'BadGateway', sentence, check=False, name='web', cores=4)
    failed(tasks, 'BadGateway', sentence, check=False, name='new', node='pve1')
    assert sentence in tasks.container(name='ct', cores=2)['msg']


def test_node_offline(tasks, web):
    other = tasks.vm(name='far', node='pve2')
    assert not other.get('failed')
    tasks.simulator.control.advance(30)
    tasks.simulator.control.node_down('pve2')
    sentence = 'node pve2 is offline or not reachable from the others, so the guest is unreachable: it exists, and nothing was changed.'
    failed(tasks, 'BadGateway', sentence, name='far', cores=2)
    failed(tasks, 'BadGateway', sentence, name='far', state='absent')
    tasks.simulator.control.advance(400)
    failed(tasks, 'BadGateway', 'it cannot be told whether far exists: node pve2 does not answer', 'or give a vmid', name='far', cores=2)


def test_node_unknown(tasks):
    failed(tasks, 'NotFound', "node 'pve7' is not in the cluster", check=False, name='a', node='pve7')
    failed(tasks, 'NotFound', "node 'pve7' is not in the cluster", name='a', placement={'nodes': ['pve7']})


@pytest.mark.parametrize(('options', 'what'), [
    ({'args': '-foo'}, 'args (-foo)'),
    ({'hookscript': 'local:snippets/user.yaml'}, 'hookscript'),
    ({'devices': {'hostpci0': {'host': '0000:01:00.0'}}}, 'hostpci0 (host=0000:01:00.0)'),
    ({'devices': {'serial0': '/dev/ttyS0'}}, 'serial0 (/dev/ttyS0)'),
])
def test_options_of_root_are_refused_before_anything_is_sent(tasks, web, options, what):
    admin = Tasks(tasks.simulator, {'api_user': 'admin@pve', 'api_password': 'admin12345'})
    tasks.simulator.control.reset_log()
    failed(admin, 'Forbidden', what, 'can only be set by root@pam itself, not with an API token', name='web', **options)
    assert not [one for one in tasks.requests() if not one.startswith('GET')]


def test_options_that_the_release_does_not_have(tasks, web):
    failed(tasks, 'BadRequest', 'corse is not a parameter of Proxmox VE 9: did you mean cores', name='web', config={'corse': 2})
    failed(tasks, 'BadRequest', 'net0: tga is not an option here. Did you mean tag?', name='web', networks={'net0': {'bridge': 'vmbr0', 'tga': 2}})
    failed(tasks, 'BadRequest', "bios must be seabios or ovmf, not 'efi'.", name='web', bios='efi')


def test_removal_of_what_somebody_wants(tasks, web):
    golden_vm(tasks)
    assert not tasks.vm(name='leaf', clone={'template': 'golden', 'full': False}).get('failed')
    failed(tasks, 'Conflict', 'is a template with linked clones: shared:', name='golden', state='absent')
    assert not tasks.vm(name='web', protection=True).get('failed')
    failed(tasks, 'Conflict', 'is protected against removal. Set protection: false', name='web', state='absent')


def test_secrets_are_in_no_message(tasks, web):
    result = tasks.vm(name='web', cloud_init={'password': 'verysecret1', 'storage': 'local'}, bios='efi')
    assert result['failed']
    assert 'verysecret1' not in str(result)
    made = tasks.vm(name='web', cloud_init={'password': 'verysecret1', 'storage': 'local'})
    assert 'set the cloud-init password' in made['changes']
    assert 'verysecret1' not in str(made)


def test_file_that_is_not_there(tasks):
    """Check mode warns of it only: an earlier task may be about to bring the file."""
    iso = {'name': 'a', 'node': 'pve1', 'disks': {'ide0': {'iso': 'local:iso/tinny.iso'}}}
    sentence = "'local:iso/tinny.iso' (ide0) is not on storage 'local' of node pve1"
    failed(tasks, 'NotFound', sentence, 'Did you mean local:iso/tiny.iso', check=False, **iso)
    assert sentence in tasks.vm(True, **iso)['warnings'][0]
    failed(tasks, 'NotFound', "'local:vztmpl/none.tar.zst' (ostemplate) is not on storage 'local' of node pve1", check=False,
           module='pve_container', name='a', node='pve1', storage='local', ostemplate='local:vztmpl/none.tar.zst')
