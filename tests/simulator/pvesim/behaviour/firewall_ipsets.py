"""Sets of addresses, of the cluster and of guests."""

from __future__ import annotations

import re

from ..call import ApiError, Call, ParameterError, operation
from ..model.firewall import ALIAS, canonical, list_digest, peek, with_digest
from ..model.sections import assert_unmodified, digest
from .firewall_places import CLUSTER, GUESTS, here


def everywhere(method: str, tail: str = ''):
    def register(handler):
        for base in (CLUSTER, *GUESTS):
            operation(method, f'{base}/firewall/ipset{tail}')(handler)
        return handler

    return register


def listed(sets: dict) -> list[dict]:
    found = []
    for name, entry in sorted(sets.items()):
        found.append({'name': name, **({'comment': entry['comment']} if entry.get('comment') else {})})
    return found


def known(call: Call, write: bool = False) -> list[dict]:
    """The entries of the named set, else 500."""
    sets, name = here(call, write).config['ipset'], call.params['name']
    if name not in sets:
        raise ApiError(f"no such IPSet '{name}'")
    return sets[name]['entries']


def find(entries: list[dict], cidr: str) -> dict:
    for entry in entries:
        if entry['cidr'] == cidr:
            return entry
    raise ParameterError({'cidr': 'no such IP/Network'})


@everywhere('GET')
def index(call: Call) -> list[dict]:
    entries = listed(here(call).config['ipset'])
    return [{**entry, 'digest': digest(entries)} for entry in entries]


@everywhere('POST')
def create(call: Call) -> None:
    params, sets = call.params, here(call, write=True).config['ipset']
    name, old = params['name'], params.get('rename')
    if old is None:
        if name in sets:
            raise ParameterError({'name': f"IPSet '{name}' already exists"})
        sets[name] = {'comment': params.get('comment', ''), 'entries': []}
        return
    assert_unmodified(digest(listed(sets)), params.get('digest'))
    if old not in sets:
        raise ParameterError({'name': f"IPSet '{old}' does not exist"})
    if name != old and name in sets:
        raise ParameterError({'name': f"IPSet '{name}' does already exist"})
    sets[name] = sets.pop(old)
    if 'comment' in params:
        sets[name]['comment'] = params['comment']


@everywhere('GET', '/{name}')
def read(call: Call) -> list[dict]:
    return with_digest(known(call))


@everywhere('DELETE', '/{name}')
def delete(call: Call) -> None:
    entries, name = known(call, write=True), call.params['name']
    if entries and not call.params.get('force'):
        raise ApiError(f"IPSet '{name}' is not empty")
    del here(call, write=True).config['ipset'][name]


@everywhere('POST', '/{name}')
def add(call: Call) -> None:
    """Host bits are cut off when the file is read again, after the check for the same text."""
    entries, cidr = known(call, write=True), call.params['cidr']
    for entry in entries:
        if entry['cidr'] == cidr:
            raise ParameterError({'cidr': f"address '{cidr}' already exists"})
    if re.search(r'/0+$', cidr):
        raise ParameterError({'cidr': 'a zero prefix is not allowed in ipset entries'})
    if re.fullmatch(rf'(?:(?:dc|guest)/)?{ALIAS}', cidr):
        assert_alias(call, cidr)
    kept = canonical(cidr.lstrip('!'))
    entry = {'cidr': kept[0] if kept else cidr}
    if call.params.get('nomatch'):
        entry['nomatch'] = 1
    if call.params.get('comment'):
        entry['comment'] = call.params['comment']
    if all(other['cidr'] != entry['cidr'] for other in entries):
        entries.append(entry)
        entries.sort(key=lambda other: other['cidr'])


def assert_alias(call: Call, text: str) -> None:
    name = text.rpartition('/')[2].lower()
    if name not in here(call).config['aliases'] and name not in peek(call.cluster, 'cluster')['aliases']:
        raise ApiError(f"no such alias '{text}'")


@everywhere('GET', '/{name}/{cidr}')
def read_entry(call: Call) -> dict:
    return find(known(call), call.params['cidr'])


@everywhere('PUT', '/{name}/{cidr}')
def update_entry(call: Call) -> None:
    entries = known(call, write=True)
    assert_unmodified(list_digest(entries), call.params.get('digest'))
    entry = find(entries, call.params['cidr'])
    for key in ('nomatch', 'comment'):
        entry.pop(key, None)
        if call.params.get(key):
            entry[key] = 1 if key == 'nomatch' else call.params[key]


@everywhere('DELETE', '/{name}/{cidr}')
def remove_entry(call: Call) -> None:
    """An entry that is not there is no error."""
    entries = known(call, write=True)
    assert_unmodified(list_digest(entries), call.params.get('digest'))
    entries[:] = [entry for entry in entries if entry['cidr'] != call.params['cidr']]
