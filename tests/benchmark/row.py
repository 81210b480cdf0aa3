# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of the benchmark table.

A benchmark is a file in this folder with `rows()`, which yields rows made by `row(...)` one after another. A file whose
rows are costly may have `NAMES`, the names of its rows: `make bench ONLY=name` then finds the file without running the
others and hands the name on, `rows(only=name)`.
"""
from __future__ import annotations

import operator
import re

CONDITION = re.compile(r'(ours|ratio_to_floor|ratio_to_peer) (<=|<|>=|>) ([\d.]+)')
COMPARE = {'<=': operator.le, '<': operator.lt, '>=': operator.ge, '>': operator.gt}


def row(name: str, unit: str, ours: float | None, *, floor: float | None = None, peer: float | None = None, goal: str | None = None) -> dict:
    """A row: what we measured, in this unit, and in the same run the least that is possible (floor) and another tool (peer).

    goal is None or one or more conditions, 'ours <= 10' or 'ratio_to_floor <= 1.6 and ratio_to_peer <= 0.125'. `met` is
    None where there is no goal or one of its numbers is missing. Raises ValueError for a goal that is not of this form.
    """
    measured = {'ours': ours, 'ratio_to_floor': ratio(ours, floor), 'ratio_to_peer': ratio(ours, peer)}
    return {
        'name': name, 'unit': unit, 'ours': ours, 'floor': floor, 'peer': peer,
        'ratio_to_floor': measured['ratio_to_floor'], 'ratio_to_peer': measured['ratio_to_peer'],
        'goal': goal, 'met': is_met(goal, measured),
    }


def ratio(ours: float | None, other: float | None) -> float | None:
    """ours / other; None where one is missing or other is zero."""
    return ours / other if ours is not None and other else None


def is_met(goal: str | None, measured: dict[str, float | None]) -> bool | None:
    """Whether every condition of the goal holds; None where that cannot be said."""
    if goal is None:
        return None
    answers = []
    for condition in goal.split(' and '):
        match = CONDITION.fullmatch(condition)
        if not match:
            raise ValueError(f"goal '{goal}': '{condition}' is not of the form 'ratio_to_floor <= 1.6'")
        value = measured[match[1]]
        answers.append(None if value is None else COMPARE[match[2]](value, float(match[3])))
    return None if None in answers else all(answers)
