# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness of the other tests: what run_playbook hands back is what Ansible did."""
from __future__ import annotations

import pytest

pytestmark = pytest.mark.matrix

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Good
      ansible.builtin.command: echo {{ inventory_hostname }}
    - name: Bad
      ansible.builtin.fail:
        msg: as asked
      ignore_errors: true
    - name: Skipped
      ansible.builtin.debug:
      when: false
"""


def test_results_by_task_and_host(run_playbook):
    run = run_playbook(PLAY, inventory=['one', 'two']).ok()
    assert run.result('Good', host='two')['stdout'] == 'two'
    assert (run.task('Bad', host='one').status, run.task('Bad', host='one').ignored) == ('failed', True)
    assert run.task('Skipped', host='one').status == 'skipped'
    assert run.stats['one']['changed'] == 1


def test_a_list_of_tasks_runs_on_localhost_with_a_home_of_its_own(run_playbook, tmp_path):
    run = run_playbook([{'name': 'Home', 'ansible.builtin.command': 'printenv HOME PVE_FLEET_HOME GREETING'}], extra_env={'GREETING': 'hello'}).ok()
    assert run.result('Home')['stdout_lines'] == [str(tmp_path / 'home'), str(tmp_path / 'home' / 'fleet'), 'hello']


def test_a_failure_is_in_the_exit_status_and_the_result(run_playbook):
    run = run_playbook([{'name': 'No', 'ansible.builtin.fail': {'msg': 'no'}}])
    assert run.rc == 2
    assert run.result('No')['msg'] == 'no'
