"""Options, mappings, metric servers, notifications, ACME, the cluster's log and configuration."""

from __future__ import annotations

import pytest
from pvesim.model.sdn import local_vnets

NOTIFY = '/cluster/notifications'


def test_options_are_parsed_when_read(api):
    api.put('/cluster/options', **{'description': 'hello', 'next-id': 'lower=200,upper=300', 'migration': 'insecure',
                                   'tag-style': 'case-sensitive=1', 'registered-tags': 'b;a'})
    found = api.get('/cluster/options')
    assert found['description'] == 'hello\n'
    assert found['next-id'] == {'lower': '200', 'upper': '300'}
    assert found['tag-style'] == {'case-sensitive': 1}
    assert found['migration'] == {'type': 'insecure'}
    assert found['registered-tags'] == ['a', 'b']
    api.put('/cluster/options', delete='next-id,description,unknown')
    assert 'next-id' not in api.get('/cluster/options')


def test_tags_are_those_that_the_caller_sees(api):
    api.guest(100, tags='web;prod')
    api.guest(101, tags='db')
    api.post('/access/users', userid='ann@pve')
    api.put('/access/acl', path='/vms/101', roles='PVEVMUser', users='ann@pve')
    assert api.get('/cluster/options', 'ann@pve') == {'allowed-tags': ['db']}
    api.put('/cluster/options', **{'user-tag-access': 'user-allow=list,user-allow-list=x;y'})
    assert api.get('/cluster/options', 'ann@pve') == {'allowed-tags': ['x', 'y']}
    assert api.get('/cluster/options')['allowed-tags'] == ['db', 'prod', 'web', 'x', 'y']
    api.put('/cluster/options', **{'registered-tags': 'y;z'})
    assert api.get('/cluster/options', 'ann@pve') == {'allowed-tags': ['x']}
    assert 'z' in api.get('/cluster/options')['allowed-tags']


def test_applied_networks_are_bridges_of_the_nodes_of_their_zone(pair):
    pair.post('/cluster/sdn/zones', zone='z1', type='simple', ipam='pve', nodes='pve1')
    pair.post('/cluster/sdn/vnets', vnet='v1', zone='z1', alias='a')
    assert local_vnets(pair.cluster, 'pve1') == {}
    pair.put('/cluster/sdn')
    assert local_vnets(pair.cluster, 'pve1') == {
        'v1': {'type': 'vnet', 'active': '1', 'ipam': 1, 'vlanaware': 0, 'comments': 'a'}}
    assert local_vnets(pair.cluster, 'pve2') == {}


def test_mappings_are_checked_against_a_node(api):
    entry = 'node=pve1,path=0000:00:00.0,id=8086:1237'
    api.post('/cluster/mapping/pci', id='gpu', map=entry)
    checks = api.get('/cluster/mapping/pci', **{'check-node': 'pve1'})[0]['checks']
    assert checks[0]['severity'] == 'error'
    assert "'id' does not match for 'gpu'" in checks[0]['message']
    assert api.refused('POST', '/cluster/mapping/pci', id='gpu', map=entry).message == (
        "create hardware mapping failed: pci ID 'gpu' already defined")
    assert api.refused('GET', '/cluster/mapping/pci/zz').message == "mapping 'zz' not found"
    api.put('/cluster/mapping/pci/gpu', map='node=pve1,path=0000:00:00.0,id=8086:0d57', description='d')
    assert api.get('/cluster/mapping/pci', **{'check-node': 'pve1'})[0]['checks'] == []
    api.put('/cluster/mapping/pci/gpu', map='node=pve1,path=0000:00:00.0,id=8086:0d57', delete='description')
    assert 'description' not in api.get('/cluster/mapping/pci/gpu')


def test_mappings_are_seen_by_who_may_use_them(api):
    api.post('/cluster/mapping/dir', id='d1', map='node=pve1,path=/srv')
    api.post('/access/users', userid='ann@pve')
    assert api.get('/cluster/mapping/dir', 'ann@pve') == []
    api.put('/access/acl', path='/mapping/dir/d1', roles='PVEMappingUser', users='ann@pve')
    assert [entry['id'] for entry in api.get('/cluster/mapping/dir', 'ann@pve')] == ['d1']


def test_metric_servers_have_the_options_of_their_type(api):
    base = '/cluster/metrics/server'
    api.post(f'{base}/gr', type='graphite', server='h', port=2003, proto='udp', disable=1)
    assert api.get(base) == [{'id': 'gr', 'disable': 1, 'type': 'graphite', 'server': 'h', 'port': 2003}]
    assert "unexpected property 'bucket'" in api.refused(
        'PUT', f'{base}/gr', server='h', port=2003, bucket='b').message
    api.put(f'{base}/gr', server='h', port=2003, delete='disable')
    assert api.get(base)[0]['disable'] == 0
    api.delete(f'{base}/gr')
    assert api.refused('GET', f'{base}/gr').message == "status server entry 'gr' does not exist"


def test_metrics_are_exported_for_nodes_and_running_guests(api):
    api.guest(100)
    running = api.guest(101)
    running.running = True
    ids = {entry['id'] for entry in api.get('/cluster/metrics/export')['data']}
    assert ids == {'node/pve1', 'qemu/101'}


def test_builtin_notification_objects_come_back(api):
    assert [target['origin'] for target in api.get(f'{NOTIFY}/targets')] == ['builtin']
    api.put(f'{NOTIFY}/matchers/default-matcher', comment='mine')
    assert api.get(f'{NOTIFY}/matchers')[0]['origin'] == 'modified-builtin'
    api.delete(f'{NOTIFY}/matchers/default-matcher')
    assert api.get(f'{NOTIFY}/matchers')[0]['origin'] == 'builtin'


def test_secrets_of_notifications_are_not_shown(api):
    api.post(f'{NOTIFY}/endpoints/gotify', name='g1', server='https://h', token='secret')
    api.post(f'{NOTIFY}/endpoints/webhook', name='w1', url='https://h', method='post', secret=['name=k,value=c2VjcmV0'])
    assert 'token' not in api.get(f'{NOTIFY}/endpoints/gotify/g1')
    assert api.get(f'{NOTIFY}/endpoints/webhook/w1')['secret'] == ['name=k']


def test_notification_names_and_references_are_checked(api):
    api.post(f'{NOTIFY}/endpoints/sendmail', name='m1', mailto=['a@b.co'])
    taken = api.refused('POST', f'{NOTIFY}/matchers', name='m1')
    assert (taken.status, taken.message) == (
        400, "Cannot create 'm1', an entity with the same name already exists")
    assert api.refused('POST', f'{NOTIFY}/matchers', name='x1', target=['nope']).status == 404
    api.post(f'{NOTIFY}/matchers', name='x1', target=['m1'])
    assert api.refused('DELETE', f'{NOTIFY}/endpoints/sendmail/m1').message == (
        "cannot delete 'm1', referenced by: x1")
    assert api.refused('GET', f'{NOTIFY}/endpoints/smtp/m1').status == 404


def test_an_acme_account_is_made_by_a_task(api):
    upid = api.post('/cluster/acme/account', name='a1', contact='a@b.co')
    assert api.cluster.tasks[upid].exitstatus == 'OK'
    assert api.get('/cluster/acme/account/a1')['account']['contact'] == ['mailto:a@b.co']


def test_data_of_an_acme_plugin_is_read_as_text(api):
    api.post('/cluster/acme/plugins', id='p1', type='dns', api='cf', data='Q0ZfVG9rZW49eA==')
    assert api.get('/cluster/acme/plugins/p1')['data'] == 'CF_Token=x'
    assert api.refused('POST', '/cluster/acme/plugins', id='p1', type='dns').status == 500
    api.put('/cluster/acme/plugins/p1', delete='data', api='ovh')
    assert 'data' not in api.get('/cluster/acme/plugins/p1')
    api.delete('/cluster/acme/plugins/p1')
    assert api.refused('GET', '/cluster/acme/plugins/p1').message == "ACME plugin 'p1' not defined"


def test_the_log_tells_of_tasks_and_shows_each_his_own(api):
    api.put('/cluster/sdn')
    texts = [entry['msg'].split()[0] for entry in api.get('/cluster/log', max=2)]
    assert sorted(texts) == ['end', 'starting']
    api.post('/access/users', userid='ann@pve')
    assert api.get('/cluster/log', 'ann@pve') == []


def test_a_node_of_its_own_has_no_cluster_until_one_is_made(api):
    assert api.get('/cluster/config/nodes') == []
    assert api.refused('GET', '/cluster/config/join').status == 424
    api.post('/cluster/config', clustername='lab')
    assert api.get('/cluster/config/totem')['cluster_name'] == 'lab'
    assert api.refused('POST', '/cluster/config', clustername='lab').status == 500


def test_joining_takes_fingerprints_of_all_nodes(pair):
    found = pair.get('/cluster/config/join', node='pve2')
    assert found['preferred_node'] == 'pve2'
    assert [node['nodeid'] for node in found['nodelist']] == ['1', '2']


@pytest.mark.parametrize('path', ['/cluster/notifications/targets', '/cluster/mapping/pci', '/cluster/sdn/fabrics/all'])
def test_what_a_release_does_not_have_is_not_there(older, path):
    assert older.refused('GET', path).status == 501
