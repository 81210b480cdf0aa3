# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that are made at the same time: each gets its id and place as if those declared before it were there already.

Threads converge a list of guests in any order; what check mode foretells must not depend on which of them is faster.
"""

from __future__ import annotations

import contextlib
import threading

from ansible_collections.pve.fleet.plugins.module_utils.schema.size import MIB


class Turns:
    """What the guests of one list were given on one cluster, by their numbers."""

    def __init__(self):
        self.open, self.rows, self.ids, self.nodes, self.changed = set(), {}, {}, None, threading.Condition()

    def turn(self, number):
        """The Turn of the guest with this number; to be had for all guests before the first is converged."""
        self.open.add(number)
        return Turn(self, number)


class Turn:
    """One guest's place in the order."""

    def __init__(self, turns, number):
        self.turns, self.number = turns, number

    @contextlib.contextmanager
    def mine(self):
        """Hold the turn, once all guests before this one have had theirs."""
        turns = self.turns
        with turns.changed:
            turns.changed.wait_for(lambda: not any(number < self.number for number in turns.open))
            yield turns

    def nodes(self, read):
        """The nodes of the cluster as read() gave them to the first who asked: what guests of the list use already counts by their rows."""
        with self.turns.changed:
            if self.turns.nodes is None:
                self.turns.nodes = read()
            return self.turns.nodes

    def node(self, desired, rows, memory, choose):
        """The node that choose(rows) names.

        rows: guests of the cluster; those of this list count as what they are going to be. memory: MiB that the guest wants, or None.
        """
        with self.mine() as turns:
            others = [row for number, row in turns.rows.items() if number != self.number]
            names = {row['name'] for row in others}
            node = choose([*(row for row in rows if row.get('name') not in names), *others])
            turns.rows[self.number] = future_row(desired, node, memory)
            return node

    def vmid(self, first, rows):
        """The lowest id from `first` on that neither a guest of the cluster nor one of this list has. It ends the turn."""
        with self.mine() as turns:
            used = {int(row['vmid']) for row in rows} | {vmid for number, vmid in turns.ids.items() if number != self.number}
            while first in used:
                first += 1
            turns.ids[self.number] = first
        self.done()
        return first

    def done(self):
        """Those after it need not wait for this guest any longer."""
        with self.turns.changed:
            self.turns.open.discard(self.number)
            self.turns.changed.notify_all()


def future_row(desired, node, memory):
    """A guest as the list of the cluster is going to show it."""
    tags = desired.wishes.get('tags')
    return {
        'type': desired.kind.name,
        'name': desired.final_name,
        'node': node,
        'status': 'running' if desired.runs else 'stopped',
        'maxmem': (memory or 0) * MIB,
        'tags': ';'.join(tags.value) if tags and isinstance(tags.value, list) else str(tags.value if tags else ''),
    }
