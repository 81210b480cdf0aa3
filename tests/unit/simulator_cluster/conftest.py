# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose time moves only when a test says so, asked without HTTP."""
from __future__ import annotations

import asyncio
import json

import pytest
from pvesim.behaviour import ha_manager
from pvesim.call import ApiError
from pvesim.clock import Clock
from pvesim.model import start_states
from pvesim.model.guest import Guest
from pvesim.model.node import Node
from pvesim.model.storage import Volume
from pvesim.request import Dispatcher, prepare, success_body

START = 1_795_000_000.0


class World:
    """nodes: pve1 .. pveN in a cluster (one: standalone), with a shared storage `nfs` and a local pool `tank`."""

    def __init__(self, nodes=1, release='9'):
        prepare()
        self.loop = asyncio.new_event_loop()
        state = 'single' if nodes == 1 else 'pair'
        self.fleet = start_states.STATES[state](release, Clock('manual', START))
        self.cluster = next(iter(self.fleet.clusters.values()))
        for number in range(3, nodes + 1):
            self.cluster.nodes[f'pve{number}'] = Node(f'pve{number}', f'10.111.0.{10 + number}', nodeid=number)
        for node in self.cluster.nodes.values():
            node.extra.clear()
            node.booted_at = START - 1000
            node.network = {'vmbr0': {'type': 'bridge', 'active': 1, 'bridge_ports': '', 'priority': 4}}
            node.extra['backing'] = {'zpool:tank': {'total': 1 << 40, 'used': 0}}
        self.cluster.storages['nfs'] = {'type': 'nfs', 'path': '/mnt/pve/nfs', 'server': '10.0.0.9', 'export': '/x',
                                        'content': 'images,rootdir,vztmpl'}
        self.cluster.storages['tank'] = {'type': 'zfspool', 'pool': 'tank', 'content': 'images,rootdir'}
        self.use(self.fleet)

    def use(self, fleet):
        """Ask the first cluster of that fleet from now on."""
        self.fleet, self.cluster = fleet, next(iter(fleet.clusters.values()))
        self.dispatcher = Dispatcher(self.fleet, self.cluster)

    def run(self, function):
        async def inside():
            found = function()
            for _turn in range(5):
                await asyncio.sleep(0)
            return found

        return self.loop.run_until_complete(inside())

    def send(self, method, path, auth='root@pam', /, **params):
        sent = {name: str(value) for name, value in params.items()}

        def ask():
            result = self.dispatcher.run(self.dispatcher.make_call(method, path, auth, sent))
            return json.loads(success_body(result, False))

        return self.run(ask)

    def get(self, path, auth='root@pam', /, **params):
        return self.send('GET', path, auth, **params)['data']

    def post(self, path, auth='root@pam', /, **params):
        return self.send('POST', path, auth, **params)['data']

    def put(self, path, auth='root@pam', /, **params):
        return self.send('PUT', path, auth, **params)['data']

    def delete(self, path, auth='root@pam', /, **params):
        return self.send('DELETE', path, auth, **params)['data']

    def refused(self, method, path, auth='root@pam', /, **params):
        with pytest.raises(ApiError) as caught:
            self.send(method, path, auth, **params)
        return caught.value

    def wait(self, seconds):
        """Let time pass, second by second, so that everything happens in its order."""
        for _second in range(int(seconds)):
            self.run(lambda: self.fleet.clock.advance(1))

    def done(self, upid, limit=600):
        """The exit status of a task, waited for."""
        for _second in range(limit):
            if not self.cluster.tasks[upid].running:
                return self.cluster.tasks[upid].exitstatus
            self.wait(1)
        raise AssertionError(f'{upid} has not ended after {limit} seconds')

    def finished(self, upid):
        assert self.done(upid) == 'OK', self.cluster.tasks[upid].lines

    def container(self, vmid=200, node='pve1', store='nfs', **config):
        """A stopped container with a root file system, made without a task."""
        name = f'{vmid}/vm-{vmid}-disk-0.raw' if store in ('nfs', 'local') else f'subvol-{vmid}-disk-0'
        volid = f'{store}:{name}'
        place = self.cluster.volumes.at(store, node, store == 'nfs')
        place[volid] = Volume(volid, 'images', 'subvol' if store == 'tank' else 'raw', 1 << 30, 1 << 20, vmid)
        guest = Guest(vmid, 'lxc', node, {
            'arch': 'amd64', 'ostype': 'debian', 'hostname': f'ct{vmid}', 'memory': 512, 'swap': 512, 'unprivileged': 1,
            'rootfs': f'{volid},size=1G', **config})
        self.cluster.guests[vmid] = guest
        return guest

    def down(self, name):
        self.run(lambda: ha_manager.node_changed(self.fleet, self.cluster, self.cluster.nodes[name], online=False))

    def up(self, name):
        self.run(lambda: ha_manager.node_changed(self.fleet, self.cluster, self.cluster.nodes[name], online=True))

    def row(self, id):
        return next(row for row in self.get('/cluster/resources') if row['id'] == id)


@pytest.fixture
def world(request):
    made = World(**getattr(request, 'param', {}))
    yield made
    made.loop.close()


@pytest.fixture
def three():
    made = World(nodes=3)
    yield made
    made.loop.close()


@pytest.fixture
def pair():
    made = World(nodes=2)
    yield made
    made.loop.close()
