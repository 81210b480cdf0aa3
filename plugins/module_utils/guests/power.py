# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning the power state. Pure."""

from __future__ import annotations

DOWN = ('stopped', 'template')


def plan_down(plan, desired, state):
    """What comes before the configuration: stopping. Returns the power state after it."""
    if desired.state in DOWN and state.running and not state.template:
        add_down(plan, desired, state)
        plan.differ({'status': state.power}, {'status': 'stopped'})
        return 'stopped'
    return state.power


def add_down(plan, desired, state):
    if state.power == 'paused':
        if desired.force:
            plan.add('stop', 'stop')
            return
        plan.add('resume', 'resume')
    plan.add('shutdown', 'shut down')


def plan_up(plan, desired, state, now):
    """What comes after the configuration: starting, restarting, pausing, converting."""
    wanted = desired.state
    if wanted == 'template':
        if not state.template:
            plan.add('template', 'convert to a template')
            plan.differ({'template': False}, {'template': True})
        return
    if wanted in ('started', 'restarted', 'paused'):
        UP[now if now in UP else 'stopped'](plan, desired, now)
    runs_on = now == 'running' or (now == 'paused' and wanted == 'started')
    if runs_on and wanted in ('present', 'started') and desired.reboot and (plan.pending or state.pending):
        plan.add('reboot', 'reboot to apply pending changes')
        plan.pending = {}


def from_stopped(plan, desired, now):
    plan.add('start', 'start')
    if desired.state == 'paused':
        plan.add('pause', 'pause')
    plan.differ({'status': 'stopped'}, {'status': 'paused' if desired.state == 'paused' else 'running'})


def from_paused(plan, desired, now):
    if desired.state == 'paused':
        return
    plan.add('resume', 'resume')
    plan.differ({'status': 'paused'}, {'status': 'running'})
    if desired.state == 'restarted':
        from_running(plan, desired, 'running')


def from_running(plan, desired, now):
    if desired.state == 'paused':
        plan.add('pause', 'pause')
        plan.differ({'status': 'running'}, {'status': 'paused'})
    elif desired.state == 'restarted':
        plan.add('restart', 'restart')
        plan.pending = {}


UP = {'stopped': from_stopped, 'paused': from_paused, 'running': from_running}
