# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task uses the weakest login of a registered cluster that serves what it asks for, in the worker and elsewhere."""
from __future__ import annotations

import json

import pytest
from module_walk import spec_of

GROUPS = '/access/groups'
TASKS = [
    ('pve_api', {'path': GROUPS}, 'viewer'),
    ('pve_api', {'path': GROUPS, 'tier': 'operator'}, 'operator'),
    ('pve_api', {'path': GROUPS, 'method': 'POST', 'params': {'groupid': 'called'}}, 'admin'),
    ('pve_api', {'path': '/pools', 'method': 'POST', 'params': {'poolid': 'called'}, 'tier': 'operator'}, 'operator'),
    ('pve_object', {'path': '/cluster/firewall/options'}, 'admin'),
    ('pve_pool', {'poolid': 'walk'}, 'operator'),
    ('pve_pool_info', {}, 'viewer'),
]


@pytest.fixture
def registered(walk):
    """The options that name a registered cluster with a token for each tier."""
    registry = {'registry_url': str(walk.folder / 'registry.db')}
    cluster = {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': walk.simulator.port}], 'min_nodes': 1, 'ca_path': walk.simulator.ca_path}
    tokens = {'api_user': 'root@pam', 'api_password': 'realpve1', 'create_token': True, 'token_tiers': ['viewer', 'operator', 'admin']}
    done = walk.run('pve_cluster_registry', {**cluster, **tokens, **registry}, login=False)
    assert not done.get('failed'), done['msg']
    return {'cluster': 'prod', **registry}


@pytest.mark.parametrize(('module', 'options', 'tier'), TASKS)
def test_a_task_uses_the_weakest_login_that_serves(walk, registered, module, options, tier):
    done = walk.run(module, {**registered, **options}, login=False)
    assert not done.get('failed'), done['msg']
    used = {one['authid'] for one in walk.simulator.control.log()['requests'] if one['authid']}
    assert [one.partition('@')[0] for one in used] == [f'fleet-{tier}']


@pytest.mark.parametrize(('module', 'options', 'tier'), TASKS)
def test_a_module_elsewhere_is_handed_the_same_login(walk, registered, module, options, tier):
    from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
    from ansible_collections.pve.fleet.plugins.plugin_utils.handover import handover
    from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

    spec = spec_of(module)
    params = validate(spec, {**registered, **options}, module)[0]
    handed = json.loads(handover(spec, params, Access(params), local=False))
    assert handed['connections']['prod']['credential']['token_id'].startswith(f'fleet-{tier}@')
