# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built, and installed from the artifact alone."""

from __future__ import annotations

from pathlib import Path

from checkout import ansible_environment, copy_collection
from playbook import ansible


def install(folder: Path) -> tuple[dict[str, str], Path]:
    """Build and install below a folder -> (variables of an Ansible that knows only what is installed, the artifact)."""
    collections = folder / 'collections'
    environment = ansible_environment(folder / 'home', ANSIBLE_COLLECTIONS_PATH=str(collections))
    copy = copy_collection(folder / 'source')
    built = ansible('galaxy', 'collection', 'build', '--output-path', str(folder), environment=environment, cwd=copy)
    assert built.returncode == 0, built.stderr
    artifact = next(folder.glob('pve-fleet-*.tar.gz'))
    words = ('galaxy', 'collection', 'install', str(artifact), '-p', str(collections), '--offline')
    done = ansible(*words, environment=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    return environment, artifact
