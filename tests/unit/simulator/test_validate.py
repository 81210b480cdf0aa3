# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation: the texts of the real server, and property strings there and back."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.call import ParameterError
from pvesim.schema.formats import FormatError, format_size, parse_size
from pvesim.schema.property_string import format_of, parse, to_string
from pvesim.schema.validate import MISSING, UNKNOWN, compile_parameters
from pvesim.tables import tables

CREATE = ('POST', '/nodes/{node}/qemu')


def errors_of(key, release='9', **values):
    validate = compile_parameters(tables(release).operations[key])
    try:
        validate({'node': 'pve1', **values})
    except ParameterError as error:
        return error.errors
    return {}


# As recorded on a real server.
TEXTS = [
    ({'vmid': '99'}, {'vmid': 'invalid format - value does not look like a valid VM ID\n'}),
    ({'vmid': 'abc'}, {'vmid': "type check ('integer') failed - got 'abc'"}),
    ({}, {'vmid': MISSING}),
    ({'vmid': '111', 'cores': '0'}, {'cores': 'value must have a minimum value of 1'}),
    ({'vmid': '111', 'onboot': 'maybe'}, {'onboot': "type check ('boolean') failed - got 'maybe'"}),
    ({'vmid': '111', 'name': 'bad_name!'}, {'name': 'invalid format - value does not look like a valid DNS name\n'}),
    ({'vmid': '111', 'name': ''}, {'name': 'invalid format - value does not look like a valid DNS name\n'}),
    ({'vmid': '111', 'foo': 'bar'}, {'foo': UNKNOWN}),
    ({'vmid': '111', 'memory': 'abc'},
     {'memory': "invalid format - format error\nmemory.current: type check ('integer') failed - got 'abc'\n"}),
    ({'vmid': '111', 'memory': '8'},
     {'memory': 'invalid format - format error\nmemory.current: value must have a minimum value of 16\n'}),
    ({'vmid': '111', 'net0': 'virtio,bridge=vmbr0,foo=1'},
     {'net0': f'invalid format - format error\nnet0.foo: {UNKNOWN}\n'}),
    ({'vmid': '111', 'net0': 'virtio=01:00:5e:00:00:01'},
     {'net0': 'invalid format - format error\nnet0.macaddr: invalid format - value does not look like a valid unicast '
              'MAC address\n\n'}),
    ({'vmid': '111', 'boot': 'order=scsi0,net0'},
     {'boot': 'invalid format - format error\nboot.legacy: value does not match the regex pattern\n'}),
    ({'vmid': '111', 'cpu': 'nocpu'},
     {'cpu': "invalid format - Built-in cputype 'nocpu' is not defined (missing 'custom-' prefix?)\n"}),
    ({'vmid': '111', 'ipconfig0': 'ip=300.1.1.1/24'},
     {'ipconfig0': 'invalid format - format error\nipconfig0.ip: invalid format - value does not look like a valid ipv4 '
                   'network configuration\n\n'}),
    ({'vmid': '111', 'sshkeys': 'ssh-ed25519 AAAA me@x'},
     {'sshkeys': 'invalid format - invalid urlencoded string: ssh-ed25519 AAAA me@x\n'}),
    ({'vmid': '111', 'scsi31': 'local:1'}, {'scsi31': UNKNOWN}),
]


@pytest.mark.parametrize(('values', 'wanted'), TEXTS)
def test_texts_are_those_of_the_real_server(values, wanted):
    assert errors_of(CREATE, **values) == wanted


def test_values_come_typed():
    typed = compile_parameters(tables('9').operations[CREATE])(
        {'node': 'pve1', 'vmid': '100', 'onboot': '1', 'cpulimit': '1.5', 'name': 'a', 'memory': 512, 'kvm': False})
    assert typed == {'node': 'pve1', 'vmid': 100, 'onboot': True, 'cpulimit': 1.5, 'name': 'a', 'memory': '512',
                     'kvm': False}


def test_dependent_parameters():
    key = ('POST', '/nodes/{node}/storage/{storage}/download-url')
    errors = errors_of(key, storage='local', content='iso', filename='a.iso', url='http://x/a.iso',
                       **{'checksum-algorithm': 'md5'})
    assert errors == {'checksum': "missing property - 'checksum-algorithm' requires this property"}


def test_releases_have_their_own_parameters():
    assert errors_of(CREATE, '9', vmid='100', **{'allow-ksm': '0'}) == {}
    assert errors_of(CREATE, '7.4', vmid='100', **{'allow-ksm': '0'}) == {'allow-ksm': UNKNOWN}


@pytest.mark.parametrize('text', ['virtio,virtio', 'bridge=', '=x', 'virtio,model=e1000', ',,,'])
def test_broken_property_strings_are_refused(text):
    with pytest.raises(FormatError):
        parse(text, format_of('9', 'qemu', 'net0'), 'net0')


DRIVE = st.fixed_dictionaries({'file': st.just('local:1/vm-1-disk-0.raw')}, optional={
    'iothread': st.booleans(), 'ssd': st.booleans(), 'cache': st.sampled_from(['none', 'writeback']),
    'size': st.integers(1, 1 << 50).map(lambda number: number * 1024), 'serial': st.from_regex(r'\A[a-z0-9]{1,20}\Z')})


@given(DRIVE)
def test_a_drive_survives_printing_and_parsing(values):
    shape = format_of('9', 'qemu', 'scsi0')
    text = to_string(values, shape)
    found = parse(text, shape)
    if 'size' in found:
        found['size'] = parse_size(found['size'])
    assert found == values
    assert to_string(parse(text, shape), shape) == text


@given(st.integers(0, 1 << 60))
def test_sizes_survive_printing_and_parsing(size):
    text = format_size(size)
    exact = size < 1 << 53
    assert parse_size(text) == size or not exact


@given(st.text(max_size=60), st.sampled_from(['net0', 'scsi0', 'ipconfig0', 'memory', 'cpu', 'agent', 'boot', 'hostpci0']))
def test_any_text_is_taken_or_refused_with_a_text(text, key):
    for detail in errors_of(CREATE, vmid='100', **{key: text}).values():
        assert detail
