# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one guest: its configuration with what is pending, and how it runs."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import Kind, kind_of

# A comment in the notes of a guest that is not finished yet; the notes are Markdown, which does not show it.
MARK = '<!-- pve.fleet: not finished -->'
SIZE = re.compile(r'\bsize=[^,]+')


@dataclasses.dataclass
class State:
    """A guest as it is now.

    config: option -> text, with pending changes merged. active: what a running guest uses. pending: option -> new value
    (None where it will be removed). power: 'stopped', 'running', 'paused' or 'unknown'. row: the guest's entry in the
    list of the cluster. asked: whether power comes from the guest itself and not from the list.
    """

    kind: Kind
    vmid: int
    node: str
    row: dict
    config: dict
    active: dict = dataclasses.field(default_factory=dict)
    pending: dict = dataclasses.field(default_factory=dict)
    digest: str | None = None
    power: str = 'unknown'
    asked: bool = False
    lock: str | None = None
    addresses: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        return self.config.get(self.kind.name_key) or self.row.get('name') or ''

    @property
    def template(self):
        return str(self.config.get('template', '')) == '1'

    @property
    def marked(self):
        """Whether a run that made the guest was broken off before it was done with it."""
        return MARK in str(self.config.get('description', ''))

    @property
    def running(self):
        return self.power in ('running', 'paused')

    @property
    def ha_managed(self):
        return bool(self.row.get('hastate'))


def path(kind, row, *rest):
    """The path of a guest: ('nodes', node, 'qemu', vmid, ...)."""
    return ('nodes', row['node'], kind_of(kind).name, row['vmid'], *rest)


def volume_storages(state):
    """The storages of a guest's volumes, sorted."""
    found = set()
    for key, value in state.config.items():
        if state.kind.is_disk(key):
            volume = str(value).split(',', maxsplit=1)[0].rpartition('=')[2]
            if ':' in volume and not volume.startswith('/'):
                found.add(volume.partition(':')[0])
    return sorted(found)


def read_state(client, kind, row, power=False):
    """A State. One request; a second one where the power state must be exact."""
    kind = kind_of(kind)
    state = from_pending(kind, row, client.get(*path(kind, row, 'pending')))
    state.power = row.get('status') or 'unknown'
    if power or state.power == 'unknown':
        read_power(client, state)
    return state


def from_pending(kind, row, entries):
    """GET .../pending -> State without power: the one answer that tells the configuration, what is pending, the digest."""
    active, config, pending = {}, {}, {}
    for entry in entries:
        key = entry['key']
        if 'value' in entry:
            active[key] = config[key] = entry['value']
        if 'pending' in entry:
            pending[key] = entry['pending']
            config[key] = with_true_size(kind, key, entry)
        elif entry.get('delete'):
            config.pop(key, None)
            pending[key] = None
    digest = active.pop('digest', None)
    config.pop('digest', None)
    lock = active.get('lock') or row.get('lock')
    return State(kind, int(row['vmid']), row['node'], row, config, active, pending, digest, lock=lock)


def with_true_size(kind, key, entry):
    """The pending value; that of a disk which has grown since still tells the old size."""
    old, new = str(entry.get('value', '')), entry['pending']
    size = SIZE.search(old)
    if kind.is_disk(key) and size and old.partition(',')[0] == str(new).partition(',')[0]:
        return SIZE.sub(size[0], str(new))
    return new


def read_power(client, state):
    """Ask the guest itself how it runs; sets power and lock. One request."""
    current = client.get(*path(state.kind, state.row, 'status', 'current'))
    state.power = power_of(current)
    state.asked = True
    state.lock = current.get('lock') or None
    return current


def power_of(current):
    """GET .../status/current -> 'stopped', 'running' or 'paused'."""
    if current.get('status') == 'running' and current.get('qmpstatus') in ('paused', 'suspended', 'prelaunch'):
        return 'paused'
    return current.get('status') or 'unknown'
