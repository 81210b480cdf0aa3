# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role predicts in check mode what it does, does it, and has nothing to do the second time."""
from __future__ import annotations

import json

import pytest
from workflows import Workflows

VM = {'kind': 'vm', 'cluster': 'seoul', 'cores': 1, 'memory': '1G', 'disks': {'scsi0': {'storage': 'ceph', 'size': '4G'}}, 'state': 'started'}
CONTAINER = {'kind': 'container', 'cluster': 'berlin', 'cores': 1, 'memory': 512, 'ostemplate': 'local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst',
             'disks': {'rootfs': {'storage': 'ceph', 'size': '4G'}}, 'state': 'started'}


def name_of(guest):
    return guest.config.get('name') or guest.config.get('hostname')


def names(simulator, cluster):
    return sorted(name_of(guest) for guest in simulator.fleet.clusters[cluster].guests.values())


@pytest.mark.matrix
def test_onboarding_again_changes_nothing(run_playbook, fleet):
    workflows = Workflows(run_playbook, fleet)
    done = workflows.exact('cluster_onboard', {'cluster_onboard_clusters': workflows.clusters(), 'cluster_onboard_discover': False})
    assert 'pvesim-password' not in done.output


@pytest.mark.matrix
def test_guests_come_change_and_go(workflows, fleet, tmp_path):
    declared = {'guest_provision_owner': 'shop', 'guest_provision_remove': True, 'guest_provision_summary_file': str(tmp_path / 'summary.json')}
    guests = [{**VM, 'name': 'web-01'}, {**VM, 'name': 'web-02'}, {**CONTAINER, 'name': 'lb-01'}]
    workflows.exact('guest_provision', {**declared, 'guest_provision_guests': guests})
    assert (names(fleet, 'seoul'), names(fleet, 'berlin')) == (['web-01', 'web-02'], ['lb-01'])
    changed = [{**VM, 'name': 'web-01', 'cores': 2, 'disks': {'scsi0': {'storage': 'ceph', 'size': '8G'}}}, {**CONTAINER, 'name': 'lb-01'}]
    workflows.exact('guest_provision', {**declared, 'guest_provision_guests': changed})
    assert (names(fleet, 'seoul'), names(fleet, 'berlin')) == (['web-01'], ['lb-01'])
    summary = json.loads((tmp_path / 'summary.json').read_text(encoding='utf-8'))
    assert (summary['drift'], summary['counts']) == (False, {'guests': 2, 'changed': 0, 'removed': 0, 'failed': 0})


def test_guests_of_others_are_never_removed(workflows, fleet):
    others = [{**VM, 'name': 'web-02', 'tags': ['other']}, {**VM, 'name': 'web-03', 'tags': ['shop-old']}, {**VM, 'name': 'web-04'},
              {**CONTAINER, 'name': 'web-01'}]
    workflows.role('guest_provision', {'guest_provision_guests': others}).ok()
    mine = {'guest_provision_owner': 'shop', 'guest_provision_remove': True, 'guest_provision_cluster': 'seoul',
            'guest_provision_remove_from': ['berlin'], 'guest_provision_guests': [{**VM, 'name': 'web-01'}, {**VM, 'name': 'web-05'}]}
    workflows.exact('guest_provision', mine)
    assert names(fleet, 'seoul') == ['web-01', 'web-02', 'web-03', 'web-04', 'web-05']
    workflows.exact('guest_provision', {**mine, 'guest_provision_guests': []})
    assert (names(fleet, 'seoul'), names(fleet, 'berlin')) == (['web-02', 'web-03', 'web-04'], ['web-01'])


def test_a_guest_that_fails_leaves_no_other_half_done_and_is_named(workflows, fleet, tmp_path):
    fleet.control.task_fault('fail', type='qmstart', text='no memory left')
    declared = {'guest_provision_summary_file': str(tmp_path / 'summary.json'),
                'guest_provision_guests': [{**VM, 'name': f'web-0{number}'} for number in (1, 2, 3)]}
    run = workflows.role('guest_provision', declared)
    guests = json.loads((tmp_path / 'summary.json').read_text(encoding='utf-8'))['guests']
    failed = [guest['name'] for guest in guests if 'failed' in guest]
    asleep = [name_of(guest) for guest in fleet.fleet.clusters['seoul'].guests.values() if not guest.running]
    assert (run.rc, len(failed), asleep) == (2, 1, failed)
    assert f'VM {failed[0]}: ' in run.result('pve.fleet.guest_provision : See that no guest failed')['msg']
    assert 'no memory left' in run.output
    workflows.role('guest_provision', declared).ok()
    assert all(guest.running for guest in fleet.fleet.clusters['seoul'].guests.values())


def test_in_a_full_workspace_one_guest_can_take_the_place_of_another(workflows, fleet):
    workflows.role('workspace', {'workspace_name': 'shop', 'workspace_clusters': ['seoul'], 'workspace_quota': {'guests': 1}}).ok()
    declared = {'guest_provision_workspace': 'shop', 'guest_provision_owner': 'shop', 'guest_provision_remove': True}
    for name in ('web-01', 'web-02'):
        workflows.exact('guest_provision', {**declared, 'guest_provision_guests': [{**VM, 'name': name, 'pool': 'shop'}]})
        assert names(fleet, 'seoul') == [name]


def test_removal_without_an_owner_is_refused(workflows):
    run = workflows.role('guest_provision', {'guest_provision_guests': [], 'guest_provision_remove': True})
    assert run.rc != 0
    assert 'guest_provision_remove needs guest_provision_owner' in run.output


@pytest.mark.matrix
def test_a_workspace_and_its_quota(workflows, fleet):
    shop = {'workspace_name': 'shop', 'workspace_clusters': ['seoul'], 'workspace_quota': {'guests': 1}, 'workspace_storages': ['ceph'],
            'workspace_token': False}
    workflows.exact('workspace', shop)
    declared = {'guest_provision_workspace': 'shop', 'guest_provision_defaults': {'pool': 'shop'}}
    two = [{**VM, 'name': 'web-01'}, {**VM, 'name': 'web-02'}]
    for args in (['--check'], []):
        run = workflows.role('guest_provision', {**declared, 'guest_provision_guests': two}, *args)
        assert run.rc != 0
        assert 'Workspace shop has no room' in run.output
    assert names(fleet, 'seoul') == []
    workflows.role('guest_provision', {**declared, 'guest_provision_guests': two[:1]}).ok()
    run = workflows.role('workspace', {**shop, 'workspace_state': 'absent'})
    assert 'its pools hold web-01' in run.output
    gone = [{**VM, 'name': 'web-01', 'state': 'absent', 'force': True}]
    workflows.role('guest_provision', {**declared, 'guest_provision_guests': gone}).ok()
    workflows.exact('workspace', {**shop, 'workspace_state': 'absent'})


def test_a_workspace_on_two_clusters_with_members_and_tokens(workflows):
    workflows.exact('workspace', {'workspace_name': 'shop', 'workspace_clusters': ['seoul', 'berlin'], 'workspace_quota': {'cpus': 8},
                                  'workspace_storages': ['ceph', 'local-lvm'], 'workspace_users': ['ann@pve']})


def test_a_workspace_token_is_told_once(workflows):
    shop = {'workspace_name': 'shop', 'workspace_clusters': ['seoul']}
    told = [{'name': 'Told', 'ansible.builtin.debug': {'msg': '{{ workspace_tokens | default({}) | length }} tokens'}}]
    assert workflows.role('workspace', shop, after=told).ok().result('Told')['msg'] == '1 tokens'
    again = workflows.role('workspace', shop, after=told).ok()
    assert (again.result('Told')['msg'], again.changed) == ('0 tokens', [])


@pytest.mark.matrix
def test_access_roles(workflows):
    workflows.exact('access_roles', {
        'access_roles_clusters': ['seoul'], 'access_roles_custom': {'Console': ['VM.Audit', 'VM.Console']},
        'access_roles_tiers': [{'name': 'admin', 'group': 'admins2', 'roles': ['PVEAdmin']},
                               {'name': 'operator', 'group': 'operators', 'roles': ['Console'], 'users': ['ann@pve']}],
    })


@pytest.mark.matrix
def test_a_template_that_clones(workflows, fleet):
    template = {'guest_template_cluster': 'seoul', 'guest_template_name': 'debian-13', 'guest_template_storage': 'ceph',
                'guest_template_image_url': 'https://images.example.test/debian-13.qcow2?size=100M'}
    workflows.exact('guest_template', template)
    clone = {**VM, 'name': 'web-01', 'clone': {'template': 'debian-13', 'full': False}, 'disks': {'scsi0': {'size': '12G'}}}
    workflows.exact('guest_provision', {'guest_provision_guests': [clone]})


def test_templates_of_containers_on_several_nodes(workflows, fleet):
    template = {'guest_template_cluster': 'seoul', 'guest_template_name': 'alpine', 'guest_template_kind': 'container',
                'guest_template_nodes': ['seoul-pve1', 'seoul-pve3'], 'guest_template_storage': 'local-lvm', 'guest_template_disk_size': '4G',
                'guest_template_image_url': 'https://images.example.test/alpine-3.23-default_20261101_amd64.tar.xz?size=10M'}
    done = workflows.exact('guest_template', template)
    assert names(fleet, 'seoul') == ['alpine-seoul-pve1', 'alpine-seoul-pve3']
    assert {guest.node for guest in fleet.fleet.clusters['seoul'].guests.values()} == {'seoul-pve1', 'seoul-pve3'}
    assert done.result('pve.fleet.guest_template : Keep the names of the templates')['ansible_facts']['guest_template_templates'] == [
        'alpine-seoul-pve1', 'alpine-seoul-pve3']


def test_backups(workflows):
    workflows.role('guest_provision', {'guest_provision_guests': [{**VM, 'name': 'web-01'}]}).ok()
    policy = {'backup_policy_clusters': ['seoul'], 'backup_policy_jobs': [{}]}
    policy['backup_policy_jobs'][0] = {'id': 'nightly', 'schedule': '02:00', 'storage': 'local', 'vmid': ['999']}
    run = workflows.role('backup_policy', {**policy, 'backup_policy_require_all': True})
    assert run.rc != 0
    assert 'web-01' in run.output
    assert 'A job of backup_policy_jobs has no id.' in workflows.role('backup_policy', {**policy, 'backup_policy_jobs': [{'all': True}]}).output
    policy['backup_policy_jobs'][0] = {'id': 'nightly', 'schedule': '02:00', 'storage': 'local', 'all': True}
    workflows.exact('backup_policy', policy)
    assert workflows.role('backup_policy', {**policy, 'backup_policy_require_all': True}).ok().changed == []
