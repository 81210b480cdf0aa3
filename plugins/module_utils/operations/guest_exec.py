# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_exec: run a command within a virtual machine, read or write one of its files."""

from __future__ import annotations

import hashlib
import shlex

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, Internal, TaskFailed
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import label
from ansible_collections.pve.fleet.plugins.module_utils.operations.agent import MOST_BYTES, Agent
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import (
    existing,
    explaining,
    shown_guest,
    words_of,
)


def run(context):
    """The module's logic. Raises FleetError with the guest in front."""
    params, client = context.params, context.client
    with explaining(client, words_of(context)):
        words = command_words(params['command']) if params.get('command') is not None else None
        row = existing(client, params)
        check_kind(row)
        agent = Agent(client, row)
        if words is not None:
            result = command(context, agent, row, words)
        elif params.get('read_file'):
            result = read(agent, params['read_file'])
        else:
            result = write(context, agent, row, **params['write_file'])
    return {'diff': {'before': {}, 'after': {}}, **result, 'guest': shown_guest(row, context.cluster_name)}


def command_words(command):
    """The command as a list of words. Raises BadRequest."""
    if isinstance(command, list):
        words = [str(word) for word in command]
    else:
        try:
            words = shlex.split(str(command))
        except ValueError as error:
            raise BadRequest(f'command: {error}. Close the quotation marks, or give a list of words.') from None
    if not words or not words[0]:
        raise BadRequest('command is empty: give a program with its arguments.')
    return words


def check_kind(row):
    """Raise BadRequest for a guest in which nothing can be run."""
    if row['type'] != 'qemu':
        raise BadRequest(
            f'{label(row)} is a container, and the API of Proxmox VE runs nothing within containers. Connect to it with SSH, '
            f"or run 'pct exec {row['vmid']} -- ...' on node {row['node']} (as the connection community.proxmox.proxmox_pct_remote does)."
        )
    if str(row.get('template') or 0) == '1':
        raise BadRequest(f'{label(row)} is a template and never runs. Clone it first.')


def skipped(agent, params):
    """Why the command need not run, in words; '' when it has to."""
    if params.get('creates') and agent.exists(params['creates']):
        return f'skipped, since {params["creates"]} exists'
    if params.get('removes') and not agent.exists(params['removes']):
        return f'skipped, since {params["removes"]} does not exist'
    return ''


def command(context, agent, row, words):
    reason = skipped(agent, context.params)
    result = {'cmd': words, 'rc': 0, 'stdout': '', 'stderr': '', 'stdout_truncated': False, 'stderr_truncated': False}
    if reason:
        return {'changed': False, 'changes': [], 'msg': reason, **with_lines(result)}
    change = f'run {words[0]} in {label(row)}'
    if context.check_mode:
        return {'changed': True, 'changes': [change], **with_lines(result)}
    pid = agent.start(words, context.params.get('input_data'))
    context.did(change)
    result = {'cmd': words, **agent.finish(pid, context.params['timeout'])}
    answer = {'changed': True, 'changes': list(context.done), **with_lines(result)}
    if result['rc'] == 0:
        return answer
    cause = TaskFailed(f'{label(row)}: {words[0]} ended with {result["rc"]}. See stdout and stderr.', details={'rc': result['rc']})
    return {**answer, 'failed': True, 'msg': cause.message, 'error': cause.as_dict()}


def with_lines(result):
    return {**result, 'stdout_lines': result['stdout'].splitlines(), 'stderr_lines': result['stderr'].splitlines()}


def read(agent, name):
    found = agent.read(name)
    if found is None:
        raise BadRequest(f'there is no file {name} within it. Check the path.', details={'path': name})
    content, truncated = found
    return {
        'changed': False,
        'changes': [],
        'content': content.decode('utf-8', 'replace'),
        'size': len(content),
        'sha256': digest(content),
        'truncated': truncated,
    }


def write(context, agent, row, path, content):
    """Write a file unless it has that content already. Raises BadRequest for one that is too long."""
    wanted = content.encode('utf-8')
    if len(wanted) > MOST_BYTES:
        raise BadRequest(
            f'write_file: content has {len(wanted)} bytes, and the guest agent takes {MOST_BYTES} at most through the API. '
            'Fetch larger files from within the guest, or copy them with SSH.'
        )
    now = agent.read(path)
    after = facts(path, wanted)
    if now is not None and now[0] == wanted:
        return {'changed': False, 'changes': [], 'size': len(wanted), 'sha256': after['sha256']}
    diff = {'before': facts(path, now[0]) if now else {'path': path, 'state': 'absent'}, 'after': after}
    change = f'write {path} in {label(row)}'
    if not context.check_mode:
        agent.write(path, wanted)
        context.did(change)
        verify(agent, path, wanted)
    return {'changed': True, 'changes': [change], 'diff': diff, 'size': len(wanted), 'sha256': after['sha256']}


def verify(agent, path, wanted):
    """Raise when the file is not what was written."""
    now = agent.read(path)
    if now is None:
        raise Internal(f'{path} was written, but is not there. Something within the guest removes it.')
    if now[0] != wanted:
        raise Conflict(f'{path} was written, but has other content now. Something else writes it, or the disk is full.')


def facts(path, content):
    """What a diff tells of a file: never its content, which may be secret."""
    return {'path': path, 'state': 'present', 'size': len(content), 'sha256': digest(content)}


def digest(content):
    return hashlib.sha256(content).hexdigest()
