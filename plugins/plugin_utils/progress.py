# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live progress of long tasks on the terminal: rare lines, and none where output is not wanted."""

from __future__ import annotations

import time

from ansible import constants as C
from ansible.utils.display import Display

# Callbacks whose output is read by people; others (json and the like) must not be disturbed.
FOR_PEOPLE = frozenset(
    {
        'default',
        'ansible.builtin.default',
        'minimal',
        'ansible.builtin.minimal',
        'debug',
        'ansible.posix.debug',
        'yaml',
        'community.general.yaml',
        'community.general.diy',
        'community.general.unixy',
    }
)
FIRST_AFTER = 2.0
EVERY = 5.0


class Progress:
    """Shows lines while a task runs. Called with how far something is, it shows one now and then."""

    def __init__(self, clock=time.monotonic):
        self.display, self.clock = Display(), clock
        self.next = clock() + FIRST_AFTER

    def __call__(self, text):
        now = self.clock()
        if now >= self.next:
            self.next = now + EVERY
            self.event(text)

    def event(self, text):
        """Show what is finished, in any case."""
        self.display.display(f'  {text}')


class Silence:
    """A Progress that shows nothing."""

    def __call__(self, text):
        pass

    event = __call__


def progress_for(task, wanted=True):
    """The Progress of a task: silent where output is not wanted or is read by programs."""
    if not wanted or task.no_log or C.DEFAULT_STDOUT_CALLBACK not in FOR_PEOPLE:
        return Silence()
    return Progress()
