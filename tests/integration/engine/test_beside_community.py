# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the modules that people use today err in check mode, never update or always report a change, ours do not.

Skipped where community.proxmox is not installed.
"""
from __future__ import annotations

import importlib.util

import pytest

pytestmark = [pytest.mark.matrix, pytest.mark.skipif(
    importlib.util.find_spec('ansible_collections.community') is None or importlib.util.find_spec('ansible_collections.community.proxmox') is None,
    reason='community.proxmox is not installed',
)]


@pytest.fixture
def both(sim, run_playbook):
    """both(theirs=(module, options), ours=(module, options), check=False) -> (their result, our result), one play."""

    def run(theirs, ours, check=False):
        login = {'api_host': '127.0.0.1', 'api_port': sim.port, 'api_user': 'root@pam', 'api_password': 'realpve1'}
        tasks = [
            {'name': 'theirs', f'community.proxmox.{theirs[0]}': {**login, 'validate_certs': False, **theirs[1]}, 'check_mode': check, 'ignore_errors': True},
            {'name': 'ours', f'pve.fleet.{ours[0]}': {**login, 'ca_path': sim.ca_path, **ours[1]}, 'check_mode': check},
        ]
        done = run_playbook(tasks)
        return done.result('theirs'), done.result('ours')

    return run


def prepare(walk, *steps):
    for module, options in steps:
        assert not walk.run(module, options).get('failed')


@pytest.mark.parametrize(('theirs', 'ours', 'ident'), [
    ('proxmox_group', 'pve_group', {'groupid': 'ops'}),
    ('proxmox_pool', 'pve_pool', {'poolid': 'shop'}),
])
def test_theirs_never_updates_ours_does(both, walk, theirs, ours, ident):
    prepare(walk, (ours, {**ident, 'comment': 'old'}))
    wish = {**ident, 'comment': 'new'}
    their, our = both((theirs, wish), (ours, wish))
    assert (their['changed'], our['changed']) == (False, True)
    assert our['diff'] == {'before': {'comment': 'old'}, 'after': {'comment': 'new'}}


def test_theirs_says_nothing_would_be_deleted_ours_says_what(both, walk):
    their, our = both(('proxmox_user', {'userid': 'tester@pve', 'state': 'absent'}), ('pve_user', {'userid': 'tester@pve', 'state': 'absent'}), check=True)
    assert (their['changed'], our['changed']) == (False, True)
    assert our['changes'] == ['delete user tester@pve']


def test_theirs_takes_tokens_away_ours_keeps_them(both, walk):
    prepare(walk, ('pve_token', {'userid': 'tester@pve', 'tokenid': 'ci'}))
    _their, our = both(('proxmox_group', {'groupid': 'ops'}), ('pve_user', {'userid': 'tester@pve', 'comment': 'new'}))
    assert our['changed'] is True
    assert walk.run('pve_token_info', {'userid': 'tester@pve'})['tokens']
    both(('proxmox_user', {'userid': 'tester@pve', 'comment': 'newer'}), ('pve_group_info', {}))
    assert walk.run('pve_token_info', {'userid': 'tester@pve'})['tokens'] == []


def test_theirs_always_changes_with_a_password_ours_does_not(both, walk):
    prepare(walk, ('pve_user', {'userid': 'ann@pve', 'password': 'some-secret'}))
    options = {'userid': 'ann@pve', 'password': 'some-secret'}
    their, our = both(('proxmox_user', options), ('pve_user', options))
    assert (their['changed'], our['changed']) == (True, False)


def test_theirs_has_no_check_mode_for_access_ours_predicts(both, walk):
    options = {'path': '/vms', 'type': 'user', 'ugid': 'tester@pve', 'roleid': 'PVEAuditor'}
    their, our = both(('proxmox_access_acl', options), ('pve_acl', options), check=True)
    assert 'does not support check mode' in their['msg']
    assert our['changes'] == ['give user tester@pve the role PVEAuditor on /vms']


def test_theirs_writes_in_check_mode_ours_does_not(both, walk):
    made = {'id': 'nightly', 'schedule': '02:00', 'storage': 'local', 'vmid': ['100']}
    prepare(walk, ('pve_backup_job', made))
    wish = {**made, 'vmid': ['100', '101']}
    for number in (100, 101):
        prepare(walk, ('pve_api', {'path': '/nodes/pve1/qemu', 'method': 'POST', 'params': {'vmid': number, 'name': f'web{number}'}}))
    both(('proxmox_group_info', {}), ('pve_backup_job', wish), check=True)
    assert walk.run('pve_backup_job_info', {})['backup_jobs'][0]['vmid'] == ['100']
    both(('proxmox_backup_schedule', {'backup_id': 'nightly', 'vm_id': '101', 'state': 'present'}), ('pve_group_info', {}), check=True)
    assert walk.run('pve_backup_job_info', {})['backup_jobs'][0]['vmid'] == ['100', '101']
