# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: allocation, names per storage type, space, listing, deletion."""
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.call import ApiError
from pvesim.model import storage, volume_names
from pvesim.model.cluster import Cluster
from pvesim.model.node import Node

GIB = 1 << 30


def cluster_with(**sections):
    made = Cluster('c')
    node = made.nodes['n1'] = Node('n1')
    node.extra['backing'] = {'vg:pve': {'total': 100 * GIB, 'used': 0}, 'thin:pve/data': {'total': 100 * GIB, 'used': 0},
                             'zpool:tank': {'total': 100 * GIB, 'used': 0}}
    made.extra['backing'] = {'ceph': {'total': 100 * GIB, 'used': 0}}
    made.storages.update(sections)
    return made


def refusal(function, *values, **named):
    """What a call is refused with, or nothing."""
    try:
        function(*values, **named)
    except ApiError as error:
        return error.message
    return ''


TYPES = {
    'dir': ({'type': 'dir', 'path': '/x'}, 's1:100/vm-100-disk-0.raw', '/x/images/100/vm-100-disk-0.raw'),
    'lvm': ({'type': 'lvm', 'vgname': 'pve'}, 's1:vm-100-disk-0', '/dev/pve/vm-100-disk-0'),
    'lvmthin': ({'type': 'lvmthin', 'vgname': 'pve', 'thinpool': 'data'}, 's1:vm-100-disk-0', '/dev/pve/vm-100-disk-0'),
    'zfspool': ({'type': 'zfspool', 'pool': 'tank'}, 's1:vm-100-disk-0', '/dev/zvol/tank/vm-100-disk-0'),
    'rbd': ({'type': 'rbd', 'pool': 'vm', 'krbd': 1}, 's1:vm-100-disk-0', '/dev/rbd/vm/vm-100-disk-0'),
}


@pytest.mark.parametrize('kind', sorted(TYPES))
def test_volumes_are_named_and_found_as_their_storage_does(kind):
    config, volid, path = TYPES[kind]
    cluster = cluster_with(s1=config)
    made = storage.alloc(cluster, 'n1', 's1', 100, GIB)
    assert made.volid == volid
    assert storage.path_of(cluster, volid) == path
    assert storage.parse(cluster, volid)[1].vmid == 100
    second = storage.alloc(cluster, 'n1', 's1', 100, GIB)
    assert 'disk-1' in second.volid
    storage.free(cluster, 'n1', volid)
    assert storage.alloc(cluster, 'n1', 's1', 100, GIB).volid == volid


@pytest.mark.parametrize(('config', 'text'), [
    ({'type': 'lvm', 'vgname': 'pve'}, r'not enough free space \(\d+ < \d+\)'),
    ({'type': 'zfspool', 'pool': 'tank'}, r"cannot create 'tank/vm-100-disk-0': out of space"),
    ({'type': 'lvm', 'vgname': 'gone'}, r"no such volume group 'gone'"),
])
def test_what_does_not_fit_is_refused_where_space_is_reserved(config, text):
    with pytest.raises(ApiError, match=text):
        storage.alloc(cluster_with(s1=config), 'n1', 's1', 100, 200 * GIB)


def test_thin_storages_may_promise_more_than_they_have():
    for config in ({'type': 'lvmthin', 'vgname': 'pve', 'thinpool': 'data'}, {'type': 'zfspool', 'pool': 'tank', 'sparse': 1}):
        assert storage.alloc(cluster_with(s1=config), 'n1', 's1', 100, 200 * GIB).size == 200 * GIB


def test_storages_on_one_file_system_share_its_space():
    cluster = cluster_with(a1={'type': 'dir', 'path': '/a'}, b1={'type': 'dir', 'path': '/b'})
    storage.alloc(cluster, 'n1', 'a1', 100, 8 * GIB, used=5 * GIB)
    assert storage.space(cluster, 'n1', 'a1') == storage.space(cluster, 'n1', 'b1')


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 30)), max_size=30))
def test_space_is_given_back_in_full(steps):
    cluster = cluster_with(s1={'type': 'lvm', 'vgname': 'pve'})
    before = storage.space(cluster, 'n1', 's1')
    for make, number, gib in steps:
        name = f'vm-100-disk-{number}'
        if make:
            assert re.search('^$|already exists|not enough free space',
                             refusal(storage.alloc, cluster, 'n1', 's1', 100, gib * GIB, name=name))
        else:
            storage.free(cluster, 'n1', f's1:{name}')
        room = storage.space(cluster, 'n1', 's1')
        assert room.used + room.avail == room.total
        assert room.avail >= 0
    for volid in list(storage.place(cluster, 's1', 'n1')):
        storage.free(cluster, 'n1', volid)
    assert storage.space(cluster, 'n1', 's1') == before


@given(st.sampled_from(sorted(volume_names.PARSERS)), st.text(max_size=30))
def test_any_volume_name_is_taken_apart_or_refused_in_words(kind, text):
    assert re.match('$|unable to parse|failed to parse', refusal(volume_names.parse_volname, kind, text))


def test_content_is_listed_by_kind_and_owner(site):
    site.send('POST', '{here}/storage/local/content', vmid=100, filename='vm-100-disk-0.qcow2', size='4G')
    rows = {row['volid']: row for row in site.get('{here}/storage/local/content')}
    assert rows['local:100/vm-100-disk-0.qcow2']['format'] == 'qcow2'
    assert rows['local:100/vm-100-disk-0.qcow2']['size'] == 4 * GIB
    assert rows['local:vztmpl/fake-rootfs_1.0_amd64.tar.zst']['format'] == 'tzst'
    assert [row['volid'] for row in site.get('{here}/storage/local/content', content='iso')] == ['local:iso/tiny.iso']
    assert 'local:iso/tiny.iso' not in {row['volid'] for row in site.get('{here}/storage/local/content', vmid=100)}


def test_who_may_not_see_a_volume_is_not_shown_it(site):
    site.send('POST', '{here}/storage/local/content', vmid=100, filename='vm-100-disk-0.raw', size='4G')
    site.send('POST', '/access/users', userid='eve@pve')
    site.send('PUT', '/access/acl', path='/storage/local', roles='PVEDatastoreUser', users='eve@pve')
    status, rows, _errors = site.send('GET', '{here}/storage/local/content', 'eve@pve')
    assert status == 200
    assert {row['content'] for row in rows} == {'iso', 'vztmpl', 'import'}


def test_deletion_is_a_task_and_a_base_in_use_stays(site):
    from pvesim.model import volumes

    volume = storage.alloc(site.cluster, 'pve1', 'local', 100, GIB, fmt='qcow2')
    base = volumes.make_base(site.cluster, 'pve1', volume.volid)
    clone = volumes.clone_linked(site.cluster, 'pve1', base, 101, 0)
    exitstatus, _log = site.run('DELETE', f'{{here}}/storage/local/content/{base}')
    assert exitstatus == "base volume '100/base-100-disk-0.qcow2' is still in use by linked clones"
    assert site.run('DELETE', f'{{here}}/storage/local/content/{clone.volid}')[0] == 'OK'
    assert site.run('DELETE', f'{{here}}/storage/local/content/{base}') == ('OK', [f"Removed volume '{base}'", 'TASK OK'])
