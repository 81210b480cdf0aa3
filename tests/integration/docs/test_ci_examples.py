# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the pipelines in docs/ci, in a user's project that has the collection from its artifact."""
from __future__ import annotations

import base64
import contextlib
import dataclasses
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from artifact import install
from checkout import ROOT, ansible_environment
from docs_programs import galaxy, temporary_folder, write_programs
from playbook import ansible

CI = ROOT / 'docs' / 'ci'
FLEET = CI / 'fleet.yml'
KEY = base64.b64encode(bytes(range(32))).decode()


@dataclasses.dataclass
class Pipeline:
    """The jobs of one file. shells(job): the scripts that its shells run, one after the other; variables(job): its environment."""

    name: str
    content: dict

    def shells(self, job):
        if self.name == 'gitlab':
            return ['\n'.join([*self.content['default']['before_script'], *self.content[job]['script']])]
        return [step['run'] for step in self.content['jobs'][job]['steps'] if 'run' in step]

    def variables(self, job, secrets):
        if self.name == 'gitlab':
            return secrets
        wanted = self.content['jobs'][job].get('env', {})
        return {name: secrets[value.removeprefix('${{ secrets.').removesuffix(' }}')] for name, value in wanted.items()}

    def artifacts(self, job):
        if self.name == 'gitlab':
            return self.content[job]['artifacts']['paths']
        return [step['with']['path'] for step in self.content['jobs'][job]['steps'] if 'upload-artifact' in step.get('uses', '')]


@pytest.fixture(params=['github', 'gitlab'])
def pipeline(request):
    file = next(CI.glob(f'{request.param}-*.yml'))
    return Pipeline(request.param, yaml.safe_load(file.read_text(encoding='utf-8')))


@pytest.fixture(scope='module')
def artifact(tmp_path_factory):
    return install(tmp_path_factory.mktemp('artifact'))[1]


@pytest.fixture
def prod():
    """The true cluster."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    with running(fleet=load(FLEET, Clock('fast'))) as simulator:
        yield simulator


@pytest.fixture
def secrets(tmp_path, prod):
    """URL and key of the registry that the pipeline is given; it knows the true cluster."""
    found = {'PVE_REGISTRY_URL': f'sqlite:///{tmp_path}/registry.db', 'PVE_REGISTRY_KEY': KEY}
    answers = {'cluster_name': 'prod', 'api_host': '127.0.0.1', 'api_port': prod.port, 'ca_path': prod.ca_path, 'discover': False,
               'api_password': 'pvesim-password'}
    done = ansible('playbook', 'pve.fleet.onboard', '-e', json.dumps(answers), environment=ansible_environment(tmp_path / 'admin', **found))
    assert done.returncode == 0, done.stdout
    return found


@pytest.fixture
def run(tmp_path, pipeline, artifact, secrets):
    """run(job) -> [(exit status, output) of each shell until one fails], on a fresh machine with the user's project."""
    path = write_programs(tmp_path / 'bin', **{'ansible-galaxy': galaxy(artifact)})
    count = itertools.count()
    with contextlib.ExitStack() as stack:

        def job(name):
            machine = tmp_path / f'machine-{next(count)}'
            project = machine / 'project'
            shutil.copytree(CI, project)
            environment = {'HOME': str(machine), 'TMPDIR': stack.enter_context(temporary_folder()), 'LC_ALL': 'C.UTF-8',
                           'GITHUB_STEP_SUMMARY': str(machine / 'summary'), 'PATH': path, **pipeline.variables(name, secrets)}
            results = []
            for script in pipeline.shells(name):
                done = subprocess.run(['bash', '-e', '-c', script], cwd=project, env=environment, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=300, check=False)
                results.append((done.returncode, done.stdout + done.stderr))
                if done.returncode:
                    break
            return project, results

        yield job


def went_well(results):
    assert not [output for status, output in results if status], results[-1][1]
    return ''.join(output for dummy, output in results)


def test_a_merge_request_is_tried_on_a_simulated_cluster_only(run, prod):
    output = went_well(run('simulate')[1])
    assert 'create' in output
    assert not prod.fleet.clusters['prod'].guests


def test_a_merge_request_gets_a_plan_and_nothing_is_changed(run, prod, pipeline):
    project, results = run('plan')
    assert KEY not in went_well(results)
    file, = pipeline.artifacts('plan')
    plan = json.loads((project / file).read_text(encoding='utf-8'))
    assert (plan['check_mode'], plan['drift'], plan['counts']['changed']) == (True, True, 2)
    assert not prod.fleet.clusters['prod'].guests


def test_the_main_branch_is_applied_and_drift_is_an_exit_status(run, prod, pipeline):
    project, results = run('apply')
    went_well(results)
    file, = pipeline.artifacts('apply')
    assert json.loads((project / file).read_text(encoding='utf-8'))['counts']['changed'] == 2
    guests = prod.fleet.clusters['prod'].guests
    assert sorted(guest.config['name'] for guest in guests.values()) == ['web-01', 'web-02']
    went_well(run('drift')[1])
    prod.control.edit_guest(next(iter(guests)), set={'memory': 512})
    assert run('drift')[1][-1][0] == 2


def test_all_jobs_are_run_by_these_tests(pipeline):
    jobs = set(pipeline.content) - {'default'} if pipeline.name == 'gitlab' else set(pipeline.content['jobs'])
    assert jobs == {'simulate', 'plan', 'apply', 'drift'}
    if pipeline.name == 'github':
        used = {step['uses'].partition('@')[0] for job in pipeline.content['jobs'].values() for step in job['steps'] if 'uses' in step}
        assert used == {'actions/checkout', 'actions/upload-artifact'}


def test_the_declaration_is_the_one_of_the_example_project_for_awx():
    assert yaml.safe_load((CI / 'guests.yml').read_text(encoding='utf-8')) == yaml.safe_load(
        Path(ROOT, 'extensions/awx/project/declarations/shop.yml').read_text(encoding='utf-8'))
