# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that a page shows is run, page after page, against a simulated cluster named prod."""
from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, ansible_environment
from docs_programs import temporary_folder, write_programs
from playbook import CALLBACKS

PAGES = sorted(str(page.relative_to(ROOT)) for page in [
    ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md'), *(ROOT / 'roles').glob('*/README.md'), ROOT / 'extensions/awx/README.md',
    ROOT / 'tests/simulator/README.md'])
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
# Commands that other tests run, and which.
ELSEWHERE = {
    'make -C pve.fleet demo': 'tests/integration/workflows/test_demo.py',
    'git clone https://github.com/pve-fleet/pve.fleet': 'tests/integration/test_installed.py',
    'ansible-galaxy collection install pve.fleet': 'tests/integration/docs/test_ci_examples.py',
    'pip install -r ~/.ansible/collections/ansible_collections/pve/fleet/requirements/runtime.txt': 'tests/integration/docs/test_ci_examples.py',
    'ansible-playbook pve.fleet.demo': 'tests/integration/workflows/test_demo.py',
    'ansible-playbook both.yml': 'tests/integration/docs/test_migration.py',
    'ansible-inventory -i as_before.pve.yml --graph': 'tests/integration/docs/test_migration.py',
}
# A server that goes on until it is ended: it is started, says that it is ready, and is ended.
SERVERS = {'PYTHONPATH=tests/simulator python -m pvesim --clusters 3 --nodes 5 --guests 200'}
# Within a sentence: programs of the project, whose commands are looked at, and those of a Proxmox VE node.
HERE = {'make', 'ansible-playbook', 'ansible-doc', 'ansible-builder', 'python', 'ansible-inventory', 'ansible'}
FLEET = """
clusters:
  - name: prod
    nodes: [{name: pve1, ip: 127.101.0.11}, {name: pve2, ip: 127.101.0.12}, {name: pve3, ip: 127.101.0.13}]
    files: [{volid: 'local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst', size: 120M}]
    storages:
      - {storage: local, type: dir, path: /var/lib/vz, content: [iso, vztmpl, backup, import], size: 200G}
      - {storage: ceph, type: rbd, pool: vm, content: [images, rootdir], size: 20T}
      - {storage: backup, type: nfs, server: 10.0.0.9, export: /backup, content: [backup], size: 20T}
    guests:
      - {name: db-01, node: pve2, status: running, config: {scsi0: 'ceph:8', net0: 'virtio,bridge=vmbr0'}}
      - {name: debian-13, vmid: 9000, node: pve1, template: true, config: {scsi0: 'ceph:4'}}
"""


def text_of(page):
    return (ROOT / page).read_text(encoding='utf-8')


def blocks(page):
    """[(language, text)] of the fenced blocks of a page."""
    return BLOCK.findall(text_of(page))


def commands(text):
    """The lines of a console block that are commands."""
    return [line[2:] for line in text.splitlines() if line.startswith('$ ')]


def shown(page):
    return [command for language, text in blocks(page) if language == 'console' for command in commands(text)]


@pytest.fixture
def prod(tmp_path):
    """The cluster prod: its simulator."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    (tmp_path / 'fleet.yml').write_text(FLEET, encoding='utf-8')
    with running(fleet=load(tmp_path / 'fleet.yml', Clock('fast'))) as simulator:
        yield simulator


class Reader:
    """Somebody who does what a page says, in a folder of his own, with the addresses and passwords of the simulated cluster."""

    def __init__(self, folder, simulator, temporary):
        self.folder, self.simulator = folder / 'reader', simulator
        self.folder.mkdir()
        for name in ('tests', 'requirements', 'docs'):
            (self.folder / name).symlink_to(ROOT / name)
        self.environment = ansible_environment(folder / 'home', TMPDIR=temporary, ANSIBLE_NOCOLOR='1', ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS))
        # No node can be logged in to: ssh only keeps where it was to go.
        self.environment['PATH'] = write_programs(folder / 'bin', ssh=f'echo "$@" >> {folder}/ssh.log')
        self.logins = folder / 'ssh.log'
        self.exports = []
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]

    def adapted(self, text):
        text = re.sub(r'/tmp/pvesim(?=[/\s]|$)', str(self.folder / 'pvesim'), text)
        text = re.sub(r'(?<=host: )pve1\.example\.com', f'127.0.0.1, port: {self.simulator.port}', text)
        return (
            text.replace("'the password of root@pam'", 'pvesim-password')
            .replace('api_host=pve1.example.com', f'api_host=127.0.0.1 -e api_port={self.simulator.port}')
            .replace('/etc/ssl/pve-ca.pem', self.simulator.ca_path)
            .replace('python -m pvesim --nodes', f'python -m pvesim --port {self.port} --no-node-addresses --nodes')
            .replace('ansible.builtin.apt: {update_cache: true, upgrade: dist}', 'ansible.builtin.raw: apt-get -y dist-upgrade\n  check_mode: false')
            .replace('127.0.0.1:8006', f'127.0.0.1:{self.port}')
            .replace('PROXMOX_HOST=127.0.0.1', f'PROXMOX_HOST=127.0.0.1 PROXMOX_PORT={self.port}')
        )

    def keeps(self, text):
        """A YAML block that begins with its name is a file that the commands use."""
        named = re.match(r'# (\S+\.yml)\n', text)
        if named:
            (self.folder / named[1]).write_text(self.adapted(text), encoding='utf-8')

    def runs(self, command):
        """The exit status and what was printed; exports hold for the commands that follow."""
        script = '\n'.join([*self.exports, self.adapted(command), *(['echo $! > background.pid'] if command.endswith('&') else [])])
        done = subprocess.run(['bash', '-c', script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=300)
        if command.startswith('export '):
            self.exports.append(self.adapted(command))
        return done.returncode, done.stdout + done.stderr

    def tries_server(self, command):
        with subprocess.Popen(['bash', '-c', f'exec env {self.adapted(command)} --port 0 --no-node-addresses'], cwd=self.folder, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            line = process.stdout.readline()
            process.terminate()
        return (0 if ' is ready at ' in line else 1), line

    def tidies_up(self):
        background = self.folder / 'background.pid'
        if background.exists():
            os.kill(int(background.read_text(encoding='utf-8')), signal.SIGTERM)


@pytest.fixture
def reader(tmp_path, prod):
    with temporary_folder() as temporary:
        one = Reader(tmp_path, prod, temporary)
        yield one
        one.tidies_up()


def prepared(reader, page):
    """Every page but the first stands on what the first has done: a registered cluster, and its files."""
    for language, text in blocks('docs/getting_started.md'):
        if language == 'yaml':
            reader.keeps(text)
    if page not in ('docs/getting_started.md', 'docs/guides/register.md', 'tests/simulator/README.md'):
        variables = {'cluster_name': 'prod', 'api_host': '127.0.0.1', 'api_port': reader.simulator.port, 'ca_path': reader.simulator.ca_path,
                     'api_password': 'pvesim-password', 'discover': False}
        status, output = reader.runs(f"ansible-playbook pve.fleet.onboard -e '{json.dumps(variables)}'")
        assert status == 0, output


@pytest.mark.parametrize('page', [page for page in PAGES if set(shown(page)) - set(ELSEWHERE)])
def test_the_commands_of_a_page(reader, page):
    prepared(reader, page)
    for language, text in blocks(page):
        if language == 'yaml':
            reader.keeps(text)
    failing = []
    for command in shown(page):
        if command in ELSEWHERE:
            continue
        status, output = reader.tries_server(command) if command in SERVERS else reader.runs(command)
        if status:
            failing.append(f'{page}: {command}\n{output}')
    assert not failing, '\n'.join(failing)
    if 'delegate_to' in text_of(page):
        assert re.search(r' pve1 .*dist-upgrade', reader.logins.read_text(encoding='utf-8'))


def test_commands_that_are_run_elsewhere_are_shown_and_their_tests_exist():
    everywhere = {command for page in PAGES for command in shown(page)}
    assert set(ELSEWHERE) <= everywhere
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())


@pytest.mark.parametrize('page', PAGES)
def test_a_page_shows_commands_in_console_blocks_only(page):
    assert {language for language, dummy in blocks(page)} <= {'console', 'yaml', 'python', 'text'}
    prose = BLOCK.sub('', text_of(page))
    assert not re.findall(rf'^    (?:{"|".join(HERE)}|pip|PYTHONPATH)\b.*', prose, re.M)
    for language, text in blocks(page):
        if language == 'console':
            assert all(line.startswith('$ ') for line in text.splitlines()), text


def inline(page):
    """Commands within sentences and tables, without variables before them: [words]."""
    found = []
    for code in re.findall(r'`([^`\n]+)`', BLOCK.sub('', text_of(page))):
        words = [word for word in code.split() if not re.match(r'[A-Z_]+=', word)]
        if len(words) > 1 and words[0] in HERE:
            found.append(words)
    return found


@pytest.mark.parametrize('page', [page for page in PAGES if inline(page)])
def test_commands_within_sentences_name_what_exists(page):
    targets = set(re.findall(r'^([a-z]+):', (ROOT / 'Makefile').read_text(encoding='utf-8'), re.M))
    modules = {file.stem for file in (ROOT / 'plugins').glob('*/*.py')}
    for words in inline(page):
        if words[0] == 'make':
            assert words[1] in targets, words
        named = {name for word in words for name in re.findall(r'pve\.fleet\.(\w+)', word)}
        wanted = {file.stem for file in (ROOT / 'playbooks').glob('*.yml')} if words[0] == 'ansible-playbook' else modules
        assert named <= wanted, words


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    for link, anchor in re.findall(r'\]\(([^)#:\s]*)(?:#([^)]*))?\)', text_of(page)):
        target = (ROOT / page).parent / Path(link) if link else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), f'{link}#{anchor}'


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.+)$', BLOCK.sub('', page.read_text(encoding='utf-8')), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def tasks_of(value):
    """Every task of a block: of plays, blocks, or a list of tasks."""
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, dict):
            yield entry
            for key in ('tasks', 'block', 'pre_tasks'):
                yield from tasks_of(entry.get(key))


@pytest.fixture(scope='module')
def documented(tmp_path_factory):
    """Option names of all modules and the inventory plugin."""
    from playbook import ansible

    environment = ansible_environment(tmp_path_factory.mktemp('doc'))
    names = [f'pve.fleet.{file.stem}' for file in (ROOT / 'plugins' / 'modules').glob('*.py')]
    modules = ansible('doc', '--json', *names, environment=environment)
    inventory = ansible('doc', '--json', '-t', 'inventory', 'pve.fleet.pve', environment=environment)
    return {name: set(entry['doc']['options']) for done in (modules, inventory) for name, entry in json.loads(done.stdout).items()}


@pytest.mark.parametrize('page', [page for page in PAGES if any(language == 'yaml' for language, dummy in blocks(page))])
def test_yaml_on_a_page_uses_options_and_variables_that_exist(page, documented):
    for language, text in blocks(page):
        if language != 'yaml':
            continue
        content = yaml.safe_load(text)
        if isinstance(content, dict) and content.get('plugin') == 'pve.fleet.pve':
            assert set(content) <= documented['pve.fleet.pve'], content
        for task in tasks_of(content):
            for name, options in task.items():
                if name.startswith('pve.fleet.pve_'):
                    assert set(options or {}) <= documented[name], name
            for role in task.get('roles', []):
                assert set(role.get('vars', {})) <= variables(role['role']), role['role']


@pytest.mark.parametrize('page', [page for page in PAGES if 'delegate_to' in text_of(page)])
def test_a_delegated_task_says_how_the_host_is_reached(page):
    delegated = [task for language, text in blocks(page) if language == 'yaml' for task in tasks_of(yaml.safe_load(text)) if 'delegate_to' in task]
    assert [task['name'] for task in delegated if task.get('connection') != 'ansible.builtin.ssh'] == []


def variables(role):
    file = ROOT / 'roles' / role.rpartition('.')[2] / 'meta' / 'argument_specs.yml'
    return set(yaml.safe_load(file.read_text(encoding='utf-8'))['argument_specs']['main']['options'])
