# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_node_facts and pve_cluster_info in playbooks, against simulated clusters."""
from __future__ import annotations

import contextlib
import json
import re
import time

import pytest
from pvesim.fixtures import running
from pvesim.model.generate import generate, token_secret

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.facts.nodes import chosen_subsets, gather
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import MetricSample
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

from .conftest import SEED, inline, port

FACTS, INFO = 'pve.fleet.pve_node_facts', 'pve.fleet.pve_cluster_info'


def direct(sim, name, token='viewer'):
    return {key: value for key, value in inline(sim, name, token).items() if key != 'name'}


def test_default_facts_stay_within_three_requests_per_node(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    sim.control.reset_log()
    run = run_playbook([
        {'name': 'facts', FACTS: direct(sim, name)},
        {'name': 'use', 'ansible.builtin.debug': {'msg': '{{ pve_nodes.values() | first | length }}'}},
    ]).ok()
    assert sim.control.log(limit=1)['total'] <= 3 * 3
    nodes = run.result('facts')['nodes']
    assert run.result('use')['msg'] in ('3', 3)
    model = sim.fleet.clusters[name]
    for node in nodes:
        own = [one for one in model.guests.values() if one.node == node['node'] and not one.config.get('template')]
        assert node['guests']['count'] == len(own)
        assert node['memory_info']['total'] == node['memory']
        assert node['networks']['vmbr0']['type'] == 'bridge'
        assert {one['storage'] for one in node['storages']} == {'local', 'local-lvm', 'ceph', 'backup'}
        assert node['problems'] == {}


FACTS_OF_ALL = {
    'status': {'pve_version', 'kernel', 'boot_mode', 'cpu_info', 'cpu', 'io_wait', 'load', 'memory_info', 'swap', 'rootfs', 'uptime'},
    'network': {'networks'}, 'storage': {'storages'}, 'guests': {'guests'}, 'ha': {'ha'}, 'disks': {'disks'}, 'services': {'services'},
    'updates': {'updates'}, 'repositories': {'repositories', 'repository_errors'}, 'subscription': {'subscription'}, 'certificates': {'certificates'},
    'replication': {'replication'}, 'time': {'time'}, 'dns': {'dns'}, 'hardware': {'pci'}, 'ceph': {'ceph'},
}
ALWAYS = {'cluster', 'node', 'status', 'reason', 'problems', 'cpus', 'cpu', 'memory', 'memory_used', 'disk', 'disk_used', 'uptime'}


def test_all_facts_of_one_node(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    task = {**direct(sim, name, 'admin'), 'nodes': [f'{name}-pve2'], 'gather_subset': ['all']}
    node, = run_playbook([{'name': 'facts', FACTS: task}]).ok().result('facts')['nodes']
    assert node['node'] == f'{name}-pve2'
    assert set(node) == ALWAYS.union(*FACTS_OF_ALL.values())
    assert node['problems'] == {}
    assert node['pve_version'] == '9.2.11'
    assert node['kernel'].endswith('-pve')
    assert {'model', 'sockets', 'cores', 'threads', 'mhz'} == {key for key, value in node['cpu_info'].items() if value}
    assert len(node['load']) == 3
    for key in ('memory_info', 'swap', 'rootfs'):
        assert set(node[key]) == {'total', 'used', 'free', 'share'}
        assert 0 <= node[key]['share'] <= 1
    assert node['uptime'] > 0
    assert all(one['status'] == 'available' and 0 <= one['share'] <= 1 and one['total'] >= one['used'] for one in node['storages'])
    assert node['disks'][0]['health'] == 'PASSED'
    assert node['services']['pveproxy']['state'] == 'running'
    assert {'package', 'installed', 'available'} == set(node['updates'][0])
    assert any(one['enabled'] and one['uris'] for one in node['repositories'])
    assert node['subscription']['status']
    assert all(one['days_left'] > 0 and one['fingerprint'] for one in node['certificates'])
    assert node['time']['timezone']
    assert abs(node['time']['skew']) < 60
    assert node['dns']['servers']
    assert {'id', 'class', 'vendor', 'device', 'iommu_group'} == set(node['pci'][0])
    assert node['ceph'] is None
    assert node['guests']['overcommit']['memory'] == round(node['guests']['allocated']['memory'] / node['memory'], 4)


@pytest.mark.parametrize('subset', sorted(FACTS_OF_ALL))
def test_a_subset_adds_its_facts_and_costs_one_request_at_most(subset, all_subsets):
    facts, requests = all_subsets[subset]
    assert set(facts) - ALWAYS == FACTS_OF_ALL[subset] - ALWAYS
    assert requests <= 2


@pytest.fixture(scope='module')
def all_subsets():
    """{subset: (facts of a single node with this subset alone, how many requests it took)}."""
    with running(generate(clusters=1, nodes=1, guests=4, seed=SEED)) as sim:
        [name] = sim.urls
        login = Credential(token_id='fleet@pve!admin', token_secret=token_secret(SEED, name, 'admin'))
        found = {}
        for subset in FACTS_OF_ALL:
            with contextlib.closing(Client(Connection(name, (Endpoint('127.0.0.1', port(sim, name)),), login, ca_path=sim.ca_path))) as client:
                sim.control.reset_log()
                node, = gather(client, name, chosen_subsets([subset]))
                found[subset] = node, sim.control.log(limit=1)['total']
        yield found


def test_replication_and_ha_are_told_where_they_are(fleet, run_playbook):
    sim = fleet(guests=30)
    name = next(iter(sim.urls))
    task = {**direct(sim, name, 'admin'), 'gather_subset': ['ha', 'guests', 'replication']}
    nodes = run_playbook([{'name': 'facts', FACTS: task}]).ok().result('facts')['nodes']
    model = sim.fleet.clusters[name]
    assert sum(sum(node['ha'].values()) for node in nodes) == len(model.sections['ha-resources'])
    assert all(node['replication'] == [] for node in nodes)


def test_facts_of_nodes_of_several_clusters_come_in_one_task(fleet, run_playbook, register):
    sim = fleet(clusters=3)
    names = sorted(sim.urls)
    for number, name in enumerate(names):
        register(sim, name, labels={'site': 'here' if number else 'there'})
    sim.control.reset_log()
    run = run_playbook([
        {'name': 'all', FACTS: {}},
        {'name': 'labelled', FACTS: {'clusters': {'labels': {'site': 'here'}}, 'gather_subset': ['min']}},
        {'name': 'some', FACTS: {'nodes': [f'{names[0]}-pve1', f'{names[2]}-pve3'], 'gather_subset': ['!network', '!storage']}},
        {'name': 'use', 'ansible.builtin.debug': {'msg': '{{ pve_nodes.keys() | sort }}'}},
    ]).ok()
    assert sorted({node['cluster'] for node in run.result('all')['nodes']}) == names
    assert len(run.result('all')['nodes']) == 9
    assert {node['cluster'] for node in run.result('labelled')['nodes']} == set(names[1:])
    some = run.result('some')['nodes']
    assert [node['node'] for node in some] == [f'{names[0]}-pve1', f'{names[2]}-pve3']
    assert 'networks' not in some[0]
    assert 'kernel' in some[0]
    assert run.result('use')['msg'] == [names[0], names[2]]


def test_a_node_that_stopped_answering_is_told_and_costs_no_more_questions(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    sim.control.fault('status', path=f'/nodes/{name}-pve2/*', status=595, message='', count=0)
    task = {**direct(sim, name, 'admin'), 'gather_subset': ['all'], 'concurrency': 1}
    nodes = run_playbook([{'name': 'facts', FACTS: task}]).ok().result('facts')['nodes']
    assert 'does not answer' in nodes[1]['reason']
    assert 'kernel' not in nodes[1]
    assert nodes[0]['reason'] is None
    assert 'kernel' in nodes[0]
    assert sum(count for path, count in sim.control.log()['counts'].items() if f'{name}-pve2' in path) <= 3


def test_what_the_login_may_not_read_is_told_and_nothing_else_is_lost(fleet, run_playbook):
    sim = fleet(nodes=1)
    name = next(iter(sim.urls))
    task = {**direct(sim, name), 'gather_subset': ['updates', 'time']}
    node, = run_playbook([{'name': 'facts', FACTS: task}]).ok().result('facts')['nodes']
    assert 'Sys.Modify' in node['problems']['updates']
    assert node['time']['timezone']


def test_an_offline_node_has_its_entry(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    sim.control.node_down(f'{name}-pve3')
    nodes = run_playbook([{'name': 'facts', FACTS: direct(sim, name)}]).ok().result('facts')['nodes']
    assert [node['status'] for node in nodes] == ['online', 'online', 'offline']
    assert nodes[2]['reason']
    assert 'kernel' not in nodes[2]


def test_a_cluster_that_is_down_does_not_hide_the_others(fleet, run_playbook, register):
    sim = fleet(clusters=2)
    up, down = list(sim.urls)
    register(sim, up)
    register(sim, down)
    sim.control.fault('status', cluster=down, path='*', status=403, message='Permission check failed', count=0)
    run = run_playbook([
        {'name': 'facts', FACTS: {}},
        {'name': 'info', INFO: {}},
        {'name': 'only', FACTS: {'cluster': down}, 'ignore_errors': True},
        {'name': 'wrong', FACTS: {'clusters': [up], 'nodes': [f'{up}-pve9']}, 'ignore_errors': True},
        {'name': 'typo', FACTS: {'gather_subset': ['storag']}, 'ignore_errors': True},
    ]).ok()
    assert {node['cluster'] for node in run.result('facts')['nodes']} == {up}
    assert run.result('facts')['errors'][down]['code'] == 'Forbidden'
    states = {one['name']: one['status'] for one in run.result('info')['clusters']}
    assert states[down] == 'unknown'
    assert states[up] != 'unknown'
    assert run.result('only')['error']['code'] == 'Forbidden'
    assert run.result('wrong')['error']['code'] == 'NotFound'
    assert 'storage' in run.result('typo')['msg']


def test_health_tells_what_is_wrong_and_can_be_told_to_ignore_it(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    login = direct(sim, name)
    well = run_playbook([{'name': 'info', INFO: login}]).ok().result('info')
    assert well['clusters'][0]['status'] == 'healthy', well['clusters'][0]['reasons']
    sim.control.node_down(f'{name}-pve3')
    run = run_playbook([
        {'name': 'ill', INFO: {**login, 'thresholds': {'storage_percent': 0}}},
        {'name': 'known', INFO: {**login, 'ignore': ['nodes_offline']}},
        {'name': 'typo', INFO: {**login, 'ignore': ['node_offline']}, 'ignore_errors': True},
    ]).ok()
    ill = run.result('ill')['clusters'][0]
    assert {one['code'] for one in ill['reasons']} >= {'nodes_offline', 'storage_nearly_full'}
    assert ill['status'] == 'degraded'
    known = run.result('known')['clusters'][0]
    assert known['status'] == 'healthy'
    assert [one['code'] for one in known['ignored']] == ['nodes_offline']
    assert 'nodes_offline' in run.result('typo')['msg']


def test_samples_and_files_for_prometheus(fleet, run_playbook, register, tmp_path):
    sim = fleet()
    name = next(iter(sim.urls))
    _registry, record = register(sim, name)
    files = {'prometheus_file': str(tmp_path / 'pve.prom'), 'file_sd_file': str(tmp_path / 'pve.json')}
    task = {**files, 'store_sample': True, 'file_sd_addresses': True}
    check = run_playbook([{'name': 'check', INFO: task}], args=['--check']).ok()
    assert check.result('check')['changed']
    assert not (tmp_path / 'pve.prom').exists()
    run_playbook([{'name': 'write', INFO: task}]).ok()
    text = (tmp_path / 'pve.prom').read_text()
    assert f'pve_up{{cluster="{name}"}} 1' in text
    assert all(re.fullmatch(r'# (HELP|TYPE) .+|\w+\{[^}]*\} -?[\d.e+-]+', line) for line in text.splitlines())
    listed = json.loads((tmp_path / 'pve.json').read_text())
    assert len(listed) == 3 + sum(not one.config.get('template') for one in sim.fleet.clusters[name].guests.values())
    assert all(re.fullmatch(r'[\w.:\[\]-]+:9100', one['targets'][0]) for one in listed)
    registry = open_registry(f'{run_playbook.environment()["PVE_FLEET_HOME"]}/registry.db')
    sample, = registry.metrics(record.id, f'node/{name}-pve1')
    assert sample.values['maxmem'] > 0
    assert len(registry.snapshot(record.id).guests) == len(sim.fleet.clusters[name].guests)
    assert registry.cluster(name).status == 'healthy'
    again = run_playbook([{'name': 'again', INFO: {'file_sd_file': files['file_sd_file'], 'file_sd_addresses': True}}]).ok()
    assert not again.result('again')['changed']


def test_a_judgement_costs_seven_requests_and_four_per_node(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    for checks, most in ((['default'], 7 + 3 * 4), (['no_quorum', 'nodes_offline', 'storage_full'], 4)):
        sim.control.reset_log()
        run_playbook([{'name': 'info', INFO: {**direct(sim, name), 'checks': checks}}]).ok()
        assert sim.control.log(limit=1)['total'] == most


def test_versions_capacity_and_failed_tasks_are_returned(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    login = direct(sim, name, 'admin')
    model = sim.fleet.clusters[name]
    victim = next(one for one in model.guests.values() if one.kind == 'qemu' and not one.running and not one.config.get('template'))
    sim.control.task_fault('fail', type='qmstart', text='got timeout')
    run = run_playbook([
        {'name': 'start', 'pve.fleet.pve_vm': {**login, 'vmid': victim.vmid, 'state': 'started'}, 'ignore_errors': True},
        {'name': 'info', INFO: login},
    ]).ok()
    cluster, = run.result('info')['clusters']
    assert cluster['versions'] == dict.fromkeys(model.nodes, '9.2.11')
    failed, = cluster['failed_tasks']
    assert (failed['type'], failed['id'], failed['status']) == ('qmstart', str(victim.vmid), 'got timeout')
    assert [one['code'] for one in cluster['reasons']] == ['task_failed']
    capacity = cluster['capacity']
    assert [one['node'] for one in capacity['nodes']] == sorted(model.nodes)
    assert capacity['memory']['total'] == sum(one['memory'] for one in capacity['nodes'])
    assert {one['storage'] for one in capacity['storages']} == set(model.storages)
    assert sum(one['guests'] for one in capacity['pools'].values()) <= capacity['guests']['total']


def test_samples_are_kept_for_as_long_as_wanted(fleet, run_playbook, register):
    sim = fleet(guests=4)
    name = next(iter(sim.urls))
    registry, record = register(sim, name)
    now = int(time.time())
    registry.add_metrics(record.id, [MetricSample(f'node/{name}-pve1', now - days * 86400, {'cpu': days}) for days in (1, 3, 9)], keep=10 * 86400)
    run = run_playbook([
        {'name': 'check', INFO: {'store_sample': True, 'keep_days': 2}, 'check_mode': True},
        {'name': 'none', INFO: {'store_sample': True, 'keep_days': 0}, 'ignore_errors': True},
    ]).ok()
    assert len(registry.metrics(record.id, f'node/{name}-pve1')) == 3
    assert 'keep_days' in run.result('none')['msg']
    stored = run_playbook([{'name': 'store', INFO: {'store_sample': True, 'keep_days': 5}}]).ok().result('store')
    assert not stored['changed']
    assert [one.values.get('cpu') for one in registry.metrics(record.id, f'node/{name}-pve1')][:2] == [3, 1]
    assert len(registry.metrics(record.id, f'node/{name}-pve1')) == 3
    assert registry.read_audit() == []


def test_what_was_stored_is_returned_by_object(fleet, run_playbook, register):
    sim = fleet(guests=4)
    name = next(iter(sim.urls))
    registry, record = register(sim, name)
    now = int(time.time())
    old = [MetricSample(f'node/{name}-pve1', now - hours * 3600, {'cpu': hours}) for hours in (1, 2, 30)]
    registry.add_metrics(record.id, [*old, MetricSample('qemu/9000', now - 60, {'cpu': 0.5})])
    sim.control.fault('refuse', path='*', count=0)
    task = {'checks': ['no_quorum'], 'history_hours': 24}
    run = run_playbook([
        {'name': 'nodes', INFO: task},
        {'name': 'guest', INFO: {**task, 'history_objects': ['qemu/*']}},
        {'name': 'without', INFO: {'checks': ['no_quorum']}},
    ]).ok()
    found = run.result('nodes')['clusters'][0]['history']
    assert [(one['time'], one['cpu']) for one in found[f'node/{name}-pve1']] == [(now - 7200, 2), (now - 3600, 1)]
    assert list(found) == [f'node/{name}-pve1']
    assert list(run.result('guest')['clusters'][0]['history']) == ['qemu/9000']
    assert 'history' not in run.result('without')['clusters'][0]


def test_no_cluster_at_all_is_told(fleet, run_playbook, register):
    run = run_playbook([{'name': 'facts', FACTS: {}}, {'name': 'info', INFO: {'clusters': []}}]).ok()
    assert run.result('facts')['nodes'] == []
    assert run.result('facts')['warnings'] == ['No cluster is registered.']
    assert run.result('info')['summary']['status'] == 'unknown'
    assert run.result('info')['warnings'] == ['No registered cluster fits clusters: [].']


def test_clusters_are_asked_at_once_and_each_no_more_than_wanted(fleet, run_playbook, register):
    sim = fleet(clusters=3, guests=4)
    for name in sim.urls:
        register(sim, name)
    sim.control.send('POST', 'settings', latency=0.05)
    for module in (FACTS, INFO):
        sim.control.reset_log()
        run_playbook([{'name': 'ask', module: {'concurrency': 1}}]).ok()
        assert 1 < sim.control.log(limit=1)['max_concurrency'] <= 3


def test_a_list_of_targets_keeps_what_it_says_of_a_cluster_that_is_down(fleet, run_playbook, register, tmp_path):
    sim = fleet(clusters=2)
    up, down = list(sim.urls)
    register(sim, up)
    register(sim, down)
    task = {'file_sd_file': str(tmp_path / 'pve.json'), 'checks': ['no_quorum']}
    run_playbook([{'name': 'write', INFO: task}]).ok()
    before = json.loads((tmp_path / 'pve.json').read_text())
    sim.control.fault('refuse', cluster=down, path='*', count=0)
    run = run_playbook([{'name': 'again', INFO: task}]).ok()
    assert json.loads((tmp_path / 'pve.json').read_text()) == before
    assert not run.result('again')['changed']
    assert f'{down} did not answer' in run.result('again')['warnings'][0]


def test_both_ways_of_running_return_the_same(fleet, run_playbook, register):
    sim = fleet(guests=5)
    name = next(iter(sim.urls))
    register(sim, name)
    tasks = [
        {'name': 'facts', FACTS: {'gather_subset': ['network', 'certificates', 'services']}},
        {'name': 'direct', FACTS: {**direct(sim, name), 'gather_subset': ['dns']}},
        {'name': 'info', INFO: {'checks': ['too_few_nodes', 'certificate_expiring']}},
    ]
    inside, outside = (run_playbook(tasks, args=['-e', f'pve_fleet_in_process={flag}']).ok() for flag in ('true', 'false'))
    moving = {'cpu', 'memory_used', 'uptime', 'used', 'cpus', 'days_left', 'disk_used', 'mem', 'share'}

    def steady(value):
        if isinstance(value, dict):
            return {key: steady(one) for key, one in value.items() if key not in moving}
        return [steady(one) for one in value] if isinstance(value, list) else value

    for one in ('facts', 'direct', 'info'):
        assert steady(inside.result(one)) == steady(outside.result(one))
