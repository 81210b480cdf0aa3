# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and playbooks run against the demo's two simulated clusters, in which nothing takes long."""
from __future__ import annotations

import pytest
from checkout import ROOT
from postgres import postgres_server
from workflows import Workflows

__all__ = ['fleet', 'postgres_server', 'workflows']

FLEET = ROOT / 'playbooks' / 'files' / 'demo_fleet.yml'


@pytest.fixture
def fleet():
    """The two clusters of the demo, in this process: fleet.urls, fleet.control."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import load

    with running(fleet=load(FLEET, Clock('fast'))) as simulator:
        yield simulator


@pytest.fixture
def workflows(run_playbook, fleet):
    """Both clusters, registered."""
    return Workflows(run_playbook, fleet).onboarded()
