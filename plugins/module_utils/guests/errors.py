# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures in words that say what to do. Pure."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import UnknownOperation, tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined

FROM_CLIENT = re.compile(r'cluster (?P<cluster>\S+): (?P<method>[A-Z]+) (?P<path>/\S*) on (?P<host>\S+): (?P<words>.*)', re.S)
CHECK = re.compile(r'Permission check failed(?: \((?P<path>/[^,)]*), (?P<rights>[^)]*)\))?')
LOCKED = re.compile(r'(?:VM|CT|container) (?:\d+ )?is locked(?: \((?P<lock>[\w-]+)\))?')
NO_QUORUM = re.compile(r"no quorum|not quorate|cluster not ready|unable to open file '/etc/pve/.*Permission denied")
LOCKS = {
    'backup': 'a backup is being made',
    'clone': 'it is being cloned',
    'create': 'it is being created',
    'disk': 'a disk is being changed',
    'migrate': 'it is being migrated',
    'rollback': 'it is being rolled back to a snapshot',
    'snapshot': 'a snapshot is being made',
    'snapshot-delete': 'a snapshot is being removed',
    'suspended': 'its state is saved on disk',
    'suspending': 'its state is being saved to disk',
}


def explained(error, where, identity='', release=NEWEST):
    """A FleetError with the guest in front and, where it is known, what to do.

    where: 'cluster prod, VM web-01'; identity: who asked. Class, status and details are kept.
    """
    if error.message.startswith(f'{where}: '):
        return error
    match = FROM_CLIENT.fullmatch(error.message)
    if not match:
        return error.with_message(f'{where}: {error.message}')
    asked = f'{match["method"]} {match["path"]}'
    for explain in (quorum, missing_right, lock, offline, unknown_node):
        sentence = explain(error, match, identity, release)
        if sentence:
            return error.with_message(f'{where}: {sentence}')
    return error.with_message(f'{where}: {match["words"].rstrip(".")} ({asked} on {match["host"]}).')


def missing_right(error, match, identity, release):
    if error.code != 'Forbidden':
        return ''
    found = CHECK.search(match['words'])
    if found and found['path']:
        rights, path = joined(found['rights'].split('|')), found['path']
    else:
        rights, path = rights_of(match, release)
    if not rights:
        return f'{identity} may not do this: {match["words"]} ({match["method"]} {match["path"]}).'
    return (
        f'{identity} lacks {rights} on {path}, which {match["method"]} {match["path"]} needs. Give it a role that has it there '
        '(a token with privilege separation needs it as well as its user).'
    )


def rights_of(match, release):
    """(privileges, path) that the official table names for a request."""
    try:
        operation = tables(release).operation(match['method'], match['path'])
    except UnknownOperation:
        return '', ''
    check = (operation.permissions or {}).get('check') or []
    if len(check) < 3 or check[0] != 'perm':
        if match['method'] == 'POST' and match['path'].endswith(('/qemu', '/lxc', '/clone')):
            return 'VM.Allocate (and Datastore.AllocateSpace on the storages used)', '/vms or on the pool'
        return '', ''
    path = check[1]
    for name, value in operation.path_params.items():
        path = path.replace(f'{{{name}}}', value)
    return joined(check[2], 'or' if len(check) > 3 else 'and'), path


def lock(error, match, identity, release):
    found = LOCKED.search(match['words'])
    if not found:
        return ''
    word = found['lock'] or ''
    reason = LOCKS.get(word, 'another task works on it')
    return (
        f'it is locked{f" ({word})" if word else ""}: {reason}. Wait until that is done and run the task again; '
        'if nothing is at work any more, unlock it on its node (qm unlock or pct unlock).'
    )


def quorum(error, match, identity, release):
    if not NO_QUORUM.search(match['words']):
        return ''
    return (
        'the cluster has no quorum, so nothing can be changed. Bring back more than half of its nodes '
        f"('pvecm status' shows them). PVE says: {match['words'].rstrip('.')}."
    )


def offline(error, match, identity, release):
    if error.status not in (595, 596, 597, 599):
        return ''
    node = re.match(r'/nodes/([^/]+)', match['path'])
    which = f'node {node[1]}' if node else 'its node'
    return (
        f'{which} is offline or not reachable from the others, so the guest is unreachable: it exists, '
        'and nothing was changed. Bring the node back and run the task again.'
    )


def unknown_node(error, match, identity, release):
    found = re.search(r"hostname lookup '([^']+)' failed", match['words'])
    return f"node '{found[1]}' is not in the cluster, or has no address. Check the name of the node." if found else ''
