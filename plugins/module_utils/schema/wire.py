# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as they are sent: form fields and path segments."""
from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from .check import MEBIBYTE_PARAMETERS
from .parameters import find_parameter
from .property_string import default_key, render
from .scalars import enum_member, parse_bool, to_text
from .size import mebibytes
from .typetext import property_format
from .values import boot_order, encode_ssh_keys

_SPACED_LISTS = ('address-list', 'dns-name-list', 'lxc-ip-with-ll-iface-list')


class WireError(ValueError):
    """A value that cannot be sent."""


def quote_segment(text: object) -> str:
    """One segment of a path, quoted: '#', '/', '@', '!', '?' and '%' in an id are encoded, ':' stays.

    Raises WireError for '', '.' and '..', which would lead to another path.
    """
    segment = to_text(text)
    if segment in ('', '.', '..'):
        raise WireError(f'{segment!r} cannot be part of a path: give the name or id of the object.')
    return quote(segment, safe=':')


def encode_params(params: Mapping[str, object], schemas: Mapping[str, Mapping] | None = None) -> list[tuple[str, str]]:
    """Parameters as form fields, in the given order: (name, text), a name repeated for arrays.

    In: Python values; schemas are those of the operation (net[n] is found for net0) and let dictionaries become
    property strings, lists arrays, '8G' of memory MiB. None is left out; booleans are 1 and 0; lists are joined.
    Raises WireError for a dictionary where no property string is known, PropertyStringError or SizeError for a value
    that does not fit (all ValueError).
    """
    fields: list[tuple[str, str]] = []
    for name, value in params.items():
        if value is None:
            continue
        schema = find_parameter(schemas, name) if schemas else None
        fields.extend((name, text) for text in _texts(name, value, schema or {}))
    return fields


def _texts(name: str, value: object, schema: Mapping) -> list[str]:
    repeated = schema.get('type') == 'array' or str(schema.get('format', '')).endswith('-alist')
    if not repeated:
        return [encode_value(name, value, schema)]
    items = value if isinstance(value, (list, tuple)) else [value]
    return [encode_value(name, item, schema.get('items', {})) for item in items]


def encode_value(name: str, value: object, schema: Mapping | None = None) -> str:
    """The text of one parameter; None is not allowed. Raises as encode_params()."""
    schema = schema or {}
    if name == 'sshkeys':
        return encode_ssh_keys(value)
    if name == 'boot' and not isinstance(value, str):
        return _boot(value)
    if name in MEBIBYTE_PARAMETERS:
        value = mebibytes(value)
    fmt = property_format(schema)
    if fmt is not None:
        return _property(name, value, fmt)
    if isinstance(value, Mapping):
        raise WireError(f'{name} must be a single value, not a dictionary with {", ".join(map(str, value))}.')
    if isinstance(value, (list, tuple)):
        return _joined(name, value, schema)
    if schema.get('type') == 'boolean':
        known = parse_bool(value)
        return to_text(value if known is None else known)
    return to_text(enum_member(value, schema.get('enum', ())))


def _boot(value: object) -> str:
    if not isinstance(value, (Mapping, list, tuple)):
        return to_text(value)
    choice = boot_order(value)
    if 'order' not in choice:
        return to_text(choice.get('legacy', ''))
    order = choice['order']
    return 'order=' + (';'.join(order) if isinstance(order, tuple) else to_text(order))


def _property(name: str, value: object, fmt: Mapping[str, Mapping]) -> str:
    if isinstance(value, Mapping):
        if default_key(fmt) == 'current' and 'current' in value:
            value = {**value, 'current': mebibytes(value['current'])}
        return render(value, fmt)
    if isinstance(value, (list, tuple)):
        raise WireError(f'{name} must be text or a dictionary, not a list.')
    return to_text(value)


def _joined(name: str, items: list | tuple, schema: Mapping) -> str:
    if any(isinstance(item, (Mapping, list, tuple)) for item in items):
        raise WireError(f'{name} must be a list of single values.')
    separator = ' ' if schema.get('format') in _SPACED_LISTS else ','
    if name == 'tags' or schema.get('format') == 'pve-tag-list':
        separator = ';'
    return separator.join(to_text(item) for item in items)
