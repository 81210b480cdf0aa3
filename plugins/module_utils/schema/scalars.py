# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values of the API: boolean, integer, number, text; their limits and their spelling."""
from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from decimal import Decimal

from .formats import format_problem
from .wording import joined, suggestion

_TRUE = frozenset(['1', 'on', 'yes', 'true'])
_FALSE = frozenset(['0', 'off', 'no', 'false'])
_OFF_NAMES = ('off', 'none', 'ignore', 'no', '0')
_ON_NAMES = ('on', 'yes', '1')
_INTEGER = re.compile(r'[+-]?\d+', re.ASCII)
_NUMBER = re.compile(r'[+-]?\d+(\.\d+)?([eE][+-]?\d+)?', re.ASCII)


def parse_bool(value: object) -> bool | None:
    """True or False for a boolean in any spelling that Proxmox VE or YAML knows; None for anything else."""
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def number_text(value: float) -> str:
    """A number without exponent and without a useless '.0'."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return format(Decimal(repr(value)), 'f') if isinstance(value, float) else str(value)


@functools.lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """A pattern of the tables (Perl's spelling) as Python's; it holds for a whole value."""
    return re.compile(text.replace('(?^i:', '(?i:').replace('(?^:', '(?:'))


def enum_member(value: object, allowed: list) -> object:
    """A YAML boolean as the word that an enumeration has for it (True as 'on', False as 'off', 'none' or 'ignore')."""
    if isinstance(value, bool):
        for name in _ON_NAMES if value else _OFF_NAMES:
            if name in allowed:
                return name
    return value


def to_python(value: object, schema: Mapping) -> object:
    """A value in the type that its schema names; what does not fit comes back as text, unchanged."""
    kind = schema.get('type', 'string')
    if kind == 'boolean':
        known = parse_bool(value)
        return value if known is None else known
    if kind in ('integer', 'number'):
        return _to_number(value)
    if schema.get('enum'):
        value = enum_member(value, schema['enum'])
    return to_text(value)


def _to_number(value: object) -> object:
    text = to_text(value).strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


def to_text(value: object) -> str:
    """The text that is sent for one value: booleans as 1 and 0, numbers without exponent."""
    if isinstance(value, bool):
        return '1' if value else '0'
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def value_problem(value: object, schema: Mapping) -> str:
    """What is wrong with one value, as the end of a sentence that begins with its name; '' when it is good."""
    kind = schema.get('type', 'string')
    value = to_python(value, schema)
    if kind == 'boolean':
        return '' if isinstance(value, bool) else f'must be true or false, not {value!r}'
    if kind in ('integer', 'number'):
        problem = _number_problem(value, schema, kind)
    else:
        problem = _text_problem(value, schema)
    return problem or format_problem(schema.get('format'), str(value))


def _number_problem(value: object, schema: Mapping, kind: str) -> str:
    wanted = (int,) if kind == 'integer' else (int, float)
    if not isinstance(value, wanted):
        return f"must be a {'whole number' if kind == 'integer' else 'number'}, not {value!r}"
    lowest, highest = limits(schema)
    if lowest is not None and value < lowest:
        return f'must be at least {lowest}, not {value}'
    if highest is not None and value > highest:
        return f'must be at most {highest}, not {value}'
    return ''


def limits(schema: Mapping) -> tuple[float | None, float | None]:
    """(lowest, highest) number allowed, None where there is no limit. Some tables write limits as text, or min and max."""
    found = (schema.get('minimum', schema.get('min')), schema.get('maximum', schema.get('max')))
    lowest, highest = (None if limit is None else _to_number(limit) for limit in found)
    return lowest, highest


def _text_problem(value: str, schema: Mapping) -> str:
    allowed = [str(member) for member in schema.get('enum', ())]
    if allowed and value not in allowed:
        return f'must be {joined(allowed)}, not {value!r}. {suggestion(value, allowed)}'.rstrip()
    if len(value) < schema.get('minLength', 0):
        return f"must have at least {schema['minLength']} characters"
    if len(value) > schema.get('maxLength', len(value)):
        return f"must have at most {schema['maxLength']} characters, not {len(value)}"
    if 'pattern' in schema and not pattern(schema['pattern']).fullmatch(value):
        return f"must be written like {schema.get('typetext') or schema['pattern']}, not {value!r}"
    return ''
