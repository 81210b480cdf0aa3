"""Pools."""

from __future__ import annotations


def test_members_are_shown_without_those_that_do_not_exist(api):
    api.guest(110, name='web', memory='512')
    api.post('/pools', poolid='p', comment='c')
    api.put('/pools', poolid='p', vms='110,77777', storage='local')
    pool = api.get('/pools/p')
    assert pool['comment'] == 'c'
    assert [member['id'] for member in pool['members']] == ['qemu/110', 'storage/pve1/local']
    assert api.get('/pools', poolid='p') == [pool]


def test_a_guest_is_in_one_pool_unless_it_may_move(api):
    for pool in ('p', 'q'):
        api.post('/pools', poolid=pool)
    api.put('/pools', poolid='p', vms='110')
    assert api.refused('PUT', '/pools', poolid='q', vms='110').message == (
        "update pools failed: VM 110 belongs already to pool 'p' and 'allow-move' is not set")
    api.put('/pools', **{'poolid': 'q', 'vms': '110', 'allow-move': 1})
    assert api.cluster.pool_of(110) == 'q'


def test_a_failed_change_changes_nothing(api):
    api.post('/pools', poolid='p')
    assert api.refused('PUT', '/pools', poolid='p', vms='110,111', storage='local', delete=1).status == 500
    api.put('/pools', poolid='p', vms='110')
    assert api.refused('PUT', '/pools', poolid='p', vms='111,110', comment='new').status == 500
    assert api.cluster.pools['p']['vms'] == {110}
    assert 'comment' not in api.get('/pools/p')


def test_only_empty_pools_are_deleted(api):
    api.guest(110)
    for pool in ('p', 'p/sub'):
        api.post('/pools', poolid=pool)
    assert "contains pool 'p/sub'" in api.refused('DELETE', '/pools', poolid='p').message
    api.delete('/pools', poolid='p/sub')
    api.put('/pools', poolid='p', vms='110')
    assert 'contains VM 110' in api.refused('DELETE', '/pools', poolid='p').message
    api.put('/pools', poolid='p', vms='110', delete=1)
    api.delete('/pools', poolid='p')
    assert api.get('/pools') == []


def test_a_nested_pool_wants_its_parent(api):
    assert "parent 'p'" in api.refused('POST', '/pools', poolid='p/sub').message


def test_members_need_the_right_on_themselves(api):
    api.post('/pools', poolid='p')
    api.post('/access/users', userid='ann@pve')
    api.put('/access/acl', path='/pool/p', roles='PVEPoolAdmin', users='ann@pve')
    error = api.refused('PUT', '/pools', 'ann@pve', poolid='p', vms='110')
    assert error.message.startswith('update pools failed: 403 Permission check failed (/vms/110')


def test_an_old_release_has_pools_by_path_only(older):
    older.post('/pools', poolid='p')
    older.put('/pools/p', comment='x')
    assert older.get('/pools/p') == {'comment': 'x', 'members': []}
    assert older.refused('PUT', '/pools', poolid='p').status == 501
