# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of users."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.guard import FORCE, guarded
from ansible_collections.pve.fleet.plugins.module_utils.schema.formats import split_list


def listed(client, _named):
    return [
        {'groupid': row['groupid'], 'comment': row.get('comment', ''), 'members': split_list(row.get('users') or '')}
        for row in client.get('access', 'groups')
    ]


def besides(case, _client):
    """Memberships that PVE would end without a word."""
    members = case.current.get('members') or []
    return f'it has the members {", ".join(sorted(members))}.' if members else None


GROUP = Kind(
    name='group',
    plural='groups',
    identity=('groupid',),
    collection='access/groups',
    item='access/groups/{groupid}',
    fields=(Field('groupid', required=True), Field('comment', default='')),
    listed=listed,
    options=FORCE,
    check=guarded(besides),
)
