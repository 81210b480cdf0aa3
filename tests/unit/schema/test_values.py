# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values compared by meaning."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.schema import size
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import (
    decode_ssh_keys,
    encode_ssh_keys,
    normalise,
    normalise_tags,
    same,
)

QEMU = '/nodes/{node}/qemu/{vmid}/config'
LXC = '/nodes/{node}/lxc/{vmid}/config'
KEY = 'ssh-ed25519 AAAAC3Nz+/= me@x'


def schema(name, path=QEMU):
    return tables('9').parameter('PUT', path, name)


@pytest.mark.parametrize(('text', 'count'), [
    ('32G', 32 * 1024 ** 3), ('512M', 512 * 1024 ** 2), ('10486K', 10486 * 1024), ('1T', 1024 ** 4), ('4096', 4096),
    (4096, 4096), ('1.5 GiB', 1610612736), ('8g', 8 * 1024 ** 3), ('0.5M', 524288), ('100B', 100)])
def test_sizes(text, count):
    assert size.parse_size(text) == count


def test_size_without_unit_takes_the_default_unit():
    assert size.parse_size('32', 'G') == size.parse_size('32G', 'K') == 32 * 1024 ** 3


@pytest.mark.parametrize(('text', 'part'), [
    ('32GB', 'ambiguous'), ('big', 'not a size'), ('', 'not a size'), ('-1G', 'not a size'), (True, 'not a size')])
def test_sizes_that_are_refused(text, part):
    with pytest.raises(size.SizeError, match=part):
        size.parse_size(text)


@pytest.mark.parametrize(('count', 'text'), [
    (1024 ** 3, '1G'), (2560 * 1024 ** 2, '2560M'), (10486 * 1024, '10486K'), (528 * 1024, '528K'), (1000, '1000'),
    (0, '0'), (2 * 1024 ** 4, '2T'), (1024 ** 5, '1024T')])
def test_sizes_are_printed_as_the_server_does(count, text):
    assert size.format_size(count) == text


@given(st.integers(0, 2 ** 60))
def test_printed_sizes_read_back(count):
    assert size.parse_size(size.format_size(count)) == count


SAME = [
    ('onboot', True, 1), ('onboot', 'yes', '1'), ('onboot', False, 0), ('cores', 4, '4'), ('cpulimit', '2', 2.0),
    ('memory', 2048, '2048'), ('memory', '2G', 'current=2048'), ('memory', '2048', {'current': 2048}), ('balloon', '1G', 1024),
    ('agent', True, '1'), ('agent', 'enabled=1', '1'), ('agent', {'enabled': True}, 1),
    ('net0', 'virtio,bridge=vmbr0', 'virtio=BC:24:11:C3:5B:D7,bridge=vmbr0'),
    ('net0', 'bridge=vmbr0,model=virtio', 'virtio=BC:24:11:C3:5B:D7,bridge=vmbr0'),
    ('net0', 'virtio=bc:24:11:c3:5b:d7', 'virtio=BC:24:11:C3:5B:D7'),
    ('net0', {'model': 'virtio', 'tag': '12'}, 'virtio=BC:24:11:C3:5B:D7,tag=12'),
    ('scsi0', 'local:1,format=qcow2,iothread=1', 'local:120/vm-120-disk-0.qcow2,iothread=1,size=1G'),
    ('scsi0', 'local:0.01', 'local:120/vm-120-disk-0.raw,size=10486K'),
    ('scsi0', {'file': 'local:1', 'discard': True}, 'local:120/vm-120-disk-0.raw,discard=on,size=1G'),
    ('scsi0', 'local:0,import-from=local:import/mini.qcow2', 'local:122/vm-122-disk-0.raw,size=16M'),
    ('scsi0', 'local:9/d.raw,size=1024M', 'local:9/d.raw,size=1G'),
    ('scsi0', 'local:9/d.raw', 'local:9/d.raw,size=1G'),
    ('scsi0', {'file': 'local:9/d.raw', 'serial': 'my disk'}, 'local:9/d.raw,serial=my%20disk,size=1G'),
    ('ide2', 'local:cloudinit', 'local:120/vm-120-cloudinit.qcow2,media=cdrom'),
    ('efidisk0', 'local:1,efitype=4m', 'local:121/vm-121-disk-0.raw,efitype=4m,size=528K'),
    ('tags', 'Prod,web;Alpha prod', 'alpha;prod;web'), ('tags', ['web', 'Prod'], 'prod;web'), ('tags', '', ' '), ('tags', [], None),
    ('boot', 'order=scsi0;net0', 'order=scsi0;net0'), ('boot', ['scsi0', 'net0'], 'order=scsi0;net0'),
    ('boot', {'order': ['scsi0']}, 'order=scsi0'), ('boot', 'legacy=cdn', 'cdn'), ('boot', None, ' '),
    ('sshkeys', KEY, encode_ssh_keys(KEY)), ('sshkeys', [KEY, KEY], encode_ssh_keys(f'{KEY}\n{KEY}\n\n')),
    ('startup', '3', 'order=3'), ('startup', {'order': 3, 'up': 9}, '3,up=9'),
    ('description', 'two\nlines\n', 'two\nlines'), ('name', 'web', 'web'), ('ostype', 'l26', 'l26'),
    ('nameserver', ['1.1.1.1', '8.8.8.8'], '1.1.1.1 8.8.8.8'), ('nameserver', '1.1.1.1,8.8.8.8', '1.1.1.1 8.8.8.8'),
    ('hotplug', 'network,disk', 'disk,network'), ('hotplug', 1, 'network,disk,usb'),
    ('cpu', 'host,flags=+aes;-pcid', 'flags=-pcid;+aes,cputype=host'), ('cipassword', 'secret', '**********'),
    ('vmgenid', '1', '56acc537-bb05-4714-b122-ab9d253da635'), ('description', None, None), ('description', '', None),
]
DIFFERENT = [
    ('onboot', True, 0), ('onboot', True, None), ('cores', 4, 2), ('memory', '2G', '4096'), ('agent', True, '0'),
    ('net0', 'virtio,bridge=vmbr0', 'virtio=BC:24:11:C3:5B:D7,bridge=vmbr1'),
    ('net0', 'virtio,bridge=vmbr0', 'e1000=BC:24:11:C3:5B:D7,bridge=vmbr0'),
    ('net0', 'virtio,bridge=vmbr0', 'virtio=BC:24:11:C3:5B:D7,bridge=vmbr0,firewall=1'),
    ('net0', 'virtio=BC:24:11:00:00:01', 'virtio=BC:24:11:C3:5B:D7'), ('net0', 'virtio', None),
    ('scsi0', 'local:2', 'local:120/vm-120-disk-0.raw,size=1G'), ('scsi0', 'ceph:1', 'local:120/vm-120-disk-0.raw,size=1G'),
    ('scsi0', 'local:1,ssd=1', 'local:120/vm-120-disk-0.raw,size=1G'), ('scsi0', 'local:9/d.raw,size=2G', 'local:9/d.raw,size=1G'),
    ('ide2', 'none,media=cdrom', 'local:iso/x.iso,media=cdrom'), ('tags', 'a', 'a;b'), ('boot', 'order=a;b', 'order=b;a'),
    ('sshkeys', KEY, encode_ssh_keys('ssh-rsa AAAA x')), ('nameserver', '1.1.1.1 8.8.8.8', '8.8.8.8 1.1.1.1'),
    ('startup', '3', 'order=4'), ('description', 'a', 'b'), ('cpu', 'host', 'host,flags=+aes'), ('cipassword', '', '**********'),
    ('vmgenid', '1', None), ('name', 'Web', 'web'),
]


@pytest.mark.parametrize(('name', 'wanted', 'current'), SAME)
def test_same_by_meaning(name, wanted, current):
    assert same(name, wanted, current, schema(name))


@pytest.mark.parametrize(('name', 'wanted', 'current'), DIFFERENT)
def test_different_by_meaning(name, wanted, current):
    assert not same(name, wanted, current, schema(name))


@pytest.mark.parametrize(('name', 'wanted', 'current'), [
    ('net0', 'name=eth0,bridge=vmbr0', 'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:DF:54:9B,type=veth'),
    ('rootfs', 'local:1', 'local:200/vm-200-disk-0.raw,size=1G'),
    ('mp0', 'local:1,mp=/data,backup=1', 'local:203/vm-203-disk-1.raw,mp=/data,backup=1,size=1G'),
    ('description', 'd\nx', 'd\nx\n'), ('memory', '1G', 1024), ('swap', '512M', 512), ('features', {'nesting': True}, 'nesting=1'),
])
def test_same_for_containers(name, wanted, current):
    assert same(name, wanted, current, schema(name, LXC))


@pytest.mark.parametrize(('name', 'wanted', 'current'), [
    ('onboot', False, None), ('bios', None, 'seabios'), ('cores', 1, None), ('hotplug', 'usb,disk,network', None),
    ('agent', '1,type=virtio', '1'), ('scsi0', 'local:9/d.raw,replicate=1', 'local:9/d.raw,size=1G')])
def test_defaults_are_unset_only_when_told(name, wanted, current):
    assert same(name, wanted, current, schema(name), defaults=True)
    assert not same(name, wanted, current, schema(name))


def test_only_the_named_options_count_when_told():
    shown = 'virtio=BC:24:11:C3:5B:D7,bridge=vmbr0,firewall=1'
    assert same('net0', {'bridge': 'vmbr0'}, shown, schema('net0'), partial=True)
    assert not same('net0', {'bridge': 'vmbr1'}, shown, schema('net0'), partial=True)
    assert not same('net0', {'model': 'virtio', 'bridge': 'vmbr0'}, shown, schema('net0'))
    assert same('scsi0', {'size': '1G'}, 'local:9/d.raw,size=1024M,ssd=1', schema('scsi0'), partial=True)
    assert not same('scsi0', {'size': '2G'}, 'local:9/d.raw,size=1G', schema('scsi0'), partial=True)


def test_tags_keep_their_case_when_told():
    assert normalise_tags('Zeta;alpha', case_sensitive=True) == ('Zeta', 'alpha')
    assert not same('tags', 'Zeta', 'zeta', schema('tags'), case_sensitive=True)


@given(st.lists(st.from_regex(r'ssh-[a-z0-9]{2,8} [A-Za-z0-9+/]{4,20}={0,2} [a-z0-9@%.]{1,9}', fullmatch=True), max_size=4))
def test_ssh_keys_survive_encoding(keys):
    assert decode_ssh_keys(encode_ssh_keys(keys)) == tuple(keys)
    assert encode_ssh_keys(encode_ssh_keys(keys)) == encode_ssh_keys(keys)


@given(st.sampled_from(['net0', 'scsi0', 'boot', 'tags', 'cores', 'sshkeys', 'memory', 'nosuch', 'hotplug']),
       st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_normalise_never_raises_and_a_value_is_the_same_as_itself(name, value):
    normalise(name, value, schema(name), defaults=True)
    assert same(name, value, value, schema(name))


def test_without_a_schema_numbers_and_booleans_are_their_text():
    assert same('x', 5, '5')
    assert same('x', True, '1')
    assert not same('x', 'a', 'b')


def test_objects_that_the_server_gives_parsed():
    prune = tables('9').parameter('POST', '/cluster/backup', 'prune-backups')
    assert same('prune-backups', 'keep-last=2', {'keep-last': '2'}, prune)
    style = tables('9').parameter('PUT', '/cluster/options', 'tag-style')
    assert same('tag-style', {'case-sensitive': True, 'ordering': 'alphabetical'},
                {'ordering': 'alphabetical', 'case-sensitive': 1}, style)
    paths = tables('9').parameter('POST', '/cluster/backup', 'exclude-path')
    assert same('exclude-path', ['/b', '/a'], ['/a', '/b'], paths)
