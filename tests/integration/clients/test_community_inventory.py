# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin of community.proxmox on a generated cluster."""
from __future__ import annotations

import json

import pytest
from playbook import ansible
from pvesim.clock import Clock
from pvesim.fixtures import running
from pvesim.model.generate import generate

pytestmark = pytest.mark.matrix
SOURCE = {
    'plugin': 'community.proxmox.proxmox', 'user': 'root@pam', 'password': 'pvesim-password', 'validate_certs': True,
    'want_facts': True, 'qemu_extended_statuses': True, 'keyed_groups': [{'key': 'proxmox_tags_parsed', 'prefix': 'tag'}],
}


@pytest.fixture
def sim():
    with running(generate(clusters=1, nodes=3, guests=30, seed=7, clock=Clock('fast'))) as simulator:
        yield simulator


def test_lists_every_guest_with_its_group_and_facts(community, tmp_path):
    source = tmp_path / 'fleet.proxmox.yml'
    source.write_text(json.dumps({**SOURCE, 'url': community.sim.url}), encoding='utf-8')
    environment = community.run.environment(**{**community.environment, 'PROXMOX_PASSWORD': 'pvesim-password'})
    answer = ansible('inventory', '-i', str(source), '--list', environment=environment)
    assert answer.returncode == 0, answer.stderr
    listed = json.loads(answer.stdout, object_hook=lambda entry: entry.get('__ansible_unsafe', entry))
    cluster = community.cluster
    guests = {guest.config.get('name', guest.config.get('hostname')): guest for guest in cluster.guests.values() if not guest.config.get('template')}
    hosts = listed['_meta']['hostvars']
    assert set(guests) <= set(hosts)
    for name, guest in guests.items():
        assert hosts[name]['proxmox_vmid'] == guest.vmid
        assert hosts[name]['proxmox_status'] == ('running' if guest.running else 'stopped')
    assert set(listed['proxmox_nodes']['hosts']) == set(cluster.nodes)
    assert set(listed['proxmox_all_lxc']['hosts']) == {name for name, guest in guests.items() if guest.kind == 'lxc'}
    assert any(group.startswith('tag_') for group in listed)
    assert not community.sim.server.errors
