"""Virtual networks of SDN zones."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError, operation
from ..model import sdn
from ..model.cluster import Cluster
from ..model.sections import assert_unmodified, check, delete_options, perl, settings, split_list
from .sdn_objects import SEE, current_digest, known, shown, view

IDENTITY = ('vnet', 'type', 'lock-token', 'delete', 'digest')
KIND = sdn.KINDS['vnets']['vnet']
VLAN_MAX, VXLAN_MAX = 4096, 16777216


def zone_of(entry: dict) -> str:
    return entry.get('zone') or entry.get('pending', {}).get('zone', '')


@operation('GET', '/cluster/sdn/vnets')
def index(call: Call) -> list[dict]:
    objects, current = view(call, 'vnets')
    return [shown(entry, 'vnet', name, current) for name, entry in sorted(objects.items())
            if call.may(f'/sdn/zones/{zone_of(entry)}/{name}', SEE, any=True)]


def reachable(call: Call, *privileges: str) -> dict:
    """The configured network that the path names, if the caller holds one of the privileges on it."""
    name = call.params['vnet']
    entry = known(sdn.objects(call.cluster, 'vnets'), 'vnet', name)
    call.require(f'/sdn/zones/{entry["zone"]}/{name}', privileges, any=True)
    return entry


@operation('GET', '/cluster/sdn/vnets/{vnet}')
def read(call: Call) -> dict:
    reachable(call, *SEE)
    objects, current = view(call, 'vnets')
    return shown(known(objects, 'vnet', call.params['vnet']), 'vnet', call.params['vnet'], current)


@operation('POST', '/cluster/sdn/vnets')
def create(call: Call) -> None:
    params, cluster, name = call.params, call.cluster, call.params['vnet']
    vnets = sdn.objects(cluster, 'vnets')
    with sdn.Locked(cluster, 'create sdn vnet object failed', params.get('lock-token')):
        values = settings(params, *IDENTITY)
        check(KIND, values, create=True)
        if name in vnets:
            raise ApiError(f"sdn vnet object ID '{name}' already defined")
        hook(cluster, name, values)
        vnets[name] = {'type': 'vnet', **values}


def hook(cluster: Cluster, name: str, entry: dict) -> None:
    """The rules of the zone's type for a network in it."""
    zone = sdn.objects(cluster, 'zones').get(entry['zone'])
    if zone is None:
        raise perl('cannot lookup undefined type!', 'API2/Network/SDN/Vnets.pm', 326)
    tag, type_ = entry.get('tag'), zone['type']
    if type_ == 'simple' and tag is not None:
        raise ParameterError({'tag': 'vlan tag is not allowed on simple zone'})
    others = {other: vnet for other, vnet in sdn.objects(cluster, 'vnets').items()
              if other != name and vnet['zone'] == entry['zone']}
    if type_ == 'vlan':
        vlan_rules(tag, others)
    if type_ == 'qinq':
        qinq_rules(tag, entry['zone'], others)
    if type_ in ('vxlan', 'evpn'):
        vxlan_rules(cluster, name, entry, type_)
    if entry.get('vlanaware') and subnets_of(cluster, name):
        raise ParameterError({'vlanaware': 'vlanaware vnet is not compatible with subnets'})


def vlan_rules(tag: int | None, others: dict[str, dict]) -> None:
    if tag is None:
        raise ParameterError({'tag': 'missing vlan tag'})
    if tag > VLAN_MAX:
        raise ParameterError({'tag': f'vlan tag max value is {VLAN_MAX}'})
    for other, vnet in others.items():
        if vnet.get('tag') == tag:
            raise ParameterError({'tag': f'tag {tag} already exist in vnet {other}'})


def qinq_rules(tag: int | None, zone: str, others: dict[str, dict]) -> None:
    if tag and tag > VLAN_MAX:
        raise ParameterError({'tag': f'VLAN tag maximal value is {VLAN_MAX}'})
    for other, vnet in others.items():
        if tag and vnet.get('tag') == tag:
            raise ParameterError({'tag': f'tag {tag} already exist in zone {zone} vnet {other}'})
        if not tag and not vnet.get('tag'):
            raise ParameterError({'tag': f'tag-less vnet already exists in zone {zone} vnet {other}'})


def vxlan_rules(cluster: Cluster, name: str, entry: dict, type_: str) -> None:
    tag = entry.get('tag')
    if not tag:
        raise ParameterError({'tag': 'missing vxlan tag'})
    if tag > VXLAN_MAX:
        raise ParameterError({'tag': f'vxlan tag max value is {VXLAN_MAX}'})
    if type_ == 'evpn' and entry.get('vlanaware'):
        raise ParameterError({'vlan-aware': "vlan-aware option can't be enabled with evpn"})
    zones = sdn.objects(cluster, 'zones')
    for other, vnet in sdn.objects(cluster, 'vnets').items():
        shared = zones.get(vnet['zone'], {}).get('type') in ('vxlan', 'evpn')
        if other != name and shared and vnet.get('tag') == tag:
            raise ParameterError({'tag': f'vxlan tag {tag} already exist in vnet {other} in zone {vnet["zone"]} '})


def subnets_of(cluster: Cluster, name: str) -> list[str]:
    return [subnet for subnet, entry in sdn.objects(cluster, 'subnets').items() if entry.get('vnet') == name]


@operation('PUT', '/cluster/sdn/vnets/{vnet}')
def update(call: Call) -> None:
    params, cluster, name = call.params, call.cluster, call.params['vnet']
    reachable(call, 'SDN.Allocate')
    vnets = sdn.objects(cluster, 'vnets')
    with sdn.Locked(cluster, 'update sdn vnet object failed', params.get('lock-token')):
        assert_unmodified(current_digest(vnets), params.get('digest'))
        values, entry = settings(params, *IDENTITY), dict(vnets[name])
        old_zone = entry['zone']
        check(KIND, values, create=False)
        forget = split_list(params.get('delete'))
        if 'zone' in forget:
            raise ParameterError({'zone': 'cannot delete zone'})
        delete_options(KIND, entry, values, forget)
        entry.update(values)
        if entry['zone'] != old_zone and subnets_of(cluster, name):
            raise ParameterError({'zone': "can't change zone if subnets exist"})
        hook(cluster, name, entry)
        vnets[name] = entry


@operation('DELETE', '/cluster/sdn/vnets/{vnet}')
def delete(call: Call) -> None:
    reachable(call, 'SDN.Allocate')
    with sdn.Locked(call.cluster, 'delete sdn vnet object failed', call.params.get('lock-token')):
        if subnets_of(call.cluster, call.params['vnet']):
            raise ParameterError({'vnet': "Can't delete vnet if subnets exists"})
        del sdn.objects(call.cluster, 'vnets')[call.params['vnet']]
