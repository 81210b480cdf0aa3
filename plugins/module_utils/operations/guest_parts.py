# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one guest is asked for: its configuration, status, addresses, snapshots."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import (
    Timed,
    declared_addresses,
    read_addresses,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import described_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path, power_of, read_state
from ansible_collections.pve.fleet.plugins.module_utils.operations.snapshot_plan import read_list

NEED_CONFIG = frozenset({'config', 'network', 'pending'})
STATUS_KEYS = ('qmpstatus', 'pid', 'lock', 'spice', 'balloon', 'ballooninfo', 'running-qemu', 'running-machine', 'agent')


def gather(client, row, parts, release, facts):
    """Ask for the parts; what is found is put into `facts` -> list of the FleetErrors met on the way.

    facts gets config (raw), pending, addresses, status_detail and snapshots, each only when asked for.
    """
    errors = []
    for wanted, reader in READERS:
        if wanted & set(parts):
            try:
                reader(client, row, parts, release, facts)
            except FleetError as error:
                errors.append(error)
    return errors


def read_config(client, row, parts, release, facts):
    state = read_state(client, row['type'], {**row, 'status': 'asked'})
    facts['config'] = state.config
    if 'pending' in parts:
        given = {key: value for key, value in state.pending.items() if value is not None}
        gone = {key: None for key, value in state.pending.items() if value is None}
        facts['pending'] = {**described_config(row['type'], given, release), **gone}


def read_status(client, row, parts, release, facts):
    current = client.get(*path(row['type'], row, 'status', 'current'))
    detail = {key.replace('-', '_'): current[key] for key in STATUS_KEYS if current.get(key) is not None}
    facts['status'] = power_of(current)
    facts['status_detail'] = detail


def read_network(client, row, parts, release, facts):
    """Addresses of a running guest; what its configuration declares where it cannot be asked."""
    config = facts['config']
    facts['addresses'] = declared_addresses(row['type'], config)
    if row.get('status') == 'running' and (row['type'] == 'lxc' or has_agent(config)):
        facts['addresses'] = read_addresses(Timed(client), row['type'], row, config) or facts['addresses']


def has_agent(config):
    """Whether the guest agent is switched on: '1', 'enabled=1,...'."""
    first = str(config.get('agent') or '0').split(',')
    return '1' in first or 'enabled=1' in first


def read_snapshots(client, row, parts, release, facts):
    facts['snapshots'] = read_list(client.get(*path(row['type'], row, 'snapshot')))[0]


READERS = (
    (NEED_CONFIG, read_config),
    (frozenset({'status'}), read_status),
    (frozenset({'network'}), read_network),
    (frozenset({'snapshots'}), read_snapshots),
)
