# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated fleets, and ansible-inventory run on them."""
from __future__ import annotations

import contextlib
import dataclasses
import json
import urllib.parse

import pytest
import yaml
from playbook import ansible
from pvesim.fixtures import running
from pvesim.model.describe import build
from pvesim.model.generate import generate, token_secret

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord, StoredCredential
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry

SEED = 7


@dataclasses.dataclass
class Listing:
    """What ansible-inventory said."""

    rc: int
    data: dict
    stderr: str

    @property
    def hosts(self):
        """{host: its variables}, plain."""
        return {name: plain(found) for name, found in self.data['_meta']['hostvars'].items()}

    def group(self, name):
        """The hosts of a group, sorted."""
        return sorted(self.data.get(name, {}).get('hosts', []))

    @property
    def warnings(self):
        return ' '.join(self.stderr.split())


def plain(value):
    """A value without the marks that ansible-inventory puts on untrusted texts."""
    if isinstance(value, dict):
        return plain(value['__ansible_unsafe']) if list(value) == ['__ansible_unsafe'] else {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def listed(run_playbook, tmp_path):
    """listed(options, name='fleet.pve.yml', env={}, args=()) -> Listing: ansible-inventory on a file of these options."""

    def run(options=None, name='fleet.pve.yml', env=None, args=()):
        file = tmp_path / name
        file.write_text(yaml.safe_dump({'plugin': 'pve.fleet.pve', **(options or {})}, sort_keys=False))
        environment = run_playbook.environment(ANSIBLE_INVENTORY_ENABLED='pve.fleet.pve', COLUMNS='4000', **(env or {}))
        done = ansible('inventory', '-i', str(file), '--list', '--export', *args, environment=environment, cwd=tmp_path)
        data = json.loads(done.stdout) if done.stdout.startswith('{') else {}
        return Listing(done.returncode, data, done.stderr)

    return run


def port(sim, name):
    return urllib.parse.urlsplit(sim.urls[name][0]).port


def inline(sim, name, token='admin', **more):
    """A simulated cluster of a generated fleet as an entry of `clusters`."""
    return {
        'name': name, 'api_host': '127.0.0.1', 'api_port': port(sim, name), 'ca_path': sim.ca_path,
        'api_token_id': f'fleet@pve!{token}', 'api_token_secret': token_secret(SEED, name, token), **more,
    }


@pytest.fixture
def fleet():
    """fleet(clusters=1, nodes=3, guests=20, time='fast') starts a generated fleet; fleet(text) a described one."""
    with contextlib.ExitStack() as stack:
        def start(text=None, time='fast', **numbers):
            made = build(yaml.safe_load(text)) if text else generate(**{'clusters': 1, 'nodes': 3, 'guests': 20, 'seed': SEED, **numbers})
            return stack.enter_context(running(made, time=time))

        yield start


@pytest.fixture
def register(run_playbook):
    """register(sim, name, **record) puts a simulated cluster of a generated fleet into the test's registry."""
    home = run_playbook.environment()['PVE_FLEET_HOME']

    def save(sim, name, **more):
        registry = open_registry(f'{home}/registry.db')
        record = ClusterRecord(name=name, endpoints=[Endpoint('127.0.0.1', port(sim, name))], ca_path=sim.ca_path, **more)
        login = StoredCredential('admin', 'token', 'fleet@pve!admin', token_secret(SEED, name, 'admin'))
        return registry, registry.save_cluster(record, [login])

    return save
