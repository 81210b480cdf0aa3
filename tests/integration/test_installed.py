"""The artifact, installed elsewhere, runs: in the worker and as a module out of its archive."""

from __future__ import annotations

import pytest
from artifact import install

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize('in_process', [True, False])
def test_the_installed_collection_registers_a_cluster_and_makes_a_machine(in_process, run_playbook, sim, tmp_path):
    environment, _artifact = install(tmp_path / 'installed')
    register = {
        'name': 'prod',
        'endpoints': [{'host': '127.0.0.1', 'port': sim.port}],
        'api_user': 'root@pam',
        'api_password': 'realpve1',
        'ca_path': sim.ca_path,
        'create_token': True,
    }
    tasks = [
        {'name': 'register', 'pve.fleet.pve_cluster_registry': register},
        {'name': 'create', 'pve.fleet.pve_vm': {'cluster': 'prod', 'name': 'web', 'memory': 512}},
        {'name': 'again', 'pve.fleet.pve_vm': {'cluster': 'prod', 'name': 'web', 'memory': 512}},
    ]
    run = run_playbook(
        tasks,
        extra_env={'ANSIBLE_COLLECTIONS_PATH': environment['ANSIBLE_COLLECTIONS_PATH']},
        args=['-e', f'pve_fleet_in_process={str(in_process).lower()}'],
    ).ok()
    assert run.changed == ['register', 'create']
