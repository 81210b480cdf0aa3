"""A task on another host needs no registry there; what it changes is in the controller's audit log."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbook import LOCAL

from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

pytestmark = pytest.mark.matrix
PLUGINS = Path(__file__).resolve().parents[1] / 'helpers' / 'connection_plugins'


def test_clusters_are_handed_over_and_changes_written_down(run_playbook, tmp_path, sim):
    registry = str(tmp_path / 'registry.db')
    place = {'registry_url': registry}
    register = {
        'name': 'prod',
        'endpoints': [{'host': '127.0.0.1', 'port': sim.port}],
        'api_user': 'root@pam',
        'api_password': "{{ lookup('ansible.builtin.env', 'PASSWORD') }}",
        'ca_path': sim.ca_path,
        **place,
    }
    guest = {'cluster': 'prod', 'name': 'web', 'memory': 512, **place}
    variables = {**LOCAL, 'ansible_connection': 'elsewhere', 'ansible_async_dir': str(tmp_path / 'async')}
    tasks = [
        {'name': 'register', 'pve.fleet.pve_cluster_registry': register},
        {'name': 'create', 'pve.fleet.pve_vm': guest},
        {'name': 'again', 'pve.fleet.pve_vm': guest},
        {'name': 'unknown', 'pve.fleet.pve_vm': {**guest, 'cluster': 'prd'}, 'ignore_errors': True},
        {'name': 'sent away', 'pve.fleet.pve_vm': {**guest, 'memory': 1024}, 'async': 60, 'poll': 4},
        {'name': 'own', 'pve.fleet.pve_vm': {**guest, 'memory': 2048}, 'async': 60, 'poll': 4, 'delegate_to': 'here'},
    ]
    hosts = {'away': variables, 'here': {**LOCAL, 'ansible_async_dir': str(tmp_path / 'async')}}
    run = run_playbook(
        [{'hosts': 'away', 'gather_facts': False, 'tasks': tasks}],
        {'all': {'hosts': hosts}},
        extra_env={'ANSIBLE_CONNECTION_PLUGINS': str(PLUGINS), 'PASSWORD': 'realpve1'},
    ).ok()
    assert [run.task(task['name']).status for task in tasks] == ['changed', 'changed', 'ok', 'failed', 'changed', 'changed']
    assert run.result('unknown')['error']['code'] == 'NotFound'
    with open_registry(registry) as opened:
        records = opened.read_audit()
        assert opened.verify_audit()['ok']
    assert [(one.module, one.outcome) for one in records] == [
        ('pve_cluster_registry', 'ok'),
        ('pve_vm', 'ok'),
        ('pve_vm', 'dispatched'),
        ('pve_vm', 'ok'),
    ]
