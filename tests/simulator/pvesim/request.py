"""One request: authenticate -> route -> permission -> proxy -> validate -> handler -> answer."""

from __future__ import annotations

import functools
import json
from typing import Any
from urllib.parse import unquote, unquote_plus

from .access.permissions import check_operation, denied
from .access.tickets import authenticate
from .call import HANDLERS, RELEASES, Answer, ApiError, Call, ParameterError
from .model.cluster import Cluster
from .model.fleet import Fleet
from .model.node import Node
from .schema.validate import compile_parameters
from .tables import Operation, Tables, tables

WORLD = frozenset((('GET', '/access/domains'), ('GET', '/access/ticket'), ('POST', '/access/ticket'),
                   ('POST', '/access/openid/login'), ('POST', '/access/openid/auth-url')))
# Writes that need no quorum: they change nothing under /etc/pve.
NO_QUORUM_NEEDED = ('/access/ticket', '/nodes/{node}/qemu/{vmid}/agent', '/nodes/{node}/qemu/{vmid}/status/stop',
                    '/nodes/{node}/qemu/{vmid}/status/shutdown', '/nodes/{node}/lxc/{vmid}/status/stop',
                    '/nodes/{node}/lxc/{vmid}/status/shutdown', '/nodes/{node}/tasks', '/nodes/{node}/services')
GUEST_PATHS = ('/nodes/{node}/qemu/{vmid}', '/nodes/{node}/lxc/{vmid}')
INDEX_KEYS = frozenset(('subdir', 'name', 'id', 'cmd', 'method', 'type'))

# Made once: json.dumps makes an encoder for each call with options.
encode = json.JSONEncoder(separators=(',', ':'), ensure_ascii=False, check_circular=False).encode


@functools.cache
def prepared(release: str) -> Tables:
    """The tables of a release with every handler attached to them."""
    from . import behaviour

    behaviour.load()
    found = tables(release)
    for key, operation in found.operations.items():
        operation.handler = HANDLERS.get((release, *key))
        if operation.handler is None:
            operation.handler = index_handler(operation)
            operation.listing = operation.handler is not None
    return found


def prepare() -> None:
    """Load behaviour for every release at once, as tools do that look at all of them."""
    for release in RELEASES:
        prepared(release)


def index_handler(operation: Operation) -> Any:
    """The generic answer of a directory listing, None where the operation is none."""
    links = operation.returns.get('links') or []
    key = links[0]['href'].strip('{}') if links else ''
    if operation.method != 'GET' or operation.returns.get('type') != 'array':
        return None
    listed = set((operation.returns.get('items') or {}).get('properties') or {})
    children = tables(operation.release).children(operation.path)
    if not children or not listed <= INDEX_KEYS or key not in INDEX_KEYS:
        return None
    rows = [{key: child} for child in children]

    def index(_call: Call) -> list:
        return rows

    return index


def decode_form(text: str) -> dict[str, Any]:
    """'a=1&b=2' -> values by name; a repeated name gives its values parted by NUL."""
    values: dict[str, Any] = {}
    for pair in text.split('&'):
        if not pair:
            continue
        name, equals, value = pair.partition('=')
        if not equals:
            continue
        name, value = unquote_plus(name), unquote_plus(value)
        values[name] = f'{values[name]}\0{value}' if name in values else value
    return values


def decode_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Parameters of a request body, form or JSON."""
    if content_type.split(';', 1)[0].strip() != 'application/json':
        return decode_form(body.decode('utf-8', 'replace'))
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ApiError(400, 'Parameter verification failed - the body is not a JSON object')
    return values


def remote_node(fleet: Fleet, cluster: Cluster, name: str) -> Node:
    """The node that a proxied call goes to. Raises what PVE answers for one that is unknown or dead."""
    node = cluster.nodes.get(name)
    if node is None:
        raise ApiError(500, f"hostname lookup '{name}' failed - failed to get address info for: {name}: "
                            'Name or service not known')
    if not node.online:
        error = ApiError(595, 'No route to host' if fleet.settings.get('node_unreachable', True)
                         else 'Connection refused', body=False)
        error.delay = float(fleet.settings.get('dead_node_wait', 3.0))
        raise error
    return node


class Dispatcher:
    """Requests of one cluster."""

    def __init__(self, fleet: Fleet, cluster: Cluster, entry: Node | None = None):
        self.fleet, self.cluster, self.entry = fleet, cluster, entry
        self.tables = prepared(cluster.release)

    def here(self) -> Node | None:
        """The node that was asked: that of the port, else the first that is online."""
        if self.entry is not None:
            return self.entry if self.entry.online else None
        return next((node for node in self.cluster.nodes.values() if node.online), None)

    def caller(self, method: str, path: str, headers: Any) -> str | None:
        """The authid of a request; None for calls that need none. Raises the 401 of the proxy."""
        if (method, path) in WORLD:
            return None
        upload = method == 'POST' and path.endswith('/upload') and path.startswith('/nodes/')
        return authenticate(self.cluster, method, headers, self.fleet.clock.now(), csrf=not upload)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        branch, values = self.tables.find(path)
        operation = branch.methods.get(method) if branch is not None else None
        if operation is None:
            error = ApiError(501, f"Method '{method} {path}' not implemented")
            error.newline = False
            raise error
        return operation, values

    def make_call(self, method: str, path: str, authid: str | None, sent: dict[str, Any]) -> Call:
        """Route, check rights, reach the node, validate."""
        operation, raw = self.find(method, path)
        if authid and '!' in authid and not operation.allowtoken:
            raise denied(f"URI '{path}' not available with API token, need proper ticket.\n")
        for name, value in sent.items():
            if name in raw and str(value) != raw[name]:
                raise ParameterError({name: 'duplicate parameter (already defined in URI) with conflicting values!'})
            if value is not None:
                raw[name] = value
        check_operation(self.cluster, operation.permissions, authid, raw)
        here = self.here()
        node = self.reach(operation, raw, here)
        if operation.validate is None:
            operation.validate = compile_parameters(operation)
        call = Call(self.fleet, self.cluster, operation, authid or '', operation.validate(raw), set(sent))
        call.raw, call.node, call.here = raw, node, here
        if method != 'GET':
            self.check_writable(operation, call)
        return call

    def reach(self, operation: Operation, raw: dict[str, Any], here: Node | None) -> Node | None:
        name = raw.get('node')
        if name is None:
            return None
        if name == 'localhost':
            raw['node'] = here.name
            return here
        node = self.cluster.nodes.get(name) if isinstance(name, str) else None
        if operation.path.startswith('/nodes/{node}') and (
                operation.proxyto == 'node' or (node is None and not operation.listing)):
            return remote_node(self.fleet, self.cluster, str(name))
        return node

    def check_writable(self, operation: Operation, call: Call) -> None:
        if not self.cluster.quorate and not operation.path.startswith(NO_QUORUM_NEEDED):
            raise ApiError(500, 'cluster not ready - no quorum?')
        held = self.cluster.extra.get('held_locks')
        if held and operation.path.startswith(GUEST_PATHS) and call.params.get('vmid') in held:
            folder = '/var/lock/qemu-server/lock-' if '/qemu/' in operation.path else '/run/lock/lxc/pve-config-'
            suffix = '.conf' if '/qemu/' in operation.path else '.lock'
            error = ApiError(500, f"can't lock file '{folder}{call.params['vmid']}{suffix}' - got timeout")
            error.delay = 10.0
            raise error

    def run(self, call: Call) -> Any:
        """The handler's result. Raises ApiError."""
        handler = call.operation.handler
        if handler is None:
            raise ApiError(501, f'pvesim: no behaviour for {call.operation.method} {call.operation.path}')
        return handler(call)


def success_body(result: Any, extjs: bool) -> bytes:
    """{"data": ...} and what stands beside it."""
    body: dict[str, Any] = {'data': result}
    if isinstance(result, Answer):
        # PVE leaves out attributes that are false: no `total` for an empty list.
        body = {'data': result.data, **{key: value for key, value in (result.extra or {}).items() if value}}
    if extjs:
        body['success'] = 1
    return encode(body).encode('utf-8', 'replace')


def error_body(error: ApiError, extjs: bool) -> bytes:
    newline = '\n' if error.newline and not error.message.endswith('\n') else ''
    body: dict[str, Any] = {'data': None, 'message': f'{error.message}{newline}'}
    if error.errors:
        body['errors'] = error.errors
    if extjs:
        body.update(success=0, status=error.status)
    return encode(body).encode('utf-8', 'replace')


def split_target(target: str) -> tuple[str, str, str]:
    """A request target -> (format, decoded path below the format, raw query)."""
    path, dummy, query = target.partition('?')
    parts = unquote(path).split('/', 3)
    if len(parts) < 3 or parts[1] != 'api2':
        return '', path, query
    rest = '/' + (parts[3] if len(parts) > 3 else '')
    if len(rest) > 1 and rest.endswith('/'):
        rest = rest.rstrip('/') or '/'
    return parts[2], rest, query
