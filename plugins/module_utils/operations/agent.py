# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest agent of a virtual machine: commands, files, and its failures in words."""

from __future__ import annotations

import base64
import binascii
import re
import time
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api import errors
from ansible_collections.pve.fleet.plugins.module_utils.api.client import BASE
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path
from ansible_collections.pve.fleet.plugins.module_utils.schema import wire
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import has_parameter

FILE_READ = '/nodes/{node}/qemu/{vmid}/agent/file-read'
EXEC_SCHEMA = {'command': {'type': 'array', 'items': {'type': 'string'}}}
# POST .../agent/file-write takes 60 KiB of text, which is base64 here.
MOST_BYTES = 61440 // 4 * 3
MISSING = re.compile(r'No such file or directory|cannot find the (file|path)', re.I)
OTHER_THAN_FILE = re.compile(r'Is a directory|Permission denied|Access is denied', re.I)
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# What PVE or the agent says: the class of the error, and what to do.
TAUGHT = (
    (re.compile(r'No QEMU guest agent configured'), errors.BadRequest,
     'its guest agent is not switched on. Set agent: true with pve_vm, install qemu-guest-agent within it, then restart it'),
    (re.compile(r'guest agent is not running'), errors.Conflict,
     ('its guest agent does not answer. Install and start qemu-guest-agent within it, or wait until it has booted '
     '(pve_vm with wait_for: agent)')),
    (re.compile(r'VM \d+ is not running'), errors.Conflict, 'it is not running. Start it first (pve_vm with state: started)'),
    (re.compile(r'Failed to execute child process|failed to execute .*No such file', re.I), errors.NotFound,
     'there is no such program within it. Give its full path; shell commands need a shell, as in [sh, -c, ...]'),
    (re.compile(r'(has been|is) disabled|command .* not found', re.I), errors.Forbidden,
     ('its guest agent does not allow this. Take it off the list of blocked commands in the configuration of '
     'qemu-guest-agent within it')),
    (MISSING, errors.NotFound, 'there is no such file or folder within it. Check the path; folders are not made'),
)  # fmt: skip


def taught(error):
    """An error of the agent with what to do; others are handed back as they are."""
    for pattern, kind, sentence in TAUGHT:
        found = pattern.search(error.message)
        if found and error.code not in ('Forbidden', 'Unauthorized', 'BadGateway'):
            said = error.message.rpartition(': ')[2] if 'Agent error' not in error.message else error.message.partition('Agent error: ')[2]
            return kind(f'{sentence}. (PVE says: {said.strip().rstrip(".")})', details=error.details)
    return error


class Agent:
    """The agent of one virtual machine. Raises FleetError in words that say what to do."""

    def __init__(self, client, row, sleep=time.sleep, clock=time.monotonic):
        self.client, self.row = client, row
        self.sleep, self.clock = sleep, clock

    def call(self, method, command, params):
        segments = path('qemu', self.row, 'agent', command)
        try:
            return self.client.request(method, segments, params)['data']
        except errors.FleetError as error:
            raise taught(error) from None

    def start(self, words, input_data=None):
        """Start a command, a list of words -> its process id. The words travel one by one, as the API wants them."""
        segments = path('qemu', self.row, 'agent', 'exec')
        target = f'{BASE}/' + '/'.join(wire.quote_segment(str(segment)) for segment in segments)
        pairs = wire.encode_params({'command': words, 'input-data': input_data}, EXEC_SCHEMA)
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        try:
            return self.client.exchange('POST', target, urllib.parse.urlencode(pairs), headers)['data']['pid']
        except errors.FleetError as error:
            raise taught(error) from None

    def finish(self, pid, timeout):
        """Wait for a process -> {rc, stdout, stderr, stdout_truncated, stderr_truncated}. Raises Timeout."""
        end, pause = self.clock() + timeout, FIRST_PAUSE
        while True:
            status = self.call('GET', 'exec-status', {'pid': pid})
            if is_set(status.get('exited')):
                return outcome(status)
            if self.clock() + pause > end:
                raise errors.Timeout(
                    f'the command still runs within it after {timeout} s (process {pid}); it was not stopped. Raise timeout.',
                    details={'pid': pid},
                )
            self.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.4)

    def exists(self, name):
        """Whether a file or folder of that name is there."""
        first = {'count': 1} if has_parameter(self.client.release, 'GET', FILE_READ, 'count') else {}
        try:
            self.client.get(*path('qemu', self.row, 'agent', 'file-read'), params={'file': name, **first})
        except errors.FleetError as error:
            if OTHER_THAN_FILE.search(error.message):
                return True
            if MISSING.search(error.message) and 'Agent error' in error.message:
                return False
            raise taught(error) from None
        return True

    def read(self, name):
        """(bytes, whether that is not all) of a file, None where there is none."""
        exact = has_parameter(self.client.release, 'GET', FILE_READ, 'decode')
        try:
            answer = self.client.get(
                *path('qemu', self.row, 'agent', 'file-read'), params={'file': name, 'decode': False if exact else None}
            )
        except errors.FleetError as error:
            if MISSING.search(error.message) and 'Agent error' in error.message:
                return None
            raise taught(error) from None
        content = str(answer.get('content') or '')
        return content_bytes(content, exact), is_set(answer.get('truncated'))

    def write(self, name, content):
        """Write bytes to a file. In base64, since PVE cannot encode every text itself."""
        encoded = base64.b64encode(content).decode('ascii')
        self.call('POST', 'file-write', {'file': name, 'content': encoded, 'encode': False})


def is_set(value):
    return str(value) in ('1', 'True')


def content_bytes(content, encoded):
    """The bytes of a file as the answer has them: in base64, or as text in releases before 9.

    Such text may have a character for each byte; files that are no UTF-8 cannot be had exactly there.
    """
    if encoded:
        try:
            return base64.b64decode(content, validate=True)
        except binascii.Error:
            return content.encode('utf-8')
    return mended(content).encode('utf-8')


def mended(text):
    """Text that was sent as a character for each byte of UTF-8, put right; other text as it is."""
    try:
        return text.encode('latin-1').decode('utf-8')
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def outcome(status):
    """GET .../exec-status of a process that has ended. A process that a signal ended has the negative signal as rc."""
    rc = status.get('exitcode')
    return {
        'rc': int(rc) if rc is not None else -int(status.get('signal') or 1),
        'stdout': mended(str(status.get('out-data') or '')),
        'stderr': mended(str(status.get('err-data') or '')),
        'stdout_truncated': is_set(status.get('out-truncated')),
        'stderr_truncated': is_set(status.get('err-truncated')),
    }
