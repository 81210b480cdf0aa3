"""Subnets of virtual networks and the addresses that the built-in IPAM keeps for them."""

from __future__ import annotations

import ipaddress

from ..call import ApiError, Call, ParameterError, operation
from ..model import sdn
from ..model.cluster import Cluster
from ..model.sections import assert_unmodified, check, delete_options, perl, settings, split_list
from .sdn_objects import SEE, current_digest, known, shown, view
from .sdn_vnets import reachable

IDENTITY = ('subnet', 'type', 'lock-token', 'delete', 'digest')
KIND = sdn.KINDS['subnets']['subnet']


def listed(name: str, entry: dict, current: str | None) -> dict:
    seen = shown(sdn.subnet_shown(name, entry), 'subnet', name, current)
    return {**seen, 'dhcp-range': [range_of(text) for text in entry.get('dhcp-range', ())]}


def range_of(text: str) -> dict[str, str]:
    return dict(part.partition('=')[::2] for part in text.split(','))


@operation('GET', '/cluster/sdn/vnets/{vnet}/subnets')
def index(call: Call) -> list[dict]:
    reachable(call, *SEE)
    objects, current = view(call, 'subnets')
    return [listed(name, entry, current) for name, entry in sorted(objects.items())
            if entry.get('vnet') == call.params['vnet']]


@operation('GET', '/cluster/sdn/vnets/{vnet}/subnets/{subnet}')
def read(call: Call) -> dict:
    reachable(call, *SEE)
    objects, current = view(call, 'subnets')
    entry = known(objects, 'subnet', call.params['subnet'])
    if entry.get('vnet') != call.params['vnet']:
        raise ParameterError({'vnet': 'wrong vnet'})
    return listed(call.params['subnet'], entry, current)


@operation('POST', '/cluster/sdn/vnets/{vnet}/subnets')
def create(call: Call) -> None:
    params, cluster = call.params, call.cluster
    vnet = reachable(call, 'SDN.Allocate')
    subnets = sdn.objects(cluster, 'subnets')
    name = f'{vnet["zone"]}-{params["subnet"].replace("/", "-")}'
    with sdn.Locked(cluster, 'create sdn subnet object failed', params.get('lock-token')):
        values = settings(params, *IDENTITY)
        check(KIND, values, create=True)
        if name in subnets:
            raise ApiError(f"sdn subnet object ID '{name}' already defined")
        entry = {'type': 'subnet', **values}
        hook(vnet, name, entry)
        register(cluster, vnet, name, entry, None)
        subnets[name] = entry


def hook(vnet: dict, name: str, entry: dict) -> None:
    cidr = sdn.subnet_shown(name, entry)['cidr']
    if vnet.get('vlanaware'):
        raise ParameterError({'vnet': "you can't add a subnet on a vlanaware vnet"})
    gateway = entry.get('gateway')
    if gateway and not sdn.in_network(gateway, cidr) and not cidr.endswith('/32'):
        raise ParameterError({'gateway': f'{gateway} is not in subnet {cidr}'})
    spans: list[tuple] = []
    for text in entry.get('dhcp-range', ()):
        spans.append(checked_range(range_of(text), cidr, spans))


def checked_range(parts: dict[str, str], cidr: str, others: list[tuple]) -> tuple:
    start, end = parts.get('start-address', ''), parts.get('end-address', '')
    for word, address in (('start', start), ('end', end)):
        if not sdn.in_network(address, cidr):
            raise ParameterError({'dhcp-range': f'{word}-address {address} is not in subnet {cidr}'})
    span = ipaddress.ip_address(start), ipaddress.ip_address(end)
    if span[0] > span[1]:
        raise ParameterError({'dhcp-range': f'start-address {start} must be smaller than end-address {end}'})
    if any(span[0] <= other[1] and other[0] <= span[1] for other in others):
        raise ParameterError({'dhcp-range': 'dhcp ranges must not overlap'})
    return span


def register(cluster: Cluster, vnet: dict, name: str, entry: dict | None, old: dict | None) -> None:
    """Keep the gateway's address in the built-in IPAM where the zone uses it."""
    zone = sdn.objects(cluster, 'zones').get(vnet['zone'], {})
    if zone.get('ipam') != 'pve':
        return
    book = addresses(cluster).setdefault(vnet['zone'], {})
    if entry is None:
        book.pop(name, None)
        return
    held = book.setdefault(name, {})
    if old and old.get('gateway'):
        held.pop(old['gateway'], None)
    if entry.get('gateway'):
        held[entry['gateway']] = {'gateway': 1, 'hostname': f'{entry["vnet"]}-gw'}


def addresses(cluster: Cluster) -> dict:
    """The built-in IPAM: {zone: {subnet: {address: {...}}}}."""
    return cluster.section('sdn-addresses')


@operation('PUT', '/cluster/sdn/vnets/{vnet}/subnets/{subnet}')
def update(call: Call) -> None:
    params, cluster, name = call.params, call.cluster, call.params['subnet']
    vnet = reachable(call, 'SDN.Allocate')
    subnets = sdn.objects(cluster, 'subnets')
    with sdn.Locked(cluster, 'update sdn subnet object failed', params.get('lock-token')):
        old = known(subnets, 'subnet', name)
        assert_unmodified(current_digest(subnets), params.get('digest'))
        values, entry = settings(params, *IDENTITY), dict(old)
        check(KIND, values, create=False)
        delete_options(KIND, entry, values, split_list(params.get('delete')))
        entry.update(values)
        hook(vnet, name, entry)
        register(cluster, vnet, name, entry, old)
        subnets[name] = entry


@operation('DELETE', '/cluster/sdn/vnets/{vnet}/subnets/{subnet}')
def delete(call: Call) -> None:
    """A subnet that is not there is no error; one with addresses of guests stays."""
    cluster, name = call.cluster, call.params['subnet']
    vnet = reachable(call, 'SDN.Allocate')
    with sdn.Locked(cluster, 'delete sdn subnet object failed', call.params.get('lock-token')):
        held = addresses(cluster).get(vnet['zone'], {}).get(name, {})
        if any(not entry.get('gateway') for entry in held.values()):
            raise ApiError(f"cannot delete subnet '{sdn.subnet_shown(name, {})['cidr']}', not empty")
        register(cluster, vnet, name, None, None)
        sdn.objects(cluster, 'subnets').pop(name, None)


@operation('GET', '/cluster/sdn/ipams/{ipam}/status')
def status(call: Call) -> list[dict]:
    """The addresses in the built-in IPAM, of the networks that the caller may see."""
    cluster = call.cluster
    if call.params['ipam'] != 'pve':
        raise perl('Currently only PVE IPAM is supported!', 'API2/Network/SDN/Ipams.pm', 252)
    found = []
    for zone, subnets in addresses(cluster).items():
        for subnet, held in subnets.items():
            vnet = sdn.objects(cluster, 'subnets').get(subnet, {}).get('vnet')
            if vnet and call.may(f'/sdn/zones/{zone}/{vnet}', SEE, any=True):
                found += [{'zone': zone, 'subnet': sdn.subnet_shown(subnet, {})['cidr'], 'ip': address, 'vnet': vnet,
                           **entry} for address, entry in held.items()]
    return found


def subnet_for(call: Call) -> tuple[dict, str]:
    """The IPAM's entries of the subnet that holds the address of the call, and the address."""
    address, zone, vnet = call.params['ip'], call.params['zone'], call.params['vnet']
    for name, entry in sdn.objects(call.cluster, 'subnets').items():
        if entry.get('vnet') == vnet and sdn.in_network(address, sdn.subnet_shown(name, entry)['cidr']):
            return addresses(call.cluster).setdefault(zone, {}).setdefault(name, {}), address
    raise ApiError(f"can't find any subnet for ip {address}")


@operation('POST', '/cluster/sdn/vnets/{vnet}/ips')
def add_address(call: Call) -> None:
    held, address = subnet_for(call)
    if address in held:
        raise ApiError(f"IP '{address}' already exist")
    held[address] = {key: call.params[key] for key in ('mac',) if key in call.params}


@operation('PUT', '/cluster/sdn/vnets/{vnet}/ips')
def update_address(call: Call) -> None:
    held, address = subnet_for(call)
    mac = call.params.get('mac')
    for other in [key for key, entry in held.items() if mac and entry.get('mac') == mac]:
        del held[other]
    held[address] = {key: call.params[key] for key in ('mac', 'vmid') if key in call.params}


@operation('DELETE', '/cluster/sdn/vnets/{vnet}/ips')
def delete_address(call: Call) -> None:
    held, address = subnet_for(call)
    held.pop(address, None)
