"""A cluster of pvesim that is asked without HTTP: routing, checks, rights and behaviour are the server's."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pvesim.call import ApiError
from pvesim.clock import Clock
from pvesim.model import start_states
from pvesim.model.guest import Guest
from pvesim.request import Dispatcher, prepare, success_body


class Api:
    """Requests to one cluster; parameters go as a form does: as strings, lists parted by NUL."""

    def __init__(self, state: str = 'single', release: str = '9'):
        prepare()
        self.fleet = start_states.STATES[state](release, Clock('fast'))
        self.cluster = next(iter(self.fleet.clusters.values()))
        self.dispatcher = Dispatcher(self.fleet, self.cluster)

    def send(self, method: str, path: str, auth: str, params: dict) -> Any:
        """The answer's `data` as the wire carries it; ApiError is raised."""
        sent = {name: '\0'.join(value) if isinstance(value, list) else str(value) for name, value in params.items()}
        result = asyncio.run(self._run(method, path, auth, sent))
        return json.loads(success_body(result, False))['data']

    async def _run(self, method: str, path: str, auth: str, sent: dict[str, str]) -> Any:
        result = self.dispatcher.run(self.dispatcher.make_call(method, path, auth, sent))
        for task in [task for task in self.cluster.tasks.values() if task.running]:
            done = asyncio.Event()
            task.waiters.append(lambda _task, done=done: done.set())
            await done.wait()
        return result

    def get(self, path: str, auth: str = 'root@pam', /, **params: Any) -> Any:
        return self.send('GET', path, auth, params)

    def post(self, path: str, auth: str = 'root@pam', /, **params: Any) -> Any:
        return self.send('POST', path, auth, params)

    def put(self, path: str, auth: str = 'root@pam', /, **params: Any) -> Any:
        return self.send('PUT', path, auth, params)

    def delete(self, path: str, auth: str = 'root@pam', /, **params: Any) -> Any:
        return self.send('DELETE', path, auth, params)

    def refused(self, method: str, path: str, auth: str = 'root@pam', /, **params: Any) -> ApiError:
        """The error of a request that must fail."""
        with pytest.raises(ApiError) as caught:
            self.send(method, path, auth, params)
        return caught.value

    def guest(self, vmid: int, kind: str = 'qemu', **config: Any) -> Guest:
        """Put a guest into the cluster, on its first node."""
        node = next(iter(self.cluster.nodes))
        self.cluster.guests[vmid] = Guest(vmid, kind, node, config)
        return self.cluster.guests[vmid]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def pair() -> Api:
    return Api('pair')


@pytest.fixture(params=['7.4', '8.4', '9'])
def any_release(request) -> Api:
    return Api(release=request.param)


@pytest.fixture
def older() -> Api:
    return Api(release='7.4')
