# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As AWX runs things: ansible-runner, only injected variables, an empty home, a project that cannot be written, PostgreSQL."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from checkout import COLLECTIONS, ROOT
from workflows import Workflows

KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='


def injected(registry_url):
    """What the credential type of the registry puts into the environment."""
    kind = next(one for one in yaml.safe_load((ROOT / 'extensions/awx/credential_types.yml').read_text(encoding='utf-8')) if 'registry' in one['name'])
    values = {'{{ url }}': registry_url, '{{ key }}': KEY}
    return {name: values[template] for name, template in kind['injectors']['env'].items()}


@pytest.fixture
def job(tmp_path, run_playbook, fleet, postgres_server):
    """job(command...) -> the finished process, in an environment that holds nothing but what AWX gives."""
    variables = injected(postgres_server.new_schema())
    registering = Workflows(lambda tasks, **more: run_playbook(tasks, extra_env=variables, **more), fleet)
    registering.onboarded()
    home, data = tmp_path / 'awx_home', tmp_path / 'runner'
    (data / 'project').mkdir(parents=True)
    home.mkdir()
    (data / 'project' / 'health.yml').write_text('- import_playbook: pve.fleet.health\n', encoding='utf-8')
    (data / 'project' / 'fleet.pve.yml').write_text((ROOT / 'extensions/awx/fleet.pve.yml').read_text(encoding='utf-8'), encoding='utf-8')
    (data / 'project').chmod(0o555)
    environment = {
        **variables, 'HOME': str(home), 'PATH': os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]), 'LC_ALL': 'C.UTF-8',
        'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS),
    }

    def run(*command):
        return subprocess.run(command, cwd=data / 'project', env=environment, capture_output=True, text=True, check=False, timeout=300)

    run.data, run.home = data, home
    yield run
    (data / 'project').chmod(0o755)


def test_a_job_template(job):
    pytest.importorskip('ansible_runner', reason='ansible-runner is in the environment of make molecule')
    done = job(sys.executable, '-m', 'ansible_runner', 'run', str(job.data), '-p', 'health.yml', '--cmdline', '-e fail_on=never')
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'seoul' in done.stdout
    assert 'berlin' in done.stdout


def test_the_inventory_source(job):
    done = job(sys.executable, '-m', 'ansible', 'inventory', '-i', 'fleet.pve.yml', '--list', '--export')
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 'seoul-pve1' in found['_meta']['hostvars']
    assert KEY not in done.stdout
    assert [path.name for path in job.home.iterdir() if path.name != '.ansible'] == []
