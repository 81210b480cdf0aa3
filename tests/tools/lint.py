# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every static check of the project and say how long each took.

Usage: python tests/tools/lint.py [NAME ...]     ("list" names the checks)

Run by `make lint` with the Python of the lint environment. The checks read a copy of the project under .build/lint, so
that their caches stay there and the collection has the path that they ask for. With MATRIX=1 ansible-test runs on the
second Python and its ansible-core as well. FULL=1 adds what is slow: importing on every Python of the machine, not only
this one and the oldest, and pylint on the second Python. The exit status is 1 when any check failed.
"""
from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pythons
import sanity
from checkout import BUILD, copy_collection

HOME = BUILD / 'lint-home'
PRINT = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Check:
    """One check: the commands, run one after another in the copy, and the variables beside the usual ones."""

    name: str
    commands: list[list[str]]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a check went: its output is worth showing only when it failed."""

    check: Check
    seconds: float
    passed: bool
    output: str


def usual_environment(python: Path, collections: Path) -> dict[str, str]:
    """Variables for every check: the environment's programs first, a home of its own, no colours in what is kept."""
    home = HOME / python.parents[1].name
    home.mkdir(parents=True, exist_ok=True)
    dropped = ('ANSIBLE_', 'PVE_', 'PROXMOX_', 'PYTHONPATH', 'VIRTUAL_ENV')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # pyenv's stand-ins fail for a version that is not switched on, so ansible-test is shown the Pythons themselves.
    path = [entry for entry in kept.get('PATH', os.defpath).split(os.pathsep) if not entry.endswith('/shims')]
    others = list(pythons.find_all().values())
    found = [str(other.parent) for other in (others if os.environ.get('FULL') else others[-1:])]
    return {
        **kept,
        'HOME': str(home),
        'XDG_CACHE_HOME': os.environ.get('XDG_CACHE_HOME', str(Path.home() / '.cache')),  # pip's downloads
        'XDG_CONFIG_HOME': os.environ.get('XDG_CONFIG_HOME', str(Path.home() / '.config')),  # pip's settings: mirrors, certificates
        'PATH': os.pathsep.join([str(python.parent), *found, *path]),
        'ANSIBLE_COLLECTIONS_PATH': str(collections),
        'LC_ALL': 'C.UTF-8',
        'NO_COLOR': '1',
        'PIP_QUIET': '1',
    }


def run(check: Check, folder: Path, environment: dict[str, str]) -> Outcome:
    """Run the commands of a check up to the first that fails, and print one line about it."""
    began = time.monotonic()
    output, passed = '', True
    for command in check.commands:
        done = subprocess.run(
            command, cwd=folder, env={**environment, **check.environment}, text=True, errors='replace',
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )
        output += done.stdout
        passed = done.returncode == 0
        if not passed:
            break
    outcome = Outcome(check, time.monotonic() - began, passed, output)
    with PRINT:
        if not passed:
            print(f'--- {check.name} ---\n{output.rstrip()}')
        print(f'{"ok    " if passed else "FAILED"} {outcome.seconds:6.1f}s  {check.name}', flush=True)
    return outcome


def checks(python: Path) -> list[Check]:
    """The checks on one copy and one Python, the longest first."""
    tool = python.parent
    return [
        *(Check(name, [command]) for name, command in sanity.commands(python)),
        Check('ansible-lint', [[str(tool / 'ansible-lint')]]),
        Check('galaxy-importer', [[str(python), str(Path(__file__).with_name('galaxy_import.py'))]]),
        Check('antsibull-docs', [[str(tool / 'antsibull-docs'), 'lint-collection-docs', '--plugin-docs', '.']]),
        Check('antsibull-changelog', [[str(tool / 'antsibull-changelog'), 'lint']]),
        Check('yamllint', [[str(tool / 'yamllint'), '--strict', '.']]),
        Check('ruff', [[str(tool / 'ruff'), 'check', '--no-cache', '--output-format', 'concise', '.']]),
        Check('runtime', [[str(python), 'tests/tools/make_runtime.py', '--check']]),
    ]


def prepared(python: Path, name: str) -> tuple[Path, dict[str, str]]:
    """A fresh copy of the project under .build/<name> and the variables for checks in it."""
    target = BUILD / name
    environment = usual_environment(python, target)
    sanity.prepare(python, Path(environment['HOME']))
    folder = copy_collection(target)
    sanity.hide_outer_repository(folder)
    return folder, environment


def second_checks(python: Path) -> list[Check]:
    """ansible-test of the second Python's ansible-core, on that Python alone; pylint, whose rules differ little, with FULL=1."""
    version = python.parents[1].name.removeprefix('lint-')
    commands = sanity.commands(python, only=version)
    wanted = [(name, command) for name, command in commands if os.environ.get('FULL') or 'pylint' not in name]
    return [Check(f'{name} (Python {version})', [command]) for name, command in wanted]


def main(arguments: list[str]) -> int:
    python = Path(sys.executable)
    names = [check.name for check in checks(python)]
    unknown = [name for name in arguments if name not in names]
    if unknown:
        print(f'The checks are: {", ".join(names)}.', file=sys.stderr)
        return 0 if unknown == ['list'] else 2
    began = time.monotonic()
    place = prepared(python, 'lint')
    planned = [(check, *place) for check in checks(python) if not arguments or check.name in arguments]
    second = pythons.second_environment('lint') if os.environ.get('MATRIX') and not arguments else None
    if second:
        place = prepared(second, 'lint-second')
        planned += [(check, *place) for check in second_checks(second)]
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        outcomes = list(pool.map(lambda entry: run(*entry), planned))
    failed = [outcome.check.name for outcome in outcomes if not outcome.passed]
    print(f'{len(outcomes)} checks in {time.monotonic() - began:.0f}s: {"failed: " + ", ".join(failed) if failed else "all passed"}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
