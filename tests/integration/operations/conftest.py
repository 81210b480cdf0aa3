# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two registered clusters: prod with two nodes and a few guests, lab with one node; and tasks on them."""
from __future__ import annotations

import contextlib
import importlib

import pytest
import yaml

MODULES = 'ansible_collections.pve.fleet.plugins.modules'
FLEET = """
seed: 7
clusters:
  - name: prod
    nodes: [pve1, pve2]
    storages: &storages
      - {storage: local, type: dir, path: /var/lib/vz, content: [iso, vztmpl, backup, images, rootdir], size: 500G}
      - {storage: local-lvm, type: lvmthin, vgname: pve, thinpool: data, content: [images, rootdir], size: 2T}
      - {storage: backup, type: nfs, server: 10.0.0.50, export: /backup, path: /mnt/pve/backup, content: [backup], size: 5T}
    pools: [shop]
    guests:
      - {name: web-01, vmid: 101, node: pve1, status: running, tags: [web, prod], pool: shop, agent: true,
         config: {agent: 1, scsi0: 'local-lvm:8', net0: 'virtio,bridge=vmbr0', ipconfig0: 'ip=10.0.0.11/24'}}
      - {name: web-02, vmid: 102, node: pve2, tags: [web], pool: shop, config: {scsi0: 'local-lvm:8', net0: 'virtio,bridge=vmbr0'}}
      - {name: raw, vmid: 103, node: pve1, config: {scsi0: 'local:2,format=raw'}}
      - {name: golden, vmid: 900, node: pve1, template: true, config: {scsi0: 'local-lvm:4'}}
      - {name: dns, vmid: 201, kind: lxc, node: pve1, status: running, tags: [infra],
         config: {rootfs: 'local-lvm:4', net0: 'name=eth0,bridge=vmbr0,ip=10.0.0.53/24'}}
  - name: lab
    nodes: [lab1]
    storages: *storages
    guests:
      - {name: db-01, vmid: 105, status: stopped, config: {scsi0: 'local-lvm:8'}}
"""


class Fleet:
    """tasks.run(module, cluster='prod', ...) -> the result of the task, also of a failed one."""

    def __init__(self, simulator, registry):
        self.simulator, self.registry = simulator, registry

    def run(self, module, check=False, **given):
        from ansible_collections.pve.fleet.plugins.module_utils import runner
        from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
        from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

        spec = importlib.import_module(f'{MODULES}.{module}').SPEC
        params, error, _warnings, _deprecations, secrets = validate(spec, {'registry_url': self.registry, **given}, module)
        if error:
            return {'failed': True, 'msg': error}
        access = Access(params, environment={})
        return runner.execute(spec, params, access, check_mode=check, diff_mode=True, secrets=secrets)

    def exact(self, module, **given):
        """Check mode tells what the run then does -> the run's result."""
        predicted = self.run(module, True, **given)
        result = self.run(module, **given)
        assert not result.get('failed'), result['msg']
        assert (predicted['changed'], predicted['changes'], predicted['diff']) == (result['changed'], result['changes'], result['diff'])
        return result

    def settled(self, module, **given):
        """exact, and the same task once more changes nothing -> the first run's result."""
        result = self.exact(module, **given)
        again = self.run(module, **given)
        assert not again.get('failed'), again['msg']
        assert (again['changed'], again['changes'], again['diff']) == (False, [], {'before': {}, 'after': {}})
        return result

    def cluster(self, name):
        return self.simulator.fleet.clusters[name]

    def guest(self, name, vmid):
        return self.cluster(name).guests.get(vmid)

    def requests(self, text=''):
        """'GET /nodes' of all requests since the last reset that have this text, logins left out."""
        entries = self.simulator.control.log(1000)['requests']
        told = [f'{one["method"]} {one["path"].removeprefix("/api2/json")}' for one in entries]
        return [one for one in told if text in one and 'access/ticket' not in one]


def described(release):
    found = yaml.safe_load(FLEET)
    return {**found, 'clusters': [{**cluster, 'release': release} for cluster in found['clusters']]}


@contextlib.contextmanager
def prepared(folder, release='9', time='fast'):
    """The fleet, both clusters registered with a token for each tier."""
    from pvesim.clock import Clock
    from pvesim.fixtures import running
    from pvesim.model.describe import build

    with running(fleet=build(described(release), Clock(time))) as simulator:
        fleet = Fleet(simulator, str(folder / 'registry.db'))
        for name, urls in simulator.urls.items():
            made = fleet.run(
                'pve_cluster_registry', name=name, ca_path=simulator.ca_path, min_nodes=1,
                endpoints=[{'host': '127.0.0.1', 'port': int(urls[0].rpartition(':')[2])}],
                api_user='root@pam', api_password='pvesim-password', create_token=True, token_tiers=['viewer', 'operator', 'admin'])
            assert not made.get('failed'), made['msg']
        simulator.control.reset_log()
        yield fleet


@pytest.fixture
def tasks(tmp_path):
    """A fleet of the test's own."""
    with prepared(tmp_path) as fleet:
        yield fleet


@pytest.fixture(scope='module')
def still(tmp_path_factory):
    """A fleet that several tests share: for tasks that change nothing."""
    with prepared(tmp_path_factory.mktemp('still')) as fleet:
        yield fleet


@pytest.fixture(params=['8.4', '7.4'])
def elder(request, tmp_path):
    """The same in an older release."""
    with prepared(tmp_path, request.param) as fleet:
        yield fleet


@pytest.fixture
def slow(tmp_path):
    """The same where work takes its time."""
    with prepared(tmp_path, time='real') as fleet:
        yield fleet
