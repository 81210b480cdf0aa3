# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the checkout is, how Ansible finds it as pve.fleet, and the variables under which Ansible runs from it."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / '.build'
COLLECTIONS = BUILD / 'collections'
HERE = Path('ansible_collections', 'pve', 'fleet')
# Folders that no copy takes along where git is not there to say what belongs to the project.
NOT_COPIED = ('.git', '.build', '.ansible', '.venv', 'venv', '*.pyc', '__pycache__', '.*_cache', '.hypothesis', '*.tar.gz', 'output')


def link_collection() -> Path:
    """Make the checkout importable as ansible_collections.pve.fleet; returns the folder for ANSIBLE_COLLECTIONS_PATH."""
    link = COLLECTIONS / HERE
    link.parent.mkdir(parents=True, exist_ok=True)
    while not (link.is_symlink() and link.resolve() == ROOT):
        try:
            link.symlink_to(ROOT, target_is_directory=True)
        except FileExistsError:
            link.unlink()
    return COLLECTIONS


def copy_collection(target: Path) -> Path:
    """Copy the files of the project to target/ansible_collections/pve/fleet, for tools that want a true path.

    What is there is replaced. Returns the folder of the copy.
    """
    copy = target / HERE
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    names = _tracked_files()
    if names is None:
        shutil.copytree(ROOT, copy, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        return copy
    for name in names:
        source = ROOT / name
        if source.is_file() or source.is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name, follow_symlinks=False)
    return copy


def _tracked_files() -> list[str] | None:
    """Names of the files that git tracks or would track; None where there is no git or no repository."""
    try:
        answer = subprocess.run(
            ['git', '-C', str(ROOT), 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
            capture_output=True, text=True, check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in answer.stdout.split('\0') if name]


def ansible_environment(home: Path, **extra: str) -> dict[str, str]:
    """Environment variables for an Ansible that knows this checkout, this Python and nothing of the user's own files.

    home is the only folder written to. Variables of the caller are not handed on, apart from PATH and the locale's.
    """
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ('LANG', 'LC_ALL', 'TMPDIR', 'TERM') if name in os.environ}
    paths = [str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)]
    return {
        'LC_ALL': 'C.UTF-8',
        **kept,
        'PATH': os.pathsep.join(paths),
        'HOME': str(home),
        'ANSIBLE_HOME': str(home / '.ansible'),
        'ANSIBLE_COLLECTIONS_PATH': str(link_collection()),
        'ANSIBLE_PYTHON_INTERPRETER': sys.executable,
        'ANSIBLE_LOCALHOST_WARNING': 'false',
        'ANSIBLE_INVENTORY_UNPARSED_WARNING': 'false',
        'PVE_FLEET_HOME': str(home / 'fleet'),
        **extra,
    }
