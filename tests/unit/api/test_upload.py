# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies with files: their length is known, and every try sends the whole file anew."""
from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.upload import BLOCK, Multipart


@given(content=st.binary(max_size=200), fields=st.lists(st.tuples(st.sampled_from(['content', 'checksum']), st.text('abc0123', max_size=9)), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_length_and_content_are_exact_each_time(tmp_path, content, fields):
    file = tmp_path / 'x.iso'
    file.write_bytes(content)
    body = Multipart(fields, str(file), 'x.iso')
    first, second = b''.join(body), b''.join(body)
    assert first == second
    assert len(first) == len(body)
    message = email.message_from_bytes(f'Content-Type: {body.content_type}\r\n\r\n'.encode() + first, policy=email.policy.HTTP)
    parts = list(message.iter_parts())
    assert [(part.get_param('name', header='content-disposition'), part.get_payload(decode=True)) for part in parts] == [
        *((name, text.encode()) for name, text in fields), ('filename', content)]


def test_progress_is_told_in_steps(tmp_path):
    file = tmp_path / 'x.iso'
    file.write_bytes(b'x' * (BLOCK * 3))
    lines = []
    b''.join(Multipart([], str(file), 'x.iso', lines.append))
    assert lines == ['upload 33 % (1/3 MiB)', 'upload 66 % (2/3 MiB)', 'upload 100 % (3/3 MiB)']


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(BadRequest, match='cannot be read'):
        Multipart([], str(tmp_path / 'nosuch'), 'x')
