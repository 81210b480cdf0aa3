# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running roles and playbooks of the collection on simulated clusters that are registered."""
from __future__ import annotations

import json
import os
import re
import signal
import time

# The vmid and the node of a guest that is not made yet: check mode cannot know who else takes them.
ANYWHERE = re.compile(r'\b\d{3}\b|\b(seoul|berlin)-pve\d\b')

LONGEST = 120


class Workflows:
    """Playbooks on the two clusters: role('name', variables), playbook('provision', variables), exact(...)."""

    def __init__(self, run_playbook, simulator):
        self.run_playbook, self.sim = run_playbook, simulator

    def clusters(self):
        """The clusters as the role cluster_onboard takes them."""
        return [
            {'name': name, 'endpoints': [{'host': '127.0.0.1', 'port': int(urls[0].rpartition(':')[2])}], 'ca_path': self.sim.ca_path,
             'api_user': 'root@pam', 'api_password': 'pvesim-password'}
            for name, urls in self.sim.urls.items()
        ]

    def onboarded(self):
        self.role('cluster_onboard', {'cluster_onboard_clusters': self.clusters(), 'cluster_onboard_discover': False}).ok()
        return self

    def role(self, name, variables, *args, after=()):
        tasks = [{'ansible.builtin.include_role': {'name': f'pve.fleet.{name}'}, 'vars': variables}, *after]
        return self.run_playbook(tasks, args=args)

    def killed(self, name, variables, when):
        """Run a role and kill it, with all that it started and no warning, as soon as when() holds."""
        tasks = [{'ansible.builtin.include_role': {'name': f'pve.fleet.{name}'}, 'vars': variables}]
        with self.run_playbook.started(tasks) as process:
            end = time.monotonic() + LONGEST
            while not when():
                assert process.poll() is None, f'it ended before it was killed:\n{process.stdout.read()}'
                assert time.monotonic() < end, 'it never came so far'
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)

    def playbook(self, name, variables=None, *args):
        return self.run_playbook(f'pve.fleet.{name}', args=['-e', json.dumps(variables or {}), *args])

    def exact(self, name, variables):
        """Check mode, the run, and the run again, which changes nothing; the first two say the same. Returns the run."""
        predicted = self.role(name, variables, '--check').ok()
        done = self.role(name, variables).ok()
        again = self.role(name, variables).ok()
        assert predicted.changed == done.changed, predicted.output
        assert said(predicted) == said(done)
        assert again.changed == [], again.output
        return done


def said(run):
    """What our modules say that they change, task by task; without ids and nodes, which the cluster chooses."""
    found = []
    for task in run.tasks:
        if task.action.startswith('pve.fleet.'):
            results = task.result.get('results', [task.result])
            found += [(task.task, ANYWHERE.sub('_', change)) for one in results if one.get('changed') for change in one.get('changes') or []]
    return found
