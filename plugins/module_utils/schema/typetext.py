# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property formats that the official tables give as text only.

For some parameters (boot, cpu, hostpci0, ipconfig0, rng0, smbios1, startup, watchdog, prune-backups ...) the tables
name a format and show its shape as '[[order=]<number>] [,up=<number>]'. That text is regular enough to be read.
"""
from __future__ import annotations

import functools
import re
from collections.abc import Mapping

_BETWEEN = re.compile(r'\s+(?=\[?,)')
_PART = re.compile(
    r'(?P<optional>\[)?,?(?P<default>\[)?(?P<key>[\w-]+)=(?(default)\])(?!\])(?P<value>.*?)(?(optional)\])')
_WORDS = re.compile(r'<([A-Za-z/][\w./-]*(?:\|[A-Za-z/][\w./-]*)+)>')
_LETTERS = re.compile(r'<(\[\w+\]\{\d+,\d+\})>')
_FORMATS = {
    '<GatewayIPv4>': 'ipv4',
    '<GatewayIPv6>': 'ipv6',
    '<IPv4Format/CIDR>': 'pve-ipv4-config',
    '<IPv6Format/CIDR>': 'pve-ipv6-config',
    '<storage ID>': 'pve-storage-id',
}
_TYPES = {'<1|0>': 'boolean', '<integer>': 'integer', '<number>': 'number', '\\d+': 'integer'}


@functools.lru_cache(maxsize=128)
def format_from_typetext(text: str) -> Mapping[str, Mapping] | None:
    """A format as the tables write them, read from a typetext; None when the text shows no property string."""
    result = {}
    for part in _BETWEEN.split(text.strip()):
        match = _PART.fullmatch(part)
        if not match:
            return None
        result[match['key']] = _property(match)
    return result


def _property(match: re.Match[str]) -> dict:
    value = match['value']
    schema = {'type': _TYPES.get(value, 'string')}
    words = _WORDS.fullmatch(value)
    if words:
        schema['enum'] = words.group(1).split('|')
    letters = _LETTERS.fullmatch(value)
    if letters:
        schema['pattern'] = letters.group(1)
    if value in _FORMATS:
        schema['format'] = _FORMATS[value]
    if match['default']:
        schema['default_key'] = 1
    if match['optional']:
        schema['optional'] = 1
    return schema


def property_format(schema: Mapping | None) -> Mapping[str, Mapping] | None:
    """The format table of a parameter that holds a property string; None for any other parameter."""
    if not schema:
        return None
    named = schema.get('format')
    if isinstance(named, Mapping):
        return named
    if named and '=' in schema.get('typetext', ''):
        return format_from_typetext(schema['typetext'])
    return None
