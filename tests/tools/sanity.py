# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-test sanity` needs in order to run here: a bootstrap for pip, a repository of its own, its command lines."""
from __future__ import annotations

import subprocess
from pathlib import Path

# It looks in its cache for a script that installs pip into a bare environment, and otherwise downloads it.
# The Python that made the environment carries a pip already.
BOOTSTRAP = 'import ensurepip\n\nensurepip.bootstrap()\n'
VERSION_OF_PIP = """
import types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version='{}.{}'.format(*__import__('sys').version_info)))['pip'])
"""
# These two take as long as all the others together, so they run beside them.
SLOW = ('pylint', 'validate-modules')


def prepare(python: Path, home: Path) -> None:
    """Put the bootstrap where the ansible-test of this Python looks for it."""
    version = subprocess.run([python, '-c', VERSION_OF_PIP], capture_output=True, text=True, check=True).stdout.strip()
    cache = home / '.ansible' / 'test' / 'cache'
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f'get_pip_{version.replace(".", "_")}.py').write_text(BOOTSTRAP, encoding='utf-8')


def hide_outer_repository(folder: Path) -> None:
    """Make the copy a repository of its own: ansible-test would ask the one around it, which ignores the copy."""
    subprocess.run(['git', 'init', '-q', str(folder)], check=True)


def commands(python: Path, only: str | None = None) -> list[tuple[str, list[str]]]:
    """All of its tests as several commands that may run side by side: (name, command).

    Compiling and importing is tried on every Python on the path, or on the one version that `only` names.
    """
    program = [str(python), str(python.with_name('ansible-test')), 'sanity', '--color', 'no', *(['--python', only] if only else [])]
    alone = [(f'ansible-test {test}', [*program, '--test', test]) for test in SLOW]
    rest = [option for test in SLOW for option in ('--skip-test', test)]
    return [('ansible-test', [*program, *rest]), *alone]
