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
