# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many reads of one cluster with little work for each.

A Reader keeps a bare connection per thread and understands only the plain case: an answer 200 with a length. Whatever else
happens (no connection, a retryable status, an expired login, an odd answer) is left to the Client, whose endpoints, limits,
login and rules of retry count here as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api import client as ordinary
from ansible_collections.pve.fleet.plugins.module_utils.api import errors, log, retry, tls
from ansible_collections.pve.fleet.plugins.module_utils.api.transport import USER_AGENT, Answer, Transport
from ansible_collections.pve.fleet.plugins.module_utils.schema import wire

CHUNK = 65536
LONGEST_HEAD = 65536


class UnfitAnswer(Exception):
    """An answer that only the ordinary client understands."""


class Reader:
    """The reading side of a Client for many requests. Safe for threads; each has a connection of its own."""

    def __init__(self, client):
        self.client = client
        self.connection = client.connection
        self.bare = isinstance(client.transport, Transport)
        self.local = threading.local()
        self.wires = []

    def get(self, *segments, params=None, timeout=None):
        """`data` of GET /<segments>.

        timeout: seconds to wait for the answer; the request is then sent once only, and errors.Timeout raised when none
        came. Raises FleetErrors as Client.get does.
        """
        if not self.bare:
            return self.client.get(*segments, params=params)
        target = target_of(segments, params)
        try:
            answer, endpoint = self.exchange(target, timeout)
        except TimeoutError:
            if timeout is None:
                return self.again(target)
            raise errors.Timeout(
                f'cluster {self.connection.name}: GET {readable(target)}: no answer within {timeout:g} s.'
            ) from None
        except (OSError, UnfitAnswer):
            return self.again(target, timeout)
        if answer.status == 401 or (timeout is None and is_repeated(answer)):
            return self.again(target)
        if answer.status == 200 and answer.body.startswith(b'{'):
            with contextlib.suppress(ValueError, KeyError):
                return json.loads(answer.body)['data']
        return self.client.judge('GET', target, answer, endpoint, True)['data']

    def again(self, target, timeout=None):
        """The same request by way of the ordinary client."""
        return self.client.exchange('GET', target, None, {}, timeout)['data']

    def exchange(self, target, timeout):
        """One exchange, counted, limited and logged -> (Answer, endpoint). Raises OSError, UnfitAnswer."""
        client = self.client
        headers = client.login.headers('GET')
        endpoint = client.next_endpoint({})
        wire_ = self.wire(endpoint)
        started = client.clock()
        client.rotation.starting(endpoint)
        try:
            with client.limits.place():
                answer = wire_.exchange(target, headers, timeout or self.connection.read_timeout)
        except BaseException:
            wire_.close()
            raise
        with client._count_lock:
            client.request_count += 1
        client.rotation.succeeded(endpoint)
        if client.write_log is not log.silent:
            facts = {'endpoint': endpoint.label, 'attempt': 1, 'status': answer.status, 'seconds': client.clock() - started}
            path = urllib.parse.urlsplit(target).path
            client.write_log(log.record(self.connection, client.request_id, 'GET', path, **facts))
        return answer, endpoint

    def wire(self, endpoint):
        """This thread's connection to an endpoint."""
        mine = self.local.__dict__.setdefault('wires', {})
        if endpoint not in mine:
            mine[endpoint] = Wire(self.connection, endpoint)
            self.wires.append(mine[endpoint])
        return mine[endpoint]

    def close(self):
        for one in self.wires:
            one.close()


class Wire:
    """One kept TLS connection that speaks as much HTTP/1.1 as a plain GET needs. Not for several threads at once."""

    def __init__(self, connection, endpoint):
        self.connection = connection
        self.endpoint = endpoint
        self.socket = None

    def open(self):
        """Connect and verify the server. Raises OSError, of which ssl.SSLError is one."""
        plain = socket.create_connection((self.endpoint.host, self.endpoint.port), self.connection.connect_timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = tls.context_for(self.connection, self.endpoint)
            self.socket = context.wrap_socket(plain, server_hostname=self.endpoint.host)
        except BaseException:
            plain.close()
            raise
        pinned = self.endpoint.fingerprint
        if pinned and hashlib.sha256(self.socket.getpeercert(True)).hexdigest().upper() != pinned.replace(':', ''):
            self.close()
            raise UnfitAnswer

    def exchange(self, target, headers, timeout):
        """Send a GET and read the answer -> Answer. Raises OSError, UnfitAnswer."""
        if self.socket is None:
            self.open()
        self.socket.settimeout(timeout)
        lines = [f'GET {target} HTTP/1.1', f'Host: {self.endpoint.label}', f'User-Agent: {USER_AGENT}', 'Accept: application/json']
        lines += [f'{name}: {value}' for name, value in headers.items()]
        self.socket.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))
        return self.receive()

    def receive(self):
        data = b''
        while (end := data.find(b'\r\n\r\n')) < 0:
            piece = self.socket.recv(CHUNK)
            if not piece or len(data) > LONGEST_HEAD:
                raise UnfitAnswer
            data += piece
        status, reason, fields = parse_head(data[:end])
        if not fields.get('content-length', '').isdigit():
            raise UnfitAnswer
        length = int(fields['content-length'])
        pieces, have = [data[end + 4 :]], len(data) - end - 4
        while have < length:
            piece = self.socket.recv(CHUNK)
            if not piece:
                raise UnfitAnswer
            pieces.append(piece)
            have += len(piece)
        if have > length or fields.get('connection', '').lower() == 'close':
            self.close()
        if have > length:
            raise UnfitAnswer
        return Answer(status, reason, fields.get('content-type', ''), b''.join(pieces))

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def parse_head(head):
    """The head of an answer -> (status, reason, {field in lower case: value}). Raises UnfitAnswer."""
    first, *rest = head.decode('latin-1').split('\r\n')
    version, dummy, words = first.partition(' ')
    status, dummy, reason = words.partition(' ')
    if not version.startswith('HTTP/1.') or not status.isdigit():
        raise UnfitAnswer
    pairs = (line.partition(':') for line in rest)
    return int(status), reason, {name.strip().lower(): value.strip() for name, _colon, value in pairs}


def target_of(segments, params):
    """The path with query that is asked for."""
    path = '/'.join(wire.quote_segment(str(segment)) for segment in segments)
    query = urllib.parse.urlencode(wire.encode_params(params)) if params else ''
    return f'{ordinary.BASE}/{path}' + (f'?{query}' if query else '')


def readable(target):
    return urllib.parse.unquote(urllib.parse.urlsplit(target).path[len(ordinary.BASE) :])


def is_repeated(answer):
    """Whether the rules of retry would send the request again."""
    return answer.status >= 400 and retry.again_after_answer(True, answer.status, ordinary.answer_message(answer), 1)
