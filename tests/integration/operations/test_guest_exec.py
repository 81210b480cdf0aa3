# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_exec: commands and files by way of the guest agent."""
from __future__ import annotations

import pytest

WEB = {'cluster': 'prod', 'name': 'web-01'}


def run(tasks, **given):
    result = tasks.run('pve_guest_exec', **{**WEB, **given})
    assert not result.get('failed'), result['msg']
    return result


@pytest.mark.parametrize('command', ['echo "hello world" there', ['echo', 'hello world', 'there']])
def test_a_command_runs_and_tells_what_it_printed(still, command):
    result = still.exact('pve_guest_exec', **WEB, command=command)
    assert (result['rc'], result['stdout'], result['stdout_lines']) == (0, 'hello world there\n', ['hello world there'])
    assert result['cmd'] == ['echo', 'hello world', 'there']
    assert (result['changes'], result['stdout_truncated']) == (['run echo in web-01 (101)'], False)


def test_words_with_commas_stay_whole(still):
    assert run(still, command=['echo', 'a,b', 'c&d=e'])['stdout'] == 'a,b c&d=e\n'


def test_input_reaches_the_command_and_is_not_shown(tasks):
    tasks.guest('prod', 101).agent = {'exec': {'chpasswd': {'exitcode': 0, 'out': 'root:topsecret'}}}
    result = run(tasks, command='chpasswd', input_data='root:topsecret')
    assert 'topsecret' not in str(result)


def test_a_command_that_fails_fails_the_task_with_what_it_said(still):
    result = still.run('pve_guest_exec', **WEB, command='cat /nosuch')
    assert (result['failed'], result['rc'], result['changed']) == (True, 1, True)
    assert 'No such file' in result['stderr']
    assert result['error']['code'] == 'TaskFailed'


@pytest.mark.parametrize(('given', 'runs'), [
    ({'creates': '/etc/hosts'}, False),
    ({'creates': '/etc/nosuch'}, True),
    ({'removes': '/etc/hosts'}, True),
    ({'removes': '/etc/nosuch'}, False),
])
def test_creates_and_removes(tasks, given, runs):
    result = tasks.exact('pve_guest_exec', **WEB, command='true', **given)
    assert result['changed'] is runs
    assert bool(tasks.requests('agent/exec')) is runs


@pytest.mark.parametrize('content', ['plain\n', 'Grüße, 世界 ✓\n', ''])
def test_a_file_is_written_once_and_read_back(tasks, content):
    result = tasks.settled('pve_guest_exec', **WEB, write_file={'path': '/tmp/file', 'content': content})
    assert result['changes'] == ['write /tmp/file in web-01 (101)']
    assert result['diff']['before'] == {'path': '/tmp/file', 'state': 'absent'}
    read = run(tasks, read_file='/tmp/file')
    assert (read['content'], read['size'], read['changed']) == (content, len(content.encode()), False)


def test_a_file_with_other_content_is_told_by_checksum(tasks):
    secret = 'password=hunter2'
    result = tasks.settled('pve_guest_exec', **WEB, write_file={'path': '/etc/hostname', 'content': secret})
    assert result['diff']['before']['sha256'] != result['diff']['after']['sha256']
    assert 'hunter2' not in str(result)


@pytest.mark.parametrize(('given', 'code', 'words'), [
    ({'name': 'dns', 'command': 'true'}, 'BadRequest', 'runs nothing within containers. Connect to it with SSH'),
    ({'name': 'web-02', 'command': 'true'}, 'BadRequest', 'its guest agent is not switched on'),
    ({'name': 'golden', 'command': 'true'}, 'BadRequest', 'is a template'),
    ({'command': 'nosuchprogram'}, 'NotFound', 'there is no such program within it'),
    ({'command': 'echo "open'}, 'BadRequest', 'Close the quotation marks'),
    ({'command': []}, 'BadRequest', 'command is empty'),
    ({'read_file': '/nosuch'}, 'BadRequest', 'there is no file /nosuch'),
    ({'write_file': {'path': '/nosuch/x', 'content': 'x'}}, 'NotFound', 'folders are not made'),
    ({'write_file': {'path': '/tmp/x', 'content': 'x' * 50000}}, 'BadRequest', '46080 at most'),
    ({'name': 'nobody', 'command': 'true'}, 'NotFound', 'there is no such guest'),
])
def test_mistakes(still, given, code, words):
    result = still.run('pve_guest_exec', **{**WEB, **given})
    assert (result['error']['code'], result['msg'].startswith('cluster prod, guest ')) == (code, True), result['msg']
    assert words in result['msg']


def test_an_agent_that_does_not_answer(tasks):
    tasks.guest('prod', 101).agent = {'down': True}
    result = tasks.run('pve_guest_exec', **WEB, command='true')
    assert result['error']['code'] == 'Conflict'
    assert 'Install and start qemu-guest-agent' in result['msg']


@pytest.mark.parametrize('given', [{}, {'command': 'true', 'read_file': '/x'}, {'read_file': '/x', 'creates': '/y'}])
def test_options_that_do_not_go_together(still, given):
    assert still.run('pve_guest_exec', **WEB, **given)['failed']


def test_older_releases(elder):
    assert run(elder, command=['echo', 'a,b', 'c d'])['stdout'] == 'a,b c d\n'
    assert run(elder, command='true', creates='/etc/hosts')['changed'] is False
    elder.settled('pve_guest_exec', **WEB, write_file={'path': '/tmp/file', 'content': 'Grüße\n'})
    assert run(elder, read_file='/tmp/file')['content'] == 'Grüße\n'
