# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: the steps that turn what is into what is wanted, with words, and what differs before and after."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Step:
    """name: which of apply's actions carries it out. words: what is reported as done. data: what the action needs."""

    name: str
    words: list
    data: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Plan:
    """steps in order; before/after: only what differs, parsed, without secrets; pending: what a reboot will apply."""

    steps: list = dataclasses.field(default_factory=list)
    before: dict = dataclasses.field(default_factory=dict)
    after: dict = dataclasses.field(default_factory=dict)
    pending: dict = dataclasses.field(default_factory=dict)

    @property
    def changes(self):
        """All words, in order."""
        return [word for step in self.steps for word in step.words]

    @property
    def diff(self):
        return {'before': self.before, 'after': self.after}

    def add(self, name, words, **data):
        """Append a step. words: a sentence or a list of them."""
        self.steps.append(Step(name, [words] if isinstance(words, str) else list(words), data))

    def differ(self, before, after):
        """Note what differs: dictionaries as users see guests, merged into what was noted before."""
        merge(self.before, before)
        merge(self.after, after)


def merge(target, source):
    """Merge nested dictionaries into `target`."""
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value
