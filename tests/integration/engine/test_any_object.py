# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_object keeps whatever the API keeps: made, changed, thinned out and deleted, each exactly once."""
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

RELEASES = ('7.4', '8.4', '9')
KINDS = yaml.safe_load(Path(__file__).with_name('kinds_without_modules.yml').read_text(encoding='utf-8'))
CASES = [
    pytest.param(kind, id=f'{name} {release}', marks=pytest.mark.sim(start_state='pair', release=release))
    for name, kind in KINDS.items() for release in RELEASES if release >= kind.get('since', '7.4')
]


@pytest.mark.parametrize('kind', CASES)
def test_life_of_a_kind_without_a_module(kind, exact):
    path, secrets = kind['path'], kind.get('secrets', {})
    made = exact('pve_object', path=path, values=kind['values'], secret_values=secrets)
    assert not [secret for secret in secrets.values() if secret in str(made)]
    if 'change' in kind:
        changed = exact('pve_object', path=path, values=kind['change'])
        assert set(changed['diff']['after']) == set(kind['change'])
    if 'remove' in kind:
        exact('pve_object', path=path, remove=kind['remove'])
    if not kind.get('kept'):
        gone = exact('pve_object', path=path, state='absent')
        assert gone['object'] is None


@pytest.mark.parametrize('path', [
    pytest.param(path, marks=pytest.mark.sim(start_state='pair', release=release), id=f'{path} {release}')
    for release in RELEASES for path in ('/cluster/firewall/rules', '/nodes/pve1/firewall/rules', '/cluster/firewall/groups/web')
])
def test_a_rule_is_told_by_its_comment_wherever_it_stands(path, exact, walk):
    exact('pve_object', path='/cluster/firewall/groups/web')
    web = {'path': path, 'match': ['comment'], 'values': {'comment': 'web', 'type': 'in', 'action': 'ACCEPT', 'proto': 'tcp', 'dport': '80,443'}}
    made = exact('pve_object', **web)
    assert made['changes'] == [f'create {path} (comment: web)']
    exact('pve_object', path=path, match=['comment'], values={'comment': 'ssh', 'type': 'in', 'action': 'ACCEPT', 'macro': 'SSH'})
    assert walk.run('pve_object', web)['object']['pos'] == 1
    changed = exact('pve_object', path=path, match=['comment'], values={'comment': 'web', 'dport': '443', 'enable': 1})
    assert changed['diff'] == {'before': {'dport': '80,443', 'enable': 0}, 'after': {'dport': '443', 'enable': 1}}
    exact('pve_object', path=path, match=['comment'], values={'comment': 'web'}, remove=['dport'])
    exact('pve_object', path=path, match=['comment'], values={'comment': 'web'}, state='absent')
    left = walk.run('pve_api', {'path': path})['data']
    assert [one['comment'] for one in left] == ['ssh']


@pytest.mark.parametrize('release', [pytest.param(one, marks=pytest.mark.sim(start_state='pair', release=one)) for one in RELEASES])
def test_rules_stand_in_the_order_that_is_declared(release, exact, walk):
    path = '/cluster/firewall/rules'

    def rule(comment, pos):
        return {'path': path, 'match': ['comment'], 'values': {'comment': comment, 'type': 'in', 'action': 'ACCEPT', 'pos': pos}}

    def order():
        return [one['comment'] for one in walk.run('pve_api', {'path': path})['data']]

    for number, name in enumerate('abcd'):
        exact('pve_object', **rule(name, number))
    assert order() == ['a', 'b', 'c', 'd']
    moved = exact('pve_object', **rule('a', 2))
    assert (order(), moved['changes']) == (['b', 'c', 'a', 'd'], [f'move {path}/0 (comment: a) to 2'])
    exact('pve_object', **rule('d', 0))
    exact('pve_object', **rule('b', 1000))
    assert order() == ['d', 'c', 'a', 'b']
    both = exact('pve_object', path=path, match=['comment'], values={'comment': 'c', 'action': 'DROP', 'pos': 3})
    assert both['diff'] == {'before': {'action': 'ACCEPT', 'pos': 1}, 'after': {'action': 'DROP', 'pos': 3}}
    assert order() == ['d', 'a', 'b', 'c']
    wrong = walk.run('pve_object', rule('a', 'first'), check=True)
    assert 'no place in the list' in wrong['msg']


@pytest.mark.sim(start_state='pair')
def test_a_rule_without_a_comment_is_told_by_all_that_is_declared(exact, walk):
    rule = {'type': 'in', 'action': 'DROP', 'source': '10.0.0.0/8', 'enable': True}
    exact('pve_object', path='/cluster/firewall/rules', match=list(rule), values=rule)
    other = {**rule, 'source': '10.1.0.0/16'}
    exact('pve_object', path='/cluster/firewall/rules', match=list(other), values=other)
    assert len(walk.run('pve_api', {'path': '/cluster/firewall/rules'})['data']) == 2
    several = walk.run('pve_object', {'path': '/cluster/firewall/rules', 'match': ['action'], 'values': {'action': 'DROP'}, 'state': 'absent'})
    assert (several['error']['code'], 'fits several (pos 0, 1)' in several['msg']) == ('Conflict', True)
    exact('pve_object', path='/cluster/firewall/rules', match=list(rule), values=rule, state='absent')


@pytest.mark.sim(start_state='pair')
def test_a_rule_that_moved_meanwhile_is_not_the_one_that_is_deleted(exact, walk, monkeypatch):
    from ansible_collections.pve.fleet.plugins.module_utils.engine import reconcile

    add = {'path': '/cluster/firewall/rules', 'method': 'POST', 'params': {'type': 'in', 'action': 'DROP', 'comment': 'new'}}
    old = {'path': '/cluster/firewall/rules', 'match': ['comment'], 'values': {'comment': 'old', 'type': 'in', 'action': 'ACCEPT'}}
    exact('pve_object', **old)
    send, first = reconcile.send, []

    def beaten(context, change):
        if not first:
            first.append(1)
            context.client.request('POST', ('cluster', 'firewall', 'rules'), add['params'])
        return send(context, change)

    monkeypatch.setattr(reconcile, 'send', beaten)
    gone = walk.run('pve_object', {**old, 'state': 'absent'})
    assert not gone.get('failed'), gone['msg']
    assert [one['comment'] for one in walk.run('pve_api', {'path': '/cluster/firewall/rules'})['data']] == ['new']


@pytest.mark.sim(start_state='pair')
def test_members_of_a_set_have_paths_with_slashes(exact):
    exact('pve_object', path='/cluster/firewall/ipset/web')
    exact('pve_object', path='/cluster/firewall/ipset/web/10.0.0.0%2F24', values={'comment': 'office'})
    exact('pve_object', path='/cluster/firewall/ipset/web/10.0.0.0%2F24', values={'comment': 'home', 'nomatch': True})
    exact('pve_object', path='/cluster/firewall/ipset/web/10.0.0.0%2F24', state='absent')


@pytest.mark.sim(start_state='pair')
def test_secrets_are_sent_at_creation_and_then_only_when_asked(walk):
    path, values = '/cluster/notifications/endpoints/gotify/push', {'server': 'https://push.example.com'}
    options = {'path': path, 'values': values, 'secret_values': {'token': 'very-secret'}}
    walk.run('pve_object', options)
    assert walk.run('pve_object', options)['changed'] is False
    again = walk.run('pve_object', {**options, 'update_secret': 'always'})
    assert again['changes'] == ['update /cluster/notifications/endpoints/gotify/push: token']
    assert again['diff'] == {'before': {}, 'after': {}}
    assert again['warnings'] == []


@pytest.mark.parametrize(('options', 'words'), [
    ({'path': '/cluster/firewall/options', 'state': 'absent'}, 'cannot be deleted'),
    ({'path': '/nosuch/thing'}, 'has no path /nosuch/thing'),
    ({'path': '/nodes/pve1/status'}, 'no configuration object'),
    ({'path': '/access/users/tester@pve', 'state': 'absent'}, 'pve_user'),
    ({'path': '/cluster/metrics/server/influx', 'values': {'type': 'influxdb', 'sever': 'x'}}, 'did you mean server?'),
    ({'path': '/cluster/metrics/server/influx', 'values': {'token': 'x'}}, 'secret_values'),
    ({'path': '/cluster/firewall/options', 'values': {'enable': 1}, 'remove': ['enable']}, 'both given and named in remove'),
    ({'path': '/cluster/firewall/rules/0', 'state': 'absent'}, 'match'),
    ({'path': '/cluster/firewall/options', 'values': {'enable': 1}, 'match': ['enable']}, 'is no list of objects'),
    ({'path': '/cluster/firewall/rules', 'values': {'type': 'in'}, 'match': ['comment']}, 'comment is not among values'),
    ({'path': '/nosuch', 'values': {'type': 'in'}, 'match': ['type']}, 'has no path /nosuch'),
])
def test_what_is_refused_is_said_in_check_mode_too(walk, options, words):
    for check in (True, False):
        result = walk.run('pve_object', options, check=check)
        assert result['error']['code'] == 'BadRequest'
        assert words in result['msg']
    assert not [one for one in walk.requests() if not one.startswith('GET')]


@pytest.mark.parametrize('release', [pytest.param(one, marks=pytest.mark.sim(release=one)) for one in ('8.4', '9')])
def test_single_calls(walk, release):
    assert walk.run('pve_api', {'path': '/nodes/pve1/status'})['changed'] is False
    write = {'path': '/access/users/tester@pve', 'method': 'PUT', 'params': {'comment': 'called'}}
    assert walk.run('pve_api', write)['changed'] is True
    compared = {**write, 'compare': '/access/users/tester@pve'}
    assert walk.run('pve_api', compared)['changed'] is False
    assert walk.run('pve_api', {**compared, 'params': {'comment': 'again'}})['changed'] is True
    walk.run('pve_api', {**write, 'params': {'comment': 'not sent'}}, check=True)
    assert walk.run('pve_api', {'path': '/access/users/tester@pve'})['data']['comment'] == 'again'
