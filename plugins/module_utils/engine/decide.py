# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Case to a Plan. Pure."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, Plan, checked
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import is_empty, same


def plan(case):
    """What has to be done -> Plan. Raises BadRequest for what the release's tables do not allow."""
    kind, current = case.kind, case.current
    if case.state == 'absent' and not kind.singleton:
        steps = (kind.deletion or usual_deletion)(case) if current is not None else []
        return sealed(case, steps, current or {}, {}, None)
    names = list(case.wanted) if current is None else differing(case)
    if current is not None and not names:
        return Plan(result=current)
    steps = (kind.changes or usual_changes)(case, names)
    after = {name: case.wanted[name] for name in names}
    if current is None:
        return sealed(case, steps, {}, {**case.ident, **after}, {**case.ident, **after})
    before = {name: current.get(name, kind.field(name).shown_default) for name in names}
    return sealed(case, steps, before, after, {**current, **after})


def sealed(case, steps, before, after, result):
    """A Plan whose changes were held against the tables and that shows no secrets."""
    visible = case.kind.visible
    return Plan(tuple(checked(step, case.official()) for step in steps), visible(before), visible(after), visible(result))


def differing(case):
    """Names of the fields that have to be sent. Raises BadRequest for one that cannot be changed any more."""
    found = []
    for name, value in case.wanted.items():
        field = case.kind.field(name)
        if field.secret:
            if case.renews:
                found.append(name)
            continue
        shown = case.current.get(name, None if value == '' else field.default)
        if not equal(case, field, value, shown):
            refuse_unchangeable(case, field, value, shown)
            found.append(name)
    return found


def equal(case, field, wanted, current):
    """Whether sending the wanted value would change nothing. The tables are asked last: mostly they are not needed."""
    if field.typed(wanted) == field.typed(current) or (is_empty(wanted) and is_empty(current)):
        return True
    return field.type != 'list' and same(field.key, wanted, current, case.schemas('PUT', case.kind.item).get(field.key))


def refuse_unchangeable(case, field, wanted, shown):
    """Raise BadRequest for a field that PVE takes at creation only, or not at all in this release."""
    schemas = case.schemas('PUT', case.kind.item)
    if case.kind.changes or not schemas or field.key in schemas:
        return
    if field.key not in case.schemas('POST', case.kind.collection):
        raise BadRequest(f'Cannot update {case.title}: Proxmox VE {case.release} has no {field.key} for it.')
    raise BadRequest(
        f'Cannot update {case.title}: {field.name} of an existing one cannot be changed (it is {shown!r}, {wanted!r} is asked '
        'for). Delete the object and create it anew, or leave the option as it is.'
    )


def usual_changes(case, names):
    """The request that creates the object, or updates what differs."""
    return [creation(case) if case.current is None else update(case, names)]


def creation(case):
    """POST on the collection; what its path does not say of the identity is sent along."""
    kind = case.kind
    sent = {kind.field(name).key: value for name, value in case.wanted.items() if not is_empty(value)}
    in_path = kind.collection.split('/')
    named = {kind.field(name).key: value for name, value in case.ident.items() if '{' + name + '}' not in in_path}
    return Change(f'create {case.title}', 'POST', kind.path(kind.collection, case.ident), {**named, **sent})


def update(case, names):
    """PUT of what differs. An empty value takes a setting away where PVE has `delete` for that."""
    kind, schemas = case.kind, case.schemas('PUT', case.kind.item)
    values = {kind.field(name).key: case.wanted[name] for name in names}
    removed = [key for key, value in values.items() if is_empty(value) and 'delete' in schemas]
    sent = {key: value for key, value in values.items() if key not in removed}
    demanded = {
        field.key: case.current.get(field.name)
        for field in kind.fields
        if field.key in schemas and not schemas[field.key].get('optional') and field.name not in case.ident
    }
    more = {'delete': removed or None, 'digest': case.current.get('digest') if 'digest' in schemas else None}
    params = {**demanded, **sent, **{key: value for key, value in more.items() if value}}
    return Change(f'update {case.title}: {", ".join(sorted(names))}', 'PUT', kind.path(kind.item, case.ident), params)


def usual_deletion(case):
    return [Change(f'delete {case.title}', 'DELETE', case.kind.path(case.kind.item, case.ident))]
