"""Aliases of addresses, of the cluster and of guests. Their names do not heed case."""

from __future__ import annotations

from ..call import Call, ParameterError, operation
from ..model.firewall import canonical, list_digest, with_digest
from ..model.sections import assert_unmodified
from .firewall_places import CLUSTER, GUESTS, here


def everywhere(method: str, tail: str = ''):
    def register(handler):
        for base in (CLUSTER, *GUESTS):
            operation(method, f'{base}/firewall/aliases{tail}')(handler)
        return handler

    return register


def listed(aliases: dict) -> list[dict]:
    return [aliases[name] for name in sorted(aliases)]


def known(aliases: dict, name: str) -> str:
    """The key of an alias, else 400."""
    if name.lower() not in aliases:
        raise ParameterError({'name': 'no such alias'})
    return name.lower()


def made(name: str, params: dict) -> dict:
    cidr, version = canonical(params['cidr']) or (params['cidr'], 4)
    entry = {'name': name, 'cidr': cidr, 'ipversion': version}
    if params.get('comment'):
        entry['comment'] = params['comment']
    return entry


@everywhere('GET')
def index(call: Call) -> list[dict]:
    return with_digest(listed(here(call).config['aliases']))


@everywhere('GET', '/{name}')
def read(call: Call) -> dict:
    aliases = here(call).config['aliases']
    return aliases[known(aliases, call.params['name'])]


@everywhere('POST')
def create(call: Call) -> None:
    aliases, name = here(call, write=True).config['aliases'], call.params['name']
    if name.lower() in aliases:
        raise ParameterError({'name': f"alias '{name}' already exists"})
    aliases[name.lower()] = made(name, call.params)


@everywhere('PUT', '/{name}')
def update(call: Call) -> None:
    params, aliases = call.params, here(call, write=True).config['aliases']
    assert_unmodified(list_digest(listed(aliases)), params.get('digest'))
    key = known(aliases, params['name'])
    new = params.get('rename') or params['name']
    if new.lower() != key and new.lower() in aliases:
        raise ParameterError({'name': f"alias '{new}' already exists"})
    del aliases[key]
    aliases[new.lower()] = made(new, params)


@everywhere('DELETE', '/{name}')
def delete(call: Call) -> None:
    """An alias that is not there is no error."""
    aliases = here(call, write=True).config['aliases']
    assert_unmodified(list_digest(listed(aliases)), call.params.get('digest'))
    aliases.pop(call.params['name'].lower(), None)
