# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of community.proxmox, each through a life of what it manages."""
from __future__ import annotations

import pytest

pytestmark = pytest.mark.matrix
TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'


def test_machines(community):
    kvm = {'node': 'pve1', 'name': 'web', 'timeout': 30}
    run = community.play(
        ('proxmox_kvm', {**kvm, 'vmid': 100, 'memory': 512, 'cores': 1, 'scsihw': 'virtio-scsi-single', 'scsi': {'scsi0': 'local:1,format=qcow2'},
                         'net': {'net0': 'virtio,bridge=vmbr0'}, 'ipconfig': {'ipconfig0': 'ip=dhcp'}, 'tags': ['web'], 'agent': 'enabled=1'}),
        ('proxmox_kvm', {**kvm, 'vmid': 100, 'memory': 512}),
        ('proxmox_kvm', {**kvm, 'cores': 2, 'description': 'updated', 'update': True}),
        ('proxmox_disk', {'vmid': 100, 'disk': 'scsi1', 'storage': 'local', 'format': 'qcow2', 'size': '2', 'backup': False}),
        ('proxmox_disk', {'vmid': 100, 'disk': 'scsi1', 'size': '+1G', 'state': 'resized'}),
        ('proxmox_nic', {'vmid': 100, 'interface': 'net1', 'bridge': 'vmbr0', 'firewall': True}),
        ('proxmox_nic', {'vmid': 100, 'interface': 'net1', 'bridge': 'vmbr0', 'firewall': True}),
        ('proxmox_kvm', {**kvm, 'state': 'started'}),
        ('proxmox_snap', {'vmid': 100, 'snapname': 'before', 'vmstate': False}),
        ('proxmox_snap', {'vmid': 100, 'snapname': 'before', 'state': 'rollback'}),
        ('proxmox_snap', {'vmid': 100, 'snapname': 'before', 'state': 'absent'}),
        ('proxmox_kvm', {**kvm, 'state': 'current'}),
        ('proxmox_kvm', {**kvm, 'state': 'stopped', 'force': True}),
        ('proxmox_disk', {'vmid': 100, 'disk': 'scsi1', 'state': 'detached'}),
        ('proxmox_nic', {'vmid': 100, 'interface': 'net1', 'state': 'absent'}),
    )
    config = community.cluster.guests[100].config
    assert (config['cores'], config['description'].strip(), config['tags']) == (2, 'updated', 'web')
    assert 'size=3G' not in config.get('scsi1', '')
    assert 'net1' not in config
    assert 'unused0' in config
    assert '2 proxmox_kvm' not in run.changed
    assert '7 proxmox_nic' not in run.changed
    assert {'1 proxmox_kvm', '4 proxmox_disk', '5 proxmox_disk', '6 proxmox_nic', '9 proxmox_snap', '14 proxmox_disk'} <= set(run.changed)


def test_clones_and_templates(community):
    community.play(
        ('proxmox_kvm', {'node': 'pve1', 'name': 'base', 'vmid': 100, 'scsi': {'scsi0': 'local:1,format=qcow2'}}),
        ('proxmox_kvm', {'node': 'pve1', 'name': 'base', 'vmid': 100, 'state': 'template'}),
        ('proxmox_kvm', {'node': 'pve1', 'name': 'linked', 'clone': 'base', 'newid': 101, 'full': False, 'format': 'unspecified'}),
        ('proxmox_kvm', {'node': 'pve1', 'name': 'whole', 'clone': 'base', 'newid': 102, 'storage': 'local', 'format': 'qcow2'}),
        ('proxmox_disk', {'vmid': 102, 'disk': 'scsi0', 'target_storage': 'local', 'format': 'raw', 'state': 'moved'}),
        ('proxmox_kvm', {'node': 'pve1', 'name': 'linked', 'state': 'absent'}),
        ('proxmox_kvm', {'node': 'pve1', 'vmid': 102, 'state': 'absent'}),
    )
    assert {vmid: guest.config['template'] for vmid, guest in community.cluster.guests.items()} == {100: 1}


def test_containers(community):
    container = {'node': 'pve1', 'vmid': 200, 'hostname': 'dns'}
    run = community.play(
        ('proxmox', {**container, 'ostemplate': TEMPLATE, 'password': 'secret12', 'disk': 'local:1', 'cores': 1, 'memory': 256,
                     'netif': {'net0': 'name=eth0,bridge=vmbr0,ip=dhcp'}}),
        ('proxmox', {'vmid': 200, 'state': 'started'}),
        ('proxmox', {**container, 'memory': 512, 'cmode': 'console', 'update': True}),
        ('proxmox', {'vmid': 200, 'state': 'restarted'}),
        ('proxmox', {'vmid': 200, 'state': 'stopped', 'force': True}),
        ('proxmox', {'vmid': 200, 'state': 'template'}),
        ('proxmox', {'node': 'pve1', 'vmid': 201, 'clone': 200, 'hostname': 'copy', 'clone_type': 'full', 'storage': 'local'}),
        ('proxmox', {'vmid': 201, 'state': 'absent'}),
    )
    assert community.cluster.guests[200].config['memory'] == 512
    assert list(community.cluster.guests) == [200]
    assert len(run.changed) == 8


def test_pools_with_members(community):
    community.play(
        ('proxmox_kvm', {'node': 'pve1', 'name': 'web', 'vmid': 100}),
        ('proxmox_pool', {'poolid': 'shop', 'comment': 'All of it'}),
        ('proxmox_pool_member', {'poolid': 'shop', 'members': [{'vm': 'web'}, {'storage': 'local'}]}),
        ('proxmox_pool_member', {'poolid': 'shop', 'members': [{'storage': 'local'}], 'state': 'absent'}),
        ('proxmox_kvm', {'node': 'pve1', 'vmid': 100, 'state': 'absent'}),
        ('proxmox_pool', {'poolid': 'shop', 'state': 'absent'}),
    )
    assert community.cluster.pools == {}


def test_storages_and_their_templates(community, tmp_path):
    image = tmp_path / 'small.iso'
    image.write_bytes(b'not much')
    run = community.play(
        ('proxmox_storage', {'name': 'files', 'type': 'dir', 'dir_options': {'path': '/srv/files'}, 'content': ['iso', 'vztmpl'], 'nodes': ['pve1']}),
        ('proxmox_template', {'node': 'pve1', 'storage': 'files', 'src': str(image), 'content_type': 'iso'}),
        ('proxmox_template', {'node': 'pve1', 'storage': 'files', 'url': 'https://example.test/debian-13.tar.zst?size=1M', 'template': 'debian-13.tar.zst'}),
        ('proxmox_template', {'node': 'pve1', 'storage': 'files', 'template': 'small.iso', 'content_type': 'iso', 'state': 'absent'}),
        ('proxmox_storage', {'name': 'files', 'type': 'dir', 'state': 'absent'}),
    )
    assert len(run.changed) == 5
    assert set(community.cluster.storages) == {'local'}


def test_users_groups_roles_and_rights(community):
    entry = {'path': '/vms', 'type': 'user', 'ugid': 'ada@pve', 'roleid': 'Operate'}
    run = community.play(
        ('proxmox_group', {'groupid': 'ops', 'comment': 'Operators'}),
        ('proxmox_user', {'userid': 'ada@pve', 'email': 'ada@example.com', 'groups': ['ops'], 'password': 'secret12'}),
        ('proxmox_role', {'roleid': 'Operate', 'privs': ['VM.Audit', 'VM.PowerMgmt']}),
        ('proxmox_access_acl', entry),
        ('proxmox_access_acl', entry),
        ('proxmox_access_acl', {**entry, 'state': 'absent'}),
        ('proxmox_role', {'roleid': 'Operate', 'state': 'absent'}),
        ('proxmox_user', {'userid': 'ada@pve', 'state': 'absent'}),
        ('proxmox_group', {'groupid': 'ops', 'state': 'absent'}),
    )
    access = community.cluster.access
    assert len(run.changed) == 8
    assert '5 proxmox_access_acl' not in run.changed
    assert 'ada@pve' not in access.users
    assert 'ops' not in access.groups
    assert 'Operate' not in access.roles


def test_backups(community):
    run = community.play(
        ('proxmox_kvm', {'node': 'pve1', 'name': 'web', 'vmid': 100, 'scsi': {'scsi0': 'local:1'}}),
        ('proxmox_backup', {'mode': 'include', 'vmids': [100], 'storage': 'local', 'compress': 'zstd', 'wait': True, 'retention': 'keep-last=2'}),
        ('proxmox_backup', {'mode': 'all', 'node': 'pve1', 'storage': 'local', 'backup_mode': 'stop', 'wait': True}),
    )
    assert len(run.changed) == 3
    kept = [volume for volume in community.cluster.volumes.at('local', 'pve1') if 'vzdump-qemu-100-' in volume]
    assert kept
