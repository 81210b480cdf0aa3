"""Tasks: cluster/tasks and nodes/{node}/tasks."""

from __future__ import annotations

import re

from .. import tasks
from ..access.permissions import denied
from ..call import Answer, Call, ParameterError, operation
from ..schema.formats import split_list
from ..tasks import Task

UPID = re.compile(r'UPID:([a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):'
                  r'([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):')
STATUS_KEYS = ('node', 'pid', 'pstart', 'starttime', 'type', 'id', 'user')
RECENT = 25


def parts_of(upid: str) -> dict:
    """A UPID's fields. Raises the 400 for a text that is none."""
    match = UPID.fullmatch(upid)
    if not match:
        raise ParameterError({'upid': 'unable to parse worker upid'})
    return {'node': match[1], 'pid': int(match[2], 16), 'pstart': int(match[3], 16), 'starttime': int(match[4], 16),
            'type': match[5], 'id': match[6], 'user': match[7]}


def row_of(task: Task) -> dict:
    row = {'upid': task.upid, 'node': task.node, 'type': task.type, 'id': task.id, 'user': task.user,
           'starttime': task.starttime}
    if not task.running:
        row.update(endtime=task.endtime, status=task.exitstatus)
    return row


def may_see(call: Call, user: str) -> bool:
    """A caller's own tasks: those of the user, and of the user's tokens."""
    return call.authid == user or (user.startswith(f'{call.authid}!') and '!' not in call.authid)


def is_own(call: Call, parts: dict) -> bool:
    return may_see(call, parts['user'])


@operation('GET', '/cluster/tasks')
def cluster_tasks(call: Call) -> list:
    every = call.may('/', 'Sys.Audit')
    rows = []
    for node in call.cluster.nodes:
        rows.extend(row for row, user in active_rows(call, node) if every or may_see(call, user))
    return rows


def active_rows(call: Call, node: str) -> list[tuple[dict, str]]:
    """What a node tells the cluster of its tasks: those that run and the last that ended, with the user of each."""
    own = [task for task in reversed(call.cluster.tasks.values()) if task.node == node]
    ended = sorted((task for task in own if not task.running), key=lambda task: -task.endtime)[:RECENT]
    rows = [(row_of(task), task.user) for task in own if task.running]
    for number, task in enumerate(ended):
        # "saved" is a number until the list is read back from its file at the next change.
        rows.append(({**row_of(task), 'saved': '1' if number else 1}, task.user))
    return rows


def wanted(call: Call, task: Task, every: bool) -> bool:
    """Whether a task passes the filters of GET nodes/{node}/tasks."""
    params = call.params
    if task.node != call.node.name or not (every or may_see(call, task.user)):
        return False
    source = params.get('source', 'archive')
    if (source == 'archive' and task.running) or (source == 'active' and not task.running):
        return False
    status = kind_of(task)
    return not (
        (params.get('userfilter') and params['userfilter'].lower() not in task.user.lower())
        or (params.get('typefilter') and task.type != params['typefilter'])
        or (params.get('vmid') is not None and task.id != str(params['vmid']))
        or ('since' in params and task.starttime < params['since'])
        or ('until' in params and task.starttime > params['until'])
        or (params.get('errors') and (task.running or status in ('ok', 'warning')))
        or (params.get('statusfilter') and status not in split_list(params['statusfilter'])))


def kind_of(task: Task) -> str:
    if task.running:
        return 'unknown'
    if task.exitstatus == 'OK':
        return 'ok'
    return 'warning' if task.exitstatus.startswith('WARNINGS: ') else 'error'


@operation('GET', '/nodes/{node}/tasks')
def node_tasks(call: Call) -> Answer:
    every = call.may(f'/nodes/{call.node.name}', 'Sys.Audit')
    found = [task for task in call.cluster.tasks.values() if wanted(call, task, every)]
    # The archive is in the order of ending, the last first; what runs comes before it.
    found.reverse()
    found.sort(key=lambda task: (not task.running, -(task.endtime or 0)))
    start, limit = call.params.get('start', 0), call.params.get('limit', 50)
    end = start + limit if limit else None
    rows = [{**row_of(task), 'pid': task.pid, 'pstart': task.pstart} for task in found[start:end]]
    for row, task in zip(rows, found[start:end], strict=True):
        if task.running:
            row['status'] = 'RUNNING'
    return Answer(rows, {'total': len(found)})


@operation('GET', '/nodes/{node}/tasks/{upid}')
def task_index(call: Call) -> list:
    parts_of(call.params['upid'])
    return [{'name': 'log'}, {'name': 'status'}]


@operation('GET', '/nodes/{node}/tasks/{upid}/status')
def task_status(call: Call) -> dict:
    parts = parts_of(call.params['upid'])
    if not is_own(call, parts):
        call.require(f'/nodes/{call.node.name}', 'Sys.Audit')
    task = call.cluster.tasks.get(call.params['upid'])
    if task is None or task.node != call.node.name:
        raise ParameterError({'upid': 'no such task'})
    row = {'upid': task.upid, 'status': 'running' if task.running else 'stopped',
           **{key: getattr(task, key) for key in STATUS_KEYS}}
    if '!' in task.user:
        row['user'], dummy, row['tokenid'] = task.user.partition('!')
    if not task.running:
        row['exitstatus'] = task.exitstatus
    return row


@operation('GET', '/nodes/{node}/tasks/{upid}/log')
def task_log(call: Call) -> Answer:
    parts = parts_of(call.params['upid'])
    if not is_own(call, parts):
        call.require(f'/nodes/{call.node.name}', 'Sys.Audit')
    task = call.cluster.tasks.get(call.params['upid'])
    if task is None or task.node != call.node.name:
        return Answer([{'n': 1, 't': 'unable to open file - No such file or directory'}], {'total': 1})
    if call.params.get('download'):
        text = ''.join(f'{line}\n' for line in task.lines)
        return Answer(content=text.encode(), content_type='text/plain')
    start, limit = call.params.get('start', 0), call.params.get('limit', 50)
    lines = task.lines[start:start + limit] if limit else task.lines[start:]
    rows = [{'n': start + number, 't': line} for number, line in enumerate(lines, 1)]
    return Answer(rows or [{'n': 1, 't': 'no content'}], {'total': max(1, len(task.lines))})


@operation('DELETE', '/nodes/{node}/tasks/{upid}')
def stop_task(call: Call) -> None:
    parts = parts_of(call.params['upid'])
    if not is_own(call, parts) and not call.may(f'/nodes/{call.node.name}', 'Sys.Modify'):
        raise denied(f'/nodes/{call.node.name}, Sys.Modify')
    task = call.cluster.tasks.get(call.params['upid'])
    if task is not None:
        tasks.stop(task)
