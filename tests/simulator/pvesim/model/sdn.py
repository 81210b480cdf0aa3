"""Software defined networks: pending against running configuration, the lock, and what types of objects may have.

Sections of the cluster: 'sdn-zones', 'sdn-vnets', 'sdn-subnets', 'sdn-controllers', 'sdn-ipams', 'sdn-dns',
'sdn-fabrics', 'sdn-fabric-nodes'; 'sdn-running' holds the applied copies of the first four and of the fabrics by name.
"""

from __future__ import annotations

import copy
import ipaddress
import uuid
from typing import Any

from ..call import ApiError
from .cluster import Cluster
from .sections import Inside, kind, perl, split_list

APPLIED = ('zones', 'vnets', 'subnets', 'controllers', 'fabrics', 'fabric-nodes')
ZONE = 'nodes mtu dns reversedns dnszone ipam lock-token '
KINDS = {
    'zones': {
        'simple': kind('', ZONE + 'dhcp'),
        'vlan': kind('bridge', ZONE + 'bridge-disable-mac-learning'),
        'qinq': kind('bridge tag', ZONE + 'vlan-protocol bridge-disable-mac-learning'),
        'vxlan': kind('', ZONE + 'peers fabric vxlan-port'),
        'evpn': kind('vrf-vxlan controller', ZONE + 'exitnodes exitnodes-local-routing exitnodes-primary mac vxlan-port '
                     'advertise-subnets disable-arp-nd-suppression rt-import bridge-disable-mac-learning'),
        'faucet': kind('dp-id controller', 'nodes mtu'),
    },
    'controllers': {
        'evpn': kind('asn', 'peers fabric'),
        'bgp': kind('node', 'asn peers ebgp loopback ebgp-multihop bgp-multipath-as-path-relax'),
        'isis': kind('isis-domain isis-ifaces isis-net node', 'loopback'),
        'faucet': kind(),
    },
    'ipams': {
        'pve': kind(),
        'netbox': kind('url token', 'fingerprint'),
        'phpipam': kind('url token section', 'fingerprint'),
    },
    'dns': {'powerdns': kind('url key', 'ttl reversemaskv6 reversev6mask fingerprint')},
    'vnets': {'vnet': kind('zone', 'tag alias vlanaware isolate-ports')},
    'subnets': {'subnet': kind('vnet', 'gateway snat dnszoneprefix dhcp-range dhcp-dns-server')},
}


def objects(cluster: Cluster, what: str) -> dict[str, dict]:
    """The configured objects of a kind ('zones', 'vnets' ...)."""
    section = cluster.section(f'sdn-{what}')
    if what == 'ipams':
        section.setdefault('pve', {'type': 'pve'})
    return section


def running(cluster: Cluster, what: str) -> dict[str, dict]:
    """The applied objects of a kind."""
    return cluster.section('sdn-running').get(what, {})


def text_of(value: Any) -> Any:
    return ','.join(sorted(split_list(value))) if isinstance(value, str) and ',' in value else value


def pending(cluster: Cluster, what: str) -> dict[str, dict]:
    """Every object with its running values, what is `pending` and its `state`, as PVE merges both configurations."""
    applied, configured, merged = running(cluster, what), objects(cluster, what), {}
    for name in sorted(applied):
        merged[name] = with_changes(applied[name], configured.get(name))
    for name in sorted(configured):
        if name not in applied:
            entry = merged[name] = {'state': 'new', 'pending': {}}
            for key, value in configured[name].items():
                if key in ('type', 'vnet'):
                    entry[key] = value
                else:
                    entry['pending'][key] = value
    return merged


def with_changes(applied: dict, configured: dict | None) -> dict:
    entry = dict(applied)
    if configured is None:
        return {**entry, 'state': 'deleted', 'pending': {}}
    changes: dict[str, Any] = dict.fromkeys((key for key in applied if key not in configured), 'deleted')
    changes |= {key: value for key, value in configured.items()
                if key not in applied or text_of(applied[key]) != text_of(value)}
    if changes:
        entry.update(state='changed', pending=changes)
    return entry


def has_pending(cluster: Cluster) -> bool:
    return any(objects(cluster, what) != running(cluster, what) for what in APPLIED)


def commit(cluster: Cluster) -> None:
    """Make the configured objects the running ones."""
    section = cluster.section('sdn-running')
    section['version'] = section.get('version', 0) + 1
    for what in APPLIED:
        section[what] = copy.deepcopy(objects(cluster, what))
    cluster.extra['sdn_running_zones'] = sorted(section['zones'])


def rollback(cluster: Cluster) -> None:
    """Make the running objects the configured ones."""
    for what in APPLIED:
        cluster.sections[f'sdn-{what}'] = copy.deepcopy(running(cluster, what))


def local_vnets(cluster: Cluster, node: str) -> dict[str, dict]:
    """The applied networks of a node by name, as its list of bridges shows them to who may use their zone."""
    zones, found = running(cluster, 'zones'), {}
    for name, vnet in running(cluster, 'vnets').items():
        zone = zones.get(vnet['zone'], {})
        if zone.get('nodes') and node not in split_list(zone['nodes']):
            continue
        found[name] = {'type': 'vnet', 'active': '1', 'ipam': int(bool(zone.get('ipam'))),
                       'vlanaware': int(bool(vnet.get('vlanaware'))), 'comments': vnet.get('alias')}
    return found


class Locked(Inside):
    """The configuration's lock around a change: a global lock wants its token; errors get the prefix."""

    def __init__(self, cluster: Cluster, prefix: str, token: str | None):
        super().__init__(prefix)
        self.cluster, self.token = cluster, token

    def __enter__(self) -> None:
        held = self.cluster.extra.get('sdn_lock')
        if held and held != self.token:
            error = perl('invalid lock token provided!', 'Network/SDN.pm', 284)
            raise ApiError(f'{self.prefix}: {error.message}')


def take_lock(cluster: Cluster) -> str:
    cluster.extra['sdn_lock'] = str(uuid.uuid4())
    return cluster.extra['sdn_lock']


def drop_lock(cluster: Cluster) -> None:
    cluster.extra.pop('sdn_lock', None)


def subnet_shown(name: str, entry: dict) -> dict:
    """A subnet with what its id says: zone-network-mask."""
    zone, network, mask = name.split('-', 2)
    return {**entry, 'id': name, 'zone': zone, 'network': network, 'mask': mask, 'cidr': f'{network}/{mask}'}


def in_network(address: str, cidr: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
