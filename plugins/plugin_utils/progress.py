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


def progress_for(task, wanted=True, clock=time.monotonic):
    """A function(text) that shows a line now and then, or one that shows nothing."""
    if not wanted or task.no_log or C.DEFAULT_STDOUT_CALLBACK not in FOR_PEOPLE:
        return lambda text: None
    display, state = Display(), {'next': clock() + FIRST_AFTER}

    def show(text):
        now = clock()
        if now >= state['next']:
            state['next'] = now + EVERY
            display.display(f'  {text}')

    return show
