# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings by the format tables of all releases."""
from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.schema import property_string as codec
from ansible_collections.pve.fleet.plugins.module_utils.schema.release import RELEASES
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import limits, pattern, value_problem
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import format_from_typetext, property_format

QEMU = '/nodes/{node}/qemu/{vmid}/config'
LXC = '/nodes/{node}/lxc/{vmid}/config'


def fmt(name, path=QEMU, release='9'):
    return property_format(tables(release).parameter('PUT', path, name))


def all_formats():
    """Each different format once, named by where it was first seen."""
    seen = {}
    for release in RELEASES:
        table = tables(release)
        for template in table.paths():
            for method in table.methods(template):
                for name, schema in table.operation(method, template).parameters.items():
                    for one in (schema, schema.get('items', {})):
                        found = property_format(one)
                        if found:
                            seen.setdefault(repr(found), (f'{release} {method} {template} {name}', found))
    return [pytest.param(found, id=name) for name, found in seen.values()]


SAMPLES = {
    'CIDR': '192.0.2.0/24', 'CIDRv4': '192.0.2.1/24', 'CIDRv6': '2001:db8::1/64', 'address': 'pve1.example.com',
    'disk-size': '32G', 'ipv4': '192.0.2.1', 'ipv6': '2001:db8::1', 'mac-addr': 'BC:24:11:00:00:01',
    'pve-bridge-id': 'vmbr0', 'pve-configid': 'abc', 'pve-ipv4-config': 'dhcp', 'pve-ipv6-config': 'auto',
    'pve-node': 'pve1', 'pve-storage-id': 'local', 'pve-volume-id': 'local:100/vm-100-disk-0.raw',
    'pve-poolid': 'pool', 'ip': '192.0.2.1', 'dns-name': 'a.example.com',
}
PLAIN = st.from_regex(r'[A-Za-z0-9_./:+;@ -]{0,10}[A-Za-z0-9]', fullmatch=True)
WITH_EQUALS = st.from_regex(r'[a-z]{1,5}=[a-z]{1,5}', fullmatch=True)


def values_for(schema):
    kind = schema.get('type', 'string')
    if schema.get('enum'):
        return st.sampled_from(schema['enum'])
    if kind == 'boolean':
        return st.booleans()
    low, high = limits(schema)
    low, high = low or 0, high or 10 ** 9
    if kind == 'integer':
        return st.integers(low, high)
    if kind == 'number':
        return st.integers(int(low) + 1, int(high)) | st.floats(low, high, allow_nan=False)
    if 'pattern' in schema:
        return st.from_regex(re.compile(pattern(schema['pattern']).pattern, re.ASCII), fullmatch=True)
    if schema.get('format') == 'urlencoded':
        return st.text(min_size=1, max_size=20).filter(lambda text: text.strip())
    if schema.get('format') in SAMPLES:
        return st.just(SAMPLES[schema['format']])
    return PLAIN | WITH_EQUALS


def usable(value, schema):
    text = str(value)
    if schema.get('format') != 'urlencoded' and (',' in text or not text.strip()):
        return False
    return not value_problem(value, schema)


def dictionaries(found):
    keys = {key: values_for(schema).filter(lambda value, schema=schema: usable(value, schema))
            for key, schema in found.items() if 'alias' not in schema}
    required = {key: one for key, one in keys.items() if not found[key].get('optional')}
    return st.fixed_dictionaries(required, optional={key: one for key, one in keys.items() if key not in required})


@pytest.mark.parametrize('found', all_formats())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_reads_back_and_is_written_the_same_again(found, data):
    values = data.draw(dictionaries(found))
    text = codec.render(values, found)
    assert codec.parse(text, found) == values
    assert codec.render(codec.parse(text, found), found) == text
    assert codec.parse(text, found, strict=False) == values


def refusal(text, found):
    try:
        codec.parse(text, found)
    except codec.PropertyStringError as error:
        return str(error)
    return '.'


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    for name in ('net0', 'scsi0', 'agent', 'ipconfig0'):
        assert refusal(text, fmt(name)).endswith(('.', '?'))


@pytest.mark.parametrize(('name', 'text', 'values'), [
    ('net0', 'virtio,bridge=vmbr0', {'model': 'virtio', 'bridge': 'vmbr0'}),
    ('net0', 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=0,tag=12',
     {'model': 'virtio', 'macaddr': 'BC:24:11:00:00:01', 'bridge': 'vmbr0', 'firewall': False, 'tag': 12}),
    ('net0', 'e1000=BC:24:11:00:00:01,bridge=vmbr0,rate=1.5',
     {'model': 'e1000', 'macaddr': 'BC:24:11:00:00:01', 'bridge': 'vmbr0', 'rate': 1.5}),
    ('scsi0', 'local:120/vm-120-disk-0.qcow2,discard=on,iothread=1,size=1G,ssd=1',
     {'file': 'local:120/vm-120-disk-0.qcow2', 'discard': 'on', 'iothread': True, 'size': '1G', 'ssd': True}),
    ('scsi1', 'local:1/x,serial=my%20disk', {'file': 'local:1/x', 'serial': 'my disk'}),
    ('agent', '1', {'enabled': True}),
    ('memory', '2048', {'current': 2048}),
    ('startup', '2,down=60,up=30', {'order': 2, 'up': 30, 'down': 60}),
    ('hostpci0', '0000:01:00;0000:02:00,pcie=1', {'host': '0000:01:00;0000:02:00', 'pcie': True}),
    ('boot', 'order=scsi0;net0', {'order': 'scsi0;net0'}),
])
def test_qemu_options_both_ways(name, text, values):
    assert codec.parse(text, fmt(name)) == values
    assert codec.render(values, fmt(name)) == text


def test_container_options_are_written_with_required_keys_first():
    net = 'name=eth0,bridge=vmbr0,gw=192.0.2.254,hwaddr=BC:24:11:DF:54:9B,ip=192.0.2.77/24,type=veth'
    assert codec.render(codec.parse(net, fmt('net0', LXC)), fmt('net0', LXC)) == net
    mount = 'local:203/vm-203-disk-1.raw,mp=/data,backup=1,size=1G'
    assert codec.render(codec.parse(mount, fmt('mp0', LXC)), fmt('mp0', LXC)) == mount


@pytest.mark.parametrize(('text', 'other'), [
    ('model=e1000,bridge=vmbr0', 'e1000,bridge=vmbr0'),
    ('bridge=vmbr0,model=virtio,macaddr=BC:24:11:00:00:01', 'virtio=BC:24:11:00:00:01,bridge=vmbr0'),
    ('virtio,firewall=on', 'virtio,firewall=1'),
    ('virtio,,bridge=vmbr0,', 'bridge=vmbr0,model=virtio'),
])
def test_spellings_with_one_meaning(text, other):
    assert codec.parse(text, fmt('net0')) == codec.parse(other, fmt('net0'))


def test_other_names_and_words_for_the_same():
    assert codec.parse('volume=local:1/x', fmt('scsi0')) == {'file': 'local:1/x'}
    assert codec.render({'volume': 'local:1/x', 'discard': True, 'ssd': None}, fmt('scsi0')) == 'local:1/x,discard=on'
    assert codec.render({'file': 'local:1/x', 'discard': False}, fmt('scsi0')) == 'local:1/x,discard=ignore'
    assert codec.render({'virtio': 'BC:24:11:00:00:01', 'trunks': [10, '20-30']}, fmt('net0')) == (
        'virtio=BC:24:11:00:00:01,trunks=10;20-30')
    assert codec.parse('1,guest-fsfreeze=0', fmt('agent')) == {'enabled': True, 'freeze-fs': False}


@pytest.mark.parametrize(('name', 'text', 'kind', 'key', 'parts'), [
    ('net0', 'virtio,brigde=vmbr0', codec.UnknownKey, 'brigde', ['Did you mean bridge?', 'link_down']),
    ('net0', 'virtio,virtio=BC:24:11:00:00:01', codec.DuplicateKey, 'model', ['given twice']),
    ('net0', 'bridge=vmbr0', codec.MissingKey, 'model', ['model must be given']),
    ('net0', 'virtio,tag=', codec.MissingKey, 'tag', ['key=value']),
    ('net0', 'nope', codec.BadValue, 'model', ['rtl8139', "not 'nope'"]),
    ('net0', 'virtio,tag=x', codec.BadValue, 'tag', ['whole number']),
    ('ipconfig0', 'dhcp', codec.MissingKey, '', ['gw6', 'key=value']),
    ('scsi0', 'local:1,cache=writebak', codec.BadValue, 'cache', ['Did you mean writeback?']),
    ('scsi0', 'local:1,size=big', codec.BadValue, 'size', ['such as 32G']),
])
def test_refused_text_names_key_and_what_is_allowed(name, text, kind, key, parts):
    with pytest.raises(kind) as caught:
        codec.parse(text, fmt(name))
    assert isinstance(caught.value, ValueError)
    assert caught.value.key == key
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(('values', 'part'), [
    ({'model': 'virtio', 'bridge': 'a,b'}, 'bridge must be the name of a bridge'),
    ({'model': 'virtio', 'bridge': {'a': 1}}, 'not a dictionary'),
    ({'model': 'virtio', 'e1000': 'BC:24:11:00:00:01'}, 'given twice'),
    ({'model': 'virtio', 'bridge': ''}, 'bridge must'),
])
def test_refused_dictionaries(values, part):
    with pytest.raises(codec.PropertyStringError, match=part):
        codec.render(values, fmt('net0'))


def test_a_comma_would_begin_another_option():
    with pytest.raises(codec.BadValue, match='host must not contain a comma'):
        codec.render({'host': '0000:01:00,0000:02:00'}, fmt('hostpci0'))


def test_unknown_keys_of_a_newer_server_are_kept_when_reading():
    assert codec.parse('virtio,newkey=7', fmt('net0'), strict=False) == {'model': 'virtio', 'newkey': '7'}


def test_formats_given_as_text_only():
    assert format_from_typetext('[[order=]\\d+] [,up=\\d+] [,down=\\d+]') == {
        'order': {'type': 'integer', 'default_key': 1, 'optional': 1},
        'up': {'type': 'integer', 'optional': 1}, 'down': {'type': 'integer', 'optional': 1}}
    found = format_from_typetext('[model=]<i6300esb|ib700> ,on=<1|0> [,action=<enum>]')
    assert found['model'] == {'type': 'string', 'enum': ['i6300esb', 'ib700'], 'default_key': 1}
    assert found['on'] == {'type': 'boolean'}
    assert found['action'] == {'type': 'string', 'optional': 1}
    assert format_from_typetext('<node>[:<pri>]{,<node>[:<pri>]}*') is None
