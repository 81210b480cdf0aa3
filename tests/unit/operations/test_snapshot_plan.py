# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of snapshots: whatever there is and is wanted, after it nothing is left to do."""
from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.operations.snapshot_plan import (
    check_options,
    plan_snapshots,
    read_list,
)

NAMES = ['before', 'nightly-1', 'nightly-2', 'nightly-3', 'weekly-1']
ROW = {'type': 'qemu', 'status': 'running', 'template': 0}
DEFAULTS = {'state': 'present', 'snapshot': None, 'description': None, 'vmstate': False, 'keep': None, 'keep_pattern': '*',
            'start': False, 'force': False}
names = st.lists(st.sampled_from(NAMES), unique=True)
texts = st.sampled_from(['', 'one', 'two\n'])


def options(**given):
    return {**DEFAULTS, **given}


def listed(found):
    """The answer of the server: snapshots one after another."""
    rows = [{'name': name, 'snaptime': 100 + number, 'description': text} for number, (name, text) in enumerate(found.items())]
    return [*reversed(rows), {'name': 'current', 'parent': rows[-1]['name'] if rows else None}]


def done(found, plan):
    """What there is once the plan was carried out."""
    after = dict(found)
    for step in plan.steps:
        if step.name == 'remove':
            del after[step.data['snapshot']]
        else:
            after[step.data['snapshot']] = step.data['text'] or ''
    return after


@given(names, texts, st.sampled_from([None, *NAMES]), st.none() | texts, st.none() | st.integers(0, 4),
       st.sampled_from(['*', 'nightly-*']), st.sampled_from(['present', 'absent']))
def test_a_second_run_has_nothing_to_do(there, text, name, wanted, keep, pattern, state):
    found = dict.fromkeys(there, text)
    params = options(snapshot=name, description=wanted, keep=keep, keep_pattern=pattern, state=state)
    try:
        check_options(params, ROW)
    except BadRequest:
        return
    after = done(found, plan_snapshots(params, *read_list(listed(found)), ROW))
    again = plan_snapshots(params, *read_list(listed(after)), ROW)
    assert (again.steps, again.diff) == ([], {'before': {}, 'after': {}})
    if name is not None:
        assert (name in after) == (state == 'present')
    if keep is not None:
        fitting = [one for one in after if fnmatch.fnmatchcase(one, pattern)]
        assert len(fitting) <= max(keep, int(name in fitting))
        untouched = {one for one in found if not fnmatch.fnmatchcase(one, pattern)}
        assert untouched <= set(after)


def test_the_oldest_comes_first_and_a_child_after_its_parent():
    rows = [{'name': 'c', 'snaptime': 5, 'parent': 'b'}, {'name': 'b', 'snaptime': 5, 'parent': 'a'}, {'name': 'a', 'snaptime': 5},
            {'name': 'current', 'parent': 'c'}]
    snapshots, parent = read_list(rows)
    assert ([one['name'] for one in snapshots], parent) == (['a', 'b', 'c'], 'c')


@pytest.mark.parametrize(('state', 'kind', 'words'), [('present', Conflict, 'was broken off'), ('rollback', Conflict, 'cannot be rolled back to')])
def test_a_broken_snapshot_is_told(state, kind, words):
    rows = [{'name': 's1', 'snaptime': 1, 'snapstate': 'prepare'}, {'name': 'current'}]
    with pytest.raises(kind, match=words):
        plan_snapshots(options(snapshot='s1', state=state), *read_list(rows), ROW)


def test_the_nearest_snapshot_is_named():
    with pytest.raises(NotFound, match='Did you mean before'):
        plan_snapshots(options(snapshot='befor', state='rollback'), *read_list(listed({'before': ''})), ROW)


def test_the_diff_tells_what_a_rollback_does_to_the_power():
    plan = plan_snapshots(options(snapshot='s1', state='rollback'), *read_list(listed({'s1': '', 's2': ''})), ROW)
    assert plan.diff == {'before': {'parent': 's2', 'status': 'running'}, 'after': {'parent': 's1', 'status': 'stopped'}}
