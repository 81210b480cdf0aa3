# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_node_facts and pve_cluster_info in playbooks, against simulated clusters."""
from __future__ import annotations

import json
import re

from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

from .conftest import inline

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


def test_all_facts_of_one_node(fleet, run_playbook):
    sim = fleet()
    name = next(iter(sim.urls))
    task = {**direct(sim, name, 'admin'), 'nodes': [f'{name}-pve2'], 'gather_subset': ['all', '!hardware']}
    node, = run_playbook([{'name': 'facts', FACTS: task}]).ok().result('facts')['nodes']
    assert node['node'] == f'{name}-pve2'
    assert {'disks', 'services', 'updates', 'repositories', 'subscription', 'certificates', 'replication', 'time', 'dns', 'ceph'} <= set(node)
    assert 'pci' not in node
    assert node['disks'][0]['health'] == 'PASSED'
    assert abs(node['time']['skew']) < 60
    assert node['problems'] == {}


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
