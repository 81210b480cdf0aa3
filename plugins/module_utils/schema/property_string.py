# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings such as 'virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=10', read and written by the API's format tables.

A format table maps each key to its schema. `default_key` marks the key whose name may be left out; `alias` another
name of a key; `keyAlias` a name that is at the same time the value of a further key ('virtio=MAC' means model=virtio
and macaddr=MAC). Order on output as the server prints it: default key, required keys, the rest, each sorted.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from .scalars import enum_member, to_python, to_text, value_problem
from .wording import joined, suggestion

Format = Mapping[str, Mapping]

_ENCODED = re.compile(r"[A-Za-z0-9_.!~*'()%-]*", re.ASCII)


class PropertyStringError(ValueError):
    """A property string or dictionary that does not fit its format; `key` is the name of the sub-option."""

    def __init__(self, message: str, key: str = '') -> None:
        super().__init__(message)
        self.key = key


class UnknownKey(PropertyStringError):
    """A key that the format does not have."""


class DuplicateKey(PropertyStringError):
    """A key that is given twice, perhaps once under another name."""


class MissingKey(PropertyStringError):
    """A required key, or the name of a key, is missing."""


class BadValue(PropertyStringError):
    """A value that the schema of its key refuses."""


def default_key(fmt: Format) -> str | None:
    """The key whose name may be left out."""
    return next((key for key, schema in fmt.items() if schema.get('default_key')), None)


def key_names(fmt: Format) -> list[str]:
    """The keys that hold values, sorted, without aliases."""
    return sorted(key for key, schema in fmt.items() if 'alias' not in schema)


def resolve(key: str, fmt: Format) -> tuple[str, dict[str, str]]:
    """The real name of a key, and what its name says besides ({'model': 'virtio'} for the key virtio of a network)."""
    if key not in fmt:
        raise UnknownKey(_unknown(key, fmt), key)
    schema = fmt[key]
    implied = {schema['keyAlias']: key} if 'keyAlias' in schema else {}
    return schema.get('alias', key), implied


def parse(text: str, fmt: Format, strict: bool = True) -> dict[str, object]:
    """A property string as a dictionary of real key names and typed values (bool, int, float, str).

    With strict=False, meant for what a server returned, unknown keys are kept as text, and neither values nor
    required keys are checked. Raises UnknownKey, DuplicateKey, MissingKey, BadValue (all ValueError).
    """
    result: dict[str, object] = {}
    for part in str(text).split(','):
        if not part.strip():
            continue
        key, separator, value = part.partition('=')
        if not separator:
            key, value = _default_name(part, fmt), part
        elif not key or not value:
            raise MissingKey(f'{part!r} lacks a key or a value: options are written as key=value.', key)
        _add(result, key.strip(), value, fmt, strict)
    if strict:
        _check(result, fmt)
    return result


def _default_name(part: str, fmt: Format) -> str:
    key = default_key(fmt)
    if key is None:
        raise MissingKey(f'{part!r} lacks a key: use one of {joined(key_names(fmt))}, as in key=value.')
    return key


def _add(result: dict[str, object], key: str, value: object, fmt: Format, strict: bool) -> None:
    if not strict and key not in fmt:
        real, implied = key, {}
    else:
        real, implied = resolve(key, fmt)
    schema = fmt.get(real, {})
    if schema.get('format') == 'urlencoded' and isinstance(value, str):
        value = unquote(value)
    for name, given in {**implied, real: to_python(value, schema)}.items():
        if name in result:
            raise DuplicateKey(f'{name} is given twice: {result[name]!r} and {given!r}.', name)
        result[name] = given


def canonical(values: Mapping[str, object], fmt: Format) -> dict[str, object]:
    """A dictionary as people write it, with real key names and typed values; None values are left out.

    Lists become the ';' lists of the API, booleans the words of an enumeration. Raises as render() does, save that
    required keys are not asked for.
    """
    result: dict[str, object] = {}
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            raise BadValue(f'{key} must be a single value, not a dictionary.', key)
        if isinstance(value, (list, tuple)):
            value = ';'.join(to_text(item) for item in value)
        real, implied = resolve(key, fmt)
        value = enum_member(value, fmt.get(real, {}).get('enum', ()))
        for name, given in {**implied, real: to_python(value, fmt.get(real, {}))}.items():
            if name in result:
                raise DuplicateKey(f'{name} is given twice: {result[name]!r} and {given!r}.', name)
            result[name] = given
    return result


def render(values: Mapping[str, object], fmt: Format) -> str:
    """A dictionary as the property string that the server would print for it.

    Raises UnknownKey, DuplicateKey, MissingKey, BadValue (all ValueError).
    """
    data = canonical(values, fmt)
    _check(data, fmt)
    parts, first = [], default_key(fmt)
    merged = _merged_key(data, fmt)
    if merged:
        parts.append(f'{data[merged[0]]}={_text(merged[1], data, fmt)}')
        data = {key: value for key, value in data.items() if key not in merged}
    for key in sorted(data, key=lambda name: (name != first, bool(fmt[name].get('optional')), name)):
        text = _text(key, data, fmt)
        parts.append(text if key == first and '=' not in text else f'{key}={text}')
    return ','.join(parts)


def _merged_key(data: Mapping[str, object], fmt: Format) -> tuple[str, str] | None:
    """('model', 'macaddr') when both are written as one 'virtio=MAC'."""
    for key, value in data.items():
        schema = fmt.get(value, {}) if isinstance(value, str) else {}
        if schema.get('keyAlias') == key and schema.get('alias') in data:
            return key, schema['alias']
    return None


def _text(key: str, data: Mapping[str, object], fmt: Format) -> str:
    value = to_text(data[key])
    if fmt[key].get('format') == 'urlencoded':
        value = quote(value, safe='')
    if ',' in value:
        raise BadValue(f'{key} must not contain a comma: {value!r}.', key)
    if not value.strip():
        raise BadValue(f'{key} must not be empty: leave it out instead.', key)
    return value


def _check(data: Mapping[str, object], fmt: Format) -> None:
    for key, value in data.items():
        problem = value_problem(value, fmt[key])
        if problem:
            raise BadValue(f'{key} {problem.rstrip(".")}.' if not problem.endswith('?') else f'{key} {problem}', key)
    missing = [key for key in key_names(fmt) if not fmt[key].get('optional') and key not in data]
    if missing:
        raise MissingKey(f"{joined(missing, 'and')} must be given.", missing[0])


def _unknown(key: str, fmt: Format) -> str:
    names = key_names(fmt)
    sentences = [f'{key} is not an option here.', suggestion(key, names), f"Options are {joined(names, 'and')}."]
    return ' '.join(sentence for sentence in sentences if sentence)


def is_encoded(text: str) -> bool:
    """Whether text could be percent-encoded already: it has none of the characters that must be encoded."""
    return _ENCODED.fullmatch(text) is not None
