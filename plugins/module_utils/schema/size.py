# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes as Proxmox VE reads and prints them: powers of 1024 throughout."""
from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

KIB = 1024
MIB = 1024 ** 2
GIB = 1024 ** 3

_POWERS = {'': 0, 'B': 0, 'K': 1, 'M': 2, 'G': 3, 'T': 4, 'P': 5}
_SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*([KMGTP]?)(i?B)?', re.IGNORECASE | re.ASCII)
_WITH_UNIT = re.compile(r'\s*\d+(\.\d+)?\s*([KMGTP](i?B)?|B)\s*', re.IGNORECASE)


class SizeError(ValueError):
    """The text is not a size."""


def parse_size(text: object, default_unit: str = '') -> int:
    """A size in bytes, rounded up to whole bytes.

    In: '32G', '512M', '10486K', '1.5 GiB', '4096', or a number. default_unit ('', 'K', 'M', 'G', 'T', 'P') is the
    unit of a number that has none. Raises SizeError, also for 'GB' and the like, which leave open whether 1000 or 1024
    is meant.
    """
    if isinstance(text, bool):
        raise SizeError(f'{text!r} is not a size: something like 32G or 512M is expected.')
    match = _SIZE.fullmatch(str(text).strip())
    if not match:
        raise SizeError(f'{text!r} is not a size: something like 32G or 512M is expected.')
    number, unit, suffix = match.group(1), match.group(2).upper(), (match.group(3) or '').upper()
    if unit and suffix == 'B':
        raise SizeError(f'the size {text!r} is ambiguous: write {number}{unit} or {number}{unit}iB for powers of 1024.')
    if not unit and suffix == 'IB':
        raise SizeError(f'{text!r} is not a size: something like 32G or 512M is expected.')
    power = _POWERS[unit] if unit or suffix else _POWERS[default_unit.upper()]
    return int((Decimal(number) * KIB ** power).to_integral_value(rounding=ROUND_CEILING))


def format_size(size: int) -> str:
    """Bytes as Proxmox VE prints them: the largest unit up to T that gives a whole number ('2560M', '1G', '1000')."""
    unit = ''
    for larger in 'KMGT':
        if size == 0 or size % KIB:
            break
        size //= KIB
        unit = larger
    return f'{size}{unit}'


def has_unit(value: object) -> bool:
    """Whether a value is text such as '8G' that names its own unit."""
    return isinstance(value, str) and _WITH_UNIT.fullmatch(value) is not None


def mebibytes(value: object) -> object:
    """'8G' becomes 8192; anything that names no unit is MiB already and comes back as it is.

    Raises SizeError when the size is not a whole number of MiB.
    """
    if not has_unit(value):
        return value
    size = parse_size(value)
    if size % MIB:
        raise SizeError(f'the size {value!r} is not a whole number of MiB, which Proxmox VE needs here.')
    return size // MIB
