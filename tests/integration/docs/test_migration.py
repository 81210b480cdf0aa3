# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/migration names every option of community.proxmox, and what it names here exists; its examples are run."""
from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, ansible_environment
from docs_tables import claims, codes, sections
from playbook import ansible

from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import UnknownOperation, tables

pytestmark = pytest.mark.matrix
PAGE = ROOT / 'docs' / 'migration.md'
SECTIONS = [section for page in sorted((ROOT / 'docs' / 'migration').glob('*.md')) for section in sections(page)]
# Keywords of a task, a part of the result, and a disk.
WORDS = {'loop_control', 'pending', 'unused0'}
# What an entry of disks takes beside the API's settings.
OF_DISKS = {'storage', 'size', 'format', 'import_from', 'volume', 'iso', 'state', 'keep_old'}


def documented(*words, environment):
    done = ansible('doc', '--json', *words, environment=environment)
    assert done.returncode == 0, done.stderr
    return {name.rpartition('.')[2]: entry['doc']['options'] for name, entry in json.loads(done.stdout).items()}


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    """Options of our modules, and of the inventory plugin as `pve`."""
    environment = ansible_environment(tmp_path_factory.mktemp('doc'))
    names = [f'pve.fleet.{file.stem}' for file in (ROOT / 'plugins' / 'modules').glob('*.py')]
    return {**documented(*names, environment=environment), **documented('-t', 'inventory', 'pve.fleet.pve', environment=environment)}


def installed():
    """The folder of community.proxmox among the packages of this Python, or None."""
    packages = importlib.util.find_spec('ansible_collections')
    places = packages.submodule_search_locations if packages else ()
    return next((folder for place in places if 'site-packages' in place and (folder := Path(place, 'community', 'proxmox')).is_dir()), None)


@pytest.fixture(scope='module')
def theirs(tmp_path_factory):
    """Options of the modules and the inventory plugin of community.proxmox, without those of the login."""
    folder = installed()
    if not folder:
        pytest.skip('community.proxmox is not installed here: its options are compared in the matrix run, which has the package ansible.')
    environment = ansible_environment(tmp_path_factory.mktemp('doc'))
    names = [f'community.proxmox.{file.stem}' for file in (folder / 'plugins' / 'modules').glob('proxmox*.py')]
    login = {token for row in login_rows() for token in codes(row[0])}
    found = documented(*names, environment=environment)
    found['community.proxmox.proxmox'] = documented('-t', 'inventory', 'community.proxmox.proxmox', environment=environment)['proxmox']
    return {module: {name: option for name, option in options.items() if name not in login or module == 'community.proxmox.proxmox'}
            for module, options in found.items()}


def login_rows():
    text = PAGE.read_text(encoding='utf-8').partition('## Login')[2].partition('## Modules')[0]
    return re.findall(r'^\| (`.+?) \| (.+) \|$', text, re.M)


def test_every_module_has_its_section_and_every_option_its_row(theirs):
    missing = []
    for module, options in sorted(theirs.items()):
        found = [section for section in SECTIONS if module in section.modules]
        if len(found) != 1:
            missing.append(f'{module}: {len(found)} sections')
            continue
        # Modules that share a section may name an option by one of its names.
        for name, option in options.items():
            if not {name, *(option.get('aliases') or [])} & found[0].there:
                missing.append(f'{module}: {name}')
            missing += [f'{module}: {name}.{sub}' for sub, one in (option.get('suboptions') or {}).items()
                        if not {sub, *(one.get('aliases') or [])} & found[0].there]
    assert not missing, '\n'.join(missing)


def test_every_option_that_a_section_names_is_one_of_community_proxmox(theirs):
    unknown = []
    for section in SECTIONS:
        known = {word for module in section.modules for word in names_in(theirs.get(module, {}))}
        unknown += [f'{section.modules}: {token}' for there, dummy in section.rows if known for token in codes(there)
                    for word in re.findall(r'[a-z_0-9]+', token.partition(':')[0]) if word not in known and not is_a_value(token)]
    assert not unknown, '\n'.join(unknown)


def names_in(options):
    for name, option in options.items():
        yield from (name, *(option.get('aliases') or []), *names_in(option.get('suboptions') or {}))


def is_a_value(token):
    """Words that stand in a row as values, such as those of state."""
    return token in {'present', 'started', 'stopped', 'restarted', 'paused', 'absent', 'template', 'revert', 'apply', 'pveam', '0',
                     'start', 'stop', 'restart'}


@pytest.mark.parametrize('section', SECTIONS, ids=lambda section: section.modules[0])
def test_what_a_section_names_here_exists(section, ours):
    wrong = []
    for dummy, here in section.rows:
        named = {name for kind, name in claims(here) if kind == 'module'}
        modules = section.ours | named or {'pve'}
        wrong += [f'there is no module {name}' for name in modules - set(ours)]
        options = [ours[module] for module in modules & set(ours)]
        for kind, claim in claims(here):
            if kind == 'option' and not any(exists(known, claim.split('.')) for known in options) and claim not in WORDS:
                wrong.append(f'no option {claim} ({here})')
            if kind == 'mapping':
                wrong += [f'{problem} ({here})' for problem in mapping_problems(claim, options, section)]
    assert not wrong, '\n'.join(wrong)


def exists(options, parts):
    option = options.get(parts[0])
    return option is not None and (len(parts) == 1 or exists(option.get('suboptions') or {}, parts[1:]))


def mapping_problems(mapping, options, section):
    """What is wrong with an example such as {'disks': {'scsi0': {'size': '8G'}}}."""
    for name, value in mapping.items():
        known = [option[name] for option in options if name in option]
        if name in WORDS:
            continue
        if not known:
            yield f'no option {name}'
        elif name in ('values', 'secret_values', 'params', 'secret_params', 'config', 'options'):
            yield from (f'no parameter {key} of {section.paths}' for key in value if not find(section, key))
        elif name in ('disks', 'networks', 'devices'):
            yield from device_problems(name, value, section)
        elif isinstance(value, dict) and known[0].get('suboptions'):
            yield from (f'no option {name}.{key}' for key in value if key not in known[0]['suboptions'])
        elif known[0].get('choices') and not isinstance(value, dict):
            yield from (f'{name} cannot be {word}' for word in (value if isinstance(value, list) else [value]) if word not in known[0]['choices'])


def device_problems(option, entries, section):
    for key, settings in entries.items():
        schema = find(section, key)
        if not schema:
            yield f'no device {key}'
        elif isinstance(settings, dict) and isinstance(schema.get('format'), dict):
            allowed = {*schema['format'], *(OF_DISKS if option == 'disks' else ())}
            yield from (f'{key} has no setting {name}' for name in settings if name not in allowed)


def find(section, key):
    return parameters(section).get(re.sub(r'\d+$', '[n]', key)) or parameters(section).get(key)


def parameters(section):
    """Schemas of all parameters that the API takes at the paths of a section, in any release and with any method."""
    found = {}
    for path in section.paths:
        for place in (path, path.rpartition('/')[0]):
            for release in ('7.4', '8.4', '9'):
                for method in ('GET', 'DELETE', 'PUT', 'POST'):
                    try:
                        found.update(tables(release).operation(method, place or '/').parameters)
                    except UnknownOperation:
                        continue
    return found


@pytest.mark.parametrize('section', [section for section in SECTIONS if section.paths], ids=lambda section: section.modules[0])
def test_the_paths_that_a_section_names_are_those_of_the_api(section):
    unknown = [path for path in section.paths if path.count('/') > 1 and not any(tables(release).methods(path) for release in ('7.4', '8.4', '9'))]
    assert [path for path in unknown if not path.startswith(('/mnt', '/srv')) and not path.endswith('/firewall')] == []


def test_the_overview_names_modules_and_sections_that_exist(ours):
    text = PAGE.read_text(encoding='utf-8')
    assert {token for token in codes(text) if re.fullmatch(r'pve_\w+', token)} <= set(ours)
    anchors = {f'{section.page}#{"-".join(section.modules)}' for section in SECTIONS}
    assert set(re.findall(r'\(migration/(\w+\.md#[\w-]+)\)', text)) <= anchors
    for there, here in login_rows():
        assert there
        assert {token for token in codes(here) if re.fullmatch(r'[a-z_]+', token)} <= set(ours['pve_vm'])


def block(page, name):
    return re.search(rf'^```yaml\n(# {re.escape(name)}\n.*?)^```', page.read_text(encoding='utf-8'), re.M | re.S)[1]


@pytest.fixture
def prod(tmp_path):
    """The cluster of docs/ci/fleet.yml, registered; prod(*words) runs an Ansible program beside it."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    with running(fleet=load(ROOT / 'docs' / 'ci' / 'fleet.yml', Clock('fast'))) as simulator:
        environment = ansible_environment(tmp_path / 'home', REQUESTS_CA_BUNDLE=simulator.ca_path)

        def run(*words):
            command = [sys.executable, '-m', 'ansible', *words]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run('playbook', 'pve.fleet.onboard', '-e', json.dumps({
            'cluster_name': 'prod', 'api_host': '127.0.0.1', 'api_port': simulator.port, 'ca_path': simulator.ca_path, 'discover': False,
            'api_password': 'pvesim-password'}))
        run.cluster = simulator.fleet.clusters['prod']
        yield run


@pytest.mark.skipif(not installed(), reason='community.proxmox is not installed here: both are run together in the matrix run.')
def test_both_collections_work_on_one_machine(prod, tmp_path):
    (tmp_path / 'both.yml').write_text(block(PAGE, 'both.yml'), encoding='utf-8')
    prod('playbook', 'both.yml')
    guest, = prod.cluster.guests.values()
    assert (guest.config['memory'], '16G' in guest.config['scsi0']) in ((4096, True), ('4096', True))


def test_the_inventory_with_the_groups_of_before(prod, tmp_path):
    (tmp_path / 'as_before.pve.yml').write_text(block(ROOT / 'docs/migration/inventory.md', 'as_before.pve.yml'), encoding='utf-8')
    task = {'pve.fleet.pve_vm': {'cluster': 'prod', 'name': 'web-01', 'memory': 512, 'disks': {'scsi0': {'storage': 'ceph', 'size': '1G'}}, 'state': 'started'}}
    (tmp_path / 'make.yml').write_text(yaml.safe_dump([{'hosts': 'localhost', 'gather_facts': False, 'tasks': [task]}]), encoding='utf-8')
    prod('playbook', 'make.yml')
    graph = prod('inventory', '-i', 'as_before.pve.yml', '--graph')
    assert '@proxmox_all_running:' in graph
    assert '@proxmox_all_qemu:' in graph
    assert 'proxmox_vmid' in prod('inventory', '-i', 'as_before.pve.yml', '--list')
