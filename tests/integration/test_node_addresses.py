# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated nodes at addresses of their own, and the client's way around one that is dead."""
from __future__ import annotations

import socket
import subprocess
import sys
import urllib.parse

import pytest
from pvesim.cli import has_loopback_network
from pvesim.clock import Clock
from pvesim.fixtures import running, started
from pvesim.model.generate import generate, token_secret

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint

pytestmark = pytest.mark.skipif(not has_loopback_network(), reason='This system has no other loopback addresses than 127.0.0.1.')
SEED = 7


@pytest.fixture
def sim():
    with running(generate(clusters=2, nodes=3, guests=6, seed=SEED, clock=Clock('fast'), loopback=True)) as simulator:
        yield simulator


def client(sim, cluster, *hosts):
    port = urllib.parse.urlsplit(sim.urls[cluster][0]).port
    credential = Credential(token_id='fleet@pve!admin', token_secret=token_secret(SEED, cluster, 'admin'))
    return Client(Connection(cluster, tuple(Endpoint(host, port) for host in hosts), credential, ca_path=sim.ca_path))


def addresses(api):
    return {entry['name']: entry['ip'] for entry in api.get('cluster', 'status') if entry['type'] == 'node'}


def refuses(url):
    parts = urllib.parse.urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_every_node_answers_where_the_cluster_says_it_is(sim):
    for cluster in sim.urls:
        found = addresses(client(sim, cluster, '127.0.0.1'))
        assert len(found) == 3
        for name, address in found.items():
            there = client(sim, cluster, address).get('cluster', 'status')
            assert [entry['name'] for entry in there if entry.get('local')] == [name]


def test_the_client_goes_on_with_the_other_nodes_when_one_dies(sim):
    cluster = next(iter(sim.urls))
    found = addresses(client(sim, cluster, '127.0.0.1'))
    first, *others = found
    api = client(sim, cluster, *found.values())
    assert api.get('version')['release'].startswith('9')
    sim.control.node_down(first, cluster=cluster)
    assert refuses(sim.node_urls[cluster][first])
    assert not any(refuses(sim.node_urls[cluster][name]) for name in others)
    online = {entry['name']: entry['online'] for entry in api.get('cluster', 'status') if entry['type'] == 'node'}
    assert online == {first: 0, **dict.fromkeys(others, 1)}
    sim.control.node_up(first, cluster=cluster)
    assert addresses(client(sim, cluster, found[first])) == found


def test_the_server_ends_without_a_word():
    command = [sys.executable, '-m', 'pvesim', '--nodes', '3', '--guests', '0', '--port', '0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert 'is ready' in process.stdout.readline()
        process.terminate()
        assert process.communicate(timeout=30) == ('', '')
        assert process.returncode == 0


def test_the_command_line_gives_generated_nodes_addresses_unless_told_otherwise():
    arguments = ('--nodes', '3', '--guests', '0', '--port', '0', '--seed', str(SEED))
    with started(*arguments) as simulator:
        urls = next(iter(simulator.node_urls.values()))
        assert len(urls) == 3
        assert not any(refuses(url) for url in urls.values())
    with started(*arguments, '--no-node-addresses') as simulator:
        assert simulator.node_urls == {}
