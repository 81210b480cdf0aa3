# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of request parameters against the official tables, before anything is sent."""
from __future__ import annotations

from collections.abc import Mapping

from .parameters import find_parameter, nearest_parameters
from .property_string import PropertyStringError, canonical, parse, render
from .scalars import to_text, value_problem
from .size import SizeError, mebibytes
from .typetext import property_format
from .wording import joined

MEBIBYTE_PARAMETERS = frozenset(['memory', 'balloon', 'swap'])


def check_parameters(parameters: Mapping[str, Mapping], values: Mapping[str, object], complete: bool = True,
                     extra: bool = False) -> dict[str, str]:
    """What is wrong with the values of a request: name of the parameter → end of a sentence that begins with it.

    In: the schemas of the operation, the values in Python's or the API's types (None is not sent, so not checked);
    complete asks for required parameters too; extra allows unknown ones.
    """
    given = {name: value for name, value in values.items() if value is not None}
    problems = {}
    for name, value in given.items():
        schema = find_parameter(parameters, name)
        if schema is None:
            problem = '' if extra else _unknown(parameters, name)
        else:
            problem = check_value(name, value, schema) or _relations(name, schema, parameters, given)
        if problem:
            problems[name] = problem
    if complete:
        for name, schema in parameters.items():
            if not schema.get('optional') and not name.endswith('[n]') and name not in given:
                problems[name] = 'is required'
    return problems


def _unknown(parameters: Mapping[str, Mapping], name: str) -> str:
    names = nearest_parameters(parameters, name)
    return 'is not a parameter here' + (f': did you mean {joined(names)}?' if names else '')


def _relations(name: str, schema: Mapping, parameters: Mapping[str, Mapping], given: Mapping[str, object]) -> str:
    needed = schema.get('requires')
    if needed and needed in parameters and needed not in given:
        return f'needs {needed} as well'
    selector = schema.get('type-property')
    kinds = schema.get('instance-types')
    if selector in given and kinds and given[selector] not in kinds:
        return f'is for {selector} {joined(kinds)} only, not for {given[selector]}'
    return ''


def check_value(name: str, value: object, schema: Mapping) -> str:
    """What is wrong with the value of one parameter, as the end of a sentence that begins with its name; or ''."""
    if 'oneOf' in schema:
        return ''
    if schema.get('type') == 'array':
        items = value if isinstance(value, (list, tuple)) else [value]
        return next((problem for problem in (check_value(name, item, schema.get('items', {})) for item in items)
                     if problem), '')
    if name in MEBIBYTE_PARAMETERS:
        try:
            value = mebibytes(value)
        except SizeError as error:
            return f'is wrong: {error}'
    fmt = property_format(schema)
    if fmt is not None:
        return _property_problem(name, value, fmt)
    if isinstance(value, Mapping):
        return 'must be a single value, not a dictionary'
    if isinstance(value, (list, tuple)):
        value = ','.join(to_text(item) for item in value)
    return value_problem(value, schema)


def _property_problem(name: str, value: object, fmt: Mapping[str, Mapping]) -> str:
    try:
        if isinstance(value, Mapping):
            render(value, fmt)
        elif isinstance(value, (list, tuple)) and name == 'boot':
            canonical({'order': value}, fmt)
        elif isinstance(value, (list, tuple)):
            return 'must be text or a dictionary, not a list'
        else:
            parse(to_text(value), fmt)
    except PropertyStringError as error:
        return f'is wrong: {error}'
    return ''
