# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kind and a task to a result: read, plan, apply unless in check mode, read again."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api import errors, tasks
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Plan, checked
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import (
    Case,
    Kind,
    get_or_none,
    is_unset,
    usual_changes,
    usual_deletion,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import same


def named_by_task(kind, params):
    """What the task names of the object: {field: value}, without identity. A setting to remove is ''."""
    found = {field.name: params[field.name] for field in kind.fields
             if field.given and field.name not in kind.identity and params.get(field.name) is not None}  # fmt: skip
    names = {name: field.name for field in kind.fields for name in (field.name, field.key)}
    for name in params.get('remove') or []:
        if name not in names or names[name] in kind.identity:
            raise errors.BadRequest(f'remove: {name} is not a setting of a {kind.describe({})}.')
        if names[name] in found:
            raise errors.BadRequest(f'{name} is both given and named in remove. Keep one of the two.')
        found[names[name]] = ''
    return found


def equal(field, wanted, current, schema):
    """Whether sending the wanted value would change nothing."""
    if is_unset(wanted) and is_unset(current):
        return True
    if field.type == 'list':
        wanted, current = field.typed(wanted), field.typed(current or [])
        return wanted == current if field.elements == 'dict' else set(wanted) == set(current)
    return same(field.key, wanted, current, schema)


def differing_fields(case):
    """Names of the fields that have to be sent. Raises BadRequest for one that cannot be changed any more."""
    kind, found = case.kind, []
    schemas = case.schemas('PUT', kind.item)
    for name, value in case.wanted.items():
        field = kind.field(name)
        if field.secret:
            if case.params.get('update_secret') == 'always':
                found.append(name)
            continue
        shown = case.current.get(name) if value == '' and name not in case.current else case.current.get(name, field.default)
        if equal(field, value, shown, schemas.get(field.key)):
            continue
        if schemas and not kind.changes and field.key not in schemas:
            raise unchangeable(case, field, shown, value)
        found.append(name)
    return found


def unchangeable(case, field, shown, value):
    """The error for a field that PVE takes at creation only, or not at all in this release."""
    title = case.title
    if field.key not in case.schemas('POST', case.kind.collection):
        return errors.BadRequest(f'Cannot update {title}: Proxmox VE {case.release} has no {field.key} for it.')
    return errors.BadRequest(
        f'Cannot update {title}: {field.name} of an existing one cannot be changed (it is {shown!r}, {value!r} is asked '
        'for). Delete the object and create it anew, or leave the option as it is.'
    )


def plan(case):
    """Pure: what has to be done -> Plan. Raises BadRequest for what the release's tables do not allow."""
    kind, current = case.kind, case.current
    if case.state == 'absent' and not kind.singleton:
        if current is None:
            return Plan((), {}, {}, None)
        steps = (kind.deletion or usual_deletion)(case)
        return Plan(tuple(checked(step, case.tables) for step in steps), visible(kind, current), {}, None)
    differing = list(case.wanted) if current is None else differing_fields(case)
    if current is not None and not differing:
        return Plan((), {}, {}, current)
    steps = (kind.changes or usual_changes)(case, differing)
    changes = tuple(checked(step, case.tables) for step in steps)
    after = {name: case.wanted[name] for name in differing}
    if current is None:
        shown = {**case.ident, **visible(kind, after)}
        return Plan(changes, {}, shown, shown)
    before = {name: current.get(name, shown_default(kind.field(name))) for name in differing}
    return Plan(changes, visible(kind, before), visible(kind, after), {**current, **after})


def visible(kind, values):
    """Values without secrets and digests."""
    private = {field.name for field in kind.fields if field.secret or field.hidden}
    return {name: value for name, value in values.items() if name not in private and name != 'digest'}


def read(kind, client, ident):
    """The object now, as users see it, None when there is none."""
    shown = kind.read(client, ident) if kind.read else get_or_none(client, *kind.path(kind.item, ident))
    return None if shown is None else kind.shaped(ident, shown)


def case_of(kind, context, ident):
    """The Case of a task: reads the object."""
    current = read(kind, context.client, ident)
    case = Case(kind, ident, context.params, current, context.client.release)
    wanted = named_by_task(kind, context.params)
    case = dataclasses.replace(case, wanted=wanted)
    return dataclasses.replace(case, wanted=kind.wanted(case, context.client)) if kind.wanted else case


def module_run(kind: Kind):
    """The function that a kind's ModuleSpec runs."""

    def run(context):
        return reconcile(kind, context, kind.ident(context.params))

    return run


def reconcile(kind, context, ident):
    """Bring the object to what the task declares -> result."""

    def look():
        case = case_of(kind, context, ident)
        made = plan(case)
        if made.changes:
            allow(case, context)
        return case, made

    return settle(
        context,
        look,
        lambda case, made, answers: finished(case, context, made, answers),
        lambda made: outcome(kind, made, made.result),
    )


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


def allow(case, context):
    """Raises FleetError when the changes must not be made."""
    if case.kind.check:
        case.kind.check(case, context)
    if case.state == 'absent' and case.kind.guard and not case.params['force']:
        besides = case.kind.guard(case, context.client)
        if besides:
            raise errors.Conflict(f'{case.title} is not deleted: {besides} Set force: true to delete it nevertheless.')


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
    if not kind.singleton and (found is None) != (case.state == 'absent'):
        what = 'is still there' if found is not None else 'is not there'
        raise errors.Internal(f'{case.title} {what}, although the cluster accepted the change. Look at its task log.')
    if found is not None:
        params = {**case.params, 'update_secret': 'on_create'}
        left = differing_fields(dataclasses.replace(case, current=found, params=params))
        if left:
            context.warn(f'{case.title}: the cluster accepted {", ".join(left)}, but shows something else.')
    more = kind.finish(context, case, answers) if kind.finish else {}
    return {**outcome(kind, made, found), **more}


def outcome(kind, made, result):
    """The result of a task."""
    defaults = {field.name: shown_default(field) for field in kind.fields if field.default is not None}
    return {
        'changed': bool(made.changes),
        'changes': made.words,
        'diff': {'before': made.before, 'after': made.after},
        kind.name: visible(kind, {**defaults, **result}) if result is not None else None,
    }


def shown_default(field):
    return list(field.default) if isinstance(field.default, tuple) else field.default


def info_run(kind: Kind):
    """The function that the ModuleSpec of a kind's _info module runs: one object by its identity, or all."""

    def run(context):
        client, named = context.client, [name for name in kind.identity if context.params.get(name)]
        if len(named) == len(kind.identity):
            ident = kind.ident(context.params)
            found = [read(kind, client, ident)]
        else:
            rows = kind.listed(client, {name: context.params[name] for name in named}) if kind.listed else client.get(kind.collection)
            found = [kind.shaped({}, row) for row in rows]
            found = [one for one in found if all(one.get(name) == context.params[name] for name in named)]
        shown = [outcome(kind, Plan((), {}, {}, None), one)[kind.name] for one in found if one is not None]
        if not kind.identity:
            return {'changed': False, kind.name: shown[0]}
        return {'changed': False, kind.plural: sorted(shown, key=lambda one: [str(one.get(name)) for name in kind.identity])}

    return run
