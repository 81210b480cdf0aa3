# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo from end to end, and that it tidies up when it fails."""
from __future__ import annotations

import json

from checkout import ROOT

OPTIONS = ['--fleet', str(ROOT / 'playbooks' / 'files' / 'demo_fleet.yml'), '--port', '0', '--time', 'fast']


def demo(run_playbook, folder, options):
    return run_playbook('pve.fleet.demo', extra_env={'PVE_FLEET_DEMO': str(folder)}, args=['-e', json.dumps({'pvesim_options': options})])


def test_the_demo_shows_all_that_it_promises(run_playbook, tmp_path):
    run = demo(run_playbook, tmp_path / 'demo', OPTIONS).ok()
    assert '10 guests looked at, nothing changed.' in run.stdout
    assert '@pve_cluster_berlin:' in run.stdout
    assert 'nodes_offline' in run.stdout
    assert 'the chain is whole' in run.stdout
    assert 'pvesim-password' not in run.stdout
    assert not (tmp_path / 'demo' / 'pvesim' / 'pvesim.json').exists()


def test_a_simulator_that_does_not_start_is_told_in_its_own_words(run_playbook, tmp_path):
    run = demo(run_playbook, tmp_path / 'demo', ['--fleet', str(tmp_path / 'missing.yml')])
    assert run.rc == 2
    assert 'missing.yml' in run.output
