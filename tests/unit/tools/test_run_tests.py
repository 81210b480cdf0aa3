# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
import pythons
from run_tests import add_up, others, parse


@pytest.mark.parametrize(('line', 'counts'), [
    ('===== 512 passed, 3 skipped in 300.12s (0:05:00) =====', {'passed': 512, 'skipped': 3}),
    ('2 failed, 1 error, 1 warning in 0.10s', {'failed': 2, 'errors': 1, 'warnings': 1}),
    ('tests/unit/test_x.py::test_y took 3 passed words', {}),
    ('===== no tests ran in 0.01s =====', {}),
])
def test_reads_pytests_closing_line(line, counts):
    assert parse(line) == counts


def test_adds_up_the_runs_of_the_matrix():
    assert add_up([{'passed': 500, 'skipped': 2}, {'failed': 1, 'passed': 20}], 12.345) == '1 failed, 520 passed, 2 skipped in 12.35s'


def test_the_matrix_has_the_runs_that_the_machine_has_pythons_for(monkeypatch):
    monkeypatch.setattr(pythons, 'second_environment', lambda purpose: None)
    monkeypatch.setattr(pythons, 'oldest_environment', Path)
    assert list(others()) == [('oldest', Path('test'))]
