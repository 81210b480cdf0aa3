# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules of a kind, from its fields; and back, what a task names of them."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC

STATE = {'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'}}
REMOVE = {'remove': {'type': 'list', 'elements': 'str'}}
UPDATE_SECRET = {
    'update_secret': {'type': 'str', 'choices': ['on_create', 'always'], 'default': 'on_create', 'no_log': False}
}


def arguments(kind):
    """The argument spec of a kind's module."""
    own = {field.name: option(field) for field in kind.fields if field.given}
    state = {} if kind.singleton else STATE
    secret = UPDATE_SECRET if any(field.secret for field in kind.fields) else {}
    return {**own, **state, **secret, **kind.options, **CONNECTION_SPEC}


def info_arguments(kind):
    """The argument spec of a kind's _info module."""
    return {**{name: {**option(kind.field(name)), 'required': False} for name in kind.identity}, **CONNECTION_SPEC}


def option(field):
    """The entry of a Field in an argument spec."""
    given = {'elements': field.elements, 'choices': list(field.choices or ()), 'options': field.options}
    found = {'type': field.type, 'required': field.required, 'no_log': field.secret or field.hidden}
    return {**found, **{name: value for name, value in given.items() if value}}


def named_by_task(kind, params):
    """What the task names of the object: {field: value}, without identity. A setting to remove is ''."""
    options = [field for field in kind.fields if field.given and field.name not in kind.identity]
    found = {field.name: params[field.name] for field in options if params.get(field.name) is not None}
    names = {name: field.name for field in kind.fields if field.name not in kind.identity for name in (field.name, field.key)}
    for name in params.get('remove') or []:
        if name not in names:
            raise BadRequest(f'remove: {name} is not a setting of a {kind.describe({})}.')
        if names[name] in found:
            raise BadRequest(f'{name} is both given and named in remove. Keep one of the two.')
        found[names[name]] = ''
    return found
