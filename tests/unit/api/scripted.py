"""A transport that plays a script, and a clock that only moves when somebody sleeps."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.faults import Fault
from ansible_collections.pve.fleet.plugins.module_utils.api.transport import Answer, TransportError

TOKEN = Credential(token_id='fleet@pve!one', token_secret='c4n4ry-t0ken-secret')
LOGIN = Credential(user='root@pam', password='c4n4ry-passw0rd')


@dataclasses.dataclass
class Sent:
    endpoint: str
    method: str
    target: str
    body: str | None
    headers: dict

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body or ''))


def ok(data=None, **whole):
    return Answer(200, 'OK', 'application/json', json.dumps({'data': data, **whole}).encode())


def refused(status, message='', **body):
    text = json.dumps({'data': None, 'message': f'{message}\n', **body}).encode() if message else b''
    return Answer(status, message, 'application/json', text)


def fault(kind, sent=False):
    return TransportError(Fault(kind, sent, ''))


class Script:
    """Answers in their order; a function is called with what was sent, an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, endpoint, method, target, body=None, headers=None, read_timeout=None):
        self.sent.append(Sent(endpoint.label, method, target, body, headers or {}))
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(self.sent[-1])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        pass


class Clock:
    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def make_client(*answers, credential=TOKEN, hosts=('pve1',), log=None, **settings):
    """(client, script, clock) for a cluster named prod."""
    script, clock = Script(*answers), Clock()
    connection = Connection('prod', tuple(Endpoint(host) for host in hosts), credential, **settings)
    client = Client(connection, log, transport=script, sleep=clock.sleep, clock=clock)
    return client, script, clock
