# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What make says when something is missing: one sentence, and a status that is not 0."""
from __future__ import annotations

import subprocess
import sys

import environment
import pytest
from checkout import ROOT


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(['make', '--no-print-directory', *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that make's own 'Error 1' follows."""
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith('make')]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_python_that_does_not_exist():
    assert complaint(make('demo', 'PYTHON=nosuch')).startswith('nosuch was not found: install Python 3.10 or newer')


def test_a_python_that_is_too_old(tmp_path):
    old = tmp_path / 'python'
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.8.1" && exit\nexit 1\n', encoding='utf-8')
    old.chmod(0o755)
    assert complaint(make('test', f'PYTHON={old}')) == f'{old} is Python 3.8.1, too old for pve.fleet: name Python 3.10 or newer, as in make PYTHON=python3.12.'


def test_a_python_without_venv(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ensurepip', None)
    with pytest.raises(environment.Missing, match=r'cannot make virtual environments: install its venv module .*python3-venv'):
        environment.check_python()


def test_an_environment_is_made_again_when_an_included_requirement_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, 'REQUIREMENTS', tmp_path)
    (tmp_path / 'test.txt').write_text('-r core.txt\npytest\n', encoding='utf-8')
    (tmp_path / 'core.txt').write_text('ansible-core>=2.17\n', encoding='utf-8')
    files = environment.requirement_files('test')
    before = environment.fingerprint(files)
    (tmp_path / 'core.txt').write_text('ansible-core>=2.19\n', encoding='utf-8')
    assert [file.name for file in files] == ['test.txt', 'core.txt']
    assert environment.fingerprint(files) != before
