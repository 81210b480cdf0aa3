"""Network interfaces of a node: changes wait in a second file until they are applied or reverted."""

from __future__ import annotations

import copy
from collections.abc import Generator

from ..call import Answer, ApiError, Call, ParameterError, operation
from ..model import interfaces, sdn
from ..model.node import Node
from ..model.sections import settings, split_list
from ..tasks import Task

REQUEST = ('node', 'iface', 'delete', 'digest')
IFUPDOWN2 = 'pmx'


def current(node: Node) -> dict[str, dict]:
    """The interfaces with pending changes."""
    return node.network if node.network_new is None else node.network_new


def pending(node: Node) -> dict[str, dict]:
    """The interfaces to change; a copy of the file is made first."""
    if node.network_new is None:
        node.network_new = copy.deepcopy(node.network)
    return node.network_new


def visible(call: Call, name: str, entry: dict) -> bool:
    if name == 'lo':
        return False
    if entry.get('type') not in interfaces.BRIDGES or call.release == '7.4':
        return True
    return call.may(f'/sdn/zones/localnetwork/{name}', 'SDN.Audit', 'SDN.Use', any=True) or call.may(
        f'/nodes/{call.node.name}', 'Sys.Audit', 'Sys.Modify', any=True)


def fits(entry: dict, wanted: str | None) -> bool:
    if wanted in (None, 'include_sdn'):
        return True
    if wanted in ('any_bridge', 'any_local_bridge'):
        return entry.get('type') in interfaces.BRIDGES
    return entry.get('type') == wanted


@operation('GET', '/nodes/{node}/network')
def index(call: Call) -> Answer:
    wanted = call.params.get('type')
    rows = [{**entry, 'iface': name} for name, entry in current(call.node).items()
            if visible(call, name, entry) and fits(entry, wanted)]
    if wanted in ('any_bridge', 'include_sdn', 'vnet'):
        rows += vnets(call)
    if call.node.network_new is None:
        return Answer(rows)
    text = interfaces.changes(call.node.network, call.node.network_new)
    return Answer(rows, {'changes': text} if text else None)


def vnets(call: Call) -> list[dict]:
    """The node's networks of the software-defined network that the caller may use, as rows of the list."""
    applied = sdn.running(call.cluster, 'vnets')
    return [{'iface': name, **entry} for name, entry in sdn.local_vnets(call.cluster, call.node.name).items()
            if call.may(f'/sdn/zones/{applied[name]["zone"]}/{name}', 'SDN.Audit', 'SDN.Use', any=True)]


def existing(call: Call) -> dict:
    entry = current(call.node).get(call.params['iface'])
    if entry is None:
        raise ParameterError({'iface': 'interface does not exist'})
    return entry


@operation('GET', '/nodes/{node}/network/{iface}')
def read(call: Call) -> dict:
    return dict(existing(call))


def check_gateway(call: Call, name: str, values: dict) -> None:
    for key in ('gateway', 'gateway6'):
        if not values.get(key):
            continue
        for other, entry in current(call.node).items():
            if other != name and entry.get(key):
                raise ParameterError({key: f"Default gateway already exists on interface '{other}'."})


def check_ports(call: Call, name: str, values: dict) -> None:
    """400 for a port that another bridge or bond has."""
    for key, what in (('bridge_ports', 'bridge'), ('slaves', 'bond')):
        for port in split_list(values.get(key)):
            for other, entry in current(call.node).items():
                for taken, kind in (('bridge_ports', 'bridge'), ('slaves', 'bond')):
                    if other != name and port in split_list(entry.get(taken)):
                        raise ParameterError({key: f"{what} port '{port}' is already used on {kind} '{other}'"})


def check_needs(values: dict) -> None:
    if values['type'].startswith('OVS'):
        raise ApiError("Open VSwitch is not installed (need package 'openvswitch-switch')")
    if values['type'] == 'vlan' and 'vlan-raw-device' not in values and '.' not in values.get('iface', ''):
        raise ParameterError({'vlan-raw-device': 'vlan-raw-device parameter is required'})


@operation('POST', '/nodes/{node}/network')
def create(call: Call) -> None:
    name = call.params['iface']
    if name in current(call.node):
        raise ParameterError({'iface': 'interface already exists'})
    values = settings(call.params, *REQUEST)
    check_gateway(call, name, values)
    check_ports(call, name, values)
    check_needs({**values, 'iface': name})
    entry = interfaces.normalised({**values, 'iface': name})
    entry.pop('iface')
    kept = pending(call.node)
    kept[name] = {**entry, 'priority': interfaces.number(kept)}


@operation('PUT', '/nodes/{node}/network/{iface}')
def change(call: Call) -> None:
    name, old = call.params['iface'], dict(existing(call))
    values = settings(call.params, *REQUEST)
    check_gateway(call, name, values)
    check_ports(call, name, values)
    check_needs({**old, **values, 'iface': name})
    for key in split_list(call.params.get('delete')):
        for gone in related(key):
            old.pop(gone, None)
    for suffix in ('', '6'):
        if values.get(f'cidr{suffix}') or values.get(f'address{suffix}'):
            for gone in related(f'cidr{suffix}'):
                old.pop(gone, None)
    entry = interfaces.normalised({**old, **values, 'iface': name})
    entry.pop('iface')
    pending(call.node)[name] = entry


def related(key: str) -> tuple[str, ...]:
    """The keys that go with one that is deleted."""
    for suffix in ('', '6'):
        names = (f'cidr{suffix}', f'address{suffix}', f'netmask{suffix}')
        if key in names:
            return names
    return (key,)


@operation('DELETE', '/nodes/{node}/network/{iface}')
def delete(call: Call) -> None:
    existing(call)
    del pending(call.node)[call.params['iface']]


@operation('DELETE', '/nodes/{node}/network')
def revert(call: Call) -> None:
    call.node.network_new = None


@operation('PUT', '/nodes/{node}/network')
def apply(call: Call) -> str:
    version = call.node.extra.get('ifupdown2')
    if version and IFUPDOWN2 not in version:
        raise ApiError(f"incompatible 'ifupdown2' package version '{version}'! Did you install from Proxmox repositories?")
    node = call.node

    def work(_task: Task) -> Generator:
        yield 2.0
        if node.network_new is not None:
            for entry in node.network_new.values():
                entry['active'] = 1
            node.network, node.network_new = node.network_new, None

    return call.task('srvreload', 'networking', work)
