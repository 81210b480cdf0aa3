# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as people, pipelines and AWX start them."""
from __future__ import annotations

import json

GUESTS = {
    'cluster': 'seoul', 'owner': 'shop', 'remove_unlisted': True,
    'guests': [{'name': 'web-01', 'cores': 1, 'memory': '1G', 'disks': {'scsi0': {'storage': 'ceph', 'size': '4G'}}, 'state': 'started'}],
}


def test_a_plan_an_apply_and_a_look_for_drift(workflows, tmp_path):
    summary = tmp_path / 'plan.json'
    plan = workflows.playbook('provision', {**GUESTS, 'summary_file': str(summary)}, '--check').ok()
    said = json.loads(summary.read_text(encoding='utf-8'))
    assert (said['check_mode'], said['drift'], said['counts']) == (True, True, {'guests': 1, 'changed': 1, 'removed': 0})
    assert any('create' in words for words in said['guests'][0]['changes']), plan.output
    assert workflows.playbook('provision', {**GUESTS, 'fail_on_drift': True}, '--check').rc == 2
    workflows.playbook('provision', GUESTS).ok()
    workflows.playbook('provision', {**GUESTS, 'fail_on_drift': True}, '--check').ok()
    refused = workflows.playbook('decommission', {'owner': 'shop'})
    assert (refused.rc, 'confirm with the same value' in refused.output) == (2, True)
    workflows.playbook('decommission', {'owner': 'shop', 'confirm': 'shop'}).ok()
    assert not workflows.sim.fleet.clusters['seoul'].guests


def test_health_tells_by_its_exit_status(workflows, tmp_path):
    report = tmp_path / 'health.json'
    workflows.sim.control.node_down('berlin-pve2', cluster='berlin')
    workflows.playbook('health', {'fail_on': 'never', 'report_file': str(report)}).ok()
    berlin = next(one for one in json.loads(report.read_text(encoding='utf-8'))['clusters'] if one['name'] == 'berlin')
    assert (berlin['status'], 'nodes_offline' in [reason['code'] for reason in berlin['reasons']]) == ('degraded', True)
    assert workflows.playbook('health', {'fail_on': 'degraded'}).rc == 2


def test_the_audit_shows_what_was_done(workflows):
    workflows.playbook('provision', GUESTS).ok()
    run = workflows.playbook('audit', {'cluster': 'seoul'}).ok()
    assert 'web-01' in run.output


def test_onboarding_by_the_variables_of_a_survey(run_playbook, fleet):
    answers = {'cluster_name': 'seoul', 'api_host': '127.0.0.1', 'api_port': str(fleet.port), 'ca_path': fleet.ca_path, 'fingerprint': '',
               'api_password': 'pvesim-password', 'min_nodes': '3', 'discover': 'false'}
    for changed in (True, False):
        run = run_playbook('pve.fleet.onboard', args=['-e', json.dumps(answers)]).ok()
        assert bool(run.changed) is changed
