# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment for one purpose and print the path of its Python.

Usage: python tests/tools/environment.py demo|test|bench|lint

The environment is .build/venv/<purpose>-<major>.<minor>, of the Python that runs this, with requirements/<purpose>.txt
in it. It is kept until the requirements or that Python change. `uv` does the installing when it is on the path.
"""
from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import BUILD, ROOT, link_collection

REQUIREMENTS = ROOT / 'requirements'
OLDEST = (3, 10)


class Missing(Exception):
    """One sentence: what is missing and what to do."""


def requirement_files(purpose: str) -> list[Path]:
    """requirements/<purpose>.txt and every file that it includes."""
    found = [REQUIREMENTS / f'{purpose}.txt']
    for file in found:  # grows while it is read: an included file may include others
        lines = file.read_text(encoding='utf-8').splitlines()
        found.extend(REQUIREMENTS / line[3:].strip() for line in lines if line.startswith('-r '))
    return found


def fingerprint(files: list[Path]) -> str:
    """Changes with the requirements and with the Python that makes the environment."""
    parts = [sys.version, sys.base_prefix, *(file.read_text(encoding='utf-8') for file in files)]
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def check_python() -> None:
    """Raise Missing when this Python cannot make an environment."""
    if sys.version_info < OLDEST:
        raise Missing(f'Python {sys.version.split()[0]} is too old: pve.fleet needs 3.10 or newer, for example `make PYTHON=python3.12 ...`.')
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Missing(f'{sys.executable} cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv).') from None


def run(command: list[str], failure: str) -> None:
    """Run a command quietly; its output is shown only with the failure."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise Missing(f'{failure}: {error}.') from None
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise Missing(f'{failure}: the lines above say why.')


def create(folder: Path, purpose: str) -> None:
    """Make the environment from nothing."""
    uv = shutil.which('uv')
    make = [sys.executable, '-m', 'venv', '--clear', *(['--without-pip'] if uv else []), str(folder)]
    run(make, f'The virtual environment {folder} could not be made')
    python = str(folder / 'bin' / 'python')
    install = [uv, 'pip', 'install', '--python', python] if uv else [python, '-m', 'pip', 'install', '--disable-pip-version-check']
    requirements = REQUIREMENTS / f'{purpose}.txt'
    run([*install, '-q', '-r', str(requirements)], f'The packages of {requirements.relative_to(ROOT)} could not be installed')


def environment(purpose: str) -> Path:
    """Path of the Python of an up-to-date environment for this purpose."""
    check_python()
    link_collection()
    folder = BUILD / 'venv' / '{}-{}.{}'.format(purpose, *sys.version_info)
    stamp = folder / 'pve-fleet-stamp'
    wanted = fingerprint(requirement_files(purpose))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f'{folder}.lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding='utf-8') != wanted:
            print(f'Making {folder.relative_to(ROOT)} ...', file=sys.stderr, flush=True)
            create(folder, purpose)
            stamp.write_text(wanted, encoding='utf-8')
    return folder / 'bin' / 'python'


def main(arguments: list[str]) -> int:
    purposes = sorted(file.stem for file in REQUIREMENTS.glob('*.txt'))
    if len(arguments) != 1 or arguments[0] not in purposes:
        print(f'Name one purpose: {", ".join(purposes)}.', file=sys.stderr)
        return 2
    try:
        print(environment(arguments[0]))
    except Missing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
