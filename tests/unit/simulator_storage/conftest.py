# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated server to send requests to, without a socket."""
from __future__ import annotations

import asyncio
import json

import pytest
from pvesim.call import ApiError
from pvesim.clock import Clock
from pvesim.model.generate import generate
from pvesim.model.start_states import STATES
from pvesim.request import Dispatcher, prepare, success_body


class Site:
    """One cluster. send() gives (status, data or message, errors); run() the exit status and the log of a task."""

    def __init__(self, fleet):
        prepare()
        self.fleet = fleet
        self.cluster = next(iter(fleet.clusters.values()))
        self.node = next(iter(self.cluster.nodes))
        self.dispatcher = Dispatcher(fleet, self.cluster)
        self.loop = asyncio.new_event_loop()

    async def answer(self, method, path, authid, upload, params):
        try:
            call = self.dispatcher.make_call(method, path, authid, {key: str(value) for key, value in params.items()})
            call.upload = upload
            found = 200, json.loads(success_body(self.dispatcher.run(call), False))['data'], None
        except ApiError as error:
            found = error.status, error.message, error.errors
        for _turn in range(2000):
            if not any(task.running for task in self.cluster.tasks.values()):
                break
            await asyncio.sleep(0)
        return found

    def send(self, method, path, authid='root@pam', /, upload=None, **params):
        values = {name.replace('__', '-'): value for name, value in params.items()}
        where = path.replace('{here}', f'/nodes/{self.node}')
        return self.loop.run_until_complete(self.answer(method, where, authid, upload, values))

    def get(self, path, /, **params):
        status, data, _errors = self.send('GET', path, **params)
        assert status == 200, data
        return data

    def run(self, method, path, authid='root@pam', /, **params):
        status, upid, errors = self.send(method, path, authid, **params)
        assert status == 200, (upid, errors)
        task = self.cluster.tasks[upid]
        return task.exitstatus, task.lines


@pytest.fixture
def site():
    made = Site(STATES['single']('9', Clock('fast')))
    yield made
    made.loop.close()


@pytest.fixture
def pair():
    made = Site(STATES['pair']('9', Clock('fast')))
    yield made
    made.loop.close()


@pytest.fixture
def generated():
    made = Site(generate(1, 3, 40, seed=3, clock=Clock('fast')))
    yield made
    made.loop.close()
