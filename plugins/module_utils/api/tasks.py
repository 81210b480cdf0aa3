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
# Releases differ in whether the request or its task compares the digest.
MODIFIED = re.compile(r'checksum mismatch \(file change|detected modified configuration', re.I)
PERCENT = re.compile(r'(\d+(?:\.\d+)?) ?%')
LOG_TAIL = 5
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
DOUBLING_UNTIL = 0.4
# From this pause on a look at the log, which is one more request, is worth it.
LOG_WORTH = 0.4


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


def next_pause(elapsed, done=None):
    """Seconds to the next look at a task that has run for `elapsed`: never much longer than it can still take.

    done: how much of it its log says is done (0 to 1), None where that is not known. It halves the way to the end that is to be
    expected, since the log tells what was done a moment ago, and one task may count to the end several times.
    """
    if done and done < 1:
        pause = max(elapsed * (1 - done) / done / 2, elapsed / 20)
    else:
        pause = elapsed if elapsed < DOUBLING_UNTIL else elapsed / 2
    return min(LONGEST_PAUSE, max(FIRST_PAUSE, pause))


def fraction_of(line):
    """How much of a task is done by a line of its log, such as 'transferred 1.0 GiB of 4.0 GiB (25.00%)': 0 to 1, or None."""
    percent = PERCENT.search(line or '')
    return min(1.0, float(percent[1]) / 100) if percent else None


class Told:
    """What the log of a task has told so far. progress: function(last log line), called when that is a new one."""

    def __init__(self, progress):
        self.progress, self.seen = progress, None

    def tell(self, lines):
        """The log's lines -> how much is done by the last one (0 to 1), or None."""
        last = lines[-1] if lines else None
        if last is not None and last != self.seen:
            self.seen = last
            self.progress(last)
        return fraction_of(last)


def judge(upid, status, log):
    """A stopped task's status and log lines -> TaskResult. Raises TaskFailed, Conflict where another changed the same thing before it."""
    end = status.get('exitstatus') or 'no exit status'
    if end == 'OK' or WARNINGS.match(end):
        return TaskResult(upid, end, warning_lines(log) if end != 'OK' else [])
    tail = [line for line in log if line and not line.startswith('TASK ERROR')][-LOG_TAIL:]
    message = f'the task {describe(upid)} failed: {end.strip().rstrip(".")}.'
    if tail:
        message += ' Its last lines: ' + ' | '.join(tail)
    kind = errors.Conflict if MODIFIED.search(end) else errors.TaskFailed
    raise kind(message, details={'upid': upid, 'exitstatus': end, 'log': log[-20:]})


def warning_lines(log):
    """The warnings among a task's log lines."""
    return [re.sub(r'^WARN(ING)?:\s*', '', line, flags=re.I) for line in log if re.match(r'WARN(ING)?:', line, re.I)]
