# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As AWX runs things: ansible-runner, injected variables and files only, an empty home, a project that cannot be written, PostgreSQL."""
from __future__ import annotations

import base64
import hashlib
import ssl
from pathlib import Path

import pytest
import yaml
from awx import FOLDER, Awx, credential_type, declared, inject
from pvesim.model.generate import token_secret
from workflows import Workflows

pytestmark = pytest.mark.matrix
KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def empty(tmp_path, postgres_server):
    """An AWX whose registry on PostgreSQL has no cluster yet."""
    return Awx(tmp_path / 'awx', inject(credential_type('pve.fleet registry'), {'url': postgres_server.new_schema(), 'key': KEY}, tmp_path))


@pytest.fixture
def awx(empty, run_playbook, fleet):
    """An AWX whose registry knows both clusters."""
    Workflows(lambda tasks, **more: run_playbook(tasks, extra_env=empty.variables, **more), fleet).onboarded()
    return empty


def onboarding(fleet, **more):
    return {'cluster_name': 'seoul', 'api_host': '127.0.0.1', 'api_port': fleet.port, 'api_user': 'root@pam', 'api_password': 'pvesim-password',
            'fingerprint': '', 'min_nodes': '', 'ca_path': fleet.ca_path, 'discover': False, **more}


def test_a_cluster_is_registered_by_a_survey_and_known_to_the_next_job(empty, fleet):
    job = empty.job('onboard.yml', onboarding(fleet)).ok()
    assert 'pvesim-password' not in job.output
    assert 'seoul' in empty.job('health.yml', {'fail_on': 'never'}).ok().output


def test_a_job_tells_by_its_exit_status(awx, fleet):
    awx.job('health.yml', {'fail_on': 'unhealthy'}).ok()
    fleet.control.node_down('berlin-pve2', cluster='berlin')
    job = awx.job('health.yml', {'fail_on': 'degraded'})
    assert job.rc == 2
    assert 'berlin' in job.output
    assert KEY not in job.output


def test_a_declaration_of_the_project_is_planned_provisioned_and_decommissioned(awx, fleet, tmp_path):
    project = tmp_path / 'project'
    (project / 'declarations').mkdir(parents=True)
    for name in ('provision.yml', 'decommission.yml'):
        (project / name).write_text((FOLDER / 'project' / name).read_text(encoding='utf-8'), encoding='utf-8')
    shop = yaml.safe_load((FOLDER / 'project' / 'declarations' / 'shop.yml').read_text(encoding='utf-8'))
    (project / 'declarations' / 'shop.yml').write_text(yaml.safe_dump({**shop, 'cluster': 'seoul'}), encoding='utf-8')
    awx.project = project
    guests = fleet.fleet.clusters['seoul'].guests
    plan = awx.job('provision.yml', {'declaration': 'shop'}, check=True).ok()
    assert ('create' in plan.output, len(guests)) == (True, 0)
    awx.job('provision.yml', {'declaration': 'shop'}).ok()
    assert sorted(guest.config['name'] for guest in guests.values()) == ['web-01', 'web-02']
    assert 'changed=0' in awx.job('provision.yml', {'declaration': 'shop'}).ok().output
    awx.job('decommission.yml', {'owner': 'shop', 'confirm': 'shop'}).ok()
    assert not guests


def answers(name, **given):
    """What AWX hands to a job: the given answers, else the survey's defaults; optional questions that nobody answered are left out."""
    template = next(one for one in declared('job_templates.yml') if one['name'] == name)
    return {**{question['variable']: question['default'] for question in template['survey'] if 'default' in question}, **given}


@pytest.mark.parametrize(('name', 'playbook', 'given', 'shows'), [
    ('Audit', 'audit.yml', {}, 'register'),
    ('Evacuate a node', 'evacuate_node.yml', {'cluster': 'seoul', 'node': 'seoul-pve2'}, 'failed=0'),
    ('Rolling update', 'rolling_update.yml', {'cluster': 'berlin', 'nodes': 'berlin-pve1,berlin-pve2'}, 'failed=0'),
])
def test_a_job_template_runs_with_the_answers_of_its_survey(awx, name, playbook, given, shows):
    assert shows in awx.job(playbook, answers(name, **given), check=True).ok().output


def test_the_inventory_is_exported_with_nodes_and_without_secrets(awx):
    job, inventory = awx.update()
    assert {'seoul-pve1', 'berlin-pve5'} <= set(inventory['_meta']['hostvars'])
    assert 'pve_cluster_seoul' in inventory
    assert not [secret for secret in (KEY, awx.variables['PVE_REGISTRY_URL'], 'token_secret') if secret in job.output + str(inventory)]


def test_a_cluster_that_does_not_answer_is_an_error_so_that_awx_keeps_its_hosts(awx, fleet):
    fleet.control.fault('status', cluster='berlin', path='*', status=596, count=0)
    with pytest.raises(AssertionError, match='berlin'):
        awx.update()


def test_facts_of_nodes_are_cached_and_serve_a_later_job_without_asking_a_cluster(awx, fleet, tmp_path):
    awx.update()
    first = awx.job('node_facts.yml', facts={}).ok()
    # ansible-core 2.19 and later begin the names of the files with s1_.
    assert {'seoul-pve1', 'berlin-pve5'} <= {name.removeprefix('s1_') for name in first.facts}
    project = tmp_path / 'reader'
    project.mkdir()
    show = {'ansible.builtin.debug': {'msg': '{{ inventory_hostname }} has {{ ansible_facts.pve_nodes[pve_cluster][pve_node].memory_info.total }}'}}
    play = {'hosts': 'pve_type_node', 'gather_facts': False, 'connection': 'local', 'tasks': [show]}
    (project / 'read.yml').write_text(yaml.safe_dump([play]), encoding='utf-8')
    awx.project = project
    fleet.control.reset_log()
    assert 'seoul-pve1 has ' in awx.job('read.yml', facts=first.facts).ok().output
    assert fleet.control.log()['total'] == 0


@pytest.fixture
def direct(fleet):
    """Inputs of a credential for direct access to one of the clusters, which do not say why its certificate is to be trusted."""
    return {'host': f'127.0.0.1:{fleet.port}', 'token_id': 'fleet@pve!viewer', 'token_secret': token_secret(7, 'seoul', 'viewer')}


@pytest.fixture
def alone(tmp_path):
    """alone(inputs) -> an AWX with a credential for direct access; its project asks one cluster."""
    show = {'ansible.builtin.debug': {'msg': "{{ found.nodes | map(attribute='node') }}"}}
    play = {'hosts': 'localhost', 'connection': 'local', 'gather_facts': False, 'tasks': [{'pve.fleet.pve_node_facts': {}, 'register': 'found'}, show]}
    project = tmp_path / 'project'
    project.mkdir()
    (project / 'list.yml').write_text(yaml.safe_dump([play]), encoding='utf-8')
    (project / 'one.pve.yml').write_text('plugin: pve.fleet.pve\nnodes: true\non_error: fail\n', encoding='utf-8')
    return lambda inputs: Awx(tmp_path / 'awx', inject(credential_type('Proxmox VE cluster'), inputs, tmp_path / 'env'), project)


@pytest.mark.parametrize('trust', ['ca', 'fingerprint'])
def test_direct_access_needs_no_registry(alone, direct, fleet, trust):
    body = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(('127.0.0.1', fleet.port)))
    given = {'ca': Path(fleet.ca_path).read_text(encoding='utf-8'), 'fingerprint': hashlib.sha256(body).hexdigest()}
    awx = alone({**direct, trust: given[trust]})
    dummy, inventory = awx.update('one.pve.yml')
    assert 'seoul-pve1' in inventory['_meta']['hostvars']
    assert 'seoul-pve3' in awx.job('list.yml').ok().output


def test_a_certificate_that_nobody_vouches_for_is_refused(alone, direct):
    job = alone(direct).job('list.yml')
    assert (job.rc, 'certificate' in job.output) == (2, True)
