# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the guests of a node go while it is worked on. Pure."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict


def drain_plan(guests, nodes, leaving, stopped=False, earlier=()):
    """A target for each guest, the largest first, each to the node with the most free memory then.

    guests: entries of pve_guest_info. nodes: rows of /cluster/resources?type=node. leaving: the node that is emptied.
    stopped: whether guests that do not run are moved as well. earlier: the plan of a run that was broken off, whose targets
    hold where they are online, since the guest may be on its way. -> list of {vmid, name, type, target}, by vmid.
    Raises Conflict when no other node is online, or the running guests do not fit.
    """
    free = {row['node']: row.get('maxmem', 0) - row.get('mem', 0) for row in nodes if row['node'] != leaving and row.get('status') == 'online'}
    moving = [one for one in guests if stopped or one.get('status') != 'stopped']
    begun = {one['vmid']: one['target'] for one in earlier if one['target'] in free}
    if moving and not free:
        raise Conflict(f'Node {leaving} cannot be drained: no other node is online.')
    plan = []
    for guest in sorted(moving, key=lambda one: (-one.get('maxmem', 0), one['vmid'])):
        need = guest.get('maxmem', 0) if guest.get('status') != 'stopped' else 0
        freest = max(sorted(free), key=lambda name: free[name])
        target = begun.get(guest['vmid'], freest)
        target = target if need <= free[target] else freest
        if need > free[target]:
            raise Conflict(
                f'Node {leaving} cannot be drained: {guest.get("name") or guest["vmid"]} has {need >> 20} MiB of memory, and the freest node, '
                f'{target}, has {max(0, free[target]) >> 20} MiB left. Stop guests or add a node first.'
            )
        free[target] -= need
        plan.append({'vmid': guest['vmid'], 'name': guest.get('name') or str(guest['vmid']), 'type': guest['type'], 'target': target})
    return sorted(plan, key=lambda one: one['vmid'])
