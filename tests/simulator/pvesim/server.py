"""The HTTPS server: listeners, answers as pveproxy gives them, faults, the control interface."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import socket
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import web

from . import control
from .access import certificates
from .behaviour import ha_manager
from .call import Answer, ApiError
from .faults import GARBAGE, HTML, Fault, Faults, RequestLog
from .model.cluster import Cluster
from .model.fleet import Fleet
from .model.node import Node
from .request import Dispatcher, decode_body, decode_form, error_body, split_target, success_body
from .upload import read_upload

JSON_TYPE = 'application/json;charset=UTF-8'
METHODS = frozenset(('GET', 'POST', 'PUT', 'DELETE'))
FORMATS = frozenset(('json', 'extjs', 'html'))
UNAUTHORIZED_DELAY = 3.0
HOSTS = ['localhost', '127.0.0.1', '::1']
HEADERS = {'Cache-Control': 'max-age=0', 'Pragma': 'no-cache', 'Server': 'pve-api-daemon/3.0'}
CONTROL = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff]')
LONGEST_BODY = 512 * 1024


class Listener:
    """One port: a cluster, by one of its nodes or by any."""

    def __init__(self, server: Server, cluster: Cluster, entry: Node | None):
        self.server, self.cluster, self.entry = server, cluster, entry
        self.dispatcher = Dispatcher(server.fleet, cluster, entry)
        self.port = 0
        self.of_node = False  # at a node's own address, beside the cluster's

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing escapes from here but a closed connection."""
        target, method = request.raw_path, request.method
        if target.startswith('/pvesim'):
            return await self.control(request, target)
        log, fleet = self.server.log, self.server.fleet
        kind, path, query = split_target(target)
        log.begin()
        status, authid = 0, None
        try:
            if latency := fleet.settings.get('latency'):
                await fleet.clock.sleep(latency)
            fault = self.server.faults.take(self.cluster.name, method, path) if self.server.faults.waiting else None
            if self.dispatcher.here() is None or (fault and fault.action in ('refuse', 'reset')):
                return drop(request)
            if fault and fault.action == 'delay':
                await fleet.clock.sleep(fault.seconds)
            if fault and not fault.effect and fault.action in ('status', 'garbage', 'truncated', 'html'):
                status = fault.status
                return await faulty(request, fault, b'{"data":null}')
            response, status, authid = await self.answer(request, method, kind, path, query)
            if fault and fault.action == 'reset-after':
                return drop(request)
            if fault and fault.action in ('status', 'garbage', 'truncated', 'html'):
                return await faulty(request, fault, response.body or b'')
            return response
        finally:
            self.server.changed |= method != 'GET'
            log.end(self.cluster.name, method, path, status, authid)

    async def answer(self, request: web.BaseRequest, method: str, kind: str, path: str,
                     query: str) -> tuple[web.Response, int, str | None]:
        """The response with its status and the caller."""
        extjs, authid = kind == 'extjs', None
        try:
            if method not in METHODS:
                raise plain(501, f"method '{method}' not available")
            if not kind:
                raise plain(404, 'Not Found' if path != '/' else 'no such file')
            authid = self.dispatcher.caller(method, path, request.headers)
            if kind not in FORMATS:
                return text_response(501, reason_of(f'no formatter for uri {path}, {kind}')), 501, authid
            result, delay = await self.result(request, method, path, query, authid)
        except ApiError as error:
            return await self.failure(error, extjs), error.status, authid
        except Exception as error:  # noqa: BLE001 - a fault of the simulator; it answers, and tells the operator
            self.server.report(method, path, error)
            failed = ApiError(500, f'pvesim: internal error: {type(error).__name__}: {error}')
            return await self.failure(failed, extjs), 500, authid
        if delay:
            await self.server.fleet.clock.sleep(delay)
        if isinstance(result, Answer) and result.content is not None:
            return web.Response(body=result.content, content_type=result.content_type.split(';')[0],
                                headers=HEADERS), 200, authid
        response = web.Response(body=success_body(result, extjs), headers={**HEADERS, 'Content-Type': JSON_TYPE})
        return response, 200, authid

    async def result(self, request: web.BaseRequest, method: str, path: str, query: str,
                     authid: str | None) -> tuple[Any, float]:
        """What the handler returned, and how long the answer is held back."""
        sent: dict[str, Any] = {}
        upload = None
        if request.headers.get('Content-Length', '0') != '0' or 'Transfer-Encoding' in request.headers:
            if method not in ('PUT', 'POST'):
                raise plain(501, f"Unexpected content for method '{method}'")
            content_type = request.headers.get('Content-Type', '')
            if method == 'POST' and path.endswith('/upload') and path.startswith('/nodes/'):
                sent, upload = await read_upload(request, content_type)
            else:
                sent = await self.body(request, content_type)
        if query:
            sent.update(decode_form(query))
        call = self.dispatcher.make_call(method, path, authid, sent)
        call.upload, call.headers = upload, request.headers
        return self.dispatcher.run(call), call.delay

    async def body(self, request: web.BaseRequest, content_type: str) -> dict[str, Any]:
        kind = content_type.split(';', 1)[0].strip()
        if kind not in ('', 'application/x-www-form-urlencoded', 'application/json', 'application/octet-stream'):
            raise plain(506, f"upload 'Content-Type '{content_type}' not implemented")
        length = request.content_length
        if length is not None and length > LONGEST_BODY:
            raise plain(501, 'for data too large')
        return decode_body(await request.read(), kind)

    async def failure(self, error: ApiError, extjs: bool) -> web.Response:
        delay = error.delay or (UNAUTHORIZED_DELAY if error.status == 401 else 0)
        if delay:
            await self.server.fleet.clock.sleep(delay)
        reason = reason_of(error.message)
        if not error.body:
            response = web.Response(status=error.status, reason=reason, headers=HEADERS)
        elif extjs:
            return web.Response(body=error_body(error, True), headers={**HEADERS, 'Content-Type': JSON_TYPE})
        else:
            response = web.Response(status=error.status, reason=reason, body=error_body(error, False),
                                    headers={**HEADERS, 'Content-Type': JSON_TYPE})
        response.force_close()
        return response

    async def control(self, request: web.BaseRequest, target: str) -> web.Response:
        path, dummy, query = target.partition('?')
        values: dict[str, Any] = decode_form(query)
        try:
            if body := await request.read():
                given = json.loads(body)
                if not isinstance(given, dict):
                    raise control.ControlError('the body must be a JSON object')
                values.update(given)
            self.server.changed |= request.method != 'GET'
            result = control.run(self.server, self.cluster, request.method, path[len('/pvesim'):], values)
        except (control.ControlError, json.JSONDecodeError) as error:
            return web.json_response({'error': str(error)}, status=400)
        return web.json_response({'data': result})


def reason_of(message: str) -> str:
    """The first line of a message, without what a status line cannot carry."""
    return CONTROL.sub(' ', message.split('\n', 1)[0])


def plain(status: int, reason: str) -> ApiError:
    """An answer of the proxy itself, without a body."""
    return ApiError(status, reason, body=False)


def text_response(status: int, text: str) -> web.Response:
    response = web.Response(status=status, reason=text, text=text, headers=HEADERS)
    response.force_close()
    return response


def drop(request: web.BaseRequest) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    response = web.Response()
    response.force_close()
    return response


async def faulty(request: web.BaseRequest, fault: Fault, body: bytes) -> web.StreamResponse:
    """The answer that a fault asks for."""
    if fault.action == 'truncated':
        response = web.StreamResponse(headers={**HEADERS, 'Content-Type': JSON_TYPE})
        response.content_length = max(len(body), 2)
        await response.prepare(request)
        await response.write(body[: max(1, len(body) // 2)])
        return drop(request)
    if fault.action == 'html':
        answer = web.Response(body=HTML, content_type='text/html')
    elif fault.action == 'garbage':
        answer = web.Response(body=GARBAGE, headers={**HEADERS, 'Content-Type': JSON_TYPE})
    else:
        message = fault.message or f'simulated status {fault.status}'
        error = ApiError(fault.status, message)
        answer = web.Response(status=fault.status, reason=reason_of(fault.reason or message),
                              body=error_body(error, False), headers={**HEADERS, 'Content-Type': JSON_TYPE})
    answer.force_close()
    return answer


class Server:
    """All listeners of a fleet. start() and stop() run on one event loop."""

    def __init__(self, fleet: Fleet, host: str = '127.0.0.1', port: int = 8006, folder: Path | None = None,
                 node_ports: bool = False, save: Any = None, node_addresses: bool = True):
        self.fleet, self.host, self.first_port = fleet, host, port
        self.node_ports, self.node_addresses, self.saver = node_ports, node_addresses, save
        self.faults, self.log = Faults(), RequestLog()
        self.listeners: list[Listener] = []
        self.errors: list[str] = []
        self.changed = True  # since the state was last saved
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix='pvesim-')
        self.folder = Path(folder or self._temporary.name)
        self._running: list[asyncio.AbstractServer] = []
        self._doors: dict[tuple[str, str], NodeDoor] = {}

    @property
    def ca_path(self) -> Path:
        return self.folder / 'ca.pem'

    async def start(self) -> None:
        """Open every port. Raises OSError when one is taken."""
        if not (self.folder / 'server.pem').exists():
            certificates.make(self.folder, self.names())
        tls, mark = certificates.context(self.folder), certificates.fingerprint(self.folder)
        port = self.first_port
        for cluster in self.fleet.clusters.values():
            entries = list(cluster.nodes.values()) if self.node_ports else [None]
            for entry in entries:
                await self.listen(Listener(self, cluster, entry), port, tls)
                port += 1 if port else 0
            if self.node_addresses and not self.node_ports:
                self.add_doors(cluster, self.listeners[-1].port, tls)
            for node in cluster.nodes.values():
                node.fingerprint = node.fingerprint or mark
        ha_manager.resume(self.fleet)

    def names(self) -> list[str]:
        """What the certificate is for."""
        nodes = [node for cluster in self.fleet.clusters.values() for node in cluster.nodes.values()
                 if self.node_addresses and is_loopback(node.ip)]
        other = [] if self.host in (*HOSTS, '0.0.0.0', '::') else [self.host]
        return list(dict.fromkeys([*HOSTS, *other, *(node.ip for node in nodes), *(node.name for node in nodes)]))

    def protocol(self, listener: Listener) -> web.Server:
        return web.Server(listener.handle, access_log=None, max_line_size=65536, max_field_size=65536,
                          keepalive_timeout=75)

    async def listen(self, listener: Listener, port: int, tls: Any) -> None:
        protocol = self.protocol(listener)

        def accept() -> asyncio.Protocol:
            self.log.connections += 1
            return protocol()

        opened = await asyncio.get_running_loop().create_server(accept, self.host, port, ssl=tls, backlog=512)
        listener.port = opened.sockets[0].getsockname()[1]
        self.listeners.append(listener)
        self._running.append(opened)

    def add_doors(self, cluster: Cluster, port: int, tls: Any) -> None:
        """Listen at the loopback addresses of a cluster's nodes, on the cluster's port."""
        for node in cluster.nodes.values():
            if is_loopback(node.ip) and node.ip != self.host:
                listener = Listener(self, cluster, node)
                listener.port, listener.of_node = port, True
                self.listeners.append(listener)
                door = self._doors[cluster.name, node.name] = NodeDoor(self, listener, tls)
                door.follow()

    def follow_nodes(self) -> None:
        """Listen at the addresses of nodes that are online, and at no others. Call after nodes went down or came back."""
        for door in self._doors.values():
            door.follow()

    async def stop(self) -> None:
        for opened in [*self._running, *self._doors.values()]:
            opened.close()
        self.save()
        if self._temporary:
            self._temporary.cleanup()

    def save(self) -> None:
        """Write the state, if there is a place for it. What running tasks do from now on is yet to be saved."""
        if self.saver:
            self.saver(self.fleet)
            self.changed = any(task.running for cluster in self.fleet.clusters.values() for task in cluster.tasks.values())

    def urls(self) -> dict[str, list[str]]:
        """Addresses by cluster."""
        host = f'[{self.host}]' if ':' in self.host else self.host
        found: dict[str, list[str]] = {}
        for listener in self.listeners:
            if listener.of_node:
                continue
            found.setdefault(listener.cluster.name, []).append(f'https://{host}:{listener.port}')
        return found

    def node_urls(self) -> dict[str, dict[str, str]]:
        """Addresses of the nodes that have one of their own, by cluster and node."""
        found: dict[str, dict[str, str]] = {}
        for listener in self.listeners:
            if listener.of_node:
                url = f'https://{listener.entry.ip}:{listener.port}'
                found.setdefault(listener.cluster.name, {})[listener.entry.name] = url
        return found

    def report(self, method: str, path: str, error: Exception) -> None:
        """Keep and show a fault of the simulator."""
        import sys
        import traceback

        text = ''.join(traceback.format_exception(error))
        self.errors.append(f'{method} {path}\n{text}')
        print(f'pvesim: internal error in {method} {path}\n{text}', file=sys.stderr, flush=True)


class NodeDoor:
    """The listener at a node's own address: open while the node is online; a dead node refuses connections."""

    def __init__(self, server: Server, listener: Listener, tls: Any):
        self.server, self.listener, self.tls = server, listener, tls
        self.protocol: web.Server | None = None
        self.socket: socket.socket | None = None
        self.opened: asyncio.AbstractServer | None = None
        self.opening: asyncio.Task | None = None

    def follow(self) -> None:
        if self.listener.entry.online and self.socket is None:
            self.open()
        elif not self.listener.entry.online:
            self.close()

    def open(self) -> None:
        """Clients can connect from now on. Raises OSError when the address cannot be used or the port is taken."""
        self.socket = socket.create_server((self.listener.entry.ip, self.listener.port), backlog=128)
        self.socket.setblocking(False)
        self.protocol = self.server.protocol(self.listener)
        self.opening = asyncio.get_running_loop().create_task(self.accept(self.socket))

    async def accept(self, taken: socket.socket) -> None:
        opened = await asyncio.get_running_loop().create_server(self.connected, sock=taken, ssl=self.tls, backlog=128)
        if self.socket is taken:
            self.opened = opened
        else:  # closed in the meantime
            opened.close()

    def connected(self) -> asyncio.Protocol:
        self.server.log.connections += 1
        return self.protocol() if self.protocol else asyncio.Protocol()

    def close(self) -> None:
        """Refuse connections, and drop those that there are."""
        if self.socket is None:
            return
        if self.opened is not None:
            self.opened.close()
        for connection in list(self.protocol.connections):
            connection.force_close()
        self.socket = self.opened = self.protocol = None


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
