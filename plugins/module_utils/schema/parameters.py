# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of parameters: the tables write net[n] where a request writes net0."""
from __future__ import annotations

import re
from collections.abc import Mapping

from .wording import nearest

_INDEXED = re.compile(r'([A-Za-z_-]+)(\d+)')


def table_name(parameters: Mapping[str, Mapping], name: str) -> str | None:
    """The name under which the table lists a parameter ('net[n]' for net0); None when it does not."""
    if name in parameters and not name.endswith('[n]'):
        return name
    match = _INDEXED.fullmatch(name)
    indexed = f'{match.group(1)}[n]' if match else ''
    return indexed if indexed in parameters else None


def find_parameter(parameters: Mapping[str, Mapping], name: str) -> Mapping | None:
    """The schema of a parameter; None when the table does not have it."""
    found = table_name(parameters, name)
    return None if found is None else parameters[found]


def nearest_parameters(parameters: Mapping[str, Mapping], name: str) -> list[str]:
    """Names that are spelled alike, with the index of the asked name ('nett0' gives net0)."""
    index = re.search(r'\d*$', name).group()
    return nearest(name, [known.replace('[n]', index or '0') for known in parameters])
