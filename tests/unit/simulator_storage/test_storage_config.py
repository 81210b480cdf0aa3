# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage.cfg through the API: what each type takes, refuses and shows."""
from __future__ import annotations

import pytest
from pvesim.model.storage_types import TYPES

ADDRESS = {
    'dir': {'path': '/srv/data'}, 'btrfs': {'path': '/srv/btrfs'}, 'nfs': {'server': 'nas.test', 'export': '/e'},
    'cifs': {'server': 'nas.test', 'share': 's'}, 'cephfs': {}, 'lvm': {'vgname': 'vg0'},
    'lvmthin': {'vgname': 'vg0', 'thinpool': 'data'}, 'rbd': {'monhost': '10.0.0.1', 'pool': 'vm'},
    'pbs': {'server': 'pbs.test', 'datastore': 'd1', 'username': 'a@pbs', 'password': 'secret'},
    'iscsi': {'portal': '10.0.0.2', 'target': 'iqn.2020-01.test:t'},
}


@pytest.mark.parametrize('kind', sorted(ADDRESS))
def test_a_storage_of_every_type_lives_its_life(site, kind):
    assert site.send('POST', '/storage', storage='one', type=kind, **ADDRESS[kind])[:2] == (200, {'storage': 'one', 'type': kind})
    shown = site.get('/storage/one')
    assert shown['type'] == kind
    assert set(shown['content'].split(',')) == set(TYPES[kind].default_content.split(','))
    assert 'password' not in shown
    assert bool(shown.get('shared')) == TYPES[kind].shared
    assert site.send('PUT', '/storage/one', disable=1)[0] == 200
    assert site.get('/storage/one')['disable'] == 1
    assert site.send('DELETE', '/storage/one')[:2] == (200, None)
    assert site.send('GET', '/storage/one')[:2] == (500, "storage 'one' does not exist")


@pytest.mark.parametrize(('params', 'text'), [
    ({'type': 'nfs', 'server': 'nas.test'}, "missing value for required option 'export'"),
    ({'type': 'dir', 'path': '/x', 'vgname': 'vg'}, "unexpected property 'vgname'"),
    ({'type': 'dir', 'path': '/x', 'content': 'none,iso'}, "unable to combine 'none' with other content types"),
])
def test_creation_says_what_is_wrong(site, params, text):
    assert site.send('POST', '/storage', storage='one', **params)[:2] == (500, text)


def test_a_taken_name_and_a_missing_pool_are_refused(site):
    assert site.send('POST', '/storage', storage='local', type='dir', path='/x')[1] == \
        "create storage failed: storage ID 'local' already defined"
    assert 'no such pool available' in site.send('POST', '/storage', storage='tank', type='zfspool', pool='tank')[1]


def test_update_deletes_sets_and_checks_the_digest(site):
    site.send('POST', '/storage', storage='one', type='dir', path='/x', nodes='pve1', content='images,iso')
    assert site.send('PUT', '/storage/one', delete='nodes', content='backup', prune__backups='keep-last=2')[0] == 200
    shown = site.get('/storage/one')
    assert 'nodes' not in shown
    assert (shown['content'], shown['prune-backups']) == ('backup', 'keep-last=2')
    stale = site.send('PUT', '/storage/one', content='iso', digest='0' * 40)
    assert stale[1].startswith('update storage failed: detected modified configuration')
    assert site.send('PUT', '/storage/one', delete='path')[1] == "update storage failed: unable to delete required option 'path'"
    assert site.send('PUT', '/storage/one', delete='vgname')[1] == "update storage failed: no such option 'vgname'"


def test_a_removed_storage_leaves_its_data_and_its_rights_do_not_stay(site):
    site.send('POST', '/storage', storage='one', type='dir', path='/x', content='images')
    site.send('POST', '{here}/storage/one/content', vmid=100, filename='vm-100-disk-0.raw', size='1G')
    site.send('PUT', '/access/acl', path='/storage/one', roles='PVEDatastoreUser', users='tester@pve')
    site.send('DELETE', '/storage/one')
    assert '/storage/one' not in {entry['path'] for entry in site.get('/access/acl')}
    site.send('POST', '/storage', storage='two', type='dir', path='/x', content='images')
    assert [row['volid'] for row in site.get('{here}/storage/two/content')] == ['two:100/vm-100-disk-0.raw']


def test_a_storage_of_one_node_is_not_available_on_the_other(pair):
    pair.send('POST', '/storage', storage='only2', type='dir', path='/x', nodes='pve2')
    assert pair.send('GET', '/nodes/pve1/storage/only2/content')[:2] == (500, "storage 'only2' is not available on node 'pve1'")
    assert pair.get('/nodes/pve2/storage/only2/content') == []
    status = pair.get('/nodes/pve1/storage/only2/status')
    assert (status['enabled'], status['active'], status['total']) == (0, 0, 0)


def test_local_comes_back_when_it_is_deleted(site):
    assert site.send('DELETE', '/storage/local')[0] == 200
    assert site.get('/storage/local')['path'] == '/var/lib/vz'
