# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine decides without a server: plans of kinds, checked against the tables."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import plan
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, checked
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Case, Field
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments, named_by_task
from ansible_collections.pve.fleet.plugins.module_utils.resources.backup_job import BACKUP_JOB
from ansible_collections.pve.fleet.plugins.module_utils.resources.group import GROUP
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import HA_RULE
from ansible_collections.pve.fleet.plugins.module_utils.resources.storage import STORAGE
from ansible_collections.pve.fleet.plugins.module_utils.resources.user import USER
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

NFS = {'storage': 'nas', 'type': 'nfs', 'server': '10.0.0.5', 'export': '/x', 'content': ['iso'], 'digest': 'a' * 40}


def case(kind, ident, current, release='9', **params):
    """The Case of a task with these options."""
    given = {'state': 'present', **{name: option.get('default') for name, option in arguments(kind).items()}, **params}
    shown = kind.shaped(ident, current) if current is not None else None
    return Case(kind, ident, given, shown, lambda: tables(release), named_by_task(kind, given))


def test_creation_sends_what_is_named_and_nothing_else():
    made = plan(case(GROUP, {'groupid': 'ops'}, None, comment='They operate'))
    assert [(one.method, one.path, one.params) for one in made.changes] == [('POST', '/access/groups', {'groupid': 'ops', 'comment': 'They operate'})]
    assert (made.before, made.after) == ({}, {'groupid': 'ops', 'comment': 'They operate'})


def test_an_update_sends_what_differs_with_the_digest():
    made = plan(case(STORAGE, {'storage': 'nas'}, NFS, content=['backup', 'iso'], server='10.0.0.5'))
    assert dict(made.changes[0].fields) == {'content': 'backup,iso', 'digest': 'a' * 40}
    assert (made.before, made.after) == ({'content': ['iso']}, {'content': ['backup', 'iso']})
    assert made.words == ['update storage nas: content']


def test_removed_settings_travel_in_delete():
    made = plan(case(STORAGE, {'storage': 'nas'}, {**NFS, 'nodes': 'pve1', 'prune-backups': 'keep-last=3'}, remove=['nodes', 'prune_backups']))
    assert dict(made.changes[0].fields)['delete'] == 'nodes,prune-backups'
    assert plan(case(STORAGE, {'storage': 'nas'}, NFS, remove=['nodes'])).changes == ()


def test_what_put_demands_is_sent_along():
    rule = {'rule': 'here', 'type': 'node-affinity', 'resources': 'vm:100', 'nodes': 'pve1'}
    made = plan(case(HA_RULE, {'rule': 'here'}, rule, comment='x'))
    assert dict(made.changes[0].fields) == {'comment': 'x', 'type': 'node-affinity'}


def test_defaults_that_pve_does_not_show_are_no_difference():
    assert plan(case(USER, {'userid': 'a@pve'}, {}, enable=True, comment='', expire=0, groups=[])).changes == ()
    assert plan(case(BACKUP_JOB, {'id': 'x'}, {'schedule': '1:00'}, enabled=True, mode='snapshot')).changes == ()


def test_arrays_are_sent_item_by_item():
    made = plan(case(BACKUP_JOB, {'id': 'nightly'}, None, schedule='1:00', storage='local', all=True, exclude_path=['/a', '/b']))
    assert [text for name, text in made.changes[0].fields if name == 'exclude-path'] == ['/a', '/b']


def test_secrets_are_sent_at_creation_then_only_when_asked_and_never_shown():
    made = plan(case(USER, {'userid': 'a@pve'}, None, password='very-secret'))
    assert made.changes[0].params['password'] == 'very-secret'
    assert 'very-secret' not in str((made.before, made.after, made.result, made.words))
    assert plan(case(USER, {'userid': 'a@pve'}, {}, password='very-secret')).changes == ()
    again = plan(case(USER, {'userid': 'a@pve'}, {}, password='very-secret', update_secret='always'))
    assert [one.path for one in again.changes] == ['/access/password']
    assert (again.before, again.after) == ({}, {})


def test_hidden_values_are_compared_and_not_shown():
    made = plan(case(USER, {'userid': 'a@pve'}, {'keys': 'x!old'}, keys='x!new'))
    assert made.changes[0].params == {'keys': 'x!new'}
    assert (made.before, made.after) == ({}, {})


@pytest.mark.parametrize(('current', 'options', 'words'), [
    (None, {}, 'type is required'),
    (NFS, {'type': 'dir'}, 'cannot be changed'),
    (NFS, {'transport': 'tcp'}, 'has no transport'),
    (None, {'type': 'glusterfs', 'volume': 'x'}, 'glusterfs'),
])
def test_what_cannot_be_is_one_sentence(current, options, words):
    with pytest.raises(BadRequest) as caught:
        plan(case(STORAGE, {'storage': 'nas'}, current, **options))
    assert words in caught.value.message
    assert 'storage nas' in caught.value.message


@pytest.mark.parametrize(('options', 'words'), [({'remove': ['nosuch']}, 'nosuch is not a setting'), ({'remove': ['nodes'], 'nodes': ['a']}, 'both given')])
def test_removing_what_makes_no_sense(options, words):
    with pytest.raises(BadRequest, match=words):
        case(STORAGE, {'storage': 'nas'}, NFS, **options)


def test_deletion_is_one_request_and_deleting_nothing_none():
    made = plan(case(GROUP, {'groupid': 'ops'}, {'comment': 'x'}, state='absent'))
    assert [(one.method, one.path) for one in made.changes] == [('DELETE', '/access/groups/ops')]
    assert (made.before, made.result) == ({'groupid': 'ops', 'comment': 'x'}, None)
    assert plan(case(GROUP, {'groupid': 'ops'}, None, state='absent')).changes == ()


COMMENTS = st.text(st.characters(exclude_categories=['C', 'Z']), max_size=20)
CONTENTS = st.lists(st.sampled_from(['iso', 'backup', 'vztmpl', 'images']), unique=True, min_size=1)


@given(comment=COMMENTS, groups=st.lists(st.sampled_from(['a', 'b', 'c']), unique=True), enable=st.booleans())
def test_what_was_made_has_nothing_to_do(comment, groups, enable):
    options = {'comment': comment, 'groups': groups, 'enable': enable}
    sent = plan(case(USER, {'userid': 'a@pve'}, None, **options)).changes[0]
    shown = {**dict(sent.fields), 'enable': int(enable)}
    assert plan(case(USER, {'userid': 'a@pve'}, shown, **options)).changes == ()


@given(old=CONTENTS, new=CONTENTS)
def test_the_order_of_a_set_is_no_difference(old, new):
    made = plan(case(STORAGE, {'storage': 'nas'}, {**NFS, 'content': ','.join(old)}, content=new))
    assert bool(made.changes) == (set(old) != set(new))


@pytest.mark.parametrize(('field', 'shown', 'typed'), [
    (Field('a', 'bool'), 0, False), (Field('a', 'bool'), '1', True), (Field('a', 'int'), '12', 12), (Field('a', 'int'), 'x', 'x'),
    (Field('a', 'list', elements='str'), 'b,a;c', ['a', 'b', 'c']), (Field('a', 'list', elements='int'), '2,1', [1, 2]), (Field('a'), 'text', 'text'),
])
def test_values_get_the_types_of_their_options(field, shown, typed):
    assert field.typed(shown) == typed


def test_a_change_is_checked_and_encoded():
    good = checked(Change('make it', 'POST', ('access', 'groups'), {'groupid': 'ops'}), tables('9'))
    assert good.fields == (('groupid', 'ops'),)
    with pytest.raises(BadRequest, match='Cannot make it: groupd is not a parameter'):
        checked(Change('make it', 'POST', ('access', 'groups'), {'groupid': 'ops', 'groupd': 'x'}), tables('9'))
    with pytest.raises(BadRequest, match='has no path'):
        checked(Change('make it', 'POST', ('no', 'such'), {}), tables('9'))
    with pytest.raises(BadRequest, match='cannot be part of a path'):
        checked(Change('delete it', 'DELETE', ('access', 'groups', '..'), {}), tables('9'))


def test_missing_objects_are_told_in_many_ways():
    class Server:
        def __init__(self, error):
            self.error = error

        def get(self, *_segments, params=None):
            raise self.error

    assert get_or_none(Server(BadRequest("id: No such job 'x'")), 'x') is None
    with pytest.raises(BadRequest):
        get_or_none(Server(BadRequest('id: invalid format')), 'x')
