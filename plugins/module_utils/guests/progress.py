# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long tasks in one form: 'web-01 clone 45 % 12.3/27.0 GiB 0:41'."""

from __future__ import annotations

import re
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.tasks import fraction_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import GIB, SizeError, parse_size

AMOUNTS = re.compile(r'(\d+(?:\.\d+)? ?[KMGTP]?i?B) of (\d+(?:\.\d+)? ?[KMGTP]?i?B)')


def shown_line(name, what, line, seconds):
    """One line out of the last line of a task's log. Pure."""
    parts = [name, what]
    done = fraction_of(line)
    if done is not None:
        parts += [f'{done * 100:.0f}', '%']
    amounts = AMOUNTS.search(line)
    if amounts:
        parts += in_gibibytes(amounts)
    return ' '.join([*parts, f'{int(seconds) // 60}:{int(seconds) % 60:02d}'])


def in_gibibytes(amounts):
    try:
        done, total = (parse_size(text) for text in amounts.groups())
    except SizeError:
        return []
    return [f'{done / GIB:.1f}/{total / GIB:.1f}', 'GiB']


def watcher(progress, name, what, clock=time.monotonic):
    """A function(last log line) for Client.wait that tells how far a task is."""
    start = clock()
    return lambda line: progress(shown_line(name, what, line, clock() - start))
