# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small decisions: which guests, which backups, which storages of the target."""
from __future__ import annotations

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.operations.backup_places import archive_of, places
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_filter import fits_name, fits_without_name
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_info import interleaved, selection
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest_parts import has_agent
from ansible_collections.pve.fleet.plugins.module_utils.operations.remote_migrate import is_passed_through
from ansible_collections.pve.fleet.plugins.module_utils.operations.remote_target import Target, granted, mapping
from ansible_collections.pve.fleet.plugins.module_utils.operations.retention import keep_text

ROW = {'vmid': 101, 'name': 'web-01', 'node': 'pve1', 'type': 'qemu', 'status': 'running', 'tags': 'Prod;web', 'pool': 'shop'}
STORAGES = [
    {'storage': 'local', 'node': node, 'content': 'iso,backup', 'shared': 0, 'status': status}
    for node, status in (('pve1', 'available'), ('pve2', 'unknown'))
] + [
    {'storage': 'nas', 'node': node, 'content': 'backup', 'shared': 1, 'status': status}
    for node, status in (('pve1', 'unknown'), ('pve2', 'available'))
] + [{'storage': 'fast', 'node': 'pve1', 'content': 'images', 'shared': 0}]


@pytest.mark.parametrize(('params', 'fits'), [
    ({}, True), ({'tag': ['prod']}, True), ({'tag': ['PROD', 'x']}, True), ({'tag': ['db']}, False), ({'pool': ['shop']}, True),
    ({'pool': ['other']}, False), ({'status': ['stopped']}, False), ({'template': False}, True), ({'template': True}, False),
    ({'type': 'lxc'}, False), ({'vmid': [101, 5]}, True), ({'node': ['pve2']}, False), ({'tag': []}, True),
])
def test_guests_are_chosen_by_the_list_alone(params, fits):
    assert fits_without_name(params, ROW) is fits


@pytest.mark.parametrize(('params', 'fits'), [({}, True), ({'pattern': 'web-*'}, True), ({'pattern': 'Web*'}, False), ({'name': ['x']}, False)])
def test_names(params, fits):
    assert fits_name(params, ROW) is fits


def test_a_guest_without_a_name_fits_no_pattern():
    assert not fits_name({'pattern': 'web-*'}, {'vmid': 101})


def test_clusters_take_turns():
    assert interleaved([['a1', 'a2', 'a3'], ['b1'], []]) == ['a1', 'b1', 'a2', 'a3']


@pytest.mark.parametrize(('params', 'expected'), [({'clusters': ['a']}, ['a']), ({'cluster': 'a'}, ['a']), ({}, 'all')])
def test_which_clusters_are_meant(params, expected):
    assert selection(params) == expected


@pytest.mark.parametrize(('text', 'on'), [('1', True), ('enabled=1,fstrim_cloned_disks=1', True), ('1,type=virtio', True), ('0', False), (None, False)])
def test_whether_an_agent_is_there(text, on):
    assert has_agent({'agent': text}) is on


@pytest.mark.parametrize(('volid', 'expected'), [
    ('nas:backup/vzdump-qemu-104-2026_01_31-02_00_00.vma.zst', ('qemu', 104)),
    ('nas:backup/vzdump-lxc-7-2026_01_31-02_00_00.tar.zst', ('lxc', 7)),
    ('pbs:backup/vm/104/2026-01-31T02:00:00Z', ('qemu', 104)),
    ('pbs:backup/ct/210/2026-01-31T02:00:00Z', ('lxc', 210)),
    ('nas:backup/mine.vma', (None, None)),
])
def test_what_the_name_of_a_backup_tells(volid, expected):
    assert archive_of(volid) == expected


def test_a_shared_storage_is_asked_once_where_it_is_available():
    assert [(place.storage, place.node) for place in places(None, rows=STORAGES)] == [('local', 'pve1'), ('local', 'pve2'), ('nas', 'pve2')]
    assert [place.node for place in places(None, 'nas', 'pve1', STORAGES)] == ['pve1']


@pytest.mark.parametrize(('storage', 'node', 'kind', 'words'), [
    ('nass', None, NotFound, 'Did you mean nas'), ('fast', None, BadRequest, 'cannot hold backups'),
    ('local', 'pve9', NotFound, 'is not on node pve9. It is on pve1 and pve2'),
])
def test_storages_that_do_not_serve(storage, node, kind, words):
    with pytest.raises(kind, match=words):
        places(None, storage, node, STORAGES)


def test_retention_as_the_server_wants_it():
    assert keep_text({'keep_last': 3, 'keep_daily': 0, 'keep_weekly': None}) == 'keep-last=3,keep-daily=0'
    assert keep_text({}) is None


@pytest.mark.parametrize(('given', 'expected'), [
    (None, {'a': 'a', 'b': 'b'}), ('x', {'a': 'x', 'b': 'x'}), ('a:x,b:y', {'a': 'x', 'b': 'y'}), ('a:x,y', {'a': 'x', 'b': 'y'}),
    ({'a': 'x', '*': 'y'}, {'a': 'x', 'b': 'y'}),
])
def test_maps_cover_everything_that_is_used(given, expected):
    assert mapping('target_storage', given, ['a', 'b']) == expected


@pytest.mark.parametrize('given', [{'a': 'x'}, 'a:x', ['x']])
def test_maps_that_leave_something_out(given):
    with pytest.raises(BadRequest, match='target_storage'):
        mapping('target_storage', given, ['a', 'b'])


@pytest.mark.parametrize(('own', 'path', 'has'), [
    ({'/': {'Sys.Incoming': 1}}, '/', True), ({'/': {'VM.Allocate': 1}}, '/vms/100', True), ({'/vms': {'VM.Allocate': 1}}, '/vms/100', True),
    ({'/': {'VM.Allocate': 1}, '/vms': {'VM.Audit': 1}}, '/vms/100', False), ({}, '/', False),
    ({'/vms': {'VM.Allocate': 0}}, '/vms/100', False), ({'/': {'Sys.Incoming': 0}}, '/', True),
])
def test_rights_go_down_the_path(own, path, has):
    assert granted(own, path, 'Sys.Incoming' if path == '/' else 'VM.Allocate') is has


@pytest.mark.parametrize(('key', 'value', 'stays'), [
    ('hostpci0', '0000:01:00.0', True), ('hostpci0', 'mapping=gpu', False), ('usb0', 'host=1234:5678', True), ('usb0', 'spice', False),
    ('serial0', '/dev/ttyS0', True), ('serial0', 'socket', False), ('mp0', '/srv/data,mp=/data', True), ('mp0', 'local:8,mp=/data', False),
])
def test_devices_that_stay_behind(key, value, stays):
    assert is_passed_through(key, value) is stays


def test_the_endpoint_of_the_target_is_what_the_api_wants():
    connection = Connection('lab', (Endpoint('lab1'),), Credential(token_id='fleet@pve!move', token_secret='secret'))
    client = type('Client', (), {'connection': connection})
    assert Target(client, 'lab1', 8006, 'AB:CD', 'lab1').endpoint() == (
        'host=lab1,apitoken=PVEAPIToken=fleet@pve!move=secret,fingerprint=AB:CD,port=8006'
    )
    assert 'secret' not in repr(Target(client, 'lab1', 8006, None, 'lab1'))
