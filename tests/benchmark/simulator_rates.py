# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator costs: reads per second over TLS, start with 10,000 guests, memory with 20,000.

The floor of the reads is an aiohttp server in the same place that answers the same number of bytes without looking at the
request. Both run in a process of their own; the client sends on a few kept connections and reads whole answers. Rates are
given by the clock and, since a shared machine makes that unsteady, per second of the server's own CPU time.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from row import row

SIMULATOR = Path(__file__).resolve().parent.parent / 'simulator'
SECONDS = 4.0
CONNECTIONS = 8
START_LIMIT = 60
SEED = 7
NAMES = ('simulator reads', 'simulator start with 10,000 guests', 'simulator memory with 50 clusters and 20,000 guests')
BARE = """
import asyncio, json, ssl, sys
from aiohttp import web

BODY = b'x' * int(sys.argv[3])

async def answer(request):
    return web.Response(body=BODY, content_type='application/json')

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, '127.0.0.1', 0, ssl_context=context)
    await site.start()
    print(json.dumps({'port': site._server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.contextmanager
def served(command: list[str]) -> Iterator[tuple[subprocess.Popen, dict, float]]:
    """The process of a server, the line of JSON with which it says that it is ready, and the seconds until then."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'PYTHONPATH': str(SIMULATOR)}) as process:
        try:
            line = process.stdout.readline()
            yield process, json.loads(line), time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(START_LIMIT)


def pvesim(**options: object) -> list[str]:
    words = [word for name, value in options.items() for word in (f'--{name}', str(value))]
    return [sys.executable, '-m', 'pvesim', '--port', '0', '--json', *words]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_mib(pid: int) -> float:
    text = Path(f'/proc/{pid}/status').read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith('VmRSS')) / 1024


def connect(port: int) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(('127.0.0.1', port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain)


def read_answer(connection: ssl.SSLSocket) -> bytes:
    """The body of one answer that has a Content-Length; raises RuntimeError unless it is a 200."""
    data = connection.recv(65536)
    while b'\r\n\r\n' not in data:
        data += connection.recv(65536)
    head, dummy, body = data.partition(b'\r\n\r\n')
    if not head.startswith(b'HTTP/1.1 200'):
        raise RuntimeError(f'the server answered {head.splitlines()[0].decode()}')
    length = int(head.lower().partition(b'content-length:')[2].split(b'\r\n')[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def rates(port: int, pid: int, path: str, token: str = '') -> tuple[float, float, int]:
    """(requests per second, requests per CPU second of the server, bytes of a body)."""
    authorization = f'Authorization: PVEAPIToken={token}\r\n' if token else ''
    request = f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n'.encode()
    connections = [connect(port) for dummy in range(CONNECTIONS)]
    size = exchange(connections, request)
    cpu, began, count = cpu_seconds(pid), time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < SECONDS:
        exchange(connections, request)
        count += len(connections)
    used = cpu_seconds(pid) - cpu
    for connection in connections:
        connection.close()
    return count / spent, count / max(used, 0.01), size


def exchange(connections: list[ssl.SSLSocket], request: bytes) -> int:
    for connection in connections:
        connection.sendall(request)
    return [len(read_answer(connection)) for connection in connections][-1]


def port_of(ready: dict) -> tuple[str, int]:
    """(name, port) of the first cluster."""
    name, urls = next(iter(ready['clusters'].items()))
    return name, urllib.parse.urlsplit(urls[0]).port


def reads(certificate: Path) -> Iterator[dict]:
    sys.path.insert(0, str(SIMULATOR))
    from pvesim.model.generate import token_secret

    with served(pvesim(nodes=3, guests=200, seed=SEED, state=certificate)) as (process, ready, _spent):
        name, port = port_of(ready)
        token = f'fleet@pve!admin={token_secret(SEED, name, "admin")}'
        guest = first_machine(port, token)
        measured = {label: rates(port, process.pid, path, token) for label, path in (
            ('version', '/api2/json/version'), ('guest config', f'/api2/json/nodes/{guest["node"]}/qemu/{guest["vmid"]}/config'),
            ('resources of 200 guests', '/api2/json/cluster/resources'))}
    files = sorted(certificate.rglob('*.pem'))
    for label, (rate, by_cpu, size) in measured.items():
        bare, bare_by_cpu = bare_rates(files, size)
        goal = 'ours >= 2000' if label != 'resources of 200 guests' else None
        yield row(NAMES[0], f'{label}/s', rate, floor=bare, goal=goal)
        yield row(NAMES[0], f'{label}/CPU-s', by_cpu, floor=bare_by_cpu)


def first_machine(port: int, token: str) -> dict:
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection('127.0.0.1', port, context=context)
    connection.request('GET', '/api2/json/cluster/resources?type=vm', headers={'Authorization': f'PVEAPIToken={token}'})
    rows = json.loads(connection.getresponse().read())['data']
    connection.close()
    return next(entry for entry in rows if entry['type'] == 'qemu' and entry['status'] == 'running')


def bare_rates(files: list[Path], size: int) -> tuple[float, float]:
    certificate, key = own_certificate(files)
    with served([sys.executable, '-c', BARE, str(certificate), str(key), str(size)]) as (process, ready, _spent):
        rate, by_cpu, _size = rates(ready['port'], process.pid, '/')
    return rate, by_cpu


def own_certificate(files: list[Path]) -> tuple[Path, Path]:
    """A certificate and its key among the files that the simulator keeps."""
    for certificate in files:
        for key in files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with contextlib.suppress(ssl.SSLError, OSError):
                context.load_cert_chain(certificate, key)
                return certificate, key
    raise RuntimeError(f'there is no certificate with its key among {[file.name for file in files]}')


def rows(only: str | None = None) -> Iterator[dict]:
    """All rows, or those of one name."""
    if only in (None, NAMES[0]):
        with tempfile.TemporaryDirectory() as folder:
            yield from reads(Path(folder))
    if only in (None, NAMES[1]):
        with served(pvesim(nodes=5, guests=10000, seed=SEED)) as (_process, _ready, spent):
            yield row(NAMES[1], 's', spent, goal='ours <= 2')
    if only in (None, NAMES[2]):
        with served(pvesim(clusters=50, nodes=5, guests=400, seed=SEED)) as (process, _ready, _spent):
            yield row(NAMES[2], 'MiB', resident_mib(process.pid), goal='ours <= 1024')


if __name__ == '__main__':
    for one in rows():
        print(json.dumps(one))
