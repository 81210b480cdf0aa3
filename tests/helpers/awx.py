# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX does with extensions/awx: injects credentials, and has ansible-runner run jobs and inventory updates in an empty home."""
from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import yaml
from checkout import COLLECTIONS, ROOT

FOLDER = ROOT / 'extensions' / 'awx'
RUN = 'import json, sys, ansible_runner; sys.exit(ansible_runner.interface.run(**json.load(sys.stdin)).rc)'
# What AWX sets for every job, and for every update of an inventory.
JOB = {
    'ANSIBLE_HOST_KEY_CHECKING': 'False', 'ANSIBLE_INVENTORY_UNPARSED_FAILED': 'True', 'ANSIBLE_RETRY_FILES_ENABLED': 'False',
    'JOB_ID': '1', 'INVENTORY_ID': '1', 'PROJECT_REVISION': 'main',
}
UPDATE = {
    'ANSIBLE_INVENTORY_UNPARSED_FAILED': 'True', 'ANSIBLE_INVENTORY_EXPORT': 'True', 'ANSIBLE_VERBOSE_TO_STDERR': 'True',
    'INVENTORY_SOURCE_ID': '1', 'INVENTORY_UPDATE_ID': '1',
}


def declared(name):
    """The content of a YAML file of extensions/awx."""
    return yaml.safe_load((FOLDER / name).read_text(encoding='utf-8'))


def credential_type(name):
    return next(one for one in declared('credential_types.yml') if one['name'] == name)


def inject(kind, inputs, folder):
    """Environment variables of a credential; its files are written below folder. A field without a value is empty."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    rendering = ImmutableSandboxedEnvironment()
    values = {field['id']: inputs.get(field['id'], '') for field in kind['inputs']['fields']}
    files = {}
    folder.mkdir(parents=True, exist_ok=True)
    for label, template in kind['injectors'].get('file', {}).items():
        file = folder / f'credential-{label}'
        file.write_text(rendering.from_string(template).render(**values), encoding='utf-8')
        file.chmod(0o600)
        files[label.partition('.')[2]] = str(file)
    names = {**values, 'tower': types.SimpleNamespace(filename=types.SimpleNamespace(**files))}
    return {variable: rendering.from_string(template).render(**names) for variable, template in kind['injectors']['env'].items()}


@dataclasses.dataclass(frozen=True)
class Job:
    """A finished job: its exit status, what it printed, and its private folder."""

    rc: int
    output: str
    folder: Path

    def ok(self):
        assert self.rc == 0, self.output
        return self

    @property
    def artifacts(self):
        return self.folder / 'artifacts' / '1'

    @property
    def facts(self):
        """Host to the file with its cached facts."""
        return {file.name: file for file in (self.artifacts / 'fact_cache').iterdir()}


class Awx:
    """Runs jobs one after another, each in a private folder of its own with a copy of the project."""

    def __init__(self, folder, variables, project=FOLDER / 'project'):
        self.folder, self.variables, self.project = folder, variables, project
        self.count = 0
        self.inventory = {'all': {'hosts': []}, '_meta': {'hostvars': {}}}

    def job(self, playbook, extra_vars=None, check=False, facts=None):
        """A job template's job. facts: those of an earlier job, which switches the fact cache on."""
        private = self._private()
        hosts = private / 'inventory' / 'hosts'
        hosts.parent.mkdir()
        hosts.write_text(f'#!{sys.executable}\nprint({json.dumps(json.dumps(self.inventory))})\n', encoding='utf-8')
        hosts.chmod(0o700)
        for host, file in (facts or {}).items():
            target = private / 'artifacts' / '1' / 'fact_cache' / host
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        return self._run(private, JOB, playbook=playbook, inventory=str(hosts), extravars=extra_vars or {}, cmdline='--check' if check else None,
                         fact_cache_type='' if facts is None else 'jsonfile')

    def update(self, source='inventory/fleet.pve.yml'):
        """An update of the inventory, which later jobs then have -> (the job, the inventory)."""
        private = self._private()
        path, output = private / 'project' / source, private / 'artifacts' / '1' / 'output.json'
        (private / 'args').write_text(
            f'ansible-inventory --list --export -i {path} --output {output} --playbook-dir {path.parent} -v', encoding='utf-8')
        job = self._run(private, UPDATE, fact_cache_type='').ok()
        self.inventory = json.loads(output.read_text(encoding='utf-8'))
        return job, self.inventory

    def _private(self):
        self.count += 1
        private = self.folder / f'job-{self.count}'
        shutil.copytree(self.project, private / 'project')
        (private / 'env').mkdir()
        return private

    def _run(self, private, variables, **parameters):
        """ansible-runner as AWX calls it; afterwards the project is as it was and the home has nothing but Ansible's own folder."""
        home, project = private / 'home', private / 'project'
        home.mkdir()
        before = listing(project)
        for folder in [project, *(path for path in project.rglob('*') if path.is_dir())]:
            folder.chmod(0o555)
        environment = {'HOME': str(home), 'LC_ALL': 'C.UTF-8', 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS),
                       'PATH': os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])}
        given = {'private_data_dir': str(private), 'ident': '1', 'suppress_env_files': True,
                 'envvars': {**variables, **self.variables, 'AWX_PRIVATE_DATA_DIR': str(private)},
                 **{name: value for name, value in parameters.items() if value is not None}}
        done = subprocess.run([sys.executable, '-c', RUN], input=json.dumps(given), cwd=home, env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
        for folder in [project, *(path for path in project.rglob('*') if path.is_dir())]:
            folder.chmod(0o755)
        assert listing(project) == before
        assert {path.name for path in home.iterdir()} <= {'.ansible'}
        return Job(done.returncode, done.stdout + done.stderr, private)


def listing(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob('*'))
