# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the Pythons of this machine and choose the others of the matrix."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SUPPORTED = ((3, 14), (3, 13), (3, 12), (3, 11), (3, 10))


def candidates(version: tuple[int, int]) -> list[Path]:
    """Where this Python may be: on the path, or among pyenv's versions."""
    name = '{}.{}'.format(*version)
    on_path = shutil.which(f'python{name}')
    pyenv = Path(os.environ.get('PYENV_ROOT', '~/.pyenv')).expanduser() / 'versions'
    versions = sorted(pyenv.glob(f'{name}.*/bin/python{name}'), reverse=True)
    return [*([Path(on_path)] if on_path else []), *versions]


def works(python: Path) -> bool:
    """Whether it starts and can make environments: pyenv's stand-ins on the path may lead nowhere."""
    try:
        return subprocess.run([python, '-c', 'import ensurepip, venv'], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find(version: tuple[int, int]) -> Path | None:
    """The first Python of this version that works."""
    return next((python for python in candidates(version) if works(python)), None)


def find_all() -> dict[tuple[int, int], Path]:
    """Every supported Python of this machine, newest first."""
    found = {version: find(version) for version in SUPPORTED}
    return {version: python for version, python in found.items() if python}


def second() -> Path | None:
    """The Python of the matrix beside this one: the newest, or 3.11 (ansible-core 2.19) where this one is newer than that."""
    wanted = ((3, 13), (3, 12)) if sys.version_info < (3, 12) else ((3, 11),)
    return next((python for python in map(find, wanted) if python), None)


def second_environment(purpose: str) -> Path | None:
    """Python of the second one's environment for this purpose; None, saying so, where no second Python was found."""
    python = second()
    if python is None:
        print('MATRIX: no second Python was found (3.12 or 3.13 beside an older one, 3.11 beside a newer one): its part is left out.')
        return None
    return environment_of(python, purpose)


def oldest_environment(purpose: str) -> Path | None:
    """The same for the oldest Python, which has the oldest ansible-core; None where this is it, or, saying so, where it was not found."""
    oldest = SUPPORTED[-1]
    if sys.version_info[:2] == oldest:
        return None
    python = find(oldest)
    if python is None:
        print('MATRIX: Python {}.{}, which has the oldest ansible-core, was not found: its part is left out.'.format(*oldest))
        return None
    return environment_of(python, purpose)


def environment_of(python: Path, purpose: str) -> Path:
    """Python of the environment that a Python makes for a purpose."""
    made = subprocess.run([python, Path(__file__).with_name('environment.py'), purpose], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise SystemExit(made.returncode)
    return Path(made.stdout.strip())
