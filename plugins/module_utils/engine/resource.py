# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of object as data: which options it has and where the API keeps it."""

from __future__ import annotations

import dataclasses
import re
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Internal, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.schema.formats import split_list
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import parse_bool
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

MISSING = re.compile(r'no such|does not exist|not defined', re.IGNORECASE)
SECRET_OPTION = {
    'update_secret': {'type': 'str', 'choices': ['on_create', 'always'], 'default': 'on_create', 'no_log': False}
}


@dataclasses.dataclass(frozen=True)
class Field:
    """One option of a kind.

    name: as users write it; wire: PVE's name where it differs. type, elements, choices: as in an argument spec.
    default: what PVE means where the key is absent.
    secret: PVE never returns it, so it cannot be compared. hidden: it is compared, but never shown.
    given: whether there is an option for it. options: suboptions, as in an argument spec.
    """

    name: str
    type: str = 'str'
    wire: str | None = None
    elements: str | None = None
    choices: tuple | None = None
    default: typing.Any = None
    required: bool = False
    secret: bool = False
    hidden: bool = False
    given: bool = True
    options: dict | None = None

    @property
    def key(self):
        return self.wire or self.name

    def as_option(self):
        """The entry of an argument spec."""
        option = {'type': self.type, 'required': self.required, 'no_log': self.secret or self.hidden}
        if self.elements:
            option['elements'] = self.elements
        if self.choices:
            option['choices'] = list(self.choices)
        if self.options:
            option['options'] = self.options
        return option

    def typed(self, value):
        """A value that PVE shows (0, "1", "a,b"), in the type of the option."""
        if self.type == 'bool':
            known = parse_bool(value)
            return value if known is None else known
        if self.type == 'list' and self.elements != 'dict':
            items = value if isinstance(value, (list, tuple)) else split_list(str(value or ''))
            return sorted(int(item) if self.elements == 'int' else str(item) for item in items)
        return int(value) if self.type == 'int' and str(value).isdigit() else value


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of object.

    name, plural: the result keys, such as 'pool', 'pools'. identity: names of the fields that tell objects apart.
    collection: path of POST, such as 'pools'; item: path of GET, PUT and DELETE, such as 'pools/{poolid}'.
    options: further options {name: argument spec}. removes: whether settings can be taken away (option `remove`).
    singleton: there is exactly one, neither made nor deleted.
    Hooks, each None for the usual way; `case` is a Case:
      identify(params) -> identity; read(client, ident) -> object in PVE's names, or None; listed(client) -> such objects;
      wanted(case, client) -> desired {field: value}; check(case, context) raises FleetError for what must not be done;
      guard(case, client) -> what a deletion would destroy besides, in words (refused without `force`), or None;
      changes(case, differing) -> Changes; deletion(case) -> Changes; finish(context, case, answers) -> more results.
    """

    name: str
    plural: str
    identity: tuple
    collection: str
    item: str
    fields: tuple
    label: str = ''
    tier: str = 'admin'
    options: dict = dataclasses.field(default_factory=dict)
    removes: bool = False
    singleton: bool = False
    identify: typing.Callable | None = None
    read: typing.Callable | None = None
    listed: typing.Callable | None = None
    wanted: typing.Callable | None = None
    check: typing.Callable | None = None
    guard: typing.Callable | None = None
    changes: typing.Callable | None = None
    deletion: typing.Callable | None = None
    finish: typing.Callable | None = None

    def field(self, name):
        return next(field for field in self.fields if field.name == name)

    def argument_spec(self):
        """The options of the kind's module."""
        spec = {field.name: field.as_option() for field in self.fields if field.given}
        if not self.singleton:
            spec['state'] = {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'}
        if self.removes:
            spec['remove'] = {'type': 'list', 'elements': 'str'}
        if self.guard:
            spec['force'] = {'type': 'bool', 'default': False}
        if any(field.secret for field in self.fields):
            spec.update(SECRET_OPTION)
        return {**spec, **self.options, **CONNECTION_SPEC}

    def info_spec(self):
        """The options of the kind's _info module."""
        named = {name: {**self.field(name).as_option(), 'required': False} for name in self.identity}
        return {**named, **CONNECTION_SPEC}

    def ident(self, params):
        """{identity field: value} of a task."""
        return check_names(self.identify(params) if self.identify else {name: params[name] for name in self.identity})

    def path(self, template, ident):
        """A path template filled in, as segments."""
        return tuple(part.format(**ident) for part in template.split('/'))

    def describe(self, ident):
        """An object in words, such as 'pool shop'."""
        return ' '.join([self.label or self.name.replace('_', ' '), '/'.join(str(value) for value in ident.values())]).strip()

    def shaped(self, ident, shown):
        """An object as users see it: their names and types. Keys that are no options stay as they are."""
        fields = {field.key: field for field in self.fields}
        return {
            **ident,
            **{
                fields[key].name if key in fields else key: fields[key].typed(value) if key in fields else value
                for key, value in shown.items()
            },
        }


@dataclasses.dataclass(frozen=True)
class Case:
    """One object and what a task asks of it: all that a plan depends on. current: None when there is no such object."""

    kind: Kind
    ident: dict
    params: dict
    current: dict | None
    release: str
    wanted: dict = dataclasses.field(default_factory=dict)

    @property
    def state(self):
        return self.params.get('state', 'present')

    @property
    def title(self):
        return self.kind.describe(self.ident)

    @property
    def tables(self):
        return tables(self.release)

    def schemas(self, method, template):
        """The release's parameters of one of the kind's operations, {} where it has no such operation."""
        names = dict.fromkeys(self.ident, 'x')
        try:
            return self.tables.operation(method, '/' + template.format(**names)).parameters
        except ValueError:
            return {}


def check_names(names):
    """The same {option: name of an object}. Raises BadRequest for one that would lead to another path of the API."""
    for option, value in names.items():
        if value in ('', '.', '..'):
            raise BadRequest(f'{option}: {value!r} names nothing. Give the name or id of the object.')
    return names


def get_or_none(client, *segments, params=None):
    """GET, None for an object that does not exist: PVE says so with 400, 404 or 500 and words."""
    try:
        return client.get(*segments, params=params)
    except NotFound:
        return None
    except (BadRequest, Internal) as error:
        if MISSING.search(error.message):
            return None
        raise


def is_unset(value):
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)


def usual_changes(case, differing):
    """Create, or update what differs. An empty value takes a setting away where PVE has `delete` for that."""
    kind, wanted = case.kind, case.wanted
    if case.current is None:
        sent = {kind.field(name).key: value for name, value in wanted.items() if not is_unset(value)}
        segments = kind.path(kind.collection, case.ident)
        in_path = kind.collection.split('/')
        named = {kind.field(name).key: value for name, value in case.ident.items() if '{' + name + '}' not in in_path}
        return [Change(f'create {case.title}', 'POST', segments, {**named, **sent})]
    schemas = case.schemas('PUT', kind.item)
    params, removed = {}, []
    for name in differing:
        key = kind.field(name).key
        if is_unset(wanted[name]) and 'delete' in schemas:
            removed.append(key)
        else:
            params[key] = wanted[name]
    for field in kind.fields:
        needed = field.key in schemas and not schemas[field.key].get('optional') and field.name not in case.ident
        if needed and field.key not in params:
            params[field.key] = case.current.get(field.name)
    if removed:
        params['delete'] = removed
    if 'digest' in schemas and case.current.get('digest'):
        params['digest'] = case.current['digest']
    words = f'update {case.title}: {", ".join(sorted(differing))}'
    return [Change(words, 'PUT', kind.path(kind.item, case.ident), params)]


def usual_deletion(case):
    return [Change(f'delete {case.title}', 'DELETE', case.kind.path(case.kind.item, case.ident))]
