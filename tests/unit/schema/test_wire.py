# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import BadValue
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import same
from ansible_collections.pve.fleet.plugins.module_utils.schema.wire import WireError, encode_params, quote_segment

QEMU = tables('9').operation('PUT', '/nodes/{node}/qemu/{vmid}/config').parameters


def test_without_schemas():
    assert encode_params({'a': True, 'b': False, 'c': None, 'd': [1, 'x'], 'e': 1.50, 'f': 2.0, 'g': ''}) == [
        ('a', '1'), ('b', '0'), ('d', '1,x'), ('e', '1.5'), ('f', '2'), ('g', '')]


def test_with_schemas():
    sent = dict(encode_params({
        'net0': {'model': 'virtio', 'bridge': 'vmbr0', 'firewall': True}, 'memory': '8G', 'balloon': '1G', 'onboot': 'yes',
        'tags': ['b', 'a'], 'nameserver': ['192.0.2.1', '192.0.2.2'], 'boot': ['scsi0', 'net0'], 'agent': True,
        'sshkeys': ['ssh-ed25519 AAAA me@x'], 'scsi1': 'local:1,ssd=1', 'cores': 2, 'delete': ['net1', 'ide2'],
    }, QEMU))
    assert sent == {
        'net0': 'virtio,bridge=vmbr0,firewall=1', 'memory': '8192', 'balloon': '1024', 'onboot': '1', 'tags': 'b;a',
        'nameserver': '192.0.2.1 192.0.2.2', 'boot': 'order=scsi0;net0', 'agent': '1',
        'sshkeys': 'ssh-ed25519%20AAAA%20me%40x%0A', 'scsi1': 'local:1,ssd=1', 'cores': '2', 'delete': 'net1,ide2'}


def test_arrays_repeat_their_name():
    backup = tables('9').operation('POST', '/cluster/backup').parameters
    assert encode_params({'exclude-path': ['/a', '/b,c'], 'vmid': [100, 101]}, backup) == [
        ('exclude-path', '/a'), ('exclude-path', '/b,c'), ('vmid', '100,101')]
    older = tables('7.4').operation('POST', '/cluster/backup').parameters
    assert encode_params({'exclude-path': ['/a', '/b']}, older) == [('exclude-path', '/a'), ('exclude-path', '/b')]
    mapping = tables('9').operation('POST', '/cluster/mapping/dir').parameters
    assert encode_params({'id': 'd', 'map': [{'node': 'pve1', 'path': '/srv'}]}, mapping) == [
        ('id', 'd'), ('map', 'node=pve1,path=/srv')]


@pytest.mark.parametrize('params', [{'name': {'a': 1}}, {'nosuch': {'a': 1}}, {'ipconfig0': ['ip=dhcp']}, {'x': [{'a': 1}]}])
def test_what_cannot_be_sent_is_refused(params):
    with pytest.raises(WireError, match=next(iter(params))):
        encode_params(params, QEMU)


def test_dictionaries_are_held_against_their_format():
    with pytest.raises(BadValue, match='tag must be at most 4094'):
        encode_params({'net0': {'model': 'virtio', 'tag': 5000}}, QEMU)


@pytest.mark.parametrize(('text', 'quoted'), [
    ('user@pve', 'user%40pve'), ('a#b', 'a%23b'), ('dev/web', 'dev%2Fweb'), ('u@pve!t', 'u%40pve%21t'),
    ('vm:100', 'vm:100'), ('50%?', '50%25%3F'), (100, '100')])
def test_path_segments(text, quoted):
    assert quote_segment(text) == quoted


@pytest.mark.parametrize('text', ['', '.', '..'])
def test_path_segments_that_would_lead_elsewhere(text):
    with pytest.raises(WireError, match='cannot be part of a path'):
        quote_segment(text)


@given(st.text(min_size=1).filter(lambda text: text not in ('.', '..')))
def test_a_quoted_segment_stays_one_segment(text):
    quoted = quote_segment(text)
    assert quoted.isascii()
    assert not set(quoted) & set('/#?@! ')


@given(st.dictionaries(st.sampled_from(['bridge', 'tag', 'firewall', 'mtu', 'rate']), st.integers(1, 1), max_size=5))
def test_what_is_sent_means_what_was_wanted(options):
    wanted = {'model': 'virtio', **{key: 'vmbr0' if key == 'bridge' else value for key, value in options.items()}}
    assert same('net0', wanted, dict(encode_params({'net0': wanted}, QEMU))['net0'], QEMU['net[n]'])
