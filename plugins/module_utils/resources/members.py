# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of an object that tasks name: guests by vmid or name, added, taken away, or all that there are."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import suggestion


def membership(default):
    """The option that says what the members of a task are to those that are there."""
    return {'membership': {'type': 'str', 'choices': ['present', 'absent', 'exact'], 'default': default}}


def combined(current, given, how):
    """All members after the task, sorted."""
    if how == 'exact':
        return sorted(set(given))
    return sorted({*current, *given} if how == 'present' else set(current) - set(given))


def guest_row(item, rows, title, context):
    """The row of a guest given by vmid or name, None for one that check mode expects of an earlier task.

    Raises NotFound, and Conflict for a name that several have.
    """
    found = [row for row in rows if item in (str(row['vmid']), row.get('name'))]
    if len(found) > 1:
        vmids = ', '.join(str(row['vmid']) for row in found)
        raise Conflict(f'{item} is the name of several guests ({vmids}): name the one for {title} by its vmid.')
    if not found:
        names = sorted(row['name'] for row in rows if row.get('name'))
        context.missing(NotFound(f'Cannot put guest {item} into {title}: there is no such guest. {suggestion(item, names)}'.strip()))
    return found[0] if found else None


def with_vmid(items):
    """Those that can be sent. A guest that check mode expects of an earlier task has a name and no vmid yet."""
    return [item for item in items if item.isdigit()] or None
