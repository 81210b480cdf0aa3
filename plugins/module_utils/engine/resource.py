# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of object as data: which options it has and where the API keeps it."""

from __future__ import annotations

import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.named import check_names
from ansible_collections.pve.fleet.plugins.module_utils.schema.formats import split_list
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import parse_bool


@dataclasses.dataclass(frozen=True)
class Field:
    """One option of a kind.

    name: as users write it; wire: PVE's name where it differs. type, elements, choices, options: as in an argument spec.
    default: what PVE means where the key is absent. given: whether there is an option for it.
    secret: PVE never returns it, so it cannot be compared. hidden: it is compared, but never shown.
    """

    name: str
    type: str = 'str'
    wire: str | None = None
    elements: str | None = None
    choices: tuple | None = None
    options: dict | None = None
    default: typing.Any = None
    required: bool = False
    secret: bool = False
    hidden: bool = False
    given: bool = True

    @property
    def key(self):
        return self.wire or self.name

    @property
    def shown_default(self):
        return list(self.default) if isinstance(self.default, tuple) else self.default

    def typed(self, value):
        """A value that PVE shows (0, "1", "a,b"), in the type of the option."""
        if self.type == 'bool':
            known = parse_bool(value)
            return value if known is None else known
        if self.type == 'list' and self.elements != 'dict':
            items = value if isinstance(value, (list, tuple)) else split_list(str(value or ''))
            return sorted({int(item) if self.elements == 'int' else str(item) for item in items})
        return int(value) if self.type == 'int' and str(value).isdigit() else value


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of object.

    name, plural: the result keys, such as 'pool', 'pools'. label: what it is called in messages.
    identity: names of the fields that tell objects apart.
    collection: path of POST, such as 'pools'; item: path of GET, PUT and DELETE, such as 'pools/{poolid}'.
    options: further options {name: argument spec}. singleton: there is exactly one, neither made nor deleted.
    Hooks, each None for the usual way; `case` is a Case:
      identify(params) -> identity; read(client, ident) -> object in PVE's names, or None; listed(client, named) -> such objects;
      wanted(case, context) -> desired {field: value}; check(case, context) raises FleetError for what must not be done;
      changes(case, differing) -> Changes; deletion(case) -> Changes; finish(context, case, answers) -> more results.
    """

    name: str
    plural: str
    identity: tuple
    collection: str
    item: str
    fields: tuple
    label: str = ''
    options: dict = dataclasses.field(default_factory=dict)
    singleton: bool = False
    identify: typing.Callable | None = None
    read: typing.Callable | None = None
    listed: typing.Callable | None = None
    wanted: typing.Callable | None = None
    check: typing.Callable | None = None
    changes: typing.Callable | None = None
    deletion: typing.Callable | None = None
    finish: typing.Callable | None = None

    def field(self, name):
        return next(field for field in self.fields if field.name == name)

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
        known = {fields[key].name: fields[key].typed(value) for key, value in shown.items() if key in fields}
        return {**ident, **known, **{key: value for key, value in shown.items() if key not in fields}}

    def visible(self, values):
        """Values without secrets and digests; None stays None."""
        private = {'digest', *(field.name for field in self.fields if field.secret or field.hidden)}
        return values and {name: value for name, value in values.items() if name not in private}

    def complete(self, shown):
        """An object as a task returns it: with the defaults that PVE leaves out, without secrets."""
        defaults = {field.name: field.shown_default for field in self.fields if field.default is not None}
        return None if shown is None else self.visible({**defaults, **shown})


@dataclasses.dataclass(frozen=True)
class Case:
    """One object and what a task asks of it: all that a plan depends on.

    current: None when there is no such object. official: function that gives the Tables of the cluster's release, called
    only where they are needed, since the release costs a request.
    """

    kind: Kind
    ident: dict
    params: dict
    current: dict | None
    official: typing.Callable
    wanted: dict = dataclasses.field(default_factory=dict)

    @property
    def state(self):
        return self.params.get('state', 'present')

    @property
    def title(self):
        return self.kind.describe(self.ident)

    @property
    def release(self):
        return self.official().release

    @property
    def renews(self):
        """Whether secrets are sent that PVE may have already."""
        return self.params.get('update_secret') == 'always'

    def schemas(self, method, template):
        """The release's parameters of one of the kind's operations, {} where it has no such operation."""
        try:
            return self.official().operation(method, '/' + template.format(**dict.fromkeys(self.ident, 'x'))).parameters
        except ValueError:
            return {}
