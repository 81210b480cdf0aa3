"""Users, groups, roles, ACLs, tokens and realms."""

from __future__ import annotations

import pytest


def test_a_new_user_is_listed_with_what_was_given(api):
    api.post('/access/users', userid='ann@pve', password='secret123', comment='c', email='a@b.co')
    users = {user['userid']: user for user in api.get('/access/users')}
    assert users['ann@pve'] == {'userid': 'ann@pve', 'enable': 1, 'expire': 0, 'comment': 'c', 'email': 'a@b.co',
                                'realm-type': 'pve'}


def test_a_user_twice_is_refused(api):
    api.post('/access/users', userid='ann@pve')
    assert api.refused('POST', '/access/users', userid='ann@pve').message == (
        "create user failed: user 'ann@pve' already exists")


def test_a_user_of_an_unknown_realm_is_taken_but_not_with_a_password(api):
    api.post('/access/users', userid='ann@nowhere')
    error = api.refused('POST', '/access/users', userid='bob@nowhere', password='secret123')
    assert (error.status, error.message) == (500, "create user failed: auth domain 'nowhere' does not exist")
    assert 'bob@nowhere' not in api.cluster.access.users


def test_groups_are_replaced_or_appended(api):
    for group in ('a', 'b'):
        api.post('/access/groups', groupid=group)
    api.post('/access/users', userid='ann@pve', groups='a')
    api.put('/access/users/ann@pve', groups='b', append=1)
    assert api.get('/access/users/ann@pve')['groups'] == ['a', 'b']
    api.put('/access/users/ann@pve', groups='b')
    assert api.get('/access/groups/a')['members'] == []
    assert api.get('/access/groups/b')['members'] == ['ann@pve']


def test_deleting_a_group_with_members_takes_it_from_them(api):
    api.post('/access/groups', groupid='a')
    api.post('/access/users', userid='ann@pve', groups='a')
    api.put('/access/acl', path='/vms', roles='PVEAuditor', groups='a')
    api.delete('/access/groups/a')
    assert api.get('/access/users/ann@pve')['groups'] == []
    assert all(entry['ugid'] != 'a' for entry in api.get('/access/acl'))


def test_deleting_a_missing_user_is_no_error_and_root_loses_its_tokens(api):
    api.delete('/access/users/ghost@pve')
    api.post('/access/users/root@pam/token/one')
    api.delete('/access/users/root@pam')
    assert 'root@pam' in {user['userid'] for user in api.get('/access/users')}
    assert api.get('/access/users/root@pam/token') == []


def test_a_users_acls_go_with_the_user(api):
    api.post('/access/users', userid='ann@pve')
    api.put('/access/acl', path='/vms/100', roles='PVEVMUser', users='ann@pve')
    api.delete('/access/users/ann@pve')
    assert '/vms/100' not in {entry['path'] for entry in api.get('/access/acl')}


def test_a_token_echoes_what_was_sent_and_keeps_numbers(api):
    made = api.post('/access/users/root@pam/token/tt', privsep=0, expire=5, comment='c')
    assert made['info'] == {'privsep': '0', 'expire': '5', 'comment': 'c'}
    assert made['full-tokenid'] == 'root@pam!tt'
    assert api.get('/access/users/root@pam/token/tt') == {'privsep': 0, 'expire': 5, 'comment': 'c'}
    assert api.refused('POST', '/access/users/root@pam/token/tt').errors == {'tokenid': 'Token already exists.'}


def test_a_regenerated_token_has_another_secret(api):
    first = api.post('/access/users/tester@pve/token/tt')['value']
    again = api.put('/access/users/tester@pve/token/tt', regenerate=1)
    assert again['value'] != first
    assert again['full-tokenid'] == 'tester@pve!tt'


def test_a_token_may_do_only_what_its_acls_say(api):
    api.post('/access/users/root@pam/token/sep', privsep=1)
    assert api.refused('POST', '/pools', 'root@pam!sep', poolid='p').status == 403
    api.put('/access/acl', path='/pool/p', roles='PVEPoolAdmin', tokens='root@pam!sep')
    api.post('/pools', 'root@pam!sep', poolid='p')


@pytest.mark.parametrize('path', ['/nonsense/x', '/vms/1', 'vms', '/pool/a/b/c/d', '/storage/a/b'])
def test_acls_are_for_known_paths_only(api, path):
    assert api.refused('PUT', '/access/acl', path=path, roles='PVEAuditor', users='tester@pve').errors == {
        'path': f"invalid ACL path '{path}'"}


@pytest.mark.parametrize(('params', 'text'), [
    ({'users': 'ghost@pve'}, "user 'ghost@pve' does not exist"),
    ({'groups': 'ghosts'}, "group 'ghosts' does not exist"),
    ({'tokens': 'tester@pve!zz'}, "no such token 'zz' for user 'tester@pve'"),
])
def test_acls_are_for_known_subjects_only(api, params, text):
    error = api.refused('PUT', '/access/acl', path='/vms', roles='PVEAuditor', **params)
    assert error.message == f'ACL update failed: {text}'


def test_removing_a_right_twice_is_no_error(api):
    given = {'path': '/vms', 'roles': 'PVEVMUser', 'users': 'tester@pve'}
    api.put('/access/acl', **given)
    for dummy in range(2):
        api.put('/access/acl', **given, delete=1)
    assert '/vms' not in api.cluster.access.acl


def test_roles_of_the_release_cannot_be_changed(any_release):
    assert any_release.refused('PUT', '/access/roles/PVEAdmin', privs='VM.Console').message == (
        "auto-generated role 'PVEAdmin' cannot be modified")
    assert any_release.refused('DELETE', '/access/roles/PVEAdmin').message == (
        "auto-generated role 'PVEAdmin' cannot be deleted")


def test_the_name_space_of_roles_is_reserved_since_8(older, api):
    older.post('/access/roles', roleid='PVEmine', privs='VM.Audit')
    assert 'roleid' in api.refused('POST', '/access/roles', roleid='PVEmine', privs='VM.Audit').errors


def test_privileges_by_release(older, api):
    assert 'VM.Monitor' in older.get('/access/roles/PVEVMAdmin')
    assert 'Permissions.Modify' in older.get('/access/roles/PVEAdmin')
    assert 'VM.Monitor' not in api.get('/access/roles/Administrator')
    assert 'VM.GuestAgent.Audit' in api.get('/access/roles/PVEAuditor')


def test_realms_are_checked_by_their_type(api):
    assert api.refused('POST', '/access/domains', realm='ad1', type='ad', server1='h').message == (
        "add auth server failed: missing value for required option 'domain'")
    ldap = {'realm': 'ld', 'type': 'ldap', 'server1': 'h', 'base_dn': 'dc=a', 'user_attr': 'uid'}
    api.post('/access/domains', **ldap, mode='ldaps', default=1)
    assert api.get('/access/domains/ld')['mode'] == 'ldaps'
    assert api.refused('POST', '/access/domains', **ldap).message == (
        "add auth server failed: domain 'ld' already exists")
    stale = api.refused('PUT', '/access/domains/ld', comment='c', digest='0' * 40)
    assert 'detected modified configuration' in stale.message
    api.put('/access/domains/ld', delete='mode')
    assert 'mode' not in api.get('/access/domains/ld')


def test_builtin_realms_come_back(api):
    api.put('/access/domains/pam', comment='mine')
    api.delete('/access/domains/pam')
    assert {'realm': 'pam', 'type': 'pam', 'comment': 'Linux PAM standard authentication'} in api.get('/access/domains')


def test_a_realms_synchronisation_fails_in_its_task(api):
    api.post('/access/domains', realm='ld', type='ldap', server1='h', base_dn='dc=a', user_attr='uid')
    upid = api.post('/access/domains/ld/sync', scope='users')
    assert 'Connection refused' in api.cluster.tasks[upid].exitstatus
    assert api.refused('POST', '/access/domains/pve/sync', scope='users').message.startswith('Cannot sync realm type')


def test_only_oneself_is_seen_without_rights(api):
    api.post('/access/users', userid='ann@pve', password='secret123')
    assert [user['userid'] for user in api.get('/access/users', 'ann@pve')] == ['ann@pve']


def test_a_password_is_changed_by_who_proves_himself(api):
    api.post('/access/users', userid='ann@pve', password='secret123')
    change = {'userid': 'ann@pve', 'password': 'other1234'}
    assert 'confirmation-password' in api.refused('PUT', '/access/password', 'ann@pve', **change).errors
    wrong = {**change, 'confirmation-password': 'wrong1234'}
    assert api.refused('PUT', '/access/password', 'ann@pve', **wrong).message == 'invalid credentials'
    api.put('/access/password', 'ann@pve', **{**change, 'confirmation-password': 'secret123'})
    assert api.cluster.access.passwords['ann@pve'] == 'other1234'


@pytest.mark.parametrize(('path', 'old', 'new'), [('/mapping/pci/x', 400, 200), ('/pool/a/b', 400, 200), ('/sdn/zones/z', 200, 200)])
def test_paths_of_rights_by_release(older, api, path, old, new):
    for server, expected in ((older, old), (api, new)):
        given = {'path': path, 'roles': 'PVEAuditor', 'users': 'tester@pve'}
        if expected == 200:
            server.put('/access/acl', **given)
        else:
            assert server.refused('PUT', '/access/acl', **given).status == expected


def test_the_directory_of_access_names_what_can_be_read_below_it_and_two_more(api):
    names = [entry['subdir'] for entry in api.get('/access')]
    assert names == ['users', 'groups', 'roles', 'acl', 'domains', 'openid', 'tfa', 'ticket', 'password']
