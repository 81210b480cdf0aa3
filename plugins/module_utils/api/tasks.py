# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PVE tasks: UPIDs, their end and their log."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pve.fleet.plugins.module_utils.api import errors

UPID = re.compile(
    r'^UPID:(?P<node>[^:]+):(?P<pid>[0-9A-Fa-f]{8,}):(?P<pstart>[0-9A-Fa-f]{8,9}):(?P<starttime>[0-9A-Fa-f]{8}):'
    r'(?P<type>[^:]*):(?P<id>[^:]*):(?P<user>[^:]+):$'
)
WARNINGS = re.compile(r'^WARNINGS: (\d+)$')
LOG_TAIL = 5
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """upid; exitstatus as PVE says it; warnings: the log lines that warn, without their prefix."""

    upid: str
    exitstatus: str
    warnings: list


def is_upid(value):
    """True for the identifier of a task."""
    return isinstance(value, str) and bool(UPID.match(value))


def node_of(upid):
    """The node that a task runs on, and so the one to ask about it. Raises BadRequest for what is no UPID."""
    found = UPID.match(upid or '')
    if not found:
        raise errors.BadRequest(f'{upid!r} is not the identifier of a task (UPID:node:...).')
    return found['node']


def describe(upid):
    """A task in words, such as 'qmclone 104 on pve1'."""
    found = UPID.match(upid)
    return ' '.join(part for part in (found['type'], found['id'], 'on', found['node']) if part) if found else upid


def pauses():
    """Seconds between two looks at a task: short at first, longer later."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, pause * 2)


def judge(upid, status, log):
    """A stopped task's status and log lines -> TaskResult. Raises TaskFailed (Locked when it only met a lock)."""
    end = status.get('exitstatus') or 'no exit status'
    if end == 'OK' or WARNINGS.match(end):
        return TaskResult(upid, end, warning_lines(log) if end != 'OK' else [])
    tail = [line for line in log if line and not line.startswith('TASK ERROR')][-LOG_TAIL:]
    message = f'the task {describe(upid)} failed: {end.strip().rstrip(".")}.'
    if tail:
        message += ' Its last lines: ' + ' | '.join(tail)
    raise errors.TaskFailed(message, details={'upid': upid, 'exitstatus': end, 'log': log[-20:]})


def warning_lines(log):
    """The warnings among a task's log lines."""
    return [re.sub(r'^WARN(ING)?:\s*', '', line, flags=re.I) for line in log if re.match(r'WARN(ING)?:', line, re.I)]
