# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the documentation work as they stand there, but for addresses and folders."""
from __future__ import annotations

import re

import pytest
import yaml
from checkout import ROOT

from ansible_collections.pve.fleet.plugins.inventory import pve as plugin
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord, StoredCredential
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry
from ansible_collections.pve.fleet.plugins.modules import pve_cluster_info, pve_node_facts

from .conftest import port

SECRET = '11111111-2222-3333-4444-555555555555'
FLEET = f"""
seed: 7
clusters:
  - {{name: prod, nodes: [pve1, pve2, pve3], tokens: [{{tokenid: 'fleet@pve!viewer', secret: {SECRET}, privsep: false}}],
     users: [{{userid: fleet@pve}}], acl: [{{path: /, roles: [Administrator], users: [fleet@pve]}}],
     guests: [{{name: web, node: pve1, status: running, tags: [web]}}, {{name: db, node: pve2, status: running, tags: [db]}}, {{name: old, node: pve2}}]}}
"""
DOCUMENT = (ROOT / 'docs' / 'inventory.md').read_text(encoding='utf-8')
HEALTH = (ROOT / 'docs' / 'health.md').read_text(encoding='utf-8')
PLAYBOOKS = re.findall(r'```yaml\n(# \w+\.yml.*?)```', HEALTH, re.S)
IN_PLUGIN = list(yaml.safe_load_all(plugin.EXAMPLES))
IN_DOCUMENT = [yaml.safe_load(text) for text in re.findall(r'```yaml\n(# \w+\.pve\.yml.*?)```', DOCUMENT, re.S)]


@pytest.fixture
def prod(fleet, run_playbook):
    """A cluster named prod, registered with the label site: seoul."""
    sim = fleet(FLEET)
    registry = open_registry(f'{run_playbook.environment()["PVE_FLEET_HOME"]}/registry.db')
    record = ClusterRecord(name='prod', endpoints=[Endpoint('127.0.0.1', port(sim, 'prod'))], ca_path=sim.ca_path, labels={'site': 'seoul'})
    registry.save_cluster(record, [StoredCredential('viewer', 'token', 'fleet@pve!viewer', SECRET)])
    return sim


def here(options, sim, folder):
    """An example with this machine's addresses and folders."""
    text = yaml.safe_dump(options)
    text = text.replace('/var/cache/ansible/pve', f'{folder}/cache').replace('/etc/ansible/lab-ca.pem', sim.ca_path)
    found = yaml.safe_load(re.sub(r'host: 10\.0\.0\.1[12]', f'host: 127.0.0.1\n    port: {port(sim, "prod")}', text))
    found.pop('plugin')
    return found


@pytest.mark.parametrize('options', [*IN_PLUGIN, *IN_DOCUMENT], ids=str)
def test_inventories(options, prod, listed, tmp_path):
    environment = {'LAB_TOKEN': SECRET}
    if 'clusters' not in options:
        place = {'PVE_HOST': f'127.0.0.1:{port(prod, "prod")}', 'PVE_CA_PATH': prod.ca_path}
        environment |= {**place, 'PVE_TOKEN_ID': 'fleet@pve!viewer', 'PVE_TOKEN_SECRET': SECRET}
    found = listed(here(options, prod, tmp_path), env=environment)
    assert found.rc == 0
    assert {'web', 'db'} <= set(found.hosts), found.stderr
    assert 'WARNING' not in found.stderr


@pytest.mark.parametrize('module', [pve_node_facts, pve_cluster_info], ids=lambda module: module.SPEC.name)
def test_playbooks(module, prod, run_playbook, tmp_path):
    text = module.EXAMPLES.replace('/var/lib/prometheus/node-exporter', str(tmp_path)).replace('/etc/prometheus/targets', str(tmp_path))
    run = run_playbook(yaml.safe_load(text)).ok()
    assert run.tasks
    assert {task.status for task in run.tasks} <= {'ok', 'changed'}


@pytest.mark.parametrize('text', PLAYBOOKS, ids=lambda text: text.split(':')[0])
def test_playbooks_of_the_page_about_health(text, prod, run_playbook, tmp_path):
    here_ = text.replace('/var/lib/prometheus/node-exporter', str(tmp_path)).replace('/etc/prometheus/targets', str(tmp_path))
    run = run_playbook(yaml.safe_load(here_)).ok()
    assert run.tasks


def test_the_monitoring_check_ends_with_a_status_of_its_own(prod, run_playbook):
    check = yaml.safe_load(next(text for text in PLAYBOOKS if text.startswith('# check.yml')))
    prod.control.node_down('pve3')
    assert run_playbook(check).rc == 0
    prod.control.quorum(True)
    run = run_playbook(check)
    assert run.rc == 2
    assert run.result('Health of all clusters')['summary']['status'] == 'unhealthy'
    prod.control.fault('refuse', path='*', count=0)
    assert run_playbook(check).rc == 2
