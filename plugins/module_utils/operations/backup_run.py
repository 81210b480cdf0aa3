# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_backup, action run: back guests up, each on its own node, the nodes at the same time."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError, NotFound, TaskFailed
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows, label
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import start_task
from ansible_collections.pve.fleet.plugins.module_utils.operations.backup_places import (
    Place,
    backups_at,
    places,
    storage_rows,
)
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import existing, left_running, send_task
from ansible_collections.pve.fleet.plugins.module_utils.operations.retention import keep_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import nearest_parameters
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

FAILED = re.compile(r'ERROR: Backup of VM (\d+) failed - (.*)')
COMPRESS = {'none': '0'}


def run(context):
    """Back up what the task names. Raises TaskFailed that names the guests of which there is no backup."""
    client, params = context.client, context.params
    rows = chosen(client, params)
    storage = params['storage']
    if storage is None:
        raise BadRequest('storage is missing: name the storage that the backups shall be written to.')
    by_node = {}
    for row in rows:
        by_node.setdefault(row['node'], []).append(row)
    known = storage_rows(client)
    for node in sorted(by_node):
        places(client, storage, node, known)
    sent = vzdump_params(client, params)
    changes = [words(row, storage) for row in rows]
    diff = {'before': {}, 'after': {'backups': [after(row, params) for row in rows]}}
    if context.check_mode:
        return {'changed': bool(rows), 'changes': changes, 'diff': diff, 'backups': [], 'upids': []}
    outcomes = fan_out(lambda node: on_node(context, client, node, by_node[node], sent), sorted(by_node), 8)
    upids, made, failures = [], [], []
    for outcome in outcomes:
        job = outcome.value or {'upid': None, 'failed': {row['vmid']: outcome.error.message for row in by_node[outcome.item]}}
        upids += [job['upid']] if job['upid'] else []
        made += job.get('backups', [])
        failures += [(row, job['failed'][row['vmid']]) for row in by_node[outcome.item] if row['vmid'] in job['failed']]
        for row in by_node[outcome.item]:
            if row['vmid'] not in job['failed']:
                context.did(words(row, storage))
    if failures:
        raise failed(failures, [outcome.error for outcome in outcomes], made)
    return {'changed': True, 'changes': list(context.done), 'diff': diff, 'backups': made, 'upids': upids, **left_running(context, upids)}


def words(row, storage):
    return f'back up {label(row)} on {row["node"]} to {storage}'


def after(row, params):
    return {'vmid': int(row['vmid']), 'storage': params['storage'], 'mode': params['mode'], 'compress': params['compress']}


def failed(failures, errors, made):
    """The error of a job of which some guests have no backup; of one request that failed its own class."""
    each = '; '.join(f'{label(row)}: {reason.rstrip(".")}' for row, reason in failures)
    details = {'failed': [int(row['vmid']) for row, _reason in failures], 'made': [one['volid'] for one in made]}
    told = [error for error in errors if error is not None]
    if len(told) == 1 and len(errors) == 1:
        return type(told[0])(told[0].message, status=told[0].status, details={**told[0].details, **details})
    return TaskFailed(f'there is no backup of {each}.', details=details)


def chosen(client, params):
    """The rows of the guests that are meant, by node and vmid. Raises BadRequest or NotFound."""
    named = params.get('vmid') is not None or params.get('name')
    if sum(map(bool, (named, params.get('pool'), params['all']))) != 1:
        raise BadRequest('say what to back up: one guest (vmid or name), a pool, or all: true; one of them.')
    rows = guest_rows(client)
    if named:
        return [existing(client, params, rows)]
    found = [row for row in rows if params['all'] or row.get('pool') == params['pool']]
    if not found:
        pools = sorted({row['pool'] for row in rows if row.get('pool')})
        hint = suggestion(params['pool'], pools) or f'Pools with guests: {joined(pools, "and") or "none"}.'
        raise NotFound(f"there are no guests in pool '{params['pool']}'. {hint}", details={'pool': params['pool']})
    found = [
        row
        for row in found
        if int(row['vmid']) not in params['exclude'] and params.get('node') in (None, row['node'])
        and params.get('type') in (None, row['type'])
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row['node'], int(row['vmid'])))


def vzdump_params(client, params):
    """The options of POST .../vzdump but the guests. Raises BadRequest for one that this release does not have."""
    known = tables(client.release).operation('POST', '/nodes/{node}/vzdump').parameters if params.get('options') else {}
    for name in params.get('options') or {}:
        if name not in known or name in ('vmid', 'all', 'pool', 'exclude', 'node', 'storage', 'stdout', 'stop'):
            near = nearest_parameters(known, name)
            hint = f'Did you mean {joined(near)}?' if near else 'Options are those of vzdump that the module does not have itself.'
            raise BadRequest(f"options: vzdump of PVE {client.release} takes no '{name}' here. {hint}")
    keep = keep_text(params)
    return {
        **(params.get('options') or {}),
        'storage': params['storage'],
        'mode': params['mode'],
        'compress': COMPRESS.get(params['compress'], params['compress']),
        'notes-template': params.get('notes'),
        'protected': params.get('protected'),
        'bwlimit': params.get('bwlimit'),
        'prune-backups': keep,
    }


def on_node(context, client, node, rows, sent):
    """One job on one node -> {upid, backups, failed: {vmid: reason}}. Raises FleetError when there was no job."""
    params = {**sent, 'vmid': ','.join(str(row['vmid']) for row in rows)}
    if not context.params['wait']:
        started = start_task(client, 'POST', ('nodes', node, 'vzdump'), params)
        return {'upid': started.upid if started else None, 'failed': {}}
    try:
        what = label(rows[0]) if len(rows) == 1 else f'{len(rows)} guests on {node}'
        done = send_task(context, client, 'backup', what, 'POST', 'nodes', node, 'vzdump', params=params)
        upid, lost = done.upid if done else None, {}
    except TaskFailed as error:
        upid = error.details['upid']
        lost = failures_in(client.task_log(upid, 500), rows) or {row['vmid']: error.message for row in rows}
    return {'upid': upid, 'failed': lost, 'backups': made_by(client, node, rows, sent['storage'], upid)}


def failures_in(log, rows):
    """{vmid: reason} that a job's log tells."""
    told = {int(match[1]): match[2] for match in map(FAILED.search, log) if match}
    return {row['vmid']: told[int(row['vmid'])] for row in rows if int(row['vmid']) in told}


def made_by(client, node, rows, storage, upid):
    """The backups of these guests that were made since the job began; none when the storage cannot be listed."""
    if upid is None:
        return []
    since, ids = int(upid.split(':')[4], 16), {int(row['vmid']) for row in rows}
    one = min(ids) if len(ids) == 1 else None
    try:
        there = backups_at(client, Place(storage, node, False), one)
    except FleetError:
        return []
    return [backup for backup in there if backup['vmid'] in ids and backup['ctime'] >= since]
