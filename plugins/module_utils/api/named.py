# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects by their names: names that would lead elsewhere, and the many ways in which PVE says that there is none."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Internal, NotFound

MISSING = re.compile(r'no such|does not exist|not defined|no rule at position', re.IGNORECASE)
NO_SUCH_PATH = 501


def check_names(names):
    """The same {option: name of an object}. Raises BadRequest for one that would lead to another path of the API."""
    for option, value in names.items():
        if value in ('', '.', '..'):
            raise BadRequest(f'{option}: {value!r} names nothing. Give the name or id of the object.')
    return names


def get_or_none(client, *segments, params=None):
    """GET, None for an object that does not exist: PVE says so with 400, 404 or 500 and words.

    Raises NotFound with status 501 for a path that this release does not have.
    """
    try:
        return client.get(*segments, params=params)
    except NotFound as error:
        if error.status == NO_SUCH_PATH:
            raise
    except (BadRequest, Internal) as error:
        if not MISSING.search(error.message):
            raise
    return None
