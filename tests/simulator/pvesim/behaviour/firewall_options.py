"""Firewall options, macros, references and logs."""

from __future__ import annotations

from ..call import Answer, Call, ParameterError, operation
from ..model import firewall
from ..model.firewall import MACROS
from ..model.sections import assert_unmodified, digest, settings, split_list
from .firewall_places import CLUSTER, GUESTS, NODE, VNET, here

BASES = [f'{base}/firewall/options' for base in (CLUSTER, NODE, VNET, *GUESTS)]
NOT_OPTIONS = ('node', 'vmid', 'vnet', 'delete', 'digest')


def everywhere(method: str):
    def register(handler):
        for base in BASES:
            operation(method, base)(handler)
        return handler

    return register


@everywhere('GET')
def read(call: Call) -> dict:
    options = here(call).config['options']
    return {**options, 'digest': digest(options)}


@everywhere('PUT')
def update(call: Call) -> None:
    place, params = here(call, write=True), call.params
    options = place.config['options']
    assert_unmodified(digest(options), params.get('digest'))
    known = set(call.operation.properties) - set(NOT_OPTIONS)
    for name in split_list(params.get('delete')):
        if name not in known:
            raise ParameterError({'delete': f"no such option '{name}'"})
        options.pop(name, None)
    values = settings(params, *NOT_OPTIONS)
    if place.level == 'cluster' and values.get('enable', 0) > 1:
        values['enable'] = int(call.clock.now())
    options.update(values)


@operation('GET', '/cluster/firewall/macros')
def macros(_call: Call) -> list[dict]:
    return [{'macro': name, 'descr': text} for name, text in MACROS.items()]


@operation('GET', '/cluster/firewall/refs')
@operation('GET', '/nodes/{node}/qemu/{vmid}/firewall/refs')
@operation('GET', '/nodes/{node}/lxc/{vmid}/firewall/refs')
def references(call: Call) -> list[dict]:
    """What rules of this level can name as source and destination."""
    found = refs_of(firewall.peek(call.cluster, 'cluster'), 'dc')
    if 'vmid' in call.params:
        found += refs_of(here(call).config, 'guest')
    wanted = call.params.get('type')
    return [ref for ref in found if wanted in (None, ref['type'])]


def refs_of(config: dict, scope: str) -> list[dict]:
    found = []
    for name, entry in sorted(config['ipset'].items()):
        found.append(commented({'type': 'ipset', 'name': name, 'ref': f'+{name}', 'scope': scope}, entry))
    for name, entry in sorted(config['aliases'].items()):
        found.append(commented({'type': 'alias', 'name': name, 'ref': name, 'scope': scope}, entry))
    return found


def commented(ref: dict, entry: dict) -> dict:
    if entry.get('comment'):
        ref['comment'] = entry['comment']
    return ref


@operation('GET', '/nodes/{node}/firewall/log')
@operation('GET', '/nodes/{node}/qemu/{vmid}/firewall/log')
@operation('GET', '/nodes/{node}/lxc/{vmid}/firewall/log')
def log(_call: Call) -> Answer:
    """The log of a firewall that has not logged anything: its file does not exist."""
    return Answer([{'n': 1, 't': 'unable to open file - No such file or directory'}], {'total': 1})
