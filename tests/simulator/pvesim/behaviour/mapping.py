"""Resource mappings: PCI and USB devices and directories under one name for several nodes."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from ..model.node import Node
from ..model.sections import Kind, assert_unmodified, delete_options, digest, inside, kind, settings, split_list

KINDS: dict[str, Kind] = {
    'pci': kind('map', 'description mdev live-migration-capable'),
    'usb': kind('map', 'description'),
    'dir': kind('map', 'description'),
}
SEE = ('Mapping.Modify', 'Mapping.Use', 'Mapping.Audit')
FAILURES = {'dir': 'directory'}


def everywhere(method: str, tail: str = ''):
    def register(handler):
        for type_ in KINDS:
            operation(method, f'/cluster/mapping/{type_}{tail}')(handler)
        return handler

    return register


def section_of(call: Call) -> tuple[str, dict[str, dict]]:
    type_ = call.path.split('/')[3]
    return type_, call.cluster.section(f'mapping-{type_}')


def parts_of(text: str) -> dict[str, str]:
    return dict(part.partition('=')[::2] for part in text.split(','))


def entries_for(entry: dict, node: str) -> list[dict[str, str]]:
    """The parts of a mapping that are about a node."""
    return [parts for parts in map(parts_of, entry['map']) if parts.get('node') == node]


@everywhere('GET')
def index(call: Call) -> list[dict]:
    type_, section = section_of(call)
    current, found = digest(section), []
    for name, entry in section.items():
        if not call.may(f'/mapping/{type_}/{name}', SEE, any=True):
            continue
        shown = {**entry, 'id': name, 'digest': current}
        if 'check-node' in call.params:
            shown['checks'] = checks(call, type_, name, entry)
        found.append(shown)
    return found


def checks(call: Call, type_: str, name: str, entry: dict) -> list[dict]:
    """What stands against using the mapping on the node of check-node."""
    node = call.cluster.nodes.get(call.params['check-node'])
    mine = entries_for(entry, call.params['check-node'])
    if node is None or not mine:
        return [{'severity': 'warning', 'message': f'No mapping for node {call.params["check-node"]}.'}]
    problems = [fault for parts in mine if (fault := FAULTS[type_](node, name, parts))]
    return [{'severity': 'error', 'message': f'Invalid configuration: {fault}\n'} for fault in problems]


def pci_fault(node: Node, name: str, parts: dict[str, str]) -> str | None:
    for path in parts.get('path', '').split(';'):
        device = pci_devices(node).get(path)
        if device is None:
            return f"pci device '{path}' not found"
        if parts.get('id') != device:
            return f"'id' does not match for '{name}' ({device} != {parts.get('id')})"
    return None


def pci_devices(node: Node) -> dict[str, str]:
    """vendor:device of the node's PCI devices by address; each has a host bridge."""
    return {'0000:00:00.0': '8086:0d57', **node.extra.get('pci_devices', {})}


def usb_fault(node: Node, name: str, parts: dict[str, str]) -> str | None:
    present = node.extra.get('usb_devices', ())
    return None if parts.get('id') in present else f"USB device '{parts.get('id')}' not found"


def dir_fault(node: Node, _name: str, parts: dict[str, str]) -> str | None:
    missing = parts.get('path') in node.extra.get('missing_directories', ())
    return f"Path {parts.get('path')} does not exist" if missing else None


FAULTS = {'pci': pci_fault, 'usb': usb_fault, 'dir': dir_fault}


@everywhere('GET', '/{id}')
def read(call: Call) -> dict:
    _type, section = section_of(call)
    name = call.params['id']
    if name not in section:
        raise ApiError(f"mapping '{name}' not found")
    return {**section[name], 'digest': digest(section)}


@everywhere('POST')
def create(call: Call) -> None:
    (type_, section), name = section_of(call), call.params['id']
    with inside(f'create {words(type_)} mapping failed'):
        if name in section:
            raise ApiError(f"{type_} ID '{name}' already defined")
        assert_distinct(call.params['map'])
        section[name] = {'type': type_, **settings(call.params, 'id')}


def words(type_: str) -> str:
    return 'directory' if type_ == 'dir' else 'hardware'


def assert_distinct(entries: list[str]) -> None:
    seen: set[tuple] = set()
    for parts in map(parts_of, entries):
        key = (parts.get('node'), parts.get('path', parts.get('id')))
        if key in seen:
            raise ApiError(f"mapping for '{key[1]}' on node '{key[0]}' is there twice")
        seen.add(key)


@everywhere('PUT', '/{id}')
def update(call: Call) -> None:
    (type_, section), params = section_of(call), call.params
    with inside(f'update {words(type_)} mapping failed'):
        assert_unmodified(digest(section), params.get('digest'))
        if params['id'] not in section:
            raise ApiError(f"{type_} ID '{params['id']}' does not exist")
        values, entry = settings(params, 'id', 'delete', 'digest'), dict(section[params['id']])
        assert_distinct(values.get('map', ()))
        delete_options(KINDS[type_], entry, values, split_list(params.get('delete')))
        section[params['id']] = {**entry, **values}


@everywhere('DELETE', '/{id}')
def delete(call: Call) -> None:
    """A mapping that is not there is no error."""
    section_of(call)[1].pop(call.params['id'], None)
