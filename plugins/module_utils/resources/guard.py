# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletions that would destroy more than was named."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict

FORCE = {'force': {'type': 'bool', 'default': False}}


def guarded(besides):
    """A kind's check hook that refuses to delete without `force`.

    besides(case, client) -> what a deletion would destroy besides, in words, or None.
    """

    def check(case, context):
        found = besides(case, context.client) if case.state == 'absent' and not case.params['force'] else None
        if found:
            raise Conflict(f'{case.title} is not deleted: {found} Set force: true to delete it nevertheless.')

    return check
