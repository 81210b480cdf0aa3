# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding that a cluster can be made to have is found, by its code, where it is, and only there."""
from __future__ import annotations

import contextlib
import time

import pytest
import yaml
from pvesim.clock import Clock
from pvesim.fixtures import running
from pvesim.model.describe import build

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.facts import health

from .conftest import port

INFO = 'pve.fleet.pve_cluster_info'
SECRET = '11111111-2222-3333-4444-555555555555'
LOGIN = {'api_token_id': 'root@pam!ci', 'api_token_secret': SECRET}
FLEET = """
clusters:
  - name: prod
    nodes: [{{name: pve1, memory: 16G}}, {{name: pve2, memory: 16G}}, {{name: pve3, memory: 16G}}]
    tokens: [{{tokenid: 'root@pam!ci', secret: {secret}, privsep: false}}]
    storages:
      - {{storage: local, type: dir, path: /var/lib/vz, content: [images, rootdir, iso, backup], size: 100G, used: 5G}}
      - {{storage: tank, type: zfspool, pool: tank, content: [images, rootdir], size: 1000G, used: {used}}}
    guests:
      - {{name: web, vmid: 104, node: pve1, status: running, config: {{memory: {memory}, scsi0: 'tank:1'}}}}
      - {{name: db, vmid: 105, node: pve2, config: {{memory: 512, scsi0: 'tank:1'}}}}
"""
DAY = 86400


def cluster_of(sim):
    return sim.fleet.clusters['prod']


def client_of(sim):
    return Client(Connection('prod', (Endpoint('127.0.0.1', port(sim, 'prod')),), Credential(token_id='root@pam!ci', token_secret=SECRET), ca_path=sim.ca_path))


def back_up_all(sim):
    client_of(sim).post('cluster', 'backup', params={'schedule': '02:30', 'storage': 'local', 'all': True, 'enabled': True})


def lose_quorum(sim):
    sim.control.quorum(True)


def lose_a_node(sim):
    sim.control.node_down('pve3')


def silence_a_node(sim):
    sim.control.fault('status', path='/nodes/pve2/*', status=595, message='', count=0)


def fail_a_replication(sim):
    client_of(sim).post('cluster', 'replication', params={'id': '104-0', 'type': 'local', 'target': 'pve2'})
    cluster_of(sim).extra['replication_state'] = {'104-0': {'fail_count': 3, 'error': 'no route to host'}}


def fail_under_ha(sim):
    sim.control.edit_guest(105, set={'net0': 'virtio=BC:24:11:00:00:01,bridge=vmbr99'})
    client_of(sim).post('cluster', 'ha', 'resources', params={'sid': 'vm:105', 'state': 'started', 'max_restart': 0, 'max_relocate': 0})
    sim.control.advance(300)


def fail_a_backup(sim):
    sim.control.task_fault('fail', type='vzdump', text='no space left on device')
    client_of(sim).post('nodes', 'pve1', 'vzdump', params={'vmid': '104', 'storage': 'local'})
    sim.control.advance(30)


def fail_a_start(sim):
    sim.control.task_fault('fail', type='qmstart', text='got timeout')
    client_of(sim).post('nodes', 'pve2', 'qemu', 105, 'status', 'start')
    sim.control.advance(30)


def leave_a_lock(sim):
    sim.control.edit_guest(105, set={'lock': 'backup'})


def hold_a_lock(sim):
    """A task of three days ago that never ends."""
    sim.control.task_fault('hang', type='qmsnapshot')
    client_of(sim).post('nodes', 'pve1', 'qemu', 104, 'snapshot', params={'snapname': 's1'})
    sim.control.edit_guest(104, set={'lock': 'snapshot'})
    sim.control.advance(3 * DAY)


def nothing(sim):
    """The description alone does it."""


# code, object, severity, what is done, options, description and time
PROVOKED = [
    ('no_quorum', 'cluster', 'critical', lose_quorum, {}, {}),
    ('nodes_offline', 'cluster', 'warning', lose_a_node, {}, {}),
    ('node_unresponsive', 'pve2', 'warning', silence_a_node, {}, {}),
    ('too_few_nodes', 'cluster', 'warning', nothing, {'min_nodes': 5}, {}),
    ('storage_full', 'pve1/tank', 'critical', nothing, {}, {'used': '970G'}),
    ('storage_nearly_full', 'pve1/tank', 'warning', nothing, {}, {'used': '880G'}),
    ('root_disk_full', 'pve1', 'warning', nothing, {'thresholds': {'root_disk_percent': 1}}, {}),
    ('memory_full', 'pve1', 'warning', nothing, {'thresholds': {'memory_percent': 1}}, {}),
    ('memory_overcommitted', 'pve1', 'warning', nothing, {'ignore': ['memory_full']}, {'memory': 32 * 1024}),
    ('certificate_expired', 'pve1', 'critical', nothing, {'ignore': ['clock_skew']}, {'begin': -3 * 365 * DAY}),
    ('certificate_expiring', 'pve1', 'warning', nothing, {'thresholds': {'certificate_days': 1000}}, {}),
    ('clock_skew', 'pve1', 'warning', nothing, {}, {'begin': -DAY}),
    ('replication_failed', '104-0', 'warning', fail_a_replication, {}, {}),
    ('ha_error', 'vm:105', 'warning', fail_under_ha, {'ignore': ['task_failed', 'clock_skew']}, {'begin': -300, 'mode': 'manual'}),
    ('backup_failed', 'vzdump/104', 'warning', fail_a_backup, {'ignore': ['clock_skew', 'lock_left']}, {'begin': -60, 'mode': 'manual'}),
    ('task_failed', 'qmstart/105', 'warning', fail_a_start, {'ignore': ['clock_skew']}, {'begin': -60, 'mode': 'manual'}),
    ('lock_left', 'qemu/105', 'warning', leave_a_lock, {}, {}),
    ('lock_held_long', 'qemu/104', 'warning', hold_a_lock, {'ignore': ['clock_skew']}, {'begin': -3 * DAY, 'mode': 'manual'}),
    ('updates_pending', 'pve1', 'warning', nothing, {'checks': ['updates_pending']}, {}),
]


@contextlib.contextmanager
def started(used='1G', memory=2048, begin=0, mode='fast'):
    described = yaml.safe_load(FLEET.format(secret=SECRET, used=used, memory=memory))
    with running(build(described, Clock(mode, time.time() + begin))) as sim:
        yield sim


def reasons(run):
    return run.ok().result('info')['clusters'][0]['reasons']


@pytest.mark.parametrize(('code', 'where', 'severity', 'provoke', 'options', 'state'), PROVOKED, ids=[one[0] for one in PROVOKED])
def test_what_is_wrong_is_found(code, where, severity, provoke, options, state, run_playbook):
    with started(**state) as sim:
        back_up_all(sim)
        provoke(sim)
        task = {'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path, **LOGIN, **options}
        run = run_playbook([{'name': 'info', INFO: task}])
        cluster = run.ok().result('info')['clusters'][0]
        assert {one['code'] for one in cluster['reasons']} == {code}, cluster['reasons']
        found = {one['object']: one for one in cluster['reasons']}
        assert found[where]['severity'] == severity
        assert cluster['status'] == ('unhealthy' if severity == 'critical' else 'degraded')
        assert run.result('info')['summary'] == {
            'status': cluster['status'], 'clusters': {cluster['status']: 1}, 'reasons': {code: len(cluster['reasons'])}}
        known = run_playbook([{'name': 'known', INFO: {**task, 'ignore': [*options.get('ignore', ()), code]}}]).ok().result('known')
        assert (known['clusters'][0]['status'], known['clusters'][0]['reasons']) == ('healthy', [])
        assert code in {one['code'] for one in known['clusters'][0]['ignored']}


def test_a_storage_that_is_not_there_is_found(run_playbook):
    with started() as sim:
        back_up_all(sim)
        cluster_of(sim).storages['gone'] = {'type': 'lvm', 'vgname': 'nosuch', 'content': 'images', 'nodes': 'pve2'}
        found = reasons(run_playbook([{'name': 'info', INFO: {'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path, **LOGIN}}]))
    assert [(one['code'], one['object']) for one in found] == [('storage_inactive', 'pve2/gone')]


def test_guests_that_no_job_covers_are_found(run_playbook):
    with started() as sim:
        task = {'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path, **LOGIN}
        found = reasons(run_playbook([{'name': 'info', INFO: task}]))
        assert {(one['code'], one['object']) for one in found} == {('not_backed_up', 'qemu/104'), ('not_backed_up', 'qemu/105')}
        one_left = reasons(run_playbook([{'name': 'info', INFO: {**task, 'ignore': ['not_backed_up:qemu/105']}}]))
        assert [one['object'] for one in one_left] == ['qemu/104']


def test_a_cluster_that_cannot_be_asked_is_unknown_and_can_be_known(run_playbook):
    with started() as sim:
        sim.control.fault('refuse', path='*', count=0)
        task = {'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path, **LOGIN}
        run = run_playbook([{'name': 'info', INFO: task}, {'name': 'known', INFO: {**task, 'ignore': ['unreachable']}}]).ok()
    assert [one['code'] for one in run.result('info')['clusters'][0]['reasons']] == ['unreachable']
    assert run.result('info')['summary']['status'] == 'unknown'
    assert run.result('known')['clusters'][0]['reasons'] == []


# What the simulated nodes cannot have: Ceph, and versions that differ. tests/unit/facts judges answers of such.
ELSEWHERE = {'ceph_error', 'ceph_warning', 'versions_differ', 'storage_inactive', 'not_backed_up'}


def test_every_code_is_provoked_here_or_elsewhere():
    assert {one[0] for one in PROVOKED} | ELSEWHERE == set(health.CODES)
    assert not {one[0] for one in PROVOKED} & ELSEWHERE
