# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a whole: its metadata fit what is there, its parts import only what they may, its artifact works elsewhere."""
from __future__ import annotations

import ast
import json
import re
import tarfile

import make_runtime
import pytest
import yaml
from artifact import install
from checkout import ROOT
from playbook import ansible

OURS = 'ansible_collections.pve.fleet'
MODULES = make_runtime.modules()
HEADER = (
    '# Copyright: (c) 2026, pve.fleet contributors\n'
    '# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n'
    '# SPDX-License-Identifier: GPL-3.0-or-later\n'
)


def sources(folder: str) -> list:
    """Python files with content under a folder of the project."""
    return [file for file in sorted((ROOT / folder).rglob('*.py')) if file.stat().st_size]


def imported(file) -> set[str]:
    """Dotted names of everything that a file imports, relative names made whole."""
    package = [*OURS.split('.'), *file.relative_to(ROOT).with_suffix('').parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            names.update('.'.join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)
    return names


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding='utf-8'))


def packages(name: str) -> dict[str, str]:
    """Requirement lines of a file by the package's name, extras and comments left out."""
    lines = (line.strip() for line in (ROOT / name).read_text(encoding='utf-8').splitlines())
    pairs = (re.fullmatch(r'([\w.-]+)(?:\[\w+\])?(.*)', line) for line in lines if line and not line.startswith(('#', '-r')))
    return {match[1].lower(): match[2] for match in pairs}


def test_galaxy_metadata_names_the_collection_and_where_it_lives():
    galaxy = load('galaxy.yml')
    assert (galaxy['namespace'], galaxy['name'], galaxy['license']) == ('pve', 'fleet', ['GPL-3.0-or-later'])
    assert (ROOT / galaxy['readme']).read_text(encoding='utf-8').startswith('# pve.fleet')
    assert all(galaxy[key].startswith('https://') for key in ('repository', 'documentation', 'homepage', 'issues'))
    assert 'GNU GENERAL PUBLIC LICENSE' in (ROOT / 'LICENSE').read_text(encoding='utf-8')


def test_every_module_is_in_the_action_group_and_routed():
    assert make_runtime.TARGET.read_text(encoding='utf-8') == make_runtime.runtime(MODULES), 'run `make runtime`'


def test_the_runtime_table_lists_and_routes_what_it_is_given():
    table = yaml.safe_load(make_runtime.runtime(['pve_pool', 'pve_vm']))
    assert table['action_groups'] == {'all': ['pve_pool', 'pve_vm']}
    assert table['plugin_routing']['modules']['pve_vm'] == {'action_plugin': 'pve.fleet.in_process'}
    assert table['requires_ansible'] == '>=2.17.0'


def test_execution_environment_has_what_the_collection_needs():
    environment = load('meta/execution-environment.yml')['dependencies']
    assert packages(environment['python']) == packages('requirements/runtime.txt')
    assert (ROOT / environment['system']).exists()


def test_exceptions_from_sanity_tests_carry_a_reason():
    for file in (ROOT / 'tests' / 'sanity').glob('ignore-*.txt'):
        for line in file.read_text(encoding='utf-8').splitlines():
            assert re.search(r'  # \w.*', line), f'{file.name}: no reason beside: {line}'


@pytest.mark.parametrize('file', sources('plugins/module_utils'), ids=lambda file: str(file.relative_to(ROOT / 'plugins')))
def test_module_utils_import_nothing_above_them(file):
    above = [name for name in imported(file) if re.match(rf'{OURS}\.(?!plugins\.module_utils\b)|tests\b|pvesim\b|ansible\.(?!module_utils\b)', f'{name}.')]
    assert not above, f'{file.relative_to(ROOT)} imports {", ".join(above)}'


@pytest.mark.parametrize('file', sources('plugins'), ids=lambda file: str(file.relative_to(ROOT / 'plugins')))
def test_plugins_begin_with_copyright_and_licence(file):
    text = file.read_text(encoding='utf-8')
    assert text.startswith((HEADER, f'#!/usr/bin/python\n{HEADER}'))


def test_package_markers_are_empty():
    # plugins/action/__init__.py loads the action before Ansible forks; it says why.
    exception = ROOT / 'plugins' / 'action' / '__init__.py'
    assert [file for file in (ROOT / 'plugins').rglob('__init__.py') if file.stat().st_size] == [exception]


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """Variables for an Ansible that knows the collection only from its artifact, and the folder where that is installed."""
    return install(tmp_path_factory.mktemp('installed'))


def test_artifact_holds_the_collection_and_no_leftovers(installed):
    with tarfile.open(installed[1]) as artifact:
        names = artifact.getnames()
    assert {'MANIFEST.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'meta/runtime.yml'} <= set(names)
    assert not [name for name in names if re.search(r'(^|/)(\.build|\.ci|\.git|__pycache__|\.\w+_cache)(/|$)|\.pyc$|^tests/output', name)]


@pytest.mark.matrix
@pytest.mark.skipif(not MODULES, reason='the collection has no modules')
def test_installed_modules_have_documentation(installed):
    environment, artifact = installed
    names = [f'pve.fleet.{name}' for name in MODULES]
    shown = ansible('doc', '--json', *names, environment=environment, cwd=artifact.parent)
    assert shown.returncode == 0, shown.stderr
    documents = json.loads(shown.stdout)
    assert sorted(documents) == names
    assert all(document['doc']['short_description'] and document['examples'] and document['return'] for document in documents.values())
    assert all(document['doc']['filename'].startswith(str(artifact.parent)) for document in documents.values())
