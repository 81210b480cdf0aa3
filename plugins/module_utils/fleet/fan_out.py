# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many things at once, each with its own outcome."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError


@dataclasses.dataclass(frozen=True)
class Result:
    """item: what was worked on; value: what came of it; error: the FleetError in its place, or None."""

    item: typing.Any
    value: typing.Any = None
    error: FleetError | None = None


def fan_out(function, items, limit=16):
    """Call function(item) for all items, at most `limit` at a time -> list of Result in the order of items.

    A FleetError stays in its own Result; any other exception is a fault of the program and is raised.
    """
    items = list(items)
    if len(items) < 2 or limit < 2:
        return [attempt(function, item) for item in items]
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(limit, len(items))) as pool:
        return list(pool.map(lambda item: attempt(function, item), items))


def attempt(function, item):
    """function(item) -> Result; a FleetError stays in it."""
    try:
        return Result(item, function(item))
    except FleetError as error:
        return Result(item, error=error)
