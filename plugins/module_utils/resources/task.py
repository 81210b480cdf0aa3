# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of a cluster: waiting for them, stopping them, looking at them."""

from __future__ import annotations

import time

from ansible_collections.pve.fleet.plugins.module_utils.api import errors, tasks
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC

ARGUMENTS = {
    'upids': {'type': 'list', 'elements': 'str', 'required': True, 'aliases': ['upid']},
    'state': {'type': 'str', 'choices': ['finished', 'stopped'], 'default': 'finished'},
    'timeout': {'type': 'int', 'default': 600},
    'fail_on_error': {'type': 'bool', 'default': True},
    **CONNECTION_SPEC,
}
INFO_ARGUMENTS = {
    'upids': {'type': 'list', 'elements': 'str', 'aliases': ['upid']},
    'log_lines': {'type': 'int', 'default': 50},
    'node': {'type': 'str'},
    'type': {'type': 'str'},
    'user': {'type': 'str'},
    'vmid': {'type': 'int'},
    'status': {'type': 'list', 'elements': 'str', 'choices': ['ok', 'warning', 'error', 'unknown']},
    'source': {'type': 'str', 'choices': ['archive', 'active', 'all'], 'default': 'all'},
    'since': {'type': 'int'},
    'until': {'type': 'int'},
    'limit': {'type': 'int', 'default': 50},
    **CONNECTION_SPEC,
}
FILTERS = {'type': 'typefilter', 'user': 'userfilter', 'vmid': 'vmid', 'since': 'since', 'until': 'until', 'status': 'statusfilter'}
KEYS = ('upid', 'node', 'type', 'id', 'user', 'starttime', 'status', 'exitstatus')
STOP_PAUSE = 0.1


def status_of(client, upid):
    """What PVE tells of a task. Raises NotFound for one that its node does not know."""
    try:
        return client.get('nodes', tasks.node_of(upid), 'tasks', upid, 'status')
    except errors.BadRequest as error:
        if 'no such task' in error.message:
            raise errors.NotFound(f'There is no task {upid}: its node keeps only the last ones.') from None
        raise


def run(context):
    """The logic of pve_task."""
    act = stop if context.params['state'] == 'stopped' else wait
    for upid in context.params['upids']:
        tasks.node_of(upid)
    end = time.monotonic() + context.params['timeout']
    seen = [act(context, upid, end) for upid in context.params['upids']]
    changes = [one.pop('change') for one in seen if one.get('change')]
    return {
        'changed': bool(changes),
        'changes': changes,
        'diff': {'before': {'running': len(changes)} if changes else {}, 'after': {'running': 0} if changes else {}},
        'tasks': seen,
    }


def wait(context, upid, end):
    """Wait for a task -> what became of it. Raises TaskFailed unless fail_on_error is off, and Timeout."""
    status_of(context.client, upid)
    try:
        ended = context.client.wait(upid, max(0.0, end - time.monotonic()), context.progress)
    except errors.TaskFailed as error:
        if context.params['fail_on_error']:
            raise
        return {'upid': upid, 'status': 'stopped', 'exitstatus': error.details['exitstatus'], 'warnings': []}
    return {'upid': upid, 'status': 'stopped', 'exitstatus': ended.exitstatus, 'warnings': ended.warnings}


def stop(context, upid, end):
    """Stop a task that runs, and see that it ended."""
    status = status_of(context.client, upid)
    words = f'stop the task {tasks.describe(upid)}'
    change = words if status.get('status') == 'running' else None
    if change and not context.check_mode:
        context.client.delete('nodes', tasks.node_of(upid), 'tasks', upid)
        context.did(words)
        while status.get('status') == 'running':
            if time.monotonic() >= end:
                raise errors.Timeout(f'The task {tasks.describe(upid)} was told to stop and still runs. Look at its log.')
            time.sleep(STOP_PAUSE)
            status = status_of(context.client, upid)
    return {'upid': upid, 'status': 'stopped', 'exitstatus': status.get('exitstatus'), 'warnings': [], 'change': change}


def run_info(context):
    """The logic of pve_task_info."""
    params, client = context.params, context.client
    if params.get('upids'):
        found = [{**status_of(client, upid), 'log': client.task_log(upid, params['log_lines'])} for upid in params['upids']]
        return {'changed': False, 'tasks': found}
    wanted = {wire: params[name] for name, wire in FILTERS.items() if params.get(name) is not None}
    nodes = [params['node']] if params.get('node') else sorted(row['node'] for row in client.get('nodes') if row.get('status') == 'online')
    rows = [row for node in nodes for row in client.get('nodes', node, 'tasks', params={'source': params['source'], 'limit': params['limit'], **wanted})]
    rows.sort(key=lambda row: (-int(row['starttime']), row['upid']))
    return {'changed': False, 'tasks': [plain(row) for row in rows[: params['limit']]]}


def plain(row):
    """A row of a list in the terms of a task's status."""
    ended = 'endtime' in row
    shown = {**row, 'status': 'stopped' if ended else 'running', **({'exitstatus': row.get('status')} if ended else {})}
    return {name: shown[name] for name in (*KEYS, 'endtime') if name in shown}
