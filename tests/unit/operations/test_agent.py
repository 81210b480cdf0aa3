# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest agent: its answers, its failures, its files."""
from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, Forbidden, Internal, Timeout
from ansible_collections.pve.fleet.plugins.module_utils.operations.agent import (
    Agent,
    content_bytes,
    mended,
    outcome,
    taught,
)
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_exec import command_words

ROW = {'vmid': 101, 'node': 'pve1', 'type': 'qemu'}


class Server:
    """Answers exec-status with these answers, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def request(self, method, segments, params):
        return {'data': self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]}


@given(st.text(st.characters(codec='utf-8')))
def test_text_that_came_byte_by_byte_is_put_right(text):
    if text.isascii():
        assert mended(text) == text
    assert mended(text.encode('utf-8').decode('latin-1')) == text


@given(st.binary())
def test_the_bytes_of_a_file_are_kept(content):
    assert content_bytes(base64.b64encode(content).decode(), True) == content


@given(st.text(st.characters(codec='utf-8')))
def test_text_in_files_is_the_same_in_every_release(text):
    content = text.encode('utf-8')
    assert content_bytes(base64.b64encode(content).decode(), True) == content
    assert content_bytes(content.decode('latin-1'), False) == content


@pytest.mark.parametrize('text', ['plain', 'Grüße', '世界 ✓', ''])
def test_text_that_came_as_it_is(text):
    assert content_bytes(text, False) == text.encode('utf-8')


@pytest.mark.parametrize(('status', 'rc'), [({'exited': 1, 'exitcode': 3}, 3), ({'exited': 1, 'signal': 9}, -9), ({'exited': True, 'exitcode': 0}, 0)])
def test_how_a_command_ended(status, rc):
    assert outcome(status)['rc'] == rc


def test_what_was_left_out_is_told():
    found = outcome({'exitcode': 0, 'out-data': 'x', 'out-truncated': 1, 'err-truncated': 0})
    assert (found['stdout_truncated'], found['stderr_truncated']) == (True, False)


def test_a_command_is_waited_for():
    agent = Agent(Server({'exited': 0}, {'exited': 0}, {'exited': 1, 'exitcode': 0, 'out-data': 'done'}), ROW, sleep=lambda seconds: None)
    assert agent.finish(7, 60)['stdout'] == 'done'


def test_a_command_that_goes_on_too_long_is_told_with_its_process():
    times = iter(range(100))
    agent = Agent(Server({'exited': 0}), ROW, sleep=lambda seconds: None, clock=lambda: next(times))
    with pytest.raises(Timeout, match='still runs within it after 5 s') as caught:
        agent.finish(7, 5)
    assert caught.value.details['pid'] == 7


@pytest.mark.parametrize(('said', 'code', 'words'), [
    ('No QEMU guest agent configured', 'BadRequest', 'not switched on'),
    ('QEMU guest agent is not running', 'Conflict', 'does not answer'),
    ('VM 101 is not running', 'Conflict', 'Start it first'),
    (
        (
            'Agent error: Guest agent command failed, error was '
            '"Failed to execute child process \u201cx\u201d (No such file or directory)"'
        ),
        'NotFound',
        'no such program',
    ),
    ('Agent error: Command guest-exec has been disabled', 'Forbidden', 'does not allow this'),
    ("Agent error: failed to open file '/x/y' (mode: 'wb'): No such file or directory", 'NotFound', 'folders are not made'),
    ('something else', 'Internal', 'something else'),
])
def test_failures_say_what_to_do(said, code, words):
    error = taught(Internal(f'cluster prod: POST /nodes/pve1/qemu/101/agent/exec on pve1: {said}'))
    assert (error.code, words in error.message) == (code, True), error.message


def test_missing_rights_stay_what_they_are():
    error = Forbidden('cluster prod: POST /x on pve1: Permission check failed (/vms/101, VM.GuestAgent.Unrestricted)')
    assert taught(error) is error


@pytest.mark.parametrize(('command', 'words'), [
    ('ls -l "/a b"', ['ls', '-l', '/a b']),
    (['ls', 5, 'a b'], ['ls', '5', 'a b']),
    (['cmd.exe', '/c', 'C:\\x\\y.bat'], ['cmd.exe', '/c', 'C:\\x\\y.bat']),
])
def test_commands_are_lists_of_words(command, words):
    assert command_words(command) == words


@pytest.mark.parametrize('command', ['', '   ', [], [''], '"open'])
def test_commands_that_are_none(command):
    with pytest.raises(FleetError):
        command_words(command)
