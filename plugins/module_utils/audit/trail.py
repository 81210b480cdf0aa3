# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves in the audit log: a record per registered cluster that it changed. Pure."""

from __future__ import annotations

import getpass
import json
import socket

from ansible_collections.pve.fleet.plugins.module_utils import masking


def who(actor=None):
    """The person or service that runs the task: AWX's user where it says so, else the account and its host."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = 'unknown'
    here = f'{account}@{socket.gethostname()}'
    return f'{actor} ({here})' if actor else here


def audit_records(context, result, actor=None):
    """Records (dictionaries as the registry's AuditRecord has them) of what this run changed, without secrets.

    A run may put its own into context.audit; else there is one when the task's registered cluster was changed.
    """
    if context.check_mode or not result.get('changed'):
        return []
    records = context.audit or default_records(context, result)
    common = {'who': who(actor), 'request_id': context.request_id, 'module': context.spec.name}
    return [masking.masked({**common, **record}, context.secrets) for record in records]


def default_records(context, result):
    """One record for the task's own cluster, when that is registered."""
    client = context._default
    if client is None or not client.connection.cluster_id:
        return []
    diff = result.get('diff') or {}
    return [
        {
            'cluster': client.connection.name,
            'cluster_id': client.connection.cluster_id,
            'action': result.get('action') or context.params.get('state') or 'run',
            'object': object_of(context, result),
            'before': diff.get('before'),
            'after': diff.get('after'),
            'changes': result.get('changes') or list(context.done),
            'outcome': 'failed' if result.get('failed') else 'ok',
        }
    ]


def object_of(context, result):
    """What was changed, in the shortest words: a vmid, a name or a path."""
    for key in ('vm', 'container'):
        if isinstance(result.get(key), dict) and result[key].get('vmid'):
            return f'{key} {result[key]["vmid"]}'
    return named_in(context.params) or context.spec.name


def named_in(params):
    """The object that a task's options name, or None."""
    found = (f'{key} {params[key]}' for key in ('vmid', 'name', 'path', 'poolid', 'userid', 'storage', 'id') if params.get(key))
    return next(found, None)


def dispatched(spec, params, handed, actor=None):
    """The record of a task that was sent to run on its own where its end cannot be written down.

    handed: the option fleet_context (JSON text). One record for each registered cluster that was handed over.
    """
    if spec.tier_for(params) == 'viewer':
        return []
    return [
        {
            'who': who(actor),
            'module': spec.name,
            'cluster': name,
            'cluster_id': connection.get('cluster_id') or '',
            'action': params.get('state') or 'run',
            'object': named_in(params) or spec.name,
            'changes': ['sent to run asynchronously; what it changed is not recorded'],
            'outcome': 'dispatched',
        }
        for name, connection in json.loads(handed).get('connections', {}).items()
    ]
