# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as ansible-inventory runs it, against simulated clusters."""
from __future__ import annotations

import os
import re
import stat

import pytest
from pvesim.model.generate import token_secret

from .conftest import SEED, inline, port

TWO_OF_A_NAME = """
seed: 7
clusters:
  - {name: prod, nodes: [pve1, pve2, pve3], tokens: [{tokenid: 'root@pam!ci', secret: 11111111-2222-3333-4444-555555555555, privsep: false}],
     guests: [{name: web, node: pve1, vmid: 101}, {name: db, node: pve2, vmid: 102}]}
  - {name: lab, nodes: [pve1], tokens: [{tokenid: 'root@pam!ci', secret: 11111111-2222-3333-4444-555555555555, privsep: false}],
     guests: [{name: web, node: pve1, vmid: 100}, {name: web, node: pve1, vmid: 103}]}
"""
CI = {'api_token_id': 'root@pam!ci', 'api_token_secret': '11111111-2222-3333-4444-555555555555'}


def first(sim):
    return next(iter(sim.urls))


def requests(sim):
    return sim.control.log(limit=1)['total']


def test_names_and_groups_cost_one_request_per_cluster(fleet, listed):
    sim = fleet(clusters=2)
    names = list(sim.urls)
    sim.control.reset_log()
    found = listed({'clusters': [inline(sim, name, 'viewer') for name in names], 'hostnames': ['{{ name }}.{{ cluster }}']})
    assert requests(sim) == 2
    model = [guest for cluster in sim.fleet.clusters.values() for guest in cluster.guests.values()]
    assert len(found.hosts) == len(model)
    for name in names:
        assert found.group(f'pve_cluster_{name}') == sorted(host for host in found.hosts if host.endswith(f'.{name}'))
    running = [host for host, one in found.hosts.items() if one['pve_status'] == 'running']
    assert found.group('pve_status_running') == sorted(running)
    assert {one['pve_template'] for host, one in found.hosts.items() if host in found.group('pve_template')} == {True}
    one = found.hosts[f'debian-13.{names[0]}']
    assert (one['pve_vmid'], one['pve_type'], one['pve_tags']) == (9000, 'qemu', ['template'])


def test_configuration_is_what_pve_vm_returns_and_addresses_become_ansible_host(fleet, listed, run_playbook):
    sim = fleet(guests=6)
    name = first(sim)
    found = listed({'clusters': [inline(sim, name)], 'gather': ['config', 'network', 'snapshots'], 'nodes': True})
    host, one = next((host, one) for host, one in found.hosts.items() if one['pve_type'] == 'qemu' and one['pve_status'] == 'running')
    login = {key: value for key, value in inline(sim, name).items() if key != 'name'}
    run = run_playbook([{'name': 'same', 'pve.fleet.pve_vm': {'vmid': one['pve_vmid'], 'state': 'present', **login}}]).ok()
    assert run.result('same')['vm']['config'] == one['pve_config']
    assert one['ansible_host'] == one['pve_addresses']['net0'][0]
    assert one['pve_snapshots'] == [] or one['pve_snapshots'][0]['name'] != 'current'
    assert host in found.group('pve_os_l26')
    nodes = found.group('pve_type_node')
    assert [found.hosts[node]['ansible_host'] for node in nodes] == [node.ip for node in sim.fleet.clusters[name].nodes.values()]


def test_only_what_the_list_does_not_say_is_asked_and_no_agent_that_is_off(fleet, listed):
    sim = fleet(guests=30)
    name = first(sim)
    model = sim.fleet.clusters[name]
    dead = f'{name}-pve3'
    sim.control.node_down(dead)
    alive = [one for one in model.guests.values() if one.node != dead]
    talking = [one for one in alive if one.running and (one.kind == 'lxc' or str(one.config.get('agent', '0')).startswith(('1', 'enabled=1')))]
    assert 0 < len(talking) < len(alive) < len(model.guests)
    for gather, wanted in (([], 1), (['config'], 1 + len(alive)), (['network'], 1 + len(alive) + len(talking)),
                           (['config', 'network', 'snapshots'], 1 + 2 * len(alive) + len(talking))):
        sim.control.reset_log()
        listed({'clusters': [inline(sim, name)], 'gather': gather})
        assert requests(sim) == wanted, gather
    sim.control.reset_log()
    listed({'clusters': [inline(sim, name)], 'nodes': True})
    assert requests(sim) == 2


def test_filters_are_applied_before_a_guest_is_asked(fleet, listed):
    sim = fleet()
    sim.control.reset_log()
    options = {'gather': ['config'], 'include': ["type == 'lxc'"], 'exclude': ["status != 'running'"], 'nodes': True}
    found = listed({'clusters': [inline(sim, first(sim))], **options})
    guests = [one for one in found.hosts.values() if one['pve_type'] != 'node']
    assert {one['pve_type'] for one in guests} == {'lxc'}
    assert len(found.group('pve_type_node')) == 3
    assert requests(sim) == 2 + len(guests)


def test_a_mistake_in_a_filter_is_told(fleet, listed):
    sim = fleet(guests=4)
    options = {'clusters': [inline(sim, first(sim))], 'include': ["statsu == 'running'"]}
    found = listed(options)
    assert found.hosts == {}
    assert "'statsu' is undefined" in found.warnings
    strict = listed({**options, 'strict': True})
    assert "'statsu' is undefined" in strict.warnings
    assert 'Failed to parse' in strict.warnings
    assert 'Traceback' not in strict.stderr


def test_constructed_groups_names_and_variables(fleet, listed):
    sim = fleet()
    found = listed({
        'clusters': [inline(sim, first(sim))],
        'compose': {'ansible_user': "'ops'", 'big': 'memory > 4 * 1024 ** 3', 'site': "pve_node | regex_replace('-.*', '')"},
        'groups': {'big_ones': 'big', 'never': 'nosuch is defined and nosuch'},
        'keyed_groups': [{'key': 'tags', 'prefix': 'tag'}, {'key': 'pool', 'prefix': 'team', 'parent_group': 'teams', 'default_value': 'none'}],
        'default_groups': [], 'prefix': 'pve_',
    })
    for host, one in found.hosts.items():
        assert one['ansible_user'] == 'ops'
        assert one['site'] == one['pve_node'].split('-')[0]
        assert (host in found.group('big_ones')) == (one['pve_memory'] > 4 * 1024**3)
        assert all(host in found.group(f'tag_{tag}') for tag in one['pve_tags'])
        assert host in found.group(f'team_{one["pve_pool"] or "none"}')
    assert not found.group('never')
    assert 'team_none' in found.data['teams']['children']


def test_guests_of_a_dead_node_stay_with_status_unknown(fleet, listed):
    sim = fleet()
    name = first(sim)
    dead = f'{name}-pve2'
    options = {'clusters': [inline(sim, name)], 'gather': ['config']}
    before = listed(options)
    sim.control.node_down(dead)
    after = listed(options)
    assert set(after.hosts) == set(before.hosts)
    lost = [one for one in after.hosts.values() if one['pve_node'] == dead]
    assert lost
    assert {one['pve_status'] for one in lost} == {'unknown'}
    assert all('pve_config' in one for one in after.hosts.values() if one['pve_node'] != dead)
    assert f'node {dead} is offline' in after.warnings


def test_an_agent_that_hangs_costs_its_own_guest_only(fleet, listed):
    sim = fleet(time='real', guests=12)
    name = first(sim)
    options = {'clusters': [inline(sim, name)], 'gather': ['network'], 'agent_timeout': 0.5, 'include': ["status == 'running'"]}
    before = listed(options).hosts
    host, one = next((host, one) for host, one in before.items() if one['pve_type'] == 'qemu' and 'pve_problems' not in one)
    path = f'/nodes/{one["pve_node"]}/qemu/{one["pve_vmid"]}/agent/network-get-interfaces'
    sim.control.fault('delay', method='GET', path=path, seconds=30, count=0)
    after = listed(options)
    assert 'no answer within 0.5 s' in after.hosts[host]['pve_problems'][0]
    assert host in after.warnings
    unchanged = {name: found['pve_addresses'] for name, found in before.items() if name != host}
    assert {name: found['pve_addresses'] for name, found in after.hosts.items() if name != host} == unchanged


def test_one_guest_that_fails_does_not_touch_the_others(fleet, listed):
    sim = fleet(guests=8)
    sim.control.fault('status', method='GET', path='/nodes/*/qemu/9000/config', status=500, message='unable to parse', count=0)
    found = listed({'clusters': [inline(sim, first(sim))], 'gather': ['config']})
    assert 'unable to parse' in found.hosts['debian-13']['pve_problems'][0]
    assert sum('pve_config' in one for one in found.hosts.values()) == len(found.hosts) - 1
    assert 'unable to parse' in found.warnings


def test_equal_names_never_become_one_host(fleet, listed):
    sim = fleet(TWO_OF_A_NAME)
    clusters = [{**CI, 'name': name, 'api_host': f'127.0.0.1:{port(sim, name)}', 'ca_path': sim.ca_path} for name in ('prod', 'lab')]
    found = listed({'clusters': clusters})
    assert sorted(found.hosts) == ['db', 'web-100.lab', 'web-103.lab', 'web.prod']
    assert 'would both be the host web' in found.warnings
    named = listed({'clusters': clusters, 'hostnames': ['{{ name }}', '{{ name }}-{{ vmid }}']})
    assert sorted(named.hosts) == ['db', 'web-100', 'web-101', 'web-103']
    refused = listed({'clusters': clusters, 'on_duplicate': 'fail'})
    assert refused.hosts == {}
    assert 'would both be the host web' in refused.warnings


def test_no_more_requests_at_once_than_wanted(fleet, listed):
    sim = fleet(guests=60)
    sim.control.send('POST', 'settings', latency=0.01)
    options = {'clusters': [inline(sim, first(sim))], 'gather': ['config']}
    for wanted, most in ((None, 5), (2, 2)):
        sim.control.reset_log()
        listed({**options, **({'concurrency': wanted} if wanted else {})})
        assert sim.control.log(limit=1)['max_concurrency'] == most


# --- cache and clusters that are down ----------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path):
    """Options for a cache in files."""
    return {'cache': True, 'cache_plugin': 'ansible.builtin.jsonfile', 'cache_connection': str(tmp_path / 'cache'), 'cache_timeout': 600}


def test_a_warm_cache_needs_no_request(fleet, listed, cached):
    sim = fleet(clusters=2)
    names = list(sim.urls)
    options = {'clusters': [inline(sim, name) for name in names], 'gather': ['config', 'network'], 'hostnames': ['{{ name }}.{{ cluster }}'], **cached}
    cold = listed(options)
    sim.control.reset_log()
    warm = listed(options)
    assert requests(sim) == 0
    assert warm.hosts == cold.hosts
    assert len(os.listdir(cached['cache_connection'])) == 2
    one = listed({**options, 'refresh': [names[1]]})
    asked = sim.control.log(limit=1)['counts']
    assert asked['GET /cluster/resources'] == 1
    assert set(one.hosts) == set(cold.hosts)


def test_one_cluster_is_asked_anew_by_a_variable_and_all_by_flushing(fleet, listed, cached, run_playbook, tmp_path):
    sim = fleet(clusters=2, guests=4)
    one, other = list(sim.urls)
    options = {'clusters': [inline(sim, one), inline(sim, other)], 'hostnames': ['{{ name }}.{{ cluster }}'], **cached}
    listed(options)
    sim.control.fault('status', cluster=one, path='*', status=403, message='Permission check failed', count=0)
    sim.control.reset_log()
    listed(options, env={'PVE_INVENTORY_REFRESH': f'{other},elsewhere'})
    assert [entry['path'] for entry in sim.control.log()['requests'] if 'pvesim' not in entry['path']] == ['/cluster/resources']
    sim.control.reset_log()
    play = [{'hosts': 'all', 'gather_facts': False, 'tasks': []}]  # ansible-inventory has had the option since ansible-core 2.19 only
    flushed = run_playbook(play, str(tmp_path / 'fleet.pve.yml'), {'COLUMNS': '4000'}, ['--flush-cache']).ok()
    assert sim.control.log(limit=1)['counts'] == {'GET /cluster/resources': 2}
    assert f'cluster {one} is shown as it was' in ' '.join(flushed.stderr.split())


def test_a_cache_in_memory_leaves_nothing_behind(fleet, listed, tmp_path):
    sim = fleet(guests=4)
    before = sorted(path.name for path in tmp_path.iterdir())
    found = listed({'clusters': [inline(sim, first(sim))], 'cache': True})
    assert found.hosts
    assert sorted({path.name for path in tmp_path.iterdir()} - set(before)) == ['fleet.pve.yml', 'home']


def test_a_cache_that_is_damaged_is_as_if_it_were_empty(fleet, listed, cached, tmp_path):
    sim = fleet(guests=4)
    options = {'clusters': [inline(sim, first(sim))], **cached}
    before = listed(options)
    file, = (tmp_path / 'cache').iterdir()
    file.write_text(file.read_text()[:40])
    assert set(listed(options).hosts) == set(before.hosts)
    assert listed(options).stderr == ''


def test_a_cluster_that_is_down_is_shown_as_it_was(fleet, listed, cached):
    sim = fleet(clusters=2)
    up, down = list(sim.urls)
    options = {'clusters': [inline(sim, up), inline(sim, down)], 'hostnames': ['{{ name }}.{{ cluster }}'], **cached, 'refresh': [up, down]}
    before = listed(options)
    sim.control.fault('status', cluster=down, path='*', status=403, message='Permission check failed', count=0)
    stale = listed(options)
    assert set(stale.hosts) == set(before.hosts)
    assert re.search(rf'cluster {down} is shown as it was \d+ s ago: .*Permission check failed', stale.warnings)
    skipped = listed({**options, 'on_error': 'skip'})
    assert {one['pve_cluster'] for one in skipped.hosts.values()} == {up}
    assert f'cluster {down} is left out' in skipped.warnings
    failed = listed({**options, 'on_error': 'fail'})
    assert failed.hosts == {}
    assert 'Permission check failed' in failed.warnings


def test_a_failure_is_not_tried_again_at_once(fleet, listed, cached):
    sim = fleet()
    name = first(sim)
    sim.control.fault('status', path='*', status=403, message='Permission check failed', count=0)
    options = {'clusters': [inline(sim, name)], **cached}
    listed(options)
    sim.control.reset_log()
    again = listed(options)
    assert requests(sim) == 0
    assert 'not tried again yet' in again.warnings


def test_the_registry_remembers_what_the_cache_does_not(fleet, listed, register, run_playbook):
    sim = fleet(nodes=3)
    name = first(sim)
    register(sim, name)
    run_playbook([{'name': 'sample', 'pve.fleet.pve_cluster_info': {'store_sample': True}}]).ok()
    before = listed()
    assert before.hosts
    sim.control.fault('refuse', path='*', count=0)
    after = listed()
    assert set(after.hosts) == set(before.hosts)
    assert f'cluster {name} is shown as it was' in after.warnings


# --- trust, secrets, AWX -----------------------------------------------------------------------------------------------

INJECTION = """
seed: 7
clusters:
  - name: prod
    nodes: [pve1]
    tokens: [{tokenid: 'root@pam!ci', secret: 11111111-2222-3333-4444-555555555555, privsep: false}]
    guests: [{name: web, node: pve1, vmid: 100, config: {description: "{{ lookup('ansible.builtin.pipe', 'id') }} {{ 6 * 7 }}"}}]
"""


@pytest.mark.oldest
def test_texts_of_the_api_are_never_rendered(fleet, listed, run_playbook, tmp_path):
    sim = fleet(INJECTION)
    text = "{{ lookup('ansible.builtin.pipe', 'id') }} {{ 6 * 7 }}"
    guest = sim.fleet.clusters['prod'].guests[100]
    guest.config.update(name=f'web{text}', tags='{{6*7}};{%x%}')
    cluster = {**CI, 'name': 'prod', 'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path}
    made = {'note': 'config.description', 'title': "name ~ '!'"}
    found = listed({'clusters': [cluster], 'gather': ['config'], 'compose': made, 'keyed_groups': [{'key': 'tags', 'prefix': 'k'}, {'key': 'name'}]})
    assert 'WARNING' not in found.stderr
    shown = '{{ inventory_hostname }}|{{ pve_name }}|{{ pve_config.description }}|{{ note }}|{{ title }}|{{ pve_tags | join }}|{{ groups.all | join }}'
    play = [{'hosts': 'all', 'gather_facts': False, 'tasks': [
        {'name': 'show', 'ansible.builtin.set_fact': {'shown': shown}, 'delegate_to': 'localhost'}]}]
    run = run_playbook(play, str(tmp_path / 'fleet.pve.yml'), {'ANSIBLE_INVENTORY_ENABLED': 'pve.fleet.pve'}).ok()
    name = f'web{text}'
    assert run.result('show')['ansible_facts']['shown'] == f'{name}|{name}|{text}|{text}|{name}!|{{%x%}}{{{{6*7}}}}|{name}'


def test_secrets_appear_nowhere(fleet, listed, cached, tmp_path):
    sim = fleet(guests=4)
    name = first(sim)
    secret = token_secret(SEED, name, 'admin')
    sim.control.edit_guest(9000, set={'cipassword': 'c4n4ry-passw0rd'})
    done = [
        listed({'clusters': [inline(sim, name)], 'gather': ['config'], **cached}, args=['-vvvv']),
        listed({'clusters': [inline(sim, name, api_token_id='fleet@pve!nosuch')], 'on_error': 'fail'}, args=['-vvvv']),
    ]
    kept = ''.join(file.read_text() for file in (tmp_path / 'cache').iterdir())
    for text in [kept, *(str(one.data) + one.stderr for one in done)]:
        assert secret not in text
        assert 'c4n4ry' not in text


def test_a_key_that_does_not_fit_is_an_error_and_not_an_empty_inventory(fleet, listed, register):
    sim = fleet(clusters=2, guests=4)
    for name in sim.urls:
        register(sim, name)
    found = listed({'hostnames': ['{{ name }}.{{ cluster }}']}, env={'PVE_REGISTRY_KEY': 'A' * 43 + '='})
    assert 'Failed to parse' in found.warnings
    assert 'The key does not fit the registry' in found.warnings


def test_a_certificate_that_is_not_verified_by_wish_is_no_matter_for_warnings(fleet, listed):
    sim = fleet(guests=4)
    login = {'PVE_USER': 'viewer@pve', 'PVE_PASSWORD': 'pvesim-password'}
    found = listed(env={'PVE_HOST': f'127.0.0.1:{port(sim, first(sim))}', 'PVE_VALIDATE_CERTS': 'false', **login})
    assert found.hosts
    assert found.stderr == ''


SELECTED = [
    (None, 'abc'), ('all', 'abc'), (['b'], 'b'), ('c', 'c'), (['c', 'a'], 'ac'), ({'labels': {'site': 'x'}}, 'ab'), ({'labels': {'site': ['x', 'y']}}, 'abc'),
    ({'labels': {'site': 'x', 'stage': 'prod'}}, 'a'), ({'names': ['a', 'c'], 'labels': {'site': 'x'}}, 'a'), ({'status': 'healthy'}, ''), ([], ''),
]


def test_clusters_are_chosen_by_name_label_and_status(fleet, listed, register):
    sim = fleet(clusters=3, guests=3)
    short = dict(zip('abc', sim.urls, strict=True))
    labels = {'a': {'site': 'x', 'stage': 'prod'}, 'b': {'site': 'x', 'stage': 'test'}, 'c': {'site': 'y'}}
    for letter, name in short.items():
        register(sim, name, labels=labels[letter])

    def real(value):
        if isinstance(value, dict):
            return {key: real(one) if key == 'names' else one for key, one in value.items()}
        return [real(one) for one in value] if isinstance(value, list) else short.get(value, value)

    for wanted, letters in SELECTED:
        found = listed({'clusters': real(wanted), 'hostnames': ['{{ name }}.{{ cluster }}'], 'include': ['vmid == 9000']})
        assert {one['pve_cluster'] for one in found.hosts.values()} == {short[letter] for letter in letters}, wanted
        assert ('no registered cluster fits' in found.warnings) == (not letters)
    typo = listed({'clusters': [short['a'] + 'x']})
    assert f"Did you mean {short['a']}?" in typo.warnings or short['a'] in typo.warnings


def test_awx_needs_only_variables_and_a_file(fleet, listed, tmp_path):
    sim = fleet(guests=5)
    name = first(sim)
    project = tmp_path / 'project'
    project.mkdir()
    home = tmp_path / 'fresh'
    home.mkdir()
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    env = {
        'HOME': str(home), 'PVE_HOST': f'127.0.0.1:{port(sim, name)}', 'PVE_TOKEN_ID': 'fleet@pve!viewer',
        'PVE_TOKEN_SECRET': token_secret(SEED, name, 'viewer'), 'PVE_CA_PATH': sim.ca_path, 'PVE_FLEET_HOME': str(home / 'pve-fleet'),
        'ANSIBLE_HOME': str(tmp_path / 'runner'), 'ANSIBLE_LOCAL_TEMP': str(tmp_path / 'runner'),
    }
    found = listed({'nodes': True}, name='project/awx.pve.yml', env=env)
    assert found.rc == 0
    assert len(found.group('pve_type_node')) == 3
    assert len(found.hosts) > 3
    assert os.listdir(home) == []
    assert os.listdir(project) == ['awx.pve.yml']
