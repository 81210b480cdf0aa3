# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that clash, groups that nest, variables with another prefix."""
from __future__ import annotations

import time

import pytest
import yaml

from .conftest import inline, port

CI = {'api_token_id': 'root@pam!ci', 'api_token_secret': '11111111-2222-3333-4444-555555555555'}
TOKENS = "tokens: [{tokenid: 'root@pam!ci', secret: 11111111-2222-3333-4444-555555555555, privsep: false}]"
ODD = f"""
seed: 7
clusters:
  - {{name: prod, nodes: [eu-pve1, pve2], {TOKENS}, pools: [shop, shop/web, shop/web/blue],
     guests: [{{name: localhost, node: eu-pve1}}, {{name: all, node: pve2}},
              {{name: web, node: eu-pve1, pool: shop/web/blue}}, {{name: db, node: pve2, pool: shop}}]}}
  - {{name: prod-eu, nodes: [pve1], {TOKENS}, guests: [{{name: other, node: pve1}}]}}
  - {{name: prod_eu, nodes: [pve9], {TOKENS}, guests: [{{name: third, node: pve9}}]}}
"""


@pytest.fixture
def odd(fleet):
    """Options for three clusters with names that are hard to tell apart."""
    sim = fleet(ODD)
    return {'clusters': [{**CI, 'name': name, 'api_host': f'127.0.0.1:{port(sim, name)}', 'ca_path': sim.ca_path} for name in sim.urls]}


def members(data, group):
    """All hosts of a group and the groups below it."""
    entry = data.get(group, {})
    return {*entry.get('hosts', ()), *(host for child in entry.get('children', ()) for host in members(data, child))}


def test_no_guest_passes_for_the_controller_or_for_a_group_of_ansible(odd, listed, run_playbook, tmp_path):
    found = listed(odd)
    assert 'localhost' not in found.hosts
    assert 'all' not in found.hosts
    assert {'localhost.prod', 'all.prod'} <= set(found.hosts)
    assert 'qemu 100 in cluster prod does not become the host localhost' in found.warnings
    play = [{'name': 'where', 'ansible.builtin.debug': {'var': 'ansible_connection'}}]
    run = run_playbook(play, str(tmp_path / 'fleet.pve.yml'), {'ANSIBLE_INVENTORY_ENABLED': 'pve.fleet.pve'}).ok()
    assert run.result('where')['ansible_connection'] == 'local'


def test_no_guest_is_in_the_group_of_another_cluster_or_node(odd, listed):
    found = listed(odd)
    for kind, fact in (('cluster', 'pve_cluster'), ('node', 'pve_node')):
        groups = [name for name in found.data if name.startswith(f'pve_{kind}_')]
        places = [{(found.hosts[host]['pve_cluster'], found.hosts[host][fact]) for host in members(found.data, group)} for group in groups]
        assert all(len(place) == 1 for place in places)
    assert members(found.data, 'pve_cluster_prod') == {'localhost.prod', 'all.prod', 'web', 'db'}
    assert 'since another one would have the same name' in found.warnings


def test_pools_nest(odd, listed):
    found = listed(odd)
    assert found.data['pve_pool_shop']['children'] == ['pve_pool_shop_web']
    assert found.group('pve_pool_shop') == ['db']
    assert found.group('pve_pool_shop_web_blue') == ['web']
    assert members(found.data, 'pve_pool_shop') == {'web', 'db'}
    assert found.hosts['web']['pve_pool'] == 'shop/web/blue'


def test_variables_and_groups_have_the_prefixes_that_are_wanted(fleet, listed):
    sim = fleet(guests=4)
    name = next(iter(sim.urls))
    cluster = [inline(sim, name)]
    found = listed({'clusters': cluster, 'prefix': 'px_', 'group_prefix': 'dc_', 'include': ['px_template'], 'hostnames': ['{{ px_name }}-{{ vmid }}']})
    assert found.hosts['debian-13-9000']['px_vmid'] == 9000
    assert not [key for one in found.hosts.values() for key in one if not key.startswith('px_')]
    assert 'debian-13-9000' in found.group(f'dc_cluster_{name}')
    bare = listed({'clusters': cluster, 'prefix': ''})
    assert bare.hosts['debian-13']['vmid'] == 9000
    refused = listed({'clusters': cluster, 'prefix': 'my-'})
    assert "'my-' cannot begin the name of a variable" in refused.warnings


def test_a_hostname_template_that_never_serves_is_told(fleet, listed):
    sim = fleet(guests=4)
    options = {'clusters': [inline(sim, next(iter(sim.urls)))], 'hostnames': ['{{ nam }}', '{{ name }}']}
    found = listed(options)
    assert 'debian-13' in found.hosts
    assert "'nam' is undefined" in found.warnings
    some = listed({**options, 'hostnames': ["{{ pool | replace('x', 'y') if pool else nothing }}", '{{ name }}-{{ vmid }}']})
    assert 'nothing' not in some.warnings


def test_an_option_that_does_not_exist_is_told(fleet, listed):
    sim = fleet(guests=4)
    found = listed({'clusters': [inline(sim, next(iter(sim.urls)))], 'includes': ['template']})
    assert 'there is no option includes, and it is ignored. Did you mean include' in found.warnings


def test_filters_see_extra_variables_when_they_shall(fleet, listed):
    sim = fleet(guests=4)
    options = {'clusters': [inline(sim, next(iter(sim.urls)))], 'include': ['vmid == wanted | int'], 'use_extra_vars': True}
    assert list(listed(options, args=['-e', 'wanted=9000']).hosts) == ['debian-13']
    assert list(listed(options, args=['-e', 'wanted=9001']).hosts) == ['ubuntu-2404']


def test_a_guest_made_just_now_has_its_name_and_one_whose_name_nobody_knows_its_id(fleet, listed):
    sim = fleet(guests=4)
    name = next(iter(sim.urls))
    guest = sim.fleet.clusters[name].guests[9000]
    guest.created_at = time.time() + 3600  # no node has told of it yet
    found = listed({'clusters': [inline(sim, name)]})
    assert found.hosts['debian-13']['pve_vmid'] == 9000
    sim.control.fault('status', path=f'/nodes/{guest.node}/qemu', status=595, message='', count=0)
    lost = listed({'clusters': [inline(sim, name)]})
    assert lost.hosts['qemu-9000']['pve_node'] == guest.node


def test_one_expression_serves_for_guests_and_nodes(fleet, listed):
    sim = fleet(guests=4)
    options = {'clusters': [inline(sim, next(iter(sim.urls)))], 'nodes': True, 'strict': True, 'keyed_groups': [{'key': 'tags', 'prefix': 't'}],
               'groups': {'numbered': 'vmid is not none', 'old': 'template'}, 'compose': {'place': "pool | default('none', true)"}}
    found = listed(options)
    assert found.stderr == ''
    nodes = found.group('pve_type_node')
    assert len(nodes) == 3
    assert not set(nodes) & {*found.group('numbered'), *found.group('old')}
    assert {found.hosts[node]['place'] for node in nodes} == {'none'}


def test_a_login_that_may_see_nothing_is_told_so(fleet, listed):
    sim = fleet(f"""
clusters:
  - {{name: prod, nodes: [pve1], guests: [{{name: web}}], users: [{{userid: ci@pve}}],
      tokens: [{{tokenid: 'ci@pve!blind', secret: {CI['api_token_secret']}, privsep: true}}]}}
""")
    place = {'name': 'prod', 'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path}
    found = listed({'clusters': [{**place, **CI, 'api_token_id': 'ci@pve!blind'}]})
    assert found.hosts == {}
    assert 'neither a guest nor a storage is shown to ci@pve!blind' in found.warnings


def test_files_of_one_inventory_do_not_merge_their_guests_either(fleet, listed, tmp_path):
    sim = fleet(guests=4, clusters=2)
    one, other = list(sim.urls)
    folder = tmp_path / 'inventory'
    folder.mkdir()
    for name in (one, other):
        (folder / f'{name}.pve.yml').write_text(yaml.safe_dump({'plugin': 'pve.fleet.pve', 'clusters': [inline(sim, name)], 'include': ['vmid == 9000']}))
    same = {'clusters': [inline(sim, one)], 'include': ['vmid == 9000'], 'prefix': 'px_'}
    found = listed(same, args=['-i', str(folder)])
    assert len(found.hosts) == 2
    assert found.hosts['debian-13']['px_cluster'] == found.hosts['debian-13']['pve_cluster'] == one
    assert found.hosts[f'debian-13.{other}']['pve_cluster'] == other
    assert f'would be the host debian-13, as would qemu 9000 in cluster {one} of another inventory file' in found.warnings
    strict = {'plugin': 'pve.fleet.pve', 'clusters': [inline(sim, other)], 'include': ['vmid == 9000'], 'on_duplicate': 'fail'}
    (tmp_path / 'strict.pve.yml').write_text(yaml.safe_dump(strict))
    refused = listed(same, args=['-i', str(tmp_path / 'strict.pve.yml')])
    assert {host['px_cluster'] for host in refused.hosts.values()} == {one}
    assert 'Failed to parse' in refused.warnings
