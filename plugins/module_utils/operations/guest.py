# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operations on a guest that exists share: finding it, waiting for its lock, sending its tasks."""

from __future__ import annotations

import contextlib
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, FleetError, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST
from ansible_collections.pve.fleet.plugins.module_utils.guests.errors import explained
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import (
    complete_names,
    guest_rows,
    label,
    place,
    refuse_unknown,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import KINDS, kind_of
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import start_task
from ansible_collections.pve.fleet.plugins.module_utils.guests.progress import watcher
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path
from ansible_collections.pve.fleet.plugins.module_utils.guests.run import known_release
from ansible_collections.pve.fleet.plugins.module_utils.guests.wait import wait_until_unlocked
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

# What PVE says in a task, and what to do about it.
HINTS = (
    (re.compile(r'is not most recent snapshot'), 'On this storage only the newest snapshot can be gone back to: remove the newer ones first.'),
    (re.compile(r'No space left on device|not enough space|out of space', re.I), 'Make room on the storage, or use another.'),
    (re.compile(r'incomplete snapshot'), 'Remove that snapshot (state: absent, force: true); it was never finished.'),
)


@contextlib.contextmanager
def explaining(client, where):
    """Put `where` in front of a FleetError raised within, and what to do behind it where that is known."""
    try:
        yield
    except FleetError as error:
        told = explained(error, where, client.connection.credential.identity, known_release(client) or NEWEST)
        hint = next((hint for pattern, hint in HINTS if pattern.search(told.message)), '')
        raise told.with_message(f'{told.message} {hint}'.rstrip()) from None


def words_of(context):
    """'cluster prod, guest web-01': where the messages of a task say that they are about."""
    wanted = context.params.get('name') or context.params.get('vmid')
    return f'cluster {context.cluster_name}' + (f', guest {wanted}' if wanted else '')


def locate(client, vmid=None, name=None, rows=None):
    """The row of a guest of either kind, None when there is none. rows: guest_rows(client), when they are known.

    Raises Conflict when the id belongs to another name or a name to several guests, BadGateway when guests whose names
    cannot be had might be the one.
    """
    rows = guest_rows(client) if rows is None else rows
    if vmid is not None:
        return by_vmid(client, rows, int(vmid), name)
    matches = [row for row in rows if row.get('name') == name]
    if not matches and any(not row.get('name') for row in rows):
        rows = complete_names(client, rows)
        matches = [row for row in rows if row.get('name') == name]
        for kind in KINDS.values():
            refuse_unknown(rows, kind, name, matches)
    if len(matches) > 1:
        each = joined([place(row) for row in matches], 'and')
        raise Conflict(
            f'{len(matches)} guests are named {name}: {each}. Give the vmid of the one that is meant.',
            details={'vmids': [int(row['vmid']) for row in matches]},
        )
    return matches[0] if matches else None


def by_vmid(client, rows, vmid, name):
    row = next((row for row in rows if int(row['vmid']) == vmid), None)
    if row is None:
        return None
    row = complete_names(client, [row])[0]
    if name and row.get('name') and row['name'] != name:
        raise Conflict(
            f'vmid {vmid} belongs to {row["name"]} on {row["node"]}, not to {name}. Correct one of both, or leave one out.',
            details={'vmid': vmid, 'name': row['name']},
        )
    return row


def existing(client, params, rows=None):
    """The row of the guest that the options vmid and name mean. Raises NotFound with the nearest names."""
    rows = guest_rows(client) if rows is None else rows
    row = locate(client, params.get('vmid'), params.get('name'), rows)
    if row is not None:
        return row
    wanted = params.get('vmid') if params.get('vmid') is not None else params.get('name')
    hint = suggestion(str(wanted), [row['name'] for row in rows if row.get('name')])
    hint = hint or 'Check the name, the cluster, and that these credentials may see it (VM.Audit).'
    raise NotFound(f'there is no such guest. {hint}', details={'guest': wanted})


def unlocked(context, client, row):
    """The row once no living task holds the guest's lock. Raises Locked or Timeout."""
    for _attempt in range(10):
        if not row.get('lock'):
            return row
        wait_until_unlocked(client, row['type'], row, row['lock'], context.params['timeout'], context.progress)
        row = existing(client, {'vmid': row['vmid']})
    return row


def shown_guest(row, cluster):
    """Which guest it was, as operations return it."""
    return {
        'cluster': cluster,
        'vmid': int(row['vmid']),
        'name': row.get('name') or '',
        'node': row['node'],
        'type': row['type'],
        'status': row.get('status') or 'unknown',
    }


def noun(row):
    """'VM web-01 (100)'."""
    return f'{kind_of(row["type"]).noun} {label(row)}'


def send_task(context, client, what, name, method, *segments, params=None, wait=True):
    """Send a request that starts a task and wait for its end -> TaskResult or None; warnings are handed on. wait: False only starts it."""
    if not wait:
        return start_task(client, method, segments, params)
    watch = watcher(context.progress, name, what)
    done = client.run_task(method, *segments, params=params or {}, timeout=context.params['timeout'], progress=watch)
    for warning in done.warnings if done else ():
        context.warn(f'{name} {what}: {warning}')
    return done


def guest_task(context, client, row, what, method, *rest, params=None, wait=True):
    """send_task below the path of a guest."""
    name = row.get('name') or str(row['vmid'])
    return send_task(context, client, what, name, method, *path(row['type'], row, *rest), params=params, wait=wait)


def left_running(context, upids):
    """The key `upid` of a result: the task that was not waited for, where there is such a one."""
    return {'upid': upids[-1]} if upids and not context.params['wait'] else {}
