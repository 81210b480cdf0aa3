# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs under the names that readers use, so that commands of the documentation run as they are written."""
from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import ROOT

PYTHON = f'exec {sys.executable} "$@"'
# pip installs nothing, since the packages are there; the files that it is given must exist.
PIP = 'shift; while [ $# -gt 0 ]; do if [ "$1" = -r ]; then test -s "$2" || exit 1; shift; fi; shift; done'


@contextlib.contextmanager
def temporary_folder():
    """A folder for TMPDIR, in which what the role pvesim started is stopped at the end. Its path is short: Ansible makes sockets in it."""
    with tempfile.TemporaryDirectory(prefix='pf-') as name:
        try:
            yield name
        finally:
            daemon = ROOT / 'roles' / 'pvesim' / 'files' / 'daemon.py'
            simulated = Path(name, f'pvesim-{os.getuid()}')
            subprocess.run([sys.executable, str(daemon), 'stop', str(simulated)], check=True, capture_output=True)


def galaxy(artifact):
    """ansible-galaxy that installs the collection from an artifact instead of from Galaxy."""
    return f'[ "$*" = "collection install pve.fleet" ] && exec {sys.executable} -m ansible galaxy collection install {artifact} --offline'


def write_programs(folder, **more):
    """Make the folder with its programs (more: name to the text of a shell script) -> the PATH that has them first."""
    ansible = {f'ansible-{name}': f'exec {sys.executable} -m ansible {name} "$@"' for name in ('playbook', 'inventory', 'doc')}
    adhoc = {'ansible': f'exec {sys.executable} -m ansible adhoc "$@"'}
    folder.mkdir()
    for name, text in {'python': PYTHON, 'pip': PIP, **ansible, **adhoc, **more}.items():
        (folder / name).write_text(f'#!/bin/sh\n{text}\n', encoding='utf-8')
        (folder / name).chmod(0o755)
    return os.pathsep.join([str(folder), os.environ['PATH']])
