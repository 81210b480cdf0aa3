"""GET version and nodes/{node}/version."""

from __future__ import annotations

from ..call import Call, operation

VERSIONS = {
    '9': {'release': '9.2', 'version': '9.2.11', 'repoid': '14a22df3'},
    '8.4': {'release': '8.4', 'version': '8.4.14', 'repoid': 'b502d23c55afcba1'},
    '7.4': {'release': '7.4', 'version': '7.4-19', 'repoid': 'f98bf8d4'},
}


@operation('GET', '/version')
def version(call: Call) -> dict:
    found = dict(VERSIONS[call.release])
    if console := call.cluster.options.get('console'):
        found['console'] = console
    return found


@operation('GET', '/nodes/{node}/version')
def node_version(call: Call) -> dict:
    return dict(VERSIONS[call.release])
