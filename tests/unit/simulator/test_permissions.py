# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACL evaluation and the check language of the tables."""
from __future__ import annotations

import pytest
from driver import Driver
from hypothesis import given
from hypothesis import strategies as st
from pvesim.access.permissions import check, check_operation, effective, permissions, roles_of
from pvesim.call import ApiError
from pvesim.data import privileges

ROLES = sorted(privileges.ROLES['9'])
PATHS = ['/', '/vms', '/vms/100', '/storage/local', '/nodes/pve1', '/pool/p1']


@pytest.fixture
def cluster():
    made = Driver().cluster
    made.access.users['u@pve'] = {'enable': 1, 'groups': {'g'}}
    made.access.groups['g'] = {}
    return made


def give(cluster, path, who, role, propagate=True):
    kind = 'tokens' if '!' in who else 'users' if '@' in who else 'groups'
    cluster.access.acl.setdefault(path, {}).setdefault(kind, {}).setdefault(who, {})[role] = propagate
    cluster.access.touch()


def denied(cluster, permission, authid, **params):
    with pytest.raises(ApiError) as caught:
        check_operation(cluster, permission, authid, params)
    assert caught.value.status == 403
    return caught.value.message


def test_a_role_propagates_unless_told_not_to(cluster):
    give(cluster, '/vms', 'u@pve', 'PVEVMUser', propagate=False)
    assert check(cluster, 'u@pve', '/vms', ['VM.Audit'])
    assert not check(cluster, 'u@pve', '/vms/100', ['VM.Audit'])


def test_a_deeper_entry_replaces_what_came_from_above(cluster):
    give(cluster, '/', 'u@pve', 'PVEAdmin')
    give(cluster, '/vms/100', 'u@pve', 'PVEAuditor')
    assert check(cluster, 'u@pve', '/vms/101', ['VM.Allocate'])
    assert not check(cluster, 'u@pve', '/vms/100', ['VM.Allocate'])


def test_an_entry_of_the_user_hides_those_of_groups(cluster):
    give(cluster, '/vms', 'g', 'PVEVMAdmin')
    assert check(cluster, 'u@pve', '/vms/1', ['VM.Allocate'])
    give(cluster, '/vms', 'u@pve', 'PVEAuditor')
    assert not check(cluster, 'u@pve', '/vms/1', ['VM.Allocate'])


def test_no_access_beats_every_other_role(cluster):
    give(cluster, '/vms', 'u@pve', 'PVEVMAdmin')
    give(cluster, '/vms', 'u@pve', 'NoAccess')
    assert roles_of(cluster, 'u@pve', '/vms/1') == {'NoAccess': True}
    assert permissions(cluster, 'u@pve', '/vms/1') == {}


def test_a_pool_gives_its_roles_to_its_members(cluster):
    cluster.pools['p1'] = {'comment': '', 'vms': {100}, 'storages': {'local'}}
    give(cluster, '/pool/p1', 'u@pve', 'PVEVMUser')
    assert check(cluster, 'u@pve', '/vms/100', ['VM.PowerMgmt'])
    assert not check(cluster, 'u@pve', '/vms/101', ['VM.PowerMgmt'])
    cluster.pools['p1']['vms'].clear()
    assert not check(cluster, 'u@pve', '/vms/100', ['VM.PowerMgmt'])


def test_a_separated_token_has_at_most_what_its_user_has(cluster):
    cluster.access.tokens['u@pve'] = {'sep': {'privsep': 1}, 'full': {'privsep': 0}}
    give(cluster, '/vms', 'u@pve', 'PVEVMUser')
    assert permissions(cluster, 'u@pve!sep', '/vms') == {}
    assert permissions(cluster, 'u@pve!full', '/vms') == permissions(cluster, 'u@pve', '/vms')
    give(cluster, '/vms', 'u@pve!sep', 'PVEVMAdmin')
    assert set(permissions(cluster, 'u@pve!sep', '/vms')) == set(permissions(cluster, 'u@pve', '/vms'))


def test_texts_of_refusals(cluster):
    one = {'check': ['perm', '/vms/{vmid}', ['VM.Audit', 'VM.Clone']]}
    assert denied(cluster, one, 'u@pve', vmid='100') == 'Permission check failed (/vms/100, VM.Audit)'
    any_of = {'check': ['perm', '/storage/{storage}', ['Datastore.Audit', 'Datastore.AllocateSpace'], 'any', 1]}
    assert denied(cluster, any_of, 'u@pve', storage='s') == (
        'Permission check failed (/storage/s, Datastore.Audit|Datastore.AllocateSpace)')
    either = {'check': ['or', one['check'], any_of['check']]}
    assert denied(cluster, either, 'u@pve') == 'Permission check failed'
    assert denied(cluster, {}, 'u@pve') == 'Permission check failed (user != root@pam)'


def test_user_checks(cluster):
    by_group = {'check': ['userid-group', ['User.Modify']]}
    assert denied(cluster, by_group, 'u@pve', userid='u@pve') == 'Permission check failed'
    give(cluster, '/access/groups/g', 'u@pve', 'PVEUserAdmin')
    check_operation(cluster, by_group, 'u@pve', {'userid': 'u@pve'})
    check_operation(cluster, {'check': ['userid-param', 'self']}, 'u@pve', {'userid': 'u@pve'})
    create = {'check': ['userid-group', ['User.Modify'], 'groups_param', 'create']}
    assert denied(cluster, create, 'u@pve', userid='new@pve', groups='other') == (
        'Permission check failed (/access/groups/other, User.Modify)')


def test_releases_differ_in_privileges():
    assert 'VM.Monitor' in privileges.ALL['8.4']
    assert 'VM.Monitor' not in privileges.ALL['9']
    assert 'SDN.Use' not in privileges.ALL['7.4']


@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(['u@pve', 'g', 'u@pve!t']), st.sampled_from(ROLES),
                          st.booleans()), max_size=8), st.sampled_from(PATHS))
def test_a_token_never_has_more_than_its_user(entries, path):
    cluster = Driver().cluster
    cluster.access.users['u@pve'] = {'enable': 1, 'groups': {'g'}}
    cluster.access.groups['g'] = {}
    cluster.access.tokens['u@pve'] = {'t': {'privsep': 1}}
    for entry in entries:
        give(cluster, *entry)
    assert set(permissions(cluster, 'u@pve!t', path)) <= set(permissions(cluster, 'u@pve', path))
    listed = effective(cluster, 'u@pve', path)[path]
    assert set(listed) == set(permissions(cluster, 'u@pve', path))
    assert all(check(cluster, 'u@pve', path, [name]) for name in listed)
