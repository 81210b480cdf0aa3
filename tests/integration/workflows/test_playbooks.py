# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as people, pipelines and AWX start them."""
from __future__ import annotations

import json

import pytest

GUESTS = {
    'cluster': 'seoul', 'owner': 'shop', 'remove_unlisted': True,
    'guests': [{'name': 'web-01', 'cores': 1, 'memory': '1G', 'disks': {'scsi0': {'storage': 'ceph', 'size': '4G'}}, 'state': 'started'}],
}


def test_a_plan_an_apply_and_a_look_for_drift(workflows, tmp_path):
    summary = tmp_path / 'plan.json'
    plan = workflows.playbook('provision', {**GUESTS, 'summary_file': str(summary)}, '--check').ok()
    said = json.loads(summary.read_text(encoding='utf-8'))
    assert (said['check_mode'], said['drift'], said['counts']) == (True, True, {'guests': 1, 'changed': 1, 'removed': 0, 'failed': 0})
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


# A playbook, what is typed, and the sentence that says what is wrong with it.
REFUSED = [
    ('evacuate_node', {}, 'Give cluster and node.'),
    ('evacuate_node', {'cluster': 'nope', 'node': 'pve1'}, "There is no cluster 'nope' in the registry"),
    ('evacuate_node', {'cluster': 'seoul', 'node': 'pve9'}, 'Cluster seoul has no node pve9. Its nodes are seoul-pve1, seoul-pve2, seoul-pve3.'),
    ('rolling_update', {'cluster': 'seoul', 'reboot': 'maybe'}, 'reboot is maybe: write true or false.'),
    ('rolling_update', {'cluster': 'seoul', 'tasks_file': '/nowhere.yml'}, 'give the absolute path of a file that exists.'),
    ('health', {'clusters': 'seoul,nope'}, "There is no cluster 'nope' in the registry"),
    ('health', {'fail_on': 'sometimes'}, 'fail_on is sometimes: write one of unhealthy, degraded, never.'),
    ('health', {'report_file': '/nowhere/report.json'}, 'report_file is /nowhere/report.json, and there is no such folder'),
    ('audit', {'limit': 'many'}, 'limit is many: write a whole number.'),
    ('audit', {'since': 'yesterday'}, 'since is yesterday: write a day, or a moment in UTC, such as 2026-01-31'),
    ('onboard', {}, 'Give cluster_name and api_host'),
    ('onboard', {'cluster_name': 'x', 'api_host': '127.0.0.1', 'api_port': 'https'}, 'api_port is https: write a whole number.'),
    ('onboard', {'cluster_name': 'x', 'api_host': '127.0.0.1', 'api_port': '1', 'api_password': 'p'}, 'cluster x cannot be reached'),
    ('provision', {}, 'Declare guests'),
    ('provision', {'guests': 'web-01'}, 'guests is not a list of guests.'),
    ('provision', {'guests': [{'name': 'web-01'}]}, 'Guest web-01 names no cluster.'),
    ('provision', {'guests': [], 'remove_unlisted': 'perhaps'}, 'remove_unlisted is perhaps: write true or false.'),
    ('provision', {'guests': [], 'summary_file': '/nowhere/plan.json'}, 'there is no such folder: make it, or name another.'),
    ('decommission', {'owner': 'shop'}, 'confirm with the same value'),
    ('decommission', {'owner': 'shop', 'confirm': 'shop', 'remove_workspace': 'yes'}, 'Give workspace and clusters.'),
]


@pytest.mark.matrix
def test_what_is_mistyped_is_refused_in_one_sentence_before_anything_is_done(workflows):
    for name, typed, sentence in REFUSED:
        run = workflows.playbook(name, typed)
        assert (run.rc, run.changed) == (2, []), run.output
        assert sentence in run.output, run.output


def test_an_unreachable_cluster_is_told_and_hides_no_other(workflows):
    workflows.sim.control.fault('refuse', count=0, cluster='berlin', path='*')
    health = workflows.playbook('health', {'fail_on': 'never'}).ok()
    assert {one['name']: one['status'] for one in health.result('Ask the clusters')['clusters']} == {'berlin': 'unknown', 'seoul': 'healthy'}
    for name, typed in (('evacuate_node', {'cluster': 'berlin', 'node': 'berlin-pve1'}), ('provision', {**GUESTS, 'cluster': 'berlin'}),
                        ('decommission', {'owner': 'shop', 'confirm': 'shop'})):
        run = workflows.playbook(name, typed)
        assert (run.rc, run.changed, 'berlin' in run.output, 'Traceback' in run.output) == (2, [], True, False), run.output


@pytest.mark.matrix
def test_lists_and_guests_are_understood_as_text(workflows):
    typed = {'guests': '[{name: web-01, memory: 1G, disks: {scsi0: {storage: ceph, size: 4G}}, state: started}]', 'defaults': 'cores: 1',
             'cluster': 'seoul', 'owner': 'shop', 'remove_unlisted': 'yes', 'remove_from': 'seoul, berlin'}
    workflows.playbook('provision', typed).ok()
    assert workflows.playbook('provision', typed, '--diff').ok().changed == []
    plan = workflows.playbook('rolling_update', {'cluster': 'seoul', 'nodes': 'seoul-pve1, seoul-pve2', 'reboot': 'no'}, '--check').ok()
    assert ('item=seoul-pve2' in plan.output, 'item=seoul-pve3' in plan.output) == (True, False)
    asked = workflows.playbook('health', {'clusters': 'seoul berlin', 'ignore': 'not_backed_up,too_few_nodes', 'thresholds': 'storage_percent=80'}).ok()
    assert len(asked.result('Ask the clusters')['clusters']) == 2
    workflows.playbook('decommission', {'owner': 'shop', 'confirm': 'shop', 'clusters': 'seoul,berlin'}, '--check').ok()
    assert len(workflows.sim.fleet.clusters['seoul'].guests) == 1


def test_a_workspace_goes_with_its_guests(workflows):
    workflows.role('workspace', {'workspace_name': 'shop', 'workspace_clusters': ['seoul'], 'workspace_quota': {'guests': 3}}).ok()
    workflows.playbook('provision', {**GUESTS, 'workspace': 'shop', 'defaults': {'pool': 'shop'}}).ok()
    gone = {'owner': 'shop', 'confirm': 'shop', 'clusters': 'seoul', 'workspace': 'shop', 'remove_workspace': 'true'}
    workflows.playbook('decommission', gone, '--check').ok()
    assert len(workflows.sim.fleet.clusters['seoul'].guests) == 1
    workflows.playbook('decommission', gone).ok()
    assert workflows.sim.fleet.clusters['seoul'].guests == {}
    assert workflows.playbook('decommission', {**gone, 'remove_workspace': 'false', 'workspace': ''}).ok().changed == []


def test_a_node_is_emptied_and_the_second_run_moves_nothing(workflows):
    workflows.playbook('provision', {**GUESTS, 'defaults': {'node': 'seoul-pve1'}}).ok()
    for args, changes in ((('--check', '--diff'), 1), ((), 1), ((), 0)):
        run = workflows.playbook('evacuate_node', {'cluster': 'seoul', 'node': 'seoul-pve1'}, *args).ok()
        assert len(run.changed) == changes
    assert [guest.node == 'seoul-pve1' for guest in workflows.sim.fleet.clusters['seoul'].guests.values()] == [False]


def test_no_password_is_shown_however_much_is_asked_for(workflows):
    secret = 'hunter2secret'
    seoul = workflows.clusters()[0]
    shop = {'workspace_name': 'shop', 'workspace_clusters': ['seoul'], 'workspace_quota': {'guests': 3}}
    workflows.role('workspace', shop).ok()
    machine = {**GUESTS['guests'][0], 'cloud_init': {'user': 'ops', 'password': secret, 'storage': 'ceph'}}
    for name, typed, rc in (('onboard', {'clusters': [{**seoul, 'name': 'new', 'api_password': secret}]}, 2),
                            ('provision', {**GUESTS, 'guests': [machine], 'workspace': 'shop'}, 0)):
        run = workflows.playbook(name, typed, '-vvv', '--diff')
        assert (run.rc, secret in run.output) == (rc, False)
