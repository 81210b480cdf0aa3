# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the documentation of these modules are run as they stand, in their order."""
from __future__ import annotations

import re

import pytest
from module_walk import documentation

KINDS = ('acl', 'backup_job', 'cluster_options', 'group', 'ha_resource', 'ha_rule', 'pool', 'role', 'storage', 'storage_content', 'task', 'token', 'user')
NAMES = [*(f'pve_{kind}{twin}' for kind in KINDS for twin in ('', '_info')), 'pve_object', 'pve_api', 'pve_api_info']
LOGIN = {'api_user': 'root@pam', 'api_password': 'realpve1'}
# What the world of the examples has before any of them.
WORLD = (
    ('pve_api', {'path': '/nodes/pve1/qemu', 'method': 'POST', 'params': {'vmid': 101, 'name': 'web-01', 'memory': 64}}),
    ('pve_api', {'path': '/nodes/pve2/qemu', 'method': 'POST', 'params': {'vmid': 102, 'name': 'web-02', 'memory': 64}}),
    ('pve_group', {'groupid': 'operators'}),
    ('pve_user', {'userid': 'ann@pve'}),
    ('pve_user', {'userid': 'fleet@pve'}),
    ('pve_token', {'userid': 'ann@pve', 'tokenid': 'ci'}),
    ('pve_token', {'userid': 'fleet@pve', 'tokenid': 'operator'}),
    ('pve_storage', {'storage': 'ceph', 'type': 'rbd', 'pool': 'rbd', 'monhost': '10.0.0.1'}),
)
WITH_HA = ('pve_ha_rule',)
# The HA daemons of this start state run on one node only, so that nothing can be kept apart.
NEEDS_MORE_NODES = ('Never on the same node',)


@pytest.fixture
def world(walk):
    """run(module, options) in the world of the examples, where the cluster is registered as prod."""
    registry = {'registry_url': str(walk.folder / 'registry.db')}
    cluster = {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': walk.simulator.port}], 'min_nodes': 1, 'ca_path': walk.simulator.ca_path}
    assert not walk.run('pve_cluster_registry', {**cluster, **LOGIN, **registry}, login=False).get('failed')
    next(iter(walk.simulator.fleet.clusters.values())).extra['appliances'] = True
    for module, options in WORLD:
        done = walk.run(module, options)
        assert not done.get('failed'), done['msg']
    return lambda module, options: walk.run(module, {**options, **registry}, login=False)


def real(value, upid):
    """Options with what their variables stand for."""
    if isinstance(value, dict):
        return {key: real(item, upid) for key, item in value.items()}
    if isinstance(value, list):
        return [real(item, upid) for item in value]
    if isinstance(value, str) and re.fullmatch(r'\{\{ \w+\.upid \}\}', value):
        return upid
    return 'some-secret' if isinstance(value, str) and value.startswith('{{ vault') else value


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.sim(start_state='pair')
def test_examples_run(name, world, walk):
    if name in WITH_HA:
        for vmid in (101, 102):
            assert not walk.run('pve_ha_resource', {'sid': f'vm:{vmid}', 'hastate': 'stopped'}).get('failed')
    (walk.folder / 'template.tar.zst').write_bytes(b'template')
    started = walk.run('pve_api', {'path': '/nodes/pve1/qemu/101/status/start', 'method': 'POST'})
    for step in documentation(name)['examples']:
        if f'pve.fleet.{name}' not in step or step['name'] in NEEDS_MORE_NODES:
            continue
        options = real(step[f'pve.fleet.{name}'] or {}, started['upid'])
        if 'src' in options:
            options['src'] = str(walk.folder / 'template.tar.zst')
        done = world(name, options)
        assert not done.get('failed'), f'{step["name"]}: {done["msg"]}'
        assert done['warnings'] == []
