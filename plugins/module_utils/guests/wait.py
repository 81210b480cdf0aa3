# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting: for a lock that a living task holds, for the agent, an address, or SSH."""

from __future__ import annotations

import socket
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import (
    BadRequest,
    FleetError,
    Locked,
    NotFound,
    Timeout,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import (
    declared_addresses,
    has_reachable,
    is_link_local,
    read_addresses,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import label
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import kind_of
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path

SSH_PORT = 22
NEVER = 'No QEMU guest agent configured'
# Locks under which the configuration is not final: nothing can be planned before they are gone.
UNFINISHED = frozenset({'create', 'clone', 'migrate', 'rollback'})
UNLOCKED_BY = {'create': 'an unfinished creation', 'clone': 'an unfinished clone', 'backup': 'a backup', 'migrate': 'a migration'}


def wait_until_unlocked(client, kind, row, lock, timeout, progress, sleep=time.sleep, clock=time.monotonic):
    """Wait for the living task that holds a guest's lock. Returns when it is gone (the guest may be gone, too).

    Raises Locked when nobody is at work on it any more, Timeout when it takes longer than `timeout` seconds.
    """
    kind, end, pause, idle = kind_of(kind), clock() + timeout, 0.2, 0
    while lock:
        working = living_tasks(client, kind, row)
        idle = 0 if working else idle + 1
        if idle > 2:
            raise Locked(left_over(kind, row, lock), details={'vmid': row['vmid'], 'lock': lock})
        if clock() > end:
            raise Timeout(
                f'{label(row)} on {row["node"]} is still locked ({lock}) by {", ".join(working) or "a task"} after {timeout} s. '
                'Raise timeout, or run the task again later.',
                details={'vmid': row['vmid'], 'lock': lock},
            )
        progress(f'{row.get("name") or row["vmid"]} waits for {", ".join(working) or "its lock"} ({lock})')
        sleep(pause)
        pause = min(2.0, pause * 1.5)
        try:
            lock = client.get(*path(kind, row, 'status', 'current')).get('lock')
        except NotFound:
            return


def living_tasks(client, kind, row):
    """Words for the tasks that work on the guest now. A clone runs under the id of its source."""
    active = client.get('nodes', row['node'], 'tasks', params={'source': 'active'})
    own = [one for one in active if not one.get('endtime')]
    return [
        f'{one["type"]} {one.get("id") or ""}'.strip()
        for one in own
        if str(one.get('id')) == str(row['vmid']) or one.get('type') in (kind.clone_task, 'vzdump')
    ]


def left_over(kind, row, lock):
    what = UNLOCKED_BY.get(lock, f'the lock {lock}')
    tool = {'qemu': 'qm', 'lxc': 'pct'}[kind.name]
    return (
        f'{label(row)} on {row["node"]} is locked ({lock}) and no task works on it: {what} was broken off. '
        f"Look at it, then run '{tool} unlock {row['vmid']}' on {row['node']}"
        + (f" and '{tool} destroy {row['vmid']}', and run this task again." if lock in ('create', 'clone') else '.')
    )


def wait_ready(client, kind, row, config, wanted, timeout, progress, sleep=time.sleep, clock=time.monotonic):
    """Wait for 'agent', 'ip' or 'ssh' -> addresses by interface. Raises Timeout with what was missing."""
    end, pause, last = clock() + timeout, 0.3, ''
    while True:
        try:
            addresses = read_addresses(client, kind, row, config)
            last = 'its agent answers, but it has no address yet'
            if READY[wanted](addresses):
                return addresses
        except FleetError as error:
            last = error.message
            addresses = {}
            if NEVER in last and (wanted != 'ssh' or not declared_addresses(kind, config)):
                raise BadRequest(without_agent(row.get('name') or row['vmid'], wanted), details={'wait_for': wanted, 'vmid': row['vmid']}) from None
        if wanted != 'agent' and reachable_otherwise(kind, config, wanted, addresses):
            return declared_addresses(kind, config)
        if clock() + pause > end:
            raise Timeout(
                f'{row.get("name") or row["vmid"]} runs, but {MISSING[wanted]} after {timeout} s ({last.rstrip(".")}). '
                'Check that the guest agent is installed and enabled (agent: true), or raise wait_timeout.',
                details={'wait_for': wanted, 'vmid': row['vmid']},
            )
        progress(f'{row.get("name") or row["vmid"]} waits for {wanted}')
        sleep(pause)
        pause = min(2.0, pause * 1.4)


def without_agent(name, wanted):
    return (
        f'{name} runs, but {MISSING[wanted]}, and never will: its guest agent is not switched on. Declare agent: true, which a running '
        'machine takes up with its next reboot (reboot: if_required), and install qemu-guest-agent within it; or leave wait_for out.'
    )


def reachable_otherwise(kind, config, wanted, addresses):
    """Without an agent a static address that is declared serves, once something answers there."""
    declared = declared_addresses(kind, config)
    return wanted == 'ssh' and not addresses and bool(declared) and answers_ssh(declared)


def answers_ssh(addresses, timeout=2.0):
    """Whether any of the addresses takes a connection on the port of SSH."""
    for found in addresses.values():
        for address in found:
            if is_link_local(address):
                continue
            try:
                with socket.create_connection((address, SSH_PORT), timeout):
                    return True
            except OSError:
                continue
    return False


READY = {'agent': lambda addresses: True, 'ip': has_reachable, 'ssh': answers_ssh}
MISSING = {'agent': 'its guest agent did not answer', 'ip': 'it had no address', 'ssh': 'SSH did not answer'}
