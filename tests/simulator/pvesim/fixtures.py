"""Python API and pytest fixtures: a simulator in this process (a thread of its own) or in another.

    with pvesim.fixtures.running(start_state='single') as sim:
        requests.get(sim.url + '/api2/json/version', verify=sim.ca_path, ...)

In a conftest.py: `from pvesim.fixtures import pvesim_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .clock import Clock
from .model.fleet import Fleet
from .server import Server

PACKAGE = Path(__file__).resolve().parents[1]
START_LIMIT = 30.0


class Control:
    """A client of the control interface; every method raises RuntimeError with the sentence of a refusal."""

    def __init__(self, url: str, ca_path: str):
        self.url = url
        self._tls = ssl.create_default_context(cafile=ca_path)

    def send(self, method: str, name: str, /, **values: Any) -> Any:
        """One command: send('POST', 'node/down', node='pve2'). See GET /pvesim/ for all."""
        request = urllib.request.Request(f'{self.url}/pvesim/{name}', method=method,
                                         data=json.dumps(values).encode() if values else None)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self._tls))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error).get('error')) from None

    def fault(self, action: str, **values: Any) -> int:
        """Put a fault on the next requests; see faults.Fault for the options. Returns its id."""
        return self.send('POST', 'faults', action=action, **values)['id']

    def clear_faults(self) -> None:
        self.send('DELETE', 'faults')

    def task_fault(self, action: str, **values: Any) -> None:
        self.send('POST', 'tasks/faults', action=action, **values)

    def log(self, limit: int = 200) -> dict[str, Any]:
        return self.send('GET', f'log?limit={limit}')

    def reset_log(self) -> None:
        self.send('DELETE', 'log')

    def expire_tickets(self, **values: Any) -> None:
        self.send('POST', 'tickets/expire', **values)

    def node_down(self, node: str, **values: Any) -> None:
        self.send('POST', 'node/down', node=node, **values)

    def node_up(self, node: str, **values: Any) -> None:
        self.send('POST', 'node/up', node=node, **values)

    def quorum(self, lost: bool, **values: Any) -> None:
        self.send('POST', 'quorum', lost=int(lost), **values)

    def hold_lock(self, vmid: int, held: bool = True, **values: Any) -> None:
        self.send('POST', 'guest/hold-lock', vmid=vmid, held=int(held), **values)

    def edit_guest(self, vmid: int, set: dict | None = None, delete: list | None = None, **values: Any) -> None:
        self.send('POST', 'guest/edit', vmid=vmid, set=set or {}, delete=delete or [], **values)

    def advance(self, seconds: float) -> None:
        self.send('POST', 'clock/advance', seconds=seconds)


class Simulator:
    """A running simulator. url: of the first cluster; urls: by cluster; ca_path: the certificate to trust.

    node_urls: of the nodes that have an address of their own, by cluster and node.
    server and fleet are None where it runs in another process.
    """

    def __init__(self, urls: dict[str, list[str]], ca_path: str, server: Server | None = None,
                 node_urls: dict[str, dict[str, str]] | None = None):
        self.urls, self.ca_path, self.server, self.node_urls = urls, ca_path, server, node_urls or {}
        self.url = next(iter(urls.values()))[0]
        self.port = urllib.parse.urlsplit(self.url).port
        self.control = Control(self.url, ca_path)

    @property
    def fleet(self) -> Fleet | None:
        return self.server.fleet if self.server else None


def default_fleet(start_state: str, release: str, time: str, begin: float | None = None) -> Fleet:
    from .model.start_states import STATES

    return STATES[start_state](release, Clock(time, begin))


@contextlib.contextmanager
def running(fleet: Fleet | None = None, start_state: str = 'single', release: str = '9', time: str = 'fast',
            begin: float | None = None, port: int = 0, node_ports: bool = False,
            folder: Path | None = None) -> Iterator[Simulator]:
    """A simulator in a thread of this process, on a free port.

    time: 'real', 'fast' or 'manual'; begin: what its clock shows at first (seconds since 1970), None for now.
    """
    server = Server(fleet or default_fleet(start_state, release, time, begin), port=port, node_ports=node_ports,
                    folder=folder)
    loop, ready, failed = asyncio.new_event_loop(), threading.Event(), []

    def serve() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(server.start())
        except Exception as error:  # noqa: BLE001 - handed to the caller below
            failed.append(error)
            ready.set()
            return
        ready.set()
        loop.run_forever()
        loop.run_until_complete(server.stop())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=serve, name='pvesim', daemon=True)
    thread.start()
    ready.wait(START_LIMIT)
    if failed:
        raise failed[0]
    try:
        yield Simulator(server.urls(), str(server.ca_path), server, server.node_urls())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_LIMIT)
        loop.close()


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[Simulator]:
    """A simulator in a process of its own, by the arguments of its command line; `--port 0` picks a free port."""
    command = [sys.executable, '-m', 'pvesim', '--json', *arguments]
    process = subprocess.Popen(command, cwd=PACKAGE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f'pvesim did not start (exit status {process.wait(10)}): {" ".join(arguments)}')
        said = json.loads(line)
        yield Simulator(said['clusters'], said['ca'], node_urls=said['nodes'])
    finally:
        process.terminate()
        process.wait(START_LIMIT)
        process.stdout.close()


try:
    import pytest
except ImportError:  # the server itself needs no pytest
    pass
else:

    @pytest.fixture
    def pvesim_server() -> Iterator[Simulator]:
        """A simulator in its start state `single`, in this process, in which nothing takes long."""
        with running() as simulator:
            yield simulator
