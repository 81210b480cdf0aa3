"""pve_cluster_registry against a cluster, as a user's tasks see it."""

from __future__ import annotations

import concurrent.futures

import pytest

from ansible_collections.pve.fleet.plugins.module_utils import runner
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Workspace
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry
from ansible_collections.pve.fleet.plugins.modules import pve_cluster_registry, pve_cluster_registry_info
from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

pytestmark = pytest.mark.sim(start_state='pair')
SECRETS = {'vault/prod': 'realpve1'}


@pytest.fixture
def registry(tmp_path):
    return str(tmp_path / 'registry.db')


@pytest.fixture
def run(sim, registry):
    """run(module, check_mode=False, **options) -> the task's result; without endpoints, those of the simulator."""

    def task(module=pve_cluster_registry, check_mode=False, **options):
        given = {'registry_url': registry, **options}
        if module is pve_cluster_registry and options.get('state') != 'absent':
            given = {'endpoints': [{'host': '127.0.0.1', 'port': sim.port}], 'ca_path': sim.ca_path, **given}
        params, error, *dummy = validate(module.SPEC, given, 'test')
        assert error is None, error
        access = Access(params, lambda reference: SECRETS[reference['terms'][0]], environment={})
        return runner.execute(module.SPEC, params, access, check_mode=check_mode)

    return task


ROOT = {'name': 'prod', 'api_user': 'root@pam', 'api_password': 'realpve1'}


def test_check_mode_predicts_and_the_second_run_changes_nothing(run):
    predicted = run(**ROOT, check_mode=True)
    assert run(pve_cluster_registry_info)['clusters'] == []
    done = run(**ROOT)
    assert (predicted['changes'], predicted['diff']) == (done['changes'], done['diff'])
    assert run(**ROOT)['changed'] is False


def test_only_what_differs_is_updated(run):
    run(**ROOT, labels={'site': 'seoul'}, min_nodes=2)
    result = run(name='prod', labels={'site': 'busan'})
    assert result['changes'] == ["set labels from {'site': 'seoul'} to {'site': 'busan'}"]
    assert result['cluster']['min_nodes'] == 2
    assert result['diff'] == {'before': {'labels': {'site': 'seoul'}}, 'after': {'labels': {'site': 'busan'}}}


def test_a_cluster_of_two_is_degraded_unless_it_is_meant_to_be_small(run):
    assert run(**ROOT)['cluster']['reasons'][0]['code'] == 'too_few_nodes'
    assert run(name='prod', min_nodes=2)['cluster']['status'] == 'healthy'


@pytest.mark.parametrize(
    ('options', 'code', 'words'),
    [
        ({'api_password': 'wrong'}, 'Unauthorized', 'the login of root@pam is refused'),
        ({'endpoints': [{'host': '127.0.0.1', 'port': 1}]}, 'BadGateway', 'connection refused'),
        ({'endpoints': [{'host': 'no.such.host.invalid'}]}, 'BadGateway', 'cannot be resolved'),
        ({'ca_path': None}, 'BadGateway', 'certificate is not trusted'),
        ({'name': 'not a name'}, 'BadRequest', 'is not a name for a cluster'),
        ({'endpoints': [{'host': 'https://pve1'}]}, 'BadRequest', 'is not a host name'),
        ({'endpoints': None}, 'BadRequest', 'give at least one endpoint'),
        ({'api_user': None, 'api_password': None}, 'BadRequest', 'give credentials'),
        ({'api_user': 'root'}, 'BadRequest', 'user@realm'),
    ],
)
def test_nothing_is_stored_when_something_is_wrong(run, options, code, words):
    result = run(**{**ROOT, **options})
    assert result['failed']
    assert result['error']['code'] == code
    assert words in result['msg']
    assert run(pve_cluster_registry_info)['clusters'] == []


def test_a_fingerprint_that_is_not_the_servers_is_told(run, sim):
    place = [{'host': '127.0.0.1', 'port': sim.port, 'fingerprint': ':'.join(['AB'] * 32)}]
    result = run(**ROOT, endpoints=place)
    assert result['error']['details']['causes'] == ['fingerprint']


def test_rights_that_are_missing_are_named(run, sim):
    access = next(iter(sim.fleet.clusters.values())).access
    access.users['nobody@pve'] = {'enable': 1, 'expire': 0}
    access.passwords['nobody@pve'] = 'nobody12345'
    result = run(name='prod', api_user='nobody@pve', api_password='nobody12345')
    assert result['error']['code'] == 'Forbidden'
    assert 'Sys.Audit on /' in result['msg']


def test_a_name_that_another_cluster_has_is_a_conflict(run):
    run(**ROOT)
    result = run(name='prod', endpoints=[{'host': 'pve9.example.com'}])
    assert (result['error']['code'], result['error']['status']) == ('Conflict', 409)


def test_discovery_adds_the_other_nodes_with_their_fingerprints(run):
    first = run(**ROOT, discover=True)
    hosts = [(one['host'], bool(one['fingerprint'])) for one in first['cluster']['endpoints']]
    assert hosts == [('127.0.0.1', False), ('10.111.0.12', True)]
    assert run(**ROOT, discover=True)['changed'] is False


def test_create_token_keeps_only_a_narrow_token_and_absent_takes_it_away(run, sim):
    made = run(**ROOT, create_token=True, token_tiers=['viewer', 'operator'], check_mode=True)
    done = run(**ROOT, create_token=True, token_tiers=['viewer', 'operator'])
    assert (made['changes'], made['diff']) == (done['changes'], done['diff'])
    assert [one['tier'] for one in done['cluster']['credentials']] == ['operator', 'viewer']
    again = run(name='prod', create_token=True, token_tiers=['viewer', 'operator'])
    assert again['changed'] is False
    access = next(iter(sim.fleet.clusters.values())).access
    assert set(access.tokens) >= {'fleet-viewer@pve', 'fleet-operator@pve'}
    gone = run(state='absent', **ROOT)
    assert gone['changed']
    assert not any(user.startswith('fleet-') for user in access.users)
    assert not any(role.startswith('Fleet') for role in access.roles)


def test_a_token_removes_itself_without_an_administrator(run, sim):
    run(**ROOT, create_token=True)
    result = run(name='prod', state='absent')
    assert result['changed']
    access = next(iter(sim.fleet.clusters.values())).access
    assert not access.tokens.get('fleet-operator@pve')
    assert 'stays there without token' in result['warnings'][0]


def test_a_token_that_no_longer_works_is_made_anew(run, sim):
    first = run(**ROOT, create_token=True)
    access = next(iter(sim.fleet.clusters.values())).access
    access.secrets[first['cluster']['credentials'][0]['identity']] = '00000000-0000-0000-0000-000000000000'
    assert run(name='prod', create_token=True)['error']['code'] == 'BadRequest'
    assert any('make token' in change for change in run(**ROOT, create_token=True)['changes'])
    assert run(name='prod', create_token=True)['changed'] is False


def test_absent_for_an_unknown_cluster_changes_nothing(run):
    assert run(name='nosuch', state='absent')['changed'] is False


def test_a_cluster_that_a_workspace_uses_stays(run, registry):
    run(**ROOT)
    with open_registry(registry) as opened:
        opened.save_workspace(Workspace('shop', clusters=['prod']))
    result = run(name='prod', state='absent')
    assert result['error']['code'] == 'Conflict'
    assert 'shop' in result['msg']


def test_deregistering_works_when_the_cluster_is_gone_and_force_is_given(run, sim):
    run(**ROOT, create_token=True)
    sim.control.fault('refuse', count=1000)
    assert run(name='prod', state='absent')['failed']
    sim.control.clear_faults()
    sim.control.fault('refuse', count=1000)
    result = run(name='prod', state='absent', force=True)
    assert result['changed']


def test_a_secret_may_stay_where_it_is(run, registry):
    reference = {'plugin': 'vault', 'terms': ['vault/prod'], 'options': None, 'field': None}
    credentials = [{'tier': 'admin', 'user': 'root@pam', 'secret_lookup': reference}]
    assert run(name='prod', credentials=credentials)['changed']
    assert run(name='prod', credentials=credentials)['changed'] is False
    assert run(pve_cluster_registry_info, live=True)['clusters'][0]['status'] == 'degraded'


def test_one_cluster_that_is_down_does_not_hide_the_others(run, registry):
    run(**ROOT)
    run(**{**ROOT, 'name': 'other'})
    with open_registry(registry) as opened:
        record = opened.cluster('other')
        record.endpoints = [type(record.endpoints[0])('127.0.0.1', 1)]
        opened.save_cluster(record)
    found = {one['name']: one for one in run(pve_cluster_registry_info, live=True)['clusters']}
    assert found['prod']['quorate'] is True
    assert found['other']['status'] == 'unknown'
    assert found['other']['error']['code'] == 'BadGateway'


def test_info_by_name_label_and_status(run):
    run(**ROOT, labels={'site': 'seoul'})
    assert run(pve_cluster_registry_info, name='prod')['clusters'][0]['name'] == 'prod'
    assert run(pve_cluster_registry_info, labels={'site': 'busan'})['clusters'] == []
    assert len(run(pve_cluster_registry_info, status=['degraded'])['clusters']) == 1
    missing = run(pve_cluster_registry_info, name='prd')
    assert (missing['error']['code'], missing['error']['details']['near']) == ('NotFound', ['prod'])


def test_refreshing_stores_what_the_cluster_says(run, sim):
    run(**ROOT, min_nodes=2)
    sim.control.node_down('pve2')
    result = run(name='prod', state='refreshed', endpoints=None, ca_path=None)
    assert result['changed']
    assert {reason['code'] for reason in result['cluster']['reasons']} >= {'nodes_offline'}
    assert run(name='nosuch', state='refreshed')['error']['code'] == 'NotFound'


def test_two_tasks_that_register_the_same_name_at_once(run):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _number: run(**ROOT), range(4)))
    assert len(run(pve_cluster_registry_info)['clusters']) == 1
    assert all(not result.get('failed') or result['error']['code'] == 'Conflict' for result in results)
    assert sum(1 for result in results if result['changed']) == 1


def test_changes_are_in_the_audit_log(run, registry):
    run(**ROOT)
    run(name='prod', labels={'a': 'b'})
    run(name='prod', state='absent')
    with open_registry(registry) as opened:
        records = opened.read_audit()
        assert opened.verify_audit()['ok']
    assert [record.action for record in records] == ['register', 'update', 'deregister']
    assert records[1].after == {'labels': {'a': 'b'}}
    assert 'realpve1' not in str(records)
