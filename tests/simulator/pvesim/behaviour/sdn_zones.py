"""SDN zones."""

from __future__ import annotations

import random

from ..call import ApiError, Call, ParameterError, operation
from ..model import sdn
from ..model.cluster import Cluster
from ..model.sections import assert_unmodified, check, delete_options, perl, settings, split_list
from .sdn_objects import SEE, current_digest, known, shown, view

IDENTITY = ('zone', 'type', 'lock-token', 'delete', 'digest')


@operation('GET', '/cluster/sdn/zones')
def index(call: Call) -> list[dict]:
    objects, current = view(call, 'zones')
    wanted = call.params.get('type')
    return [shown(entry, 'zone', name, current) for name, entry in sorted(objects.items())
            if wanted in (None, entry.get('type')) and call.may(f'/sdn/zones/{name}', SEE, any=True)]


@operation('GET', '/cluster/sdn/zones/{zone}')
def read(call: Call) -> dict:
    objects, current = view(call, 'zones')
    name = call.params['zone']
    return shown(known(objects, 'zone', name), 'zone', name, current)


@operation('POST', '/cluster/sdn/zones')
def create(call: Call) -> None:
    params, zones = call.params, sdn.objects(call.cluster, 'zones')
    name, type_ = params['zone'], params['type']
    values = settings(params, *IDENTITY)
    check(sdn.KINDS['zones'][type_], values, create=True)
    with sdn.Locked(call.cluster, 'create sdn zone object failed', params.get('lock-token')):
        if name in zones:
            raise ApiError(f"sdn zone object ID '{name}' already defined")
        entry = {'type': type_, **values}
        references(call.cluster, values)
        hook(call.cluster, name, entry)
        zones[name] = entry


def references(cluster: Cluster, values: dict) -> None:
    """400 for a DNS server or an IPAM that does not exist."""
    for key in ('dns', 'reversedns'):
        if values.get(key) and values[key] not in sdn.objects(cluster, 'dns'):
            raise ParameterError({key: f"{values[key]} don't exist"})
    if values.get('dnszone') and not values.get('dns'):
        raise ParameterError({'dnszone': 'missing dns server'})
    if values.get('ipam') and values['ipam'] not in sdn.objects(cluster, 'ipams'):
        raise ParameterError({'ipam': f"{values['ipam']} not existing"})


def hook(cluster: Cluster, name: str, entry: dict) -> None:
    """What a type of zone checks and sets besides."""
    if entry['type'] == 'vxlan' and bool(entry.get('peers')) == bool(entry.get('fabric')):
        raise ParameterError(dict.fromkeys(('peers', 'fabric'), 'must have exactly one of peers / fabric defined'))
    if entry['type'] != 'evpn':
        return
    controllers = sdn.objects(cluster, 'controllers')
    controller = controllers.get(entry['controller'])
    if controller is None:
        raise perl(f"controller {entry['controller']} don't exist", 'Network/SDN/Zones/EvpnPlugin.pm', 300)
    if controller['type'] != 'evpn':
        raise perl(f"{entry['controller']} is not a evpn controller type", 'Network/SDN/Zones/EvpnPlugin.pm', 302)
    for other, zone in sdn.objects(cluster, 'zones').items():
        if other != name and zone.get('vrf-vxlan') == entry['vrf-vxlan']:
            raise perl(f"vrf-vxlan {entry['vrf-vxlan']} is already declared in {other}",
                       'Network/SDN/Zones/EvpnPlugin.pm', 311)
    prefix = cluster.options.get('mac_prefix', 'BC:24:11')
    entry.setdefault('mac', prefix + ''.join(f':{random.randrange(256):02X}' for dummy in range(6 - len(prefix.split(':')))))


@operation('PUT', '/cluster/sdn/zones/{zone}')
def update(call: Call) -> None:
    params, cluster, name = call.params, call.cluster, call.params['zone']
    zones = sdn.objects(cluster, 'zones')
    with sdn.Locked(cluster, 'update sdn zone object failed', params.get('lock-token')):
        assert_unmodified(current_digest(zones), params.get('digest'))
        entry = dict(known(zones, 'zone', name))
        kind, old_ipam = sdn.KINDS['zones'][entry['type']], entry.get('ipam')
        values = settings(params, *IDENTITY)
        check(kind, values, create=False)
        delete_options(kind, entry, values, split_list(params.get('delete')))
        entry.update(values)
        if entry.get('ipam') != old_ipam and any(
                subnet.startswith(f'{name}-') for subnet in sdn.objects(cluster, 'subnets')):
            raise ParameterError({'ipam': "can't change ipam if a subnet is already defined in this zone"})
        references(cluster, values)
        hook(cluster, name, entry)
        zones[name] = entry


@operation('DELETE', '/cluster/sdn/zones/{zone}')
def delete(call: Call) -> None:
    name, zones = call.params['zone'], sdn.objects(call.cluster, 'zones')
    with sdn.Locked(call.cluster, 'delete sdn zone object failed', call.params.get('lock-token')):
        known(zones, 'zone', name)
        for vnet, entry in sorted(sdn.objects(call.cluster, 'vnets').items()):
            if entry.get('zone') == name:
                raise perl(f'zone {name} is used by vnet {vnet}', 'Network/SDN/Zones/Plugin.pm', 149)
        del zones[name]
