# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of one option, and how it compares with what there is. Pure."""

from __future__ import annotations

import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.schema.check import check_value
from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import (
    PropertyStringError,
    canonical,
    render,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import SizeError
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import as_dict, is_empty, normalise, same
from ansible_collections.pve.fleet.plugins.module_utils.schema.wire import WireError, encode_value

GENERATED = ('macaddr', 'hwaddr')


@dataclasses.dataclass(frozen=True)
class Wish:
    """value: as the task gives it (None inside a dictionary removes that setting).

    partial: only what the dictionary names is managed. secret: never shown.
    """

    value: typing.Any
    partial: bool = False
    secret: bool = False


def differs(key, wish, current, schema):
    """Whether the wish asks for something else than the current value (text, or None where it is unset)."""
    fmt = property_format(schema)
    if isinstance(wish.value, dict) and fmt is not None and wish.partial:
        return (current is None and is_device(key)) or differs_in_part(key, wish.value, current, fmt, schema)
    if is_empty(wish.value):
        return not is_empty(current)
    return not same(key, wish.value, current, schema, defaults=True)


def is_device(key):
    """Whether an option is a thing that exists only when it is set, such as net0."""
    return key[-1].isdigit()


def differs_in_part(key, wanted, current, fmt, schema):
    have = normalise(key, current, schema) if current is not None else {}
    have = have if isinstance(have, dict) else {}
    asked = normalise(key, named(key, wanted, fmt), schema) or {}
    if any(name in have for name in emptied(wanted)):
        return True
    for name, value in asked.items():
        entry = fmt.get(name, {})
        default = normalise(name, entry['default'], entry) if 'default' in entry else None
        if have.get(name, default) != value:
            return True
    return False


def emptied(wanted):
    """Settings that a dictionary sets to nothing, so that they are removed."""
    return [name for name, value in wanted.items() if value is None]


def named(key, wanted, fmt):
    """The settings of a dictionary under their real names. Raises BadRequest for one that there is not."""
    try:
        return canonical({name: value for name, value in wanted.items() if value is not None}, fmt)
    except PropertyStringError as error:
        raise BadRequest(f'{key}: {error}', details={'option': key}) from None


def merged_text(key, wish, current, schema):
    """The text to send so that the wish is fulfilled and what it does not manage stays. Raises BadRequest.

    A generated hardware address is kept unless the wish has another.
    """
    fmt = property_format(schema)
    try:
        value = wish.value
        if fmt is not None and (isinstance(value, dict) or (current is not None and keeps_address(fmt))):
            value = render(merged(key, wish, current, fmt), fmt)
        text = encode_value(key, value, schema)
    except (PropertyStringError, WireError, SizeError) as error:
        raise BadRequest(f'{key}: {error}', details={'option': key}) from None
    problem = '' if key == 'sshkeys' else check_value(key, wish.value if fmt is None else text, schema)
    if problem:
        raise BadRequest(f'{key} {problem.rstrip(".")}.', details={'option': key})
    return text


def keeps_address(fmt):
    return any(name in fmt for name in GENERATED)


def merged(key, wish, current, fmt):
    old = as_dict(current, fmt) if current is not None else {}
    if not isinstance(wish.value, dict):
        new = as_dict(wish.value, fmt)
    else:
        new = named(key, wish.value, fmt)
    if wish.partial:
        return {name: value for name, value in {**old, **new}.items() if name not in emptied(wish.value)}
    kept = {name: old[name] for name in GENERATED if name in old and name not in new}
    return {**new, **kept}
