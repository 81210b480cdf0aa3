# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that know nothing of this project, on the simulator; community.proxmox where the package `ansible` is installed."""
from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PREFIX = 'community.proxmox.'


def collection() -> Path | None:
    """The folder of community.proxmox in this Python's packages, None where there is none."""
    packages = importlib.util.find_spec('ansible_collections')
    for place in packages.submodule_search_locations if packages else ():
        if (folder := Path(place, 'community', 'proxmox')).is_dir() and 'site-packages' in place:
            return folder
    return None


class Community:
    """Runs tasks of community.proxmox as root@pam on a simulator."""

    def __init__(self, sim, run_playbook, folder: Path):
        self.sim, self.run, self.folder = sim, run_playbook, folder
        self.environment = {
            'PROXMOX_HOST': '127.0.0.1', 'PROXMOX_PORT': str(sim.port), 'PROXMOX_USER': 'root@pam',
            'PROXMOX_PASSWORD': 'realpve1', 'PROXMOX_VALIDATE_CERTS': 'true', 'REQUESTS_CA_BUNDLE': sim.ca_path,
        }

    @property
    def cluster(self):
        """The simulated cluster, to be looked at."""
        return next(iter(self.sim.fleet.clusters.values()))

    def play(self, *tasks):
        """Run (module, options) pairs one after the other; returns the run, whose tasks are named '1 proxmox_kvm' and so on.

        Skips where this release of community.proxmox lacks one of the modules.
        """
        for name in {module for module, _options in tasks}:
            if not (self.folder / 'plugins' / 'modules' / f'{name}.py').exists():
                pytest.skip(f'The installed community.proxmox has no module {name}.')
        play = [{'name': f'{number} {module}', f'{PREFIX}{module}': options} for number, (module, options) in enumerate(tasks, 1)]
        done = self.run(play, extra_env=self.environment).ok()
        assert not self.sim.server.errors, self.sim.server.errors
        return done


@pytest.fixture
def sim(sim):
    """The start state `single`, as on a host that is no container itself and so lets its containers have limits."""
    if sim.fleet:
        for node in next(iter(sim.fleet.clusters.values())).nodes.values():
            node.extra.pop('cgroups_closed', None)
    return sim


@pytest.fixture
def community(sim, run_playbook) -> Community:
    folder = collection()
    if folder is None:
        pytest.skip('community.proxmox is not installed: it comes with the package `ansible`, as in `make bench` and the second run of MATRIX=1.')
    return Community(sim, run_playbook, folder)
