"""The firewall's configuration at its levels."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.model.firewall import canonical, moved

RULES = '/cluster/firewall/rules'
GUEST = '/nodes/pve1/qemu/100/firewall'


def rules(api, path: str = RULES) -> list[str]:
    return [rule.get('comment', '') for rule in api.get(path)]


def test_a_new_rule_is_first_and_disabled(api):
    api.post(RULES, type='in', action='ACCEPT', comment='one', enable=1)
    api.post(RULES, type='in', action='DROP', comment='two', pos=1)
    assert rules(api) == ['two', 'one']
    assert [rule['enable'] for rule in api.get(RULES)] == [0, 1]
    assert [rule['pos'] for rule in api.get(RULES)] == [0, 1]
    assert api.get(f'{RULES}/1')['pos'] == '1'


@pytest.mark.parametrize(('params', 'errors'), [
    ({'action': 'NOPE'}, {'action': "unknown action 'NOPE'"}),
    ({'macro': 'zzz'}, {'macro': "unknown macro 'zzz'"}),
    ({'dport': '80'}, {'proto': "missing property - 'dport' requires this property"}),
    ({'sport': '80'}, {'proto': "missing property - 'sport' requires this property"}),
    ({'proto': 'gre', 'dport': '80'}, {'dport': "protocol 'gre' does not support ports"}),
    ({'source': 'notanip'}, {'source': "no such alias 'notanip'"}),
    ({'dest': '+nosuch'}, {'dest': "no such ipset 'nosuch'"}),
    ({'source': '10.0.0.1', 'dest': 'fd00::1'}, {'dest': 'detected mixed ipv4/ipv6 addresses in rule'}),
    ({'proto': 'tcp', 'icmp-type': 'any'}, {'proto': "missing property - 'icmp-type' requires this property"}),
])
def test_rules_are_verified(api, params, errors):
    assert api.refused('POST', RULES, **{'type': 'in', 'action': 'ACCEPT', **params}).errors == errors
    assert api.get(RULES) == []


def test_a_refused_change_leaves_the_rule(api):
    api.post(RULES, type='in', action='ACCEPT', proto='tcp', dport='80')
    before = api.get(RULES)
    assert api.refused('PUT', f'{RULES}/0', delete='proto').errors
    assert api.get(RULES) == before


def test_rules_move_and_go(api):
    for name in ('c', 'b', 'a'):
        api.post(RULES, type='in', action='ACCEPT', comment=name)
    api.put(f'{RULES}/0', moveto=2)
    assert rules(api) == ['b', 'a', 'c']
    api.put(f'{RULES}/2', moveto=0)
    assert rules(api) == ['c', 'b', 'a']
    api.delete(f'{RULES}/1')
    assert rules(api) == ['c', 'a']
    assert api.refused('DELETE', f'{RULES}/9').message == 'no rule at position 9'


def test_a_stale_digest_is_refused_and_the_current_one_taken(api):
    api.post(RULES, type='in', action='ACCEPT')
    digest = api.get(RULES)[0]['digest']
    api.put(f'{RULES}/0', comment='x', digest=digest)
    assert api.refused('PUT', f'{RULES}/0', comment='y', digest=digest).message == (
        'detected modified configuration - file changed by other user? Try again.')


def test_macros_get_their_real_name_and_addresses_their_version(api):
    api.post(RULES, type='in', action='ACCEPT', macro='ssh', source='10.0.0.0/8')
    rule = api.get(RULES)[0]
    assert (rule['macro'], rule['ipversion']) == ('SSH', 4)


def test_guests_have_their_own_names_before_those_of_the_cluster(api):
    api.post('/cluster/firewall/aliases', name='Net', cidr='10.1.2.3/24')
    api.post(f'{GUEST}/aliases', name='me', cidr='10.9.9.9')
    api.post(f'{GUEST}/rules', type='in', action='ACCEPT', source='net', iface='net0')
    api.post(f'{GUEST}/rules', type='in', action='ACCEPT', source='me')
    assert api.refused('POST', RULES, type='in', action='ACCEPT', source='me').errors
    assert api.refused('POST', f'{GUEST}/rules', type='in', action='ACCEPT', iface='eth0').errors
    assert {ref['ref'] for ref in api.get(f'{GUEST}/refs')} == {'net', 'me'}
    assert api.get('/cluster/firewall/aliases/NET') == {'name': 'Net', 'cidr': '10.1.2.0/24', 'ipversion': 4}
    assert api.get('/nodes/pve1/lxc/101/firewall/rules') == []


def test_aliases_are_renamed(api):
    api.post('/cluster/firewall/aliases', name='gw', cidr='10.0.0.1')
    api.put('/cluster/firewall/aliases/gw', cidr='10.0.0.3', rename='gw2')
    assert [(alias['name'], alias['cidr']) for alias in api.get('/cluster/firewall/aliases')] == [('gw2', '10.0.0.3')]
    assert api.refused('GET', '/cluster/firewall/aliases/gw').errors == {'name': 'no such alias'}


def test_sets_mask_host_bits_and_are_emptied_by_force(api):
    base = '/cluster/firewall/ipset'
    api.post(base, name='mgmt')
    for cidr in ('10.0.1.5/24', '10.0.0.7', 'fd00::5/64'):
        api.post(f'{base}/mgmt', cidr=cidr)
    assert [entry['cidr'] for entry in api.get(f'{base}/mgmt')] == ['10.0.0.7', '10.0.1.0/24', 'fd00::/64']
    assert api.refused('POST', f'{base}/mgmt', cidr='10.0.0.7').errors == {'cidr': "address '10.0.0.7' already exists"}
    assert api.refused('POST', f'{base}/mgmt', cidr='0.0.0.0/0').errors
    assert api.refused('DELETE', f'{base}/mgmt').message == "IPSet 'mgmt' is not empty"
    api.delete(f'{base}/mgmt/10.0.1.0/24')
    api.delete(f'{base}/mgmt', force=1)
    assert api.get(base) == []


def test_security_groups(api):
    api.post('/cluster/firewall/groups', group='web', comment='c')
    api.post('/cluster/firewall/groups/web', type='in', action='ACCEPT')
    assert api.refused('POST', '/cluster/firewall/groups/web', type='group', action='other').errors == {
        'type': 'security groups not allowed'}
    api.post(RULES, type='group', action='web')
    assert api.refused('DELETE', '/cluster/firewall/groups/web').message == "Security group 'web' is not empty"
    api.post('/cluster/firewall/groups', group='web2', rename='web')
    assert [group['group'] for group in api.get('/cluster/firewall/groups')] == ['web2']


def test_options_are_numbers_and_can_be_taken_away(api):
    api.put(f'{GUEST}/options', enable=1, dhcp=0, policy_out='DROP')
    found = api.get(f'{GUEST}/options')
    assert (found['enable'], found['dhcp'], found['policy_out']) == (1, 0, 'DROP')
    api.put(f'{GUEST}/options', delete='dhcp')
    assert 'dhcp' not in api.get(f'{GUEST}/options')
    assert api.refused('PUT', f'{GUEST}/options', delete='nope').errors == {'delete': "no such option 'nope'"}


@given(st.data())
def test_moving_keeps_every_rule_and_the_order_of_the_others(data):
    entries = [{'comment': str(number)} for number in range(data.draw(st.integers(1, 8)))]
    position = data.draw(st.integers(0, len(entries) - 1))
    target = data.draw(st.integers(0, 12))
    found = moved(entries, position, target)
    rest = [entry for entry in entries if entry is not entries[position]]
    assert sorted(entry['comment'] for entry in found) == sorted(entry['comment'] for entry in entries)
    assert [entry for entry in found if entry is not entries[position]] == rest


@given(st.one_of(st.ip_addresses(), st.ip_addresses(v=4).map(lambda ip: f'{ip}/24')))
def test_canonical_networks_stay_what_they_are(address):
    text, version = canonical(str(address))
    assert canonical(text) == (text, version)
    assert ipaddress.ip_network(text).version == version
