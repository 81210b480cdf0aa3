# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: which function does which step."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.guests import apply_changes, apply_making, apply_power
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import LeftRunning, is_left

# How a guest runs after a step that has something to do with it.
POWER_AFTER = {
    'create': 'stopped',
    'clone': 'stopped',
    'restore': 'stopped',
    'start': 'running',
    'resume': 'running',
    'restart': 'running',
    'reboot': 'running',
    'stop': 'stopped',
    'shutdown': 'stopped',
    'template': 'stopped',
    'pause': 'paused',
}
STEPS = {
    'create': apply_making.create,
    'clone': apply_making.clone,
    'restore': apply_making.restore,
    'configure': apply_changes.configure,
    'destroy_disk': apply_changes.destroy_disk,
    'move_disk': apply_changes.move_disk,
    'grow_disk': apply_changes.grow_disk,
    'regenerate': apply_changes.regenerate,
    'pool': apply_changes.pool,
    'ha': apply_changes.change_ha,
    'migrate': apply_power.migrate,
    'start': apply_power.start,
    'stop': apply_power.stop,
    'shutdown': apply_power.shutdown,
    'restart': apply_power.restart,
    'reboot': apply_power.restart,
    'pause': apply_power.pause,
    'resume': apply_power.resume,
    'template': apply_power.template,
    'destroy': apply_power.destroy,
}


def apply_plan(session, plan):
    """Carry out all steps in order. What is done is told to the context, also when a later step fails."""
    for step in plan.steps:
        session.leave = is_left(session.desired, plan, step)
        try:
            STEPS[step.name](session, **step.data)
            session.power = POWER_AFTER.get(step.name, session.power)
        except LeftRunning as left:
            session.left, session.power = left.upid, None
        for word in session.words(step):
            session.context.did(word)
