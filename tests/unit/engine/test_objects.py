# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects by path: where they stand is read off the tables, and plans are made without a server."""
from __future__ import annotations

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.objects.decide import plan
from ansible_collections.pve.fleet.plugins.module_utils.objects.place import OWN_MODULE, place_of
from ansible_collections.pve.fleet.plugins.module_utils.objects.wish import wish_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

NINE = tables('9')


def wish(path, release='9', **params):
    usual = {'values': {}, 'secret_values': {}, 'remove': [], 'match': [], 'state': 'present', 'update_secret': 'on_create', 'timeout': 600}
    return wish_of({**usual, 'path': path, **params}, tables(release))


def sent(made):
    return [(one.method, one.path, dict(one.fields)) for one in made.changes]


@pytest.mark.parametrize(('path', 'made_at', 'listed'), [
    ('/cluster/metrics/server/x1', ('cluster', 'metrics', 'server', 'x1'), False),
    ('/cluster/firewall/aliases/a1', ('cluster', 'firewall', 'aliases'), False),
    ('/cluster/firewall/ipset/web', ('cluster', 'firewall', 'ipset'), True),
    ('/cluster/firewall/ipset/web/10.0.0.0%2F8', ('cluster', 'firewall', 'ipset', 'web'), False),
    ('/cluster/options', None, False),
    ('/access/domains/ldap', ('access', 'domains'), False),
    ('/nodes/pve1/network/vmbr1', ('nodes', 'pve1', 'network'), False),
])
def test_where_an_object_is_made(path, made_at, listed):
    place = place_of(NINE, path)
    assert (place.made_at, place.listed) == (made_at, listed)


@pytest.mark.parametrize('path', ['/nodes/pve1/status', '/cluster/resources', '/version', '/nodes/pve1/qemu', '/nosuch', '/'])
def test_what_is_no_configuration_object(path):
    with pytest.raises(BadRequest):
        place_of(NINE, path)


def test_own_modules_exist(project):
    for template, module in OWN_MODULE.items():
        assert (project / 'plugins' / 'modules' / f'{module}.py').exists()
        assert any(template in tables(release).paths() for release in ('7.4', '8.4', '9'))


def test_the_id_of_an_object_is_sent_where_its_parent_makes_it():
    made = plan(wish('/cluster/firewall/aliases/office', values={'cidr': '10.0.0.0/24'}), None)
    assert sent(made) == [('POST', '/cluster/firewall/aliases', {'name': 'office', 'cidr': '10.0.0.0/24'})]
    own = plan(wish('/cluster/metrics/server/influx', values={'type': 'influxdb', 'server': 'x', 'port': 1}), None)
    assert sent(own) == [('POST', '/cluster/metrics/server/influx', {'type': 'influxdb', 'server': 'x', 'port': '1'})]


def test_put_that_replaces_gets_everything_and_put_that_merges_the_difference():
    dns = {'search': 'a.example', 'dns1': '10.0.0.1', 'dns2': '10.0.0.2'}
    assert sent(plan(wish('/nodes/pve1/dns', values={'dns1': '10.0.0.9'}), dns)) == [('PUT', '/nodes/pve1/dns', {**dns, 'dns1': '10.0.0.9'})]
    assert sent(plan(wish('/nodes/pve1/dns', remove=['dns2']), dns)) == [('PUT', '/nodes/pve1/dns', {'search': 'a.example', 'dns1': '10.0.0.1'})]
    options = {'enable': 1, 'policy_in': 'DROP', 'digest': 'd' * 40}
    merged = sent(plan(wish('/cluster/firewall/options', values={'policy_in': 'ACCEPT'}, remove=['enable']), options))
    assert merged == [('PUT', '/cluster/firewall/options', {'digest': 'd' * 40, 'policy_in': 'ACCEPT', 'delete': 'enable'})]


def test_values_mean_the_same_in_many_spellings():
    shown = {'enable': 1, 'log_ratelimit': 'enable=1,rate=1/second', 'policy_in': 'DROP'}
    same = wish('/cluster/firewall/options', values={'enable': '1', 'log_ratelimit': {'rate': '1/second', 'enable': True}})
    assert plan(same, shown).changes == ()


def test_creation_only_values_are_not_asked_to_change():
    with pytest.raises(BadRequest, match='cannot be changed'):
        plan(wish('/cluster/metrics/server/influx', values={'type': 'graphite'}), {'type': 'influxdb', 'server': 'x', 'port': 1})


def test_positions_and_single_objects_are_not_deleted():
    for path in ('/cluster/firewall/rules/0', '/cluster/options'):
        with pytest.raises(BadRequest):
            plan(wish(path, state='absent'), {'pos': 0})
