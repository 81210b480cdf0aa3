# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make bench` chooses to run and how it shows it."""
from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import run as bench
from row import row


@pytest.fixture
def modules(monkeypatch):
    """Two benchmarks, one of which names its rows; notes what was asked of it."""
    asked = []

    def two_rows(only=None):
        asked.append(only)
        return [row('list', 'ms', 8.0, goal='ours <= 10'), row('register', 's', 12.0, floor=4.0, goal='ours <= 10')]

    found = {
        'facts': SimpleNamespace(__name__='facts', rows=lambda: [row('gather', 's', 1.0)]),
        'registry': SimpleNamespace(__name__='registry', NAMES=('list', 'register'), rows=two_rows),
    }
    monkeypatch.setattr(bench, 'benchmarks', lambda: found)
    monkeypatch.setattr(bench, 'import_paths', lambda: None)
    return SimpleNamespace(asked=asked, found=found)


def test_all_benchmarks_in_one_table(modules, capsys):
    assert bench.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['name', 'gather', 'list', 'register']
    assert lines[2].split() == ['list', 'ms', '8', '-', '-', '-', '-', 'ours', '<=', '10', 'yes']
    assert lines[3].endswith('NO')


def test_one_row_of_one_benchmark(modules, tmp_path, capsys):
    assert bench.main(['--only', 'register', '--json', str(tmp_path / 'rows.json')]) == 0
    rows = json.loads((tmp_path / 'rows.json').read_text())
    assert modules.asked == ['register']
    assert [(entry['name'], entry['ratio_to_floor'], entry['ratio_to_peer'], entry['met']) for entry in rows] == [('register', 3.0, None, False)]


def test_a_name_that_does_not_exist(modules, capsys):
    assert bench.main(['--only', 'nosuch']) == 2
    assert capsys.readouterr().err == 'No benchmark is named nosuch; there are: facts, registry, list, register.\n'


def test_a_benchmark_that_cannot_run_does_not_cost_the_others(modules, capsys):
    modules.found['facts'].rows = lambda: 1 // 0
    assert bench.main([]) == 1
    output = capsys.readouterr()
    assert 'register' in output.out
    assert output.err.endswith('Could not run: facts.\n')
