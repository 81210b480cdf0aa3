"""Tickets for consoles of nodes and guests; nobody answers on their ports."""

from __future__ import annotations

from collections.abc import Generator

from ..access.tickets import make_ticket
from ..call import Call, operation
from ..tasks import Task

FIRST_PORT, PORTS = 5900, 100
WAIT_SECONDS = 10.0


def console_ticket(call: Call, kind: str, type: str, id: str | None) -> dict:
    """port, ticket, upid and user of a console; kind 'vnc' adds the certificate. The task waits for a client in vain."""

    def work(task: Task) -> Generator:
        task.log('starting console proxy')
        yield WAIT_SECONDS

    count = call.cluster.extra['console_ports'] = call.cluster.extra.get('console_ports', -1) + 1
    answer = {
        'user': call.authid, 'port': FIRST_PORT + count % PORTS,
        'ticket': make_ticket(call.cluster, call.user, call.clock.now()).replace('PVE:', 'PVEVNC:', 1),
        'upid': call.task(type, id, work),
    }
    if kind == 'vnc':
        answer['cert'] = ''
    return answer


@operation('POST', '/nodes/{node}/vncshell')
def vnc_shell(call: Call) -> dict:
    return console_ticket(call, 'vnc', 'vncshell', None)


@operation('POST', '/nodes/{node}/termproxy')
def terminal(call: Call) -> dict:
    return console_ticket(call, 'term', 'vncshell', None)
