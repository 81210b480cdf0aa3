# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values compared by meaning: what a task wants against what the server shows.

The server normalises what it is given: it sorts options, appends sizes, makes MAC addresses, lower-cases tags, encodes
keys. Two values are the same here when sending the wanted one would change nothing that a user asked for.
"""
from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

from .check import MEBIBYTE_PARAMETERS
from .formats import split_list
from .property_string import PropertyStringError, canonical, default_key, is_encoded, parse
from .scalars import to_python, to_text
from .size import SizeError, mebibytes, parse_size
from .typetext import property_format
from .volumes import realises, volume_key

MASK = '**********'

_ORDERED_LISTS = ('address-list', 'dns-name-list', 'ip-list', 'lxc-ip-with-ll-iface-list')
_UNORDERED_FORMATS = ('pve-hotplug-features', 'pve-fw-conntrack-helper')
_CREATION_ONLY = ('import-from', 'format')
_ALL_HOTPLUG = ('disk', 'network', 'usb')


def is_empty(value: object) -> bool:
    """Whether a value means 'not set': None, an empty list or dictionary, or blank text (' ' is how PVE shows it)."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple, Mapping)) and not value)


def decode_ssh_keys(value: object) -> tuple[str, ...]:
    """Public keys, one per item, from a list, plain text or the percent-encoded text of the API."""
    if isinstance(value, (list, tuple)):
        return tuple(key for item in value for key in decode_ssh_keys(item))
    text = str(value)
    if is_encoded(text):
        text = unquote(text)
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def encode_ssh_keys(value: object) -> str:
    """Public keys (a list, plain or encoded text) percent-encoded as `sshkeys` wants them."""
    return quote(''.join(f'{key}\n' for key in decode_ssh_keys(value)), safe='')


def normalise_tags(value: object, case_sensitive: bool = False) -> tuple[str, ...]:
    """Tags sorted and without repetition, lower-cased unless the datacenter's tag-style is case-sensitive."""
    items = value if isinstance(value, (list, tuple)) else [value]
    tags = (tag for item in items for tag in split_list(to_text(item)))
    return tuple(sorted({tag if case_sensitive else tag.lower() for tag in tags}))


def boot_order(value: object) -> Mapping[str, object]:
    """The `boot` option as {'order': (devices)} or {'legacy': letters}, from text, a dictionary or a device list."""
    if isinstance(value, (list, tuple)):
        return {'order': tuple(to_text(item) for item in value)}
    if isinstance(value, Mapping):
        order = value.get('order')
        return boot_order(order) if isinstance(order, (list, tuple)) else dict(value)
    key, _separator, devices = str(value).strip().rpartition('=')
    if key == 'order':
        return {'order': tuple(device for device in devices.split(';') if device)}
    return {'legacy': devices}


def _hotplug(value: object) -> tuple[str, ...]:
    if str(value) in ('1', 'True'):
        return _ALL_HOTPLUG
    return () if str(value) in ('0', 'False') else _sorted_list(value)


def _sorted_list(value: object) -> tuple[str, ...]:
    return tuple(sorted(set(_ordered_list(value))))


def _ordered_list(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(part for item in items for part in split_list(to_text(item)))


_BY_NAME: dict[str, Callable[[object], object]] = {
    'boot': boot_order,
    'description': lambda value: str(value).rstrip('\n'),
    'hotplug': _hotplug,
    'searchdomain': _ordered_list,
    'sshkeys': decode_ssh_keys,
}


def normalise(name: str, value: object, param_schema: Mapping | None = None, *, defaults: bool = False,
              case_sensitive: bool = False) -> object:
    """A value in a form in which equal meaning is equality.

    In: the parameter's name, its value as a user or the server writes it, its schema from the tables (None: text).
    Out: None for an unset value, bool, int, float, text, a tuple for lists (sorted where order means nothing), or a
    dictionary for property strings, with sizes in bytes. defaults drops what equals the table's default, so that a
    default shown equals one that is unset; case_sensitive is for tags. What cannot be read stays text. Never raises.
    """
    schema = param_schema or {}
    result = None if is_empty(value) else _plain(name, value, schema, defaults, case_sensitive)
    if isinstance(result, dict):
        return result or None
    if defaults and result is not None and 'default' in schema and result == _default(name, schema):
        return None
    return None if is_empty(result) else result


def _default(name: str, schema: Mapping) -> object:
    return normalise(name, schema['default'], schema)


def _plain(name: str, value: object, schema: Mapping, defaults: bool, case_sensitive: bool) -> object:
    if name == 'tags' or schema.get('format') == 'pve-tag-list':
        return normalise_tags(value, case_sensitive)
    if name in _BY_NAME:
        return _BY_NAME[name](value)
    if schema.get('type') == 'array':
        return _array(name, value, schema, defaults)
    if name in MEBIBYTE_PARAMETERS:
        value = _or_same(mebibytes, value)
    fmt = property_format(schema)
    if fmt is not None:
        return _property(value, fmt, defaults)
    if isinstance(value, Mapping):
        return {key: normalise(key, item) for key, item in sorted(value.items())}
    listed = _list(value, schema)
    return _scalar(value, schema) if listed is None else listed


def _list(value: object, schema: Mapping) -> tuple[str, ...] | None:
    form = str(schema.get('format', ''))
    if form in _ORDERED_LISTS:
        return _ordered_list(value)
    if form.endswith(('-list', '-alist')) or form in _UNORDERED_FORMATS:
        return _sorted_list(value)
    return tuple(to_text(item) for item in value) if isinstance(value, (list, tuple)) else None


def _array(name: str, value: object, schema: Mapping, defaults: bool) -> tuple:
    items = value if isinstance(value, (list, tuple)) else [value]
    kind = schema.get('items', {})
    return tuple(sorted((normalise(name, item, kind, defaults=defaults) for item in items), key=repr))


def _scalar(value: object, schema: Mapping) -> object:
    value = to_python(value, schema)
    form = schema.get('format')
    if form == 'mac-addr':
        return str(value).upper()
    if form == 'disk-size':
        return _or_same(parse_size, value)
    if form == 'urlencoded':
        return unquote(str(value)) if is_encoded(str(value)) else value
    return value


def _or_same(read: Callable[[object], object], value: object) -> object:
    try:
        return read(value)
    except SizeError:
        return value


def as_dict(value: object, fmt: Mapping[str, Mapping]) -> dict[str, object]:
    """A property string, a dictionary or a bare value for the default key, as a dictionary of typed values.

    Keys that the format does not know are kept. Raises PropertyStringError.
    """
    if not isinstance(value, Mapping):
        return parse(to_text(value), fmt, strict=False)
    known = {key: item for key, item in value.items() if key in fmt}
    unknown = {key: item for key, item in value.items() if key not in fmt and item is not None}
    return {**unknown, **canonical(known, fmt)}


def _property(value: object, fmt: Mapping[str, Mapping], defaults: bool) -> object:
    try:
        values = as_dict(value, fmt)
    except PropertyStringError:
        return to_text(value) if not isinstance(value, Mapping) else dict(value)
    if 'current' in values and default_key(fmt) == 'current':
        values['current'] = _or_same(mebibytes, values['current'])
    result = {}
    for key, item in values.items():
        schema = fmt.get(key, {})
        given = _flags(item) if key == 'flags' else _decoded(item, schema)
        if not (defaults and 'default' in schema and given == _scalar(schema['default'], schema)):
            result[key] = given
    return result


def _decoded(value: object, schema: Mapping) -> object:
    # The codec has decoded urlencoded text already.
    return value if schema.get('format') == 'urlencoded' else _scalar(value, schema)


def _flags(value: object) -> str:
    return ';'.join(sorted(re.split('[; ]', str(value))))


def same(name: str, wanted: object, current: object, schema: Mapping | None = None, *, defaults: bool = False,
         case_sensitive: bool = False, partial: bool = False) -> bool:
    """Whether the current value is what sending the wanted one would give.

    What the server generates is no difference when the wanted value leaves it open: MAC addresses, sizes and volume
    names of new disks, single-valued types, vmgenid=1. What is only used at creation (import-from, format of a disk) is
    not compared, and a password that reads back masked cannot be. partial compares only those options of a property
    string that the wanted value names. defaults and case_sensitive as for normalise().
    """
    clean = functools.partial(normalise, param_schema=schema, defaults=defaults, case_sensitive=case_sensitive)
    left, right = clean(name, wanted), clean(name, current)
    if current == MASK:
        return left is not None
    if name == 'vmgenid' and left == '1':
        return right not in (None, '0')
    fmt = property_format(schema)
    if fmt is not None and isinstance(left, dict) and isinstance(right, dict) and name != 'boot':
        return _same_property(name, left, right, fmt, partial)
    return left == right


def _same_property(name: str, wanted: dict, current: dict, fmt: Mapping[str, Mapping], partial: bool) -> bool:
    wanted, current = dict(wanted), dict(current)
    volume = volume_key(fmt)
    if volume:
        for key in _CREATION_ONLY:
            wanted.pop(key, None)
            current.pop(key, None)
        asked = wanted.pop(volume, None)
        if not realises(name, asked, current.pop(volume, None), current.get('size')):
            return False
        if str(asked).endswith(':cloudinit'):
            current.pop('media', None)
            wanted.pop('media', None)
    for key in [key for key in current if key not in wanted and (partial or _is_generated(fmt.get(key, {})))]:
        del current[key]
    return wanted == current


def _is_generated(schema: Mapping) -> bool:
    return schema.get('format') in ('mac-addr', 'disk-size') or len(schema.get('enum', ())) == 1
