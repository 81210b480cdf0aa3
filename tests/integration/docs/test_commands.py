# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the pages for users show is run, page after page, against a simulated cluster named prod."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from playbook import Playbooks

PAGES = ['docs/getting_started.md', *sorted(str(page.relative_to(ROOT)) for page in (ROOT / 'docs/guides').glob('*.md')), 'docs/pvesim.md']
BLOCK = re.compile(r'^```(console|yaml)\n(.*?)^```', re.M | re.S)
# Run elsewhere: the demo by tests of its own, the installation by the tests of the artifact.
ELSEWHERE = re.compile(r'make demo|git clone|ansible-galaxy collection install|pip install')
FLEET = """
clusters:
  - name: prod
    nodes: [pve1, pve2, pve3]
    storages:
      - {storage: local, type: dir, path: /var/lib/vz, content: [iso, vztmpl, backup, import], size: 200G}
      - {storage: ceph, type: rbd, pool: vm, content: [images, rootdir], size: 20T}
"""


def blocks(page):
    """[(language, text)] of the fenced blocks of a page."""
    return BLOCK.findall((ROOT / page).read_text(encoding='utf-8'))


def commands(text):
    return [line[2:] for line in text.splitlines() if line.startswith('$ ')]


def write_file(folder, text):
    """A YAML block that begins with its name is a file that the commands use."""
    named = re.match(r'# (\S+\.yml)\n', text)
    if named:
        (folder / named[1]).write_text(text, encoding='utf-8')


@pytest.fixture
def prod(tmp_path):
    """The cluster prod: its simulator."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    (tmp_path / 'fleet.yml').write_text(FLEET, encoding='utf-8')
    with running(fleet=load(tmp_path / 'fleet.yml', Clock('fast'))) as simulator:
        yield simulator


def adapted(command, simulator):
    """The command with the simulated cluster's address, password and certificate in place of the reader's."""
    return (
        command.replace("'the password of root@pam'", 'pvesim-password')
        .replace('api_host=pve1.example.com', f'api_host=127.0.0.1 -e api_port={simulator.port} -e discover=false')
        .replace('/etc/ssl/pve-ca.pem', simulator.ca_path)
    )


def test_the_commands_of_the_pages(tmp_path, prod):
    environment = {**os.environ, **Playbooks(tmp_path).environment(PVE_TEST_RESULTS=str(tmp_path / 'results'), TMPDIR=str(tmp_path))}
    script = ['set -e', f'ansible-playbook() {{ "{sys.executable}" -m ansible playbook "$@"; }}',
              f'ansible-inventory() {{ "{sys.executable}" -m ansible inventory "$@"; }}']
    failing = []
    for page in PAGES:
        for language, text in blocks(page):
            if language == 'yaml':
                write_file(tmp_path, text)
                continue
            for command in commands(text):
                if ELSEWHERE.search(command):
                    continue
                exports = [line for line in script if line.startswith('export ')]
                done = subprocess.run(
                    ['bash', '-c', '\n'.join([*script[:3], *exports, adapted(command, prod)])], cwd=tmp_path, env=environment,
                    capture_output=True, text=True, check=False, timeout=300)
                if command.startswith('export '):
                    script.append(adapted(command, prod))
                if done.returncode:
                    failing.append(f'{page}: {command}\n{done.stdout}\n{done.stderr}')
    stop_simulator(tmp_path)
    assert not failing, '\n'.join(failing)


def stop_simulator(folder):
    daemon = ROOT / 'roles' / 'pvesim' / 'files' / 'daemon.py'
    subprocess.run([sys.executable, str(daemon), 'stop', str(folder / f'pvesim-{os.getuid()}')], check=True, capture_output=True)


@pytest.mark.parametrize('page', [str(page.relative_to(ROOT)) for page in [*(ROOT / 'docs').rglob('*.md'), *(ROOT / 'roles').glob('*/README.md')]])
def test_yaml_on_pages_is_valid_and_links_lead_somewhere(page):
    for language, text in blocks(page):
        if language == 'yaml':
            yaml.safe_load(text)
    for link in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', (ROOT / page).read_text(encoding='utf-8')):
        assert ((ROOT / page).parent / Path(link)).exists(), link
