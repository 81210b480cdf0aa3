# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo from end to end, out of the installed artifact, and that it tidies up when it fails."""
from __future__ import annotations

import json
import re

from artifact import install
from checkout import ROOT

OPTIONS = ['--fleet', str(ROOT / 'playbooks' / 'files' / 'demo_fleet.yml'), '--port', '0', '--time', 'fast']


def demo(run_playbook, folder, options, **environment):
    arguments = ['-e', json.dumps({'pvesim_options': options})]
    return run_playbook('pve.fleet.demo', extra_env={'PVE_FLEET_DEMO': str(folder), **environment}, args=arguments)


def missing_in(printed):
    """Lines of the README's capture that were not printed, in this order.

    The asterisks of headings, empty lines and the lines between do not count; guests are worked on at the same time, so that what is told of
    them comes in any order.
    """
    lines = [line.rstrip(' *') for line in printed.splitlines()]
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    capture = [line for line in re.search(r'^```text\n(.*?)^```', text, re.M | re.S)[1].splitlines() if line]
    told = {line for line in capture if re.match(r'  \w+/', line)}
    rest = iter(lines)
    return [line for line in capture if line not in (lines if line in told else rest)]


def test_the_demo_shows_all_that_it_promises(run_playbook, tmp_path):
    installed, dummy = install(tmp_path / 'installed')
    run = demo(run_playbook, tmp_path / 'demo', OPTIONS, ANSIBLE_COLLECTIONS_PATH=installed['ANSIBLE_COLLECTIONS_PATH']).ok()
    assert '10 guests looked at, nothing changed.' in run.stdout
    assert '@pve_cluster_berlin:' in run.stdout
    assert 'nodes_offline' in run.stdout
    assert 'the chain is whole' in run.stdout
    assert 'pvesim-password' not in run.stdout
    assert not (tmp_path / 'demo' / 'pvesim' / 'pvesim.json').exists()
    assert missing_in(run.stdout) == [], run.stdout


def test_a_simulator_that_does_not_start_is_told_in_its_own_words(run_playbook, tmp_path):
    run = demo(run_playbook, tmp_path / 'demo', ['--fleet', str(tmp_path / 'missing.yml')])
    assert run.rc == 2
    assert 'missing.yml' in run.output
