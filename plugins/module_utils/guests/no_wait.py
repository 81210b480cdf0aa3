# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wait: false: the last task of a run is started and left to itself. What comes before it is waited for, since it builds on it."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.tasks import TaskResult, is_upid

# Steps that can take long; and short ones that are tasks as well, so that they may be left running, too.
LONG = frozenset({
    'create', 'clone', 'restore', 'move_disk', 'migrate', 'start', 'stop', 'shutdown', 'restart', 'reboot', 'template', 'destroy',
})  # fmt: skip
TASKS = LONG | {'grow_disk', 'pause', 'resume'}


class LeftRunning(Exception):
    """A task was started that is not waited for: upid."""

    def __init__(self, upid):
        super().__init__(upid)
        self.upid = upid


def start_task(client, method, segments, params=None):
    """Send a request that starts a task, and do not wait for it -> TaskResult without an exit status, None where PVE made no task."""
    upid = client.request(method, segments, params or {})['data']
    return TaskResult(upid, '', []) if is_upid(upid) else None


def is_left(desired, plan, step):
    """Whether a step's task is the one that is not waited for."""
    return not desired.wait and step is plan.steps[-1] and step.name in TASKS and not grows(step)


def grows(step):
    """Whether a creation has disks that are grown once they are there."""
    return step.name == 'create' and any(size for _text, size in step.data['disks'].values())


def check_no_wait(desired, plan):
    """Raise BadRequest where something comes after the last long task that must not begin before its end."""
    if desired.wait or not any(step.name in LONG for step in plan.steps) or is_left(desired, plan, plan.steps[-1]):
        return
    at = max(index for index, step in enumerate(plan.steps) if step.name in LONG)
    rest = [word for step in plan.steps[at + 1 :] for word in step.words]
    after = f'"{rest[0]}" comes after it' if rest else 'it is not complete by itself'
    raise BadRequest(
        f'wait: false: "{plan.steps[at].words[0]}" cannot be left running, since {after}. '
        'Leave wait out, or declare what follows with a task of its own once this one has ended (pve_task).'
    )
