# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kind and a task to a result: read, plan, apply unless in check mode, read again."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api import errors, tasks
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import differing, plan
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Case
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables


def read(kind, client, ident):
    """The object now, as users see it, None when there is none."""
    shown = kind.read(client, ident) if kind.read else get_or_none(client, *kind.path(kind.item, ident))
    return None if shown is None else kind.shaped(ident, shown)


def case_of(kind, context, ident, named):
    """The Case of a task: reads the object."""
    client = context.client
    case = Case(kind, ident, context.params, read(kind, client, ident), lambda: tables(client.release), named)
    return dataclasses.replace(case, wanted=kind.wanted(case, context)) if kind.wanted else case


def reconcile(kind, context, ident, named):
    """Bring an object to what a task declares -> result. named: {field: value} that the task gives."""

    def look():
        case = case_of(kind, context, ident, named)
        made = plan(case)
        if made.changes and kind.check:
            kind.check(case, context)
        return case, made

    def done(case, made, answers):
        return finished(case, context, made, answers)

    return settle(context, look, done, lambda made: made.told(kind.name, kind.complete(made.result)))


def settle(context, look, done, told):
    """Look, apply, look again -> result. A conflict or an unknown fate is planned anew, once.

    look() -> (what was seen, Plan); done(seen, plan, answers) -> result of what was applied; told(plan) -> result of
    what is not applied.
    """
    doubtful = None
    for last_try in (False, True):
        seen, made = look()
        if doubtful and not made.changes:
            return done(*doubtful, [])
        if context.check_mode or not made.changes:
            return told(made)
        try:
            answers = apply(context, made.changes)
        except errors.FleetError as error:
            unknown = error.details.get('fate') == 'unknown'
            if last_try or not (unknown or isinstance(error, errors.Conflict)):
                raise
            doubtful = (seen, made) if unknown else None
            continue
        return done(*(doubtful or (seen, made)), answers)


def apply(context, changes):
    """Carry the changes out in their order, waiting for tasks -> what the server answered to each."""
    answers = []
    for change in changes:
        answer = send(context, change)
        context.did(change.words)
        if tasks.is_upid(answer):
            for text in context.client.wait(answer, change.task_timeout, context.progress).warnings:
                context.warn(text)
        answers.append(answer)
    return answers


def send(context, change):
    """One request -> `data` of its answer."""
    if change.file:
        fields = [(name, text) for name, text in change.fields if name != 'filename']
        name = change.params['filename']
        return context.client.upload(*change.segments, fields=fields, file_path=change.file, file_name=name, progress=context.progress)
    return context.client.request_encoded(change.method, change.segments, change.fields)['data']


def finished(case, context, made, answers):
    """The result after the changes, against what PVE shows now: it says yes at times without doing so."""
    kind = case.kind
    found = read(kind, context.client, case.ident)
    if not kind.singleton:
        confirm(case.title, found, case.state)
    if found is not None:
        params = {**case.params, 'update_secret': 'on_create'}
        left = differing(dataclasses.replace(case, current=found, params=params))
        if left:
            context.warn(f'{case.title}: the cluster accepted {", ".join(left)}, but shows something else.')
    more = kind.finish(context, case, answers) if kind.finish else {}
    return {**made.told(kind.name, kind.complete(found)), **more}


def confirm(title, found, state):
    """Raise Internal when an object is not there, or still there, against the state that was asked for."""
    if (found is None) != (state == 'absent'):
        what = 'is still there' if found is not None else 'is not there'
        raise errors.Internal(f'{title} {what}, although the cluster accepted the change. Look at its task log.')
