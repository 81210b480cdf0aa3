# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registering many clusters, with the servers' answers given at the wire."""

from __future__ import annotations

import json
import os
import tempfile
import time

from row import row

CLUSTERS = 1000
NAMES = ('registering_1000_clusters',)
NODES = [{'type': 'node', 'name': f'pve{number}', 'ip': f'10.0.0.{number}', 'online': 1, 'local': int(number == 1)} for number in (1, 2, 3)]
ANSWERS = {
    'version': {'version': '9.0.3', 'release': '9.0', 'repoid': 'x'},
    'status': [{'type': 'cluster', 'name': 'c', 'quorate': 1, 'nodes': 3}, *NODES],
    'resources': [{'type': 'node', 'node': node['name'], 'id': f'node/{node["name"]}'} for node in NODES],
}


def rows():
    """Seconds for all of them by the module's own logic: proof, plan, encryption, audit record."""
    from ansible_collections.pve.fleet.plugins.module_utils import runner
    from ansible_collections.pve.fleet.plugins.module_utils.api.transport import Answer, Transport
    from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
    from ansible_collections.pve.fleet.plugins.modules.pve_cluster_registry import SPEC
    from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

    def send(self, endpoint, method, target, body=None, headers=None, read_timeout=None):
        data = json.dumps({'data': ANSWERS[target.rpartition('/')[2]]}).encode()
        return Answer(200, 'OK', 'application/json', data)

    real, Transport.send = Transport.send, send
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = os.path.join(folder, 'registry.db')
            began = time.perf_counter()
            for number in range(CLUSTERS):
                given = {
                    'name': f'cluster-{number}',
                    'endpoints': [{'host': f'10.{number // 250}.{number % 250}.1'}],
                    'api_token_id': 'fleet@pve!ci',
                    'api_token_secret': 'secret',
                    'registry_url': url,
                }
                params = validate(SPEC, given, 'pve_cluster_registry')[0]
                result = runner.execute(SPEC, params, Access(params, environment={}))
                if not result['changed']:
                    raise RuntimeError(result)
            took = time.perf_counter() - began
    finally:
        Transport.send = real
    yield row('registering_1000_clusters', 's', took, goal='ours < 10')
