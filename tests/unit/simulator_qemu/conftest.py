# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clusters to send requests to, without a socket."""
from __future__ import annotations

import asyncio
import json

import pytest
from pvesim.call import ApiError
from pvesim.clock import Clock
from pvesim.model.generate import generate
from pvesim.model.start_states import STATES
from pvesim.request import Dispatcher, prepare, success_body


class Machines:
    """One cluster. send() gives (status, data or message, errors); run() the exit status and log of the task."""

    def __init__(self, fleet):
        prepare()
        self.fleet = fleet
        self.cluster = next(iter(fleet.clusters.values()))
        self.node = next(iter(self.cluster.nodes))
        self.dispatcher = Dispatcher(fleet, self.cluster)
        self.loop = asyncio.new_event_loop()

    async def answer(self, method, path, authid, params):
        try:
            call = self.dispatcher.make_call(method, path, authid, {key: str(value) for key, value in params.items()})
            found = 200, json.loads(success_body(self.dispatcher.run(call), False))['data'], None
        except ApiError as error:
            found = error.status, error.message, error.errors
        for _turn in range(5000):
            if not any(task.running for cluster in self.fleet.clusters.values() for task in cluster.tasks.values()):
                break
            await asyncio.sleep(0)
        return found

    def send(self, method, path, authid='root@pam', /, **params):
        """Names may be written with two underscores for a dash; a path without a leading slash is below qemu/."""
        values = {name.replace('__', '-'): value for name, value in params.items()}
        where = path if path.startswith('/') else f'/nodes/{self.node}/qemu/{path}'.rstrip('/')
        return self.loop.run_until_complete(self.answer(method, where, authid, values))

    def get(self, path, /, **params):
        status, data, errors = self.send('GET', path, **params)
        assert status == 200, (data, errors)
        return data

    def put(self, path, /, **params):
        status, data, errors = self.send('PUT', path, **params)
        assert status == 200, (data, errors)
        return data

    def run(self, method, path, authid='root@pam', /, **params):
        status, upid, errors = self.send(method, path, authid, **params)
        assert status == 200, (upid, errors)
        task = self.cluster.tasks[upid]
        return task.exitstatus, task.lines

    def create(self, vmid, /, **params):
        """A VM that must come into being; its configuration."""
        ended, lines = self.run('POST', '', vmid=vmid, **params)
        assert ended == 'OK', lines
        return self.get(f'{vmid}/config')


def made(fleet):
    machines = Machines(fleet)
    yield machines
    machines.loop.close()


@pytest.fixture
def site():
    """One standalone node with the storage `local`."""
    yield from made(STATES['single']('9', Clock('fast')))


@pytest.fixture
def pair():
    """Two nodes, pve1 and pve2, with local storage only."""
    yield from made(STATES['pair']('9', Clock('fast')))


@pytest.fixture
def fleet():
    """Two generated clusters of three nodes with Ceph and LVM."""
    yield from made(generate(2, 3, 30, seed=5, clock=Clock('fast')))
