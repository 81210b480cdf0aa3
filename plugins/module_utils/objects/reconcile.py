# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_object: any configuration object of the API as it is declared."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.reconcile import confirm, settle
from ansible_collections.pve.fleet.plugins.module_utils.objects.decide import differs, open_values, plan
from ansible_collections.pve.fleet.plugins.module_utils.objects.wish import wish_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables


def read(client, place):
    """The object as PVE shows it, None when there is none."""
    if not place.listed:
        return get_or_none(client, *place.segments)
    rows = get_or_none(client, *place.segments[:-1]) or []
    return next((row for row in rows if isinstance(row, dict) and str(row.get(place.key)) == place.id), None)


def looked_up(client, wish):
    """(the wish with the object's own place, the object or None). Raises Conflict where values fit several objects."""
    if not wish.match:
        return wish, read(client, wish.place)
    key, rows = wish.place.key, get_or_none(client, *wish.place.segments) or []
    wish = dataclasses.replace(wish, length=len(rows))
    fitting = [row for row in rows if all(not differs(wish, {}, row, name, wish.values[name]) for name in wish.match)]
    if len(fitting) > 1:
        ids = ', '.join(str(row[key]) for row in fitting)
        raise Conflict(f'{wish.title} fits several ({key} {ids}). Match by more values, or delete those that are too many.')
    return (dataclasses.replace(wish, place=wish.place.at(fitting[0][key])), fitting[0]) if fitting else (wish, None)


def run(context):
    """The logic of pve_object."""
    client = context.client
    wish = wish_of(context.params, tables(client.release))

    def look():
        found, current = looked_up(client, wish)
        return current, plan(found, current)

    def done(_seen, made, _answers):
        there, found = looked_up(client, wish)
        confirm(wish.title, found, context.params['state'])
        if found is not None and plan(dataclasses.replace(there, send_secrets=False), found).changes:
            context.warn(f'{wish.title}: the cluster accepted the change, but shows something else.')
        return made.told('object', open_values(found))

    return settle(context, look, done, lambda made: made.told('object', open_values(made.result)))
