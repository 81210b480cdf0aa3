# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the checkout as ansible_collections.pve.fleet, playbooks, simulated clusters, hypothesis' settings."""
from __future__ import annotations

import os

import pytest
from checkout import BUILD, COLLECTIONS, ROOT, link_collection
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from playbook import Playbooks

link_collection()

# Quick and the same each time by default, so that what fails here fails for everyone; FULL=1 and HYPOTHESIS_PROFILE=nightly look
# elsewhere each time, and much longer. No deadlines: a busy machine is not a defect.
COMMON = {'deadline': None, 'suppress_health_check': [HealthCheck.too_slow], 'print_blob': True}
settings.register_profile('quick', max_examples=50, derandomize=True, **COMMON)
settings.register_profile('full', max_examples=2000, database=DirectoryBasedExampleDatabase(BUILD / 'hypothesis'), **COMMON)
settings.load_profile('full' if os.environ.get('FULL') or os.environ.get('HYPOTHESIS_PROFILE') == 'nightly' else 'quick')


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path_factory):
    """Tests see neither the registry nor the variables of whoever runs them; Pythons that they start find what they find."""
    for name in list(os.environ):
        if name.startswith(('PVE_', 'PROXMOX_', 'ANSIBLE_')):
            monkeypatch.delenv(name)
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(COLLECTIONS), str(ROOT / 'tests' / 'simulator')]))
    monkeypatch.setenv('PVE_FLEET_HOME', str(tmp_path_factory.getbasetemp() / 'nobody'))


@pytest.fixture
def run_playbook(tmp_path) -> Playbooks:
    """run_playbook(play, inventory=None, extra_env=None, args=()) -> PlaybookRun; all runs of one test share a home and a registry."""
    return Playbooks(tmp_path)


@pytest.fixture
def project():
    """The folder of the checkout."""
    return ROOT


@pytest.fixture
def sim(request):
    """A running simulator: sim.url, sim.ca_path, sim.control. `@pytest.mark.sim(start_state='pair')` hands arguments to pvesim.fixtures.running."""
    from pvesim.fixtures import running
    marker = request.node.get_closest_marker('sim')
    with running(**(marker.kwargs if marker else {})) as simulator:
        yield simulator
