# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_snapshot: take, describe, remove, thin out, roll back."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path
from ansible_collections.pve.fleet.plugins.module_utils.guests.steps import merge
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import (
    existing,
    explaining,
    guest_task,
    left_running,
    shown_guest,
    unlocked,
    words_of,
)
from ansible_collections.pve.fleet.plugins.module_utils.operations.snapshot_plan import (
    check_options,
    plan_snapshots,
    read_list,
)

MOST_PLANS = 3
# What tells that another run did the same meanwhile.
OVERTAKEN = ('already used', 'does not exist', 'is locked')


def run(context):
    """Bring one guest's snapshots to what the task declares, or roll back to one."""
    client = context.client
    before, after = {}, {}
    with explaining(client, words_of(context)):
        upids = []
        for attempt in range(MOST_PLANS):
            row = unlocked(context, client, existing(client, context.params))
            check_options(context.params, row)
            snapshots, parent = read_list(client.get(*path(row['type'], row, 'snapshot')))
            plan = plan_snapshots(context.params, snapshots, parent, row)
            check_possible(client, row, plan)
            merge(before, plan.before)
            merge(after, plan.after)
            if context.check_mode or not plan.steps:
                break
            try:
                apply(context, client, row, plan, upids)
            except FleetError as error:
                if attempt == MOST_PLANS - 1 or not was_overtaken(error):
                    raise
                continue
            row = existing(client, {'vmid': row['vmid']})
            snapshots, parent = read_list(client.get(*path(row['type'], row, 'snapshot')))
            break
    changes = plan.changes if context.check_mode else list(context.done)
    return {**answer(context, row, snapshots, changes, {'before': before, 'after': after}), 'upids': upids, **left_running(context, upids)}


def answer(context, row, snapshots, changes, diff):
    """The result of the module; in check mode the snapshots are those there are now."""
    wanted = context.params.get('snapshot')
    return {
        'changed': bool(changes),
        'changes': changes,
        'diff': diff,
        'guest': shown_guest(row, context.cluster_name),
        'snapshot': next((one for one in snapshots if one['name'] == wanted), None),
        'snapshots': snapshots,
    }


def was_overtaken(error):
    """Whether to look and plan once more: after a request whose fate is unknown, or where another run was first."""
    return error.details.get('fate') == 'unknown' or any(text in error.message for text in OVERTAKEN)


def check_possible(client, row, plan):
    """Raise BadRequest before anything is done when a disk cannot hold snapshots."""
    if not any(step.name == 'take' for step in plan.steps):
        return
    answer = client.get(*path(row['type'], row, 'feature'), params={'feature': 'snapshot'}) or {}
    if str(answer.get('hasFeature', 1)) == '0':
        raise BadRequest(
            'snapshots are not possible: a disk is on a storage, or in a format, that has none (raw files, plain LVM, iSCSI, '
            'a bind mount). Move it to qcow2, LVM-thin, ZFS or Ceph, or make a backup instead (pve_backup).'
        )


def apply(context, client, row, plan, upids):
    """Carry out all steps in order; their tasks are noted. The last is not waited for where the task says so."""
    for step in plan.steps:
        wait = context.params['wait'] or step is not plan.steps[-1]
        done = STEPS[step.name](context, client, row, wait, **step.data)
        upids += [done.upid] if done else []
        for word in step.words:
            context.did(word)


def take(context, client, row, wait, snapshot, text, vmstate):
    params = {'snapname': snapshot, 'description': text, 'vmstate': True if vmstate else None}
    return guest_task(context, client, row, 'snapshot', 'POST', 'snapshot', params=params, wait=wait)


def describe(context, client, row, wait, snapshot, text):
    client.put(*path(row['type'], row, 'snapshot', snapshot, 'config'), params={'description': text})


def remove(context, client, row, wait, snapshot, force):
    params = {'force': True} if force else None
    return guest_task(context, client, row, 'remove snapshot', 'DELETE', 'snapshot', snapshot, params=params, wait=wait)


def rollback(context, client, row, wait, snapshot, start):
    params = {'start': True} if start else None
    return guest_task(context, client, row, 'rollback', 'POST', 'snapshot', snapshot, 'rollback', params=params, wait=wait)


STEPS = {'take': take, 'describe': describe, 'remove': remove, 'rollback': rollback}
