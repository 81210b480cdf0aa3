"""Software defined networks: pending and running, the lock, the rules of the zones."""

from __future__ import annotations

import pytest

SDN = '/cluster/sdn'


@pytest.fixture
def zoned(pair):
    """A cluster whose nodes can reload their network, with a zone and a network in it."""
    for node in pair.cluster.nodes.values():
        node.extra.pop('ifupdown2', None)
    pair.post(f'{SDN}/zones', zone='z1', type='simple', ipam='pve')
    pair.post(f'{SDN}/vnets', vnet='v1', zone='z1', alias='a')
    return pair


def test_what_is_new_is_pending_until_it_is_applied(zoned):
    assert zoned.get(f'{SDN}/vnets', running=1) == []
    assert zoned.get(f'{SDN}/vnets', pending=1) == [
        {'vnet': 'v1', 'type': 'vnet', 'state': 'new', 'pending': {'zone': 'z1', 'alias': 'a'}, 'digest': None}]
    upid = zoned.put(SDN)
    assert upid.split(':')[5] == 'reloadnetworkall'
    assert zoned.cluster.tasks[upid].exitstatus == 'OK'
    assert zoned.get(f'{SDN}/vnets', pending=1) == [
        {'vnet': 'v1', 'type': 'vnet', 'zone': 'z1', 'alias': 'a', 'digest': None}]
    assert zoned.get('/nodes/pve2/sdn/zones') == [{'zone': 'z1', 'status': 'available'}]


def test_changes_and_deletions_are_told_apart(zoned):
    zoned.put(SDN)
    zoned.put(f'{SDN}/vnets/v1', alias='b')
    assert zoned.get(f'{SDN}/vnets/v1', pending=1)['pending'] == {'alias': 'b'}
    zoned.put(f'{SDN}/vnets/v1', delete='alias')
    assert zoned.get(f'{SDN}/vnets/v1', pending=1)['pending'] == {'alias': 'deleted'}
    zoned.delete(f'{SDN}/vnets/v1')
    assert zoned.get(f'{SDN}/vnets', pending=1)[0]['state'] == 'deleted'


def test_a_rollback_brings_back_what_runs(zoned):
    zoned.put(SDN)
    zoned.delete(f'{SDN}/vnets/v1')
    zoned.post(f'{SDN}/rollback')
    assert zoned.get(f'{SDN}/vnets/v1')['alias'] == 'a'


def test_a_lock_wants_its_token(zoned):
    assert 'configuration has pending changes' in zoned.refused('POST', f'{SDN}/lock').message
    zoned.put(SDN)
    token = zoned.post(f'{SDN}/lock')
    assert 'invalid lock token provided!' in zoned.refused('PUT', f'{SDN}/vnets/v1', alias='b').message
    zoned.put(f'{SDN}/vnets/v1', **{'alias': 'b', 'lock-token': token})
    zoned.put(SDN, **{'lock-token': token})
    zoned.put(f'{SDN}/vnets/v1', alias='c')


def test_what_is_used_stays(zoned):
    assert zoned.refused('DELETE', f'{SDN}/zones/z1').message.startswith(
        'delete sdn zone object failed: zone z1 is used by vnet v1 at ')
    zoned.post(f'{SDN}/vnets/v1/subnets', subnet='10.50.0.0/24', type='subnet')
    assert zoned.refused('DELETE', f'{SDN}/vnets/v1').message == (
        "delete sdn vnet object failed: 400 Parameter verification failed.\nvnet: Can't delete vnet if subnets exists")


def test_subnets_are_named_by_zone_and_network(zoned):
    base = f'{SDN}/vnets/v1/subnets'
    zoned.post(base, **{'subnet': '10.50.0.0/24', 'type': 'subnet', 'gateway': '10.50.0.1', 'snat': 1,
                        'dhcp-range': ['start-address=10.50.0.10,end-address=10.50.0.20']})
    found = zoned.get(f'{base}/z1-10.50.0.0-24')
    assert (found['cidr'], found['mask'], found['network'], found['snat']) == ('10.50.0.0/24', '24', '10.50.0.0', 1)
    assert found['dhcp-range'] == [{'start-address': '10.50.0.10', 'end-address': '10.50.0.20'}]
    assert zoned.get(f'{SDN}/ipams/pve/status')[0]['ip'] == '10.50.0.1'
    bad = zoned.refused('POST', base, subnet='10.51.0.0/24', type='subnet', gateway='10.50.0.1')
    assert 'gateway: 10.50.0.1 is not in subnet 10.51.0.0/24' in bad.message


@pytest.mark.parametrize(('zone', 'vnet', 'text'), [
    ({'type': 'vlan', 'bridge': 'vmbr0'}, {}, 'tag: missing vlan tag'),
    ({'type': 'vxlan', 'peers': '10.0.0.1,10.0.0.2'}, {}, 'tag: missing vxlan tag'),
    ({'type': 'simple'}, {'tag': 5}, 'tag: vlan tag is not allowed on simple zone'),
])
def test_zones_rule_over_their_networks(pair, zone, vnet, text):
    pair.post(f'{SDN}/zones', zone='zz', **zone)
    assert text in pair.refused('POST', f'{SDN}/vnets', vnet='v1', zone='zz', **vnet).message


@pytest.mark.parametrize(('params', 'text'), [
    ({'zone': 'zz', 'type': 'vlan'}, "missing value for required option 'bridge'"),
    ({'zone': 'zz', 'type': 'simple', 'bridge': 'vmbr0'}, "unexpected property 'bridge'"),
    ({'zone': 'zz', 'type': 'simple', 'ipam': 'nope'}, 'ipam: nope not existing'),
])
def test_zones_are_checked_by_their_type(pair, params, text):
    assert text in pair.refused('POST', f'{SDN}/zones', **params).message


def test_names_are_short(pair):
    assert pair.refused('POST', f'{SDN}/zones', zone='toolongname', type='simple').errors == {
        'zone': "invalid format - zone ID 'toolongname' can't be more length than 8 characters\n"}


def test_an_evpn_zone_wants_its_controller_and_gets_an_address(pair):
    zone = {'zone': 'ev', 'type': 'evpn', 'controller': 'c1', 'vrf-vxlan': 100}
    assert "controller c1 don't exist" in pair.refused('POST', f'{SDN}/zones', **zone).message
    pair.post(f'{SDN}/controllers', controller='c1', type='evpn', asn=65000, peers='10.0.0.1')
    pair.post(f'{SDN}/zones', **zone)
    assert pair.get(f'{SDN}/zones/ev')['mac'].startswith('BC:24:11:')
    assert 'is used by ev' in pair.refused('DELETE', f'{SDN}/controllers/c1').message


def test_fabrics_take_their_nodes_with_them(pair):
    pair.post(f'{SDN}/fabrics/fabric', id='f1', protocol='openfabric', ip_prefix='10.10.0.0/24')
    pair.post(f'{SDN}/fabrics/node/f1', node_id='pve1', protocol='openfabric', ip='10.10.0.1',
              interfaces=['name=eth0'])
    found = pair.get(f'{SDN}/fabrics/all')
    assert [node['node_id'] for node in found['nodes']] == ['pve1']
    pair.delete(f'{SDN}/fabrics/fabric/f1')
    assert pair.get(f'{SDN}/fabrics/all') == {'fabrics': [], 'nodes': []}


def test_a_node_that_cannot_reload_stays_pending(api):
    api.post(f'{SDN}/zones', zone='z1', type='simple')
    upid = api.put(SDN)
    assert api.cluster.tasks[upid].exitstatus == 'OK'
    assert api.get('/nodes/pve1/sdn/zones') == [{'zone': 'z1', 'status': 'pending'}]


def test_only_visible_zones_are_listed(zoned):
    zoned.post('/access/users', userid='ann@pve')
    assert zoned.get(f'{SDN}/zones', 'ann@pve') == []
    zoned.put('/access/acl', path='/sdn/zones/z1', roles='PVESDNUser', users='ann@pve')
    assert [zone['zone'] for zone in zoned.get(f'{SDN}/zones', 'ann@pve')] == ['z1']
    assert [vnet['vnet'] for vnet in zoned.get(f'{SDN}/vnets', 'ann@pve')] == ['v1']
