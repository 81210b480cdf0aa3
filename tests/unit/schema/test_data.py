# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated tables: same content as their source, and usable without Ansible."""
from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / 'plugins' / 'module_utils' / 'schema' / 'data'
SOURCE = ROOT.parent / 'shared' / 'pve-api'
RELEASES = ('7.4', '8.4', '9')


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generator = load(ROOT / 'tests' / 'tools' / 'make_tables.py')


def table(release: str):
    return load(DATA / f'{generator.module_name(release)}.py')


@pytest.mark.parametrize('release', RELEASES)
def test_table_has_as_many_operations_as_its_source_says(release):
    module = table(release)
    assert len(module.operations()) == module.META['operations']
    assert module.operations() is module.operations()


@pytest.mark.parametrize('release', RELEASES)
def test_table_needs_the_standard_library_only(release):
    tree = ast.parse((DATA / f'{generator.module_name(release)}.py').read_text(encoding='ascii'))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {'base64', 'functools', 'json', 'zlib'}


@pytest.mark.parametrize('release', RELEASES)
def test_generating_again_gives_the_same_content(release, tmp_path):
    path = SOURCE / f'pve-{release}.json'
    if not path.is_file():
        pytest.skip(f'{path} is absent, so the table of {release} cannot be compared with its source.')
    meta, operations = generator.read_source(path)
    written = tmp_path / 'again.py'
    written.write_text(generator.render(release, meta, operations), encoding='ascii')
    again, kept = load(written), table(release)
    assert kept.META == again.META == meta
    assert kept.operations() == again.operations() == operations


def test_generator_says_which_source_is_missing(tmp_path, capsys):
    assert generator.main([str(tmp_path)]) == 1
    assert 'pve-7.4.json does not exist' in capsys.readouterr().err


def test_every_table_is_named_by_an_import_statement():
    tree = ast.parse((DATA.parent / 'tables.py').read_text(encoding='utf-8'))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == 'data'
             for alias in node.names}
    assert named == {path.stem for path in DATA.glob('pve_*.py')}
