# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: ansible-builder makes its build context, and finds what the installed collection needs."""
from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml
from artifact import install
from checkout import ROOT
from packaging.requirements import Requirement

pytestmark = pytest.mark.matrix
DEFINITION = ROOT / 'extensions' / 'awx' / 'execution-environment.yml'


def builder(*words, cwd):
    done = subprocess.run([sys.executable, '-m', 'ansible_builder', *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def requirements(lines):
    return {Requirement(line.partition('#')[0]) for line in lines if line.partition('#')[0].strip()}


@pytest.fixture(scope='module')
def context(tmp_path_factory):
    """The build context."""
    folder = tmp_path_factory.mktemp('image')
    builder('create', '-f', str(DEFINITION), '-c', str(folder / 'context'), '--output-filename', 'Containerfile', cwd=folder)
    return folder / 'context'


def test_the_context_installs_the_collection_and_what_runs_jobs(context):
    containerfile = (context / 'Containerfile').read_text(encoding='utf-8')
    definition = yaml.safe_load(DEFINITION.read_text(encoding='utf-8'))
    assert f'ARG EE_BASE_IMAGE="{definition["images"]["base_image"]["name"]}"' in containerfile
    assert 'ansible-core>=2.17' in containerfile
    assert 'ansible-runner>=2.4' in containerfile
    assert 'introspect.py introspect' in containerfile
    galaxy = yaml.safe_load((context / '_build' / 'requirements.yml').read_text(encoding='utf-8'))
    assert galaxy['collections'] == [{'name': 'pve.fleet'}]
    assert (context / '_build' / 'bindep.txt').read_text(encoding='utf-8').split('[')[0].strip() == 'openssh-clients'


def test_the_installed_collection_tells_the_builder_what_it_needs(tmp_path):
    install(tmp_path)
    pip, bindep = tmp_path / 'requirements.txt', tmp_path / 'bindep.txt'
    builder('introspect', str(tmp_path / 'collections'), '--write-pip', str(pip), '--write-bindep', str(bindep), cwd=tmp_path)
    found = requirements(pip.read_text(encoding='utf-8').splitlines())
    wanted = {'proxmoxer', 'requests', 'SQLAlchemy', 'alembic', 'cryptography', 'psycopg'}
    assert {one.name for one in found} == wanted
    assert found == requirements((ROOT / 'meta' / 'ee-requirements.txt').read_text(encoding='utf-8').splitlines())
    runtime = requirements((ROOT / 'requirements' / 'runtime.txt').read_text(encoding='utf-8').splitlines())
    assert {(one.name, one.specifier) for one in found} == {(one.name, one.specifier) for one in runtime}
    assert re.findall(r'^(\S+) ', bindep.read_text(encoding='utf-8'), re.M) == ['libpq', 'libpq5']


def test_the_fragment_names_files_from_the_root_of_the_collection():
    fragment = yaml.safe_load((ROOT / 'meta' / 'execution-environment.yml').read_text(encoding='utf-8'))
    assert set(fragment) == {'version', 'dependencies'}
    assert all((ROOT / path).is_file() for path in fragment['dependencies'].values())
