# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where guests come from: templates by name, id and tag, snapshots, images, backups, on this node or another."""
from __future__ import annotations

import pytest
from guest_tasks import golden_container, golden_vm, named

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'


def refused(tasks, module, sentence, **options):
    """The task fails with that sentence, in check mode as well, and nothing was sent that changes anything."""
    tasks.simulator.control.reset_log()
    for check in (True, False):
        result = tasks.run(module, check, **options)
        assert result.get('failed'), result
        assert sentence in result['msg'], result['msg']
    assert not [one for one in tasks.requests() if not one.startswith('GET')]


@pytest.fixture
def origin(tasks):
    """A machine that runs, with a snapshot of old and changes that wait for a reboot."""
    made = tasks.vm(name='origin', node='pve1', memory='512M', state='started', disks={'scsi0': {'storage': 'shared', 'size': '1G', 'format': 'qcow2'}})
    assert not made.get('failed'), made['msg']
    assert not tasks.run('pve_snapshot', name='origin', snapshot='before').get('failed')
    assert tasks.vm(name='origin', memory='1G', tags=['late'])['pending'] == {'memory': 1024}


@pytest.mark.parametrize('source', [{'tag': 'gold'}, {'template': 'golden'}, {'template': '100'}])
def test_a_template_is_named_in_three_ways(tasks, source):
    golden_vm(tasks, tags=['gold'])
    assert 'clone template golden (100) to 101 on pve1' in tasks.exact('pve_vm', name='web', clone=source)['changes'][0]


def test_a_clone_on_another_node(tasks):
    golden_vm(tasks)
    golden_vm(tasks, name='local-gold', disks={'scsi0': {'storage': 'local', 'size': '1G'}}, cloud_init={'storage': 'local'})
    there = {'node': 'pve2'}
    assert tasks.exact('pve_vm', name='a', clone={'template': 'golden'}, **there)['changes'] == ['clone template golden (100) to 102 on pve2']
    assert tasks.exact('pve_vm', name='b', clone={'template': 'golden', 'full': False}, **there)['vm']['node'] == 'pve2'
    assert 'migrate from pve1 to pve2' in tasks.exact('pve_vm', name='c', clone={'template': 'local-gold'}, **there)['changes']
    refused(tasks, 'pve_vm', 'clone: local-gold has its disks on storage of pve1 alone', name='d', clone={'template': 'local-gold', 'full': False}, **there)
    refused(tasks, 'pve_vm', "node 'pve3' is not in the cluster.", name='d', clone={'template': 'golden'}, node='pve3')


def test_a_copy_has_the_storage_and_format_that_are_asked_for(tasks):
    golden_vm(tasks)
    tasks.exact('pve_vm', name='web', clone={'template': 'golden', 'storage': 'local', 'format': 'qcow2'})
    assert named(tasks, 'web')[0].config['scsi0'].startswith('local:101/vm-101-disk-0.qcow2')


def test_a_clone_is_of_what_is_used_or_of_what_was(tasks, origin):
    tasks.exact('pve_vm', name='now', clone={'template': 'origin'}, memory='512M', tags=['late'])
    old = tasks.exact('pve_vm', name='old', clone={'template': 'origin', 'snapshot': 'before'}, memory='512M', tags=[])
    assert old['changes'] == ['clone VM origin (100) to 102 on pve1']
    refused(tasks, 'pve_vm', "clone: origin has no snapshot 'befor'. Did you mean before?", name='x', clone={'template': 'origin', 'snapshot': 'befor'})


def test_clones_of_containers(tasks):
    golden_container(tasks)
    tasks.exact('pve_container', name='web', clone={'template': 'golden'}, state='started')
    refused(tasks, 'pve_container', 'web is running, and a container can be copied only while it is stopped', name='x', clone={'template': 'web'})
    refused(tasks, 'pve_container', 'clone: golden cannot have linked clones with the storage', name='x', clone={'template': 'golden', 'full': False})


def test_a_restored_guest_is_what_the_backup_was_with_what_is_declared(tasks):
    made = tasks.vm(name='web', node='pve1', description='of old', memory='1G', disks={'scsi0': {'storage': 'local', 'size': '1G'}},
                    cloud_init={'storage': 'local', 'password': 'ofthebackup'})
    assert not made.get('failed'), made['msg']
    archive = tasks.run('pve_backup', action='run', name='web', storage='local')['backups'][0]['volid']
    # without a node: where the backup can be read
    result = tasks.exact('pve_vm', name='again', restore={'archive': archive, 'storage': 'shared'}, description='of old', memory='2G',
                         cloud_init={'password': 'verysecret'}, state='started')
    assert (result['vm']['node'], 'set description' in str(result['changes'])) == ('pve1', False)
    assert 'shared:' in named(tasks, 'again')[0].config['scsi0']
    refused(tasks, 'pve_container', 'is the backup of a virtual machine (pve_vm)', name='x', restore={'archive': archive})


def test_the_backup_of_a_template_is_a_template(tasks):
    golden_vm(tasks)
    archive = tasks.run('pve_backup', action='run', name='golden', storage='shared')['backups'][0]['volid']
    refused(tasks, 'pve_vm', 'is a template, which cannot be started', name='x', restore={'archive': archive}, state='started')
    assert tasks.exact('pve_vm', name='again', restore={'archive': archive}, state='template')['vm']['template'] is True


def test_a_restored_container_goes_where_its_root_file_system_was(tasks):
    made = tasks.container(name='web', node='pve1', ostemplate=TEMPLATE, unprivileged=True, disks={
        'rootfs': {'storage': 'shared', 'size': '1G'}, 'mp0': {'storage': 'local', 'size': '1G', 'mp': '/data', 'backup': True}})
    assert not made.get('failed'), made['msg']
    archive = tasks.run('pve_backup', action='run', name='web', storage='shared')['backups'][0]['volid']
    result = tasks.exact('pve_container', name='again', restore={'archive': archive}, unprivileged=False, node='pve2')
    assert 'set unprivileged' in str(result['changes'])
    assert {value.partition(':')[0] for key, value in named(tasks, 'again')[0].config.items() if key in ('rootfs', 'mp0')} == {'shared'}


@pytest.mark.parametrize('wish', [True, False])
def test_whether_a_container_is_privileged_is_as_declared_and_stays(tasks, wish):
    made = tasks.exact('pve_container', name='web', node='pve1', ostemplate=TEMPLATE, storage='local', unprivileged=wish)
    assert made['container']['config'].get('unprivileged', False) is wish
    refused(tasks, 'pve_container', 'is decided when it is made and cannot be changed', name='web', unprivileged=not wish)


def test_a_guest_without_a_node_is_made_where_its_files_and_storages_are(tasks):
    tasks.cluster.storages['fast'] = {'type': 'dir', 'path': '/fast', 'content': 'images,rootdir', 'nodes': 'pve1'}
    iso = {'ide2': {'iso': 'local:iso/tiny.iso'}}
    image = {'scsi0': {'storage': 'shared', 'import_from': 'local:import/mini.qcow2'}}
    for number, options in enumerate([{'disks': iso}, {'disks': image}, {'disks': {'scsi0': {'storage': 'fast', 'size': '1G'}}}]):
        assert tasks.exact('pve_vm', name=f'vm-{number}', **options)['vm']['node'] == 'pve1'
    assert tasks.exact('pve_container', name='ct', ostemplate=TEMPLATE, storage='local')['container']['node'] == 'pve1'


def test_placement(tasks):
    tasks.exact('pve_vm', name='big', node='pve1', memory='8G', state='started', tags=['db'])
    assert tasks.exact('pve_vm', name='a', placement={'strategy': 'spread'}, memory='1G')['vm']['node'] == 'pve2'
    assert tasks.exact('pve_vm', name='b', placement={'strategy': 'pack'}, memory='1G')['vm']['node'] == 'pve1'
    assert tasks.exact('pve_vm', name='c', placement={'strategy': 'pack', 'avoid': 'db'}, memory='1G')['vm']['node'] == 'pve2'
    refused(tasks, 'pve_vm', 'no node has 900.0 GiB of memory left', name='d', placement={'strategy': 'pack'}, memory='900G')
