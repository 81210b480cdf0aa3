"""Network devices of a VM: property strings, new MAC addresses, and who may use a bridge."""

from __future__ import annotations

import random

from ..call import Call
from ..model.cluster import Cluster
from .qemu_drive import boolean

MODELS = frozenset(
    [
        'e1000', 'e1000-82540em', 'e1000-82544gc', 'e1000-82545em', 'e1000e', 'i82551', 'i82557b', 'i82559er',
        'ne2k_isa', 'ne2k_pci', 'pcnet', 'rtl8139', 'virtio', 'vmxnet3',
    ]
)
BOOLEANS = ('firewall', 'link_down')
PREFIX = 'BC:24:11'


def new_mac(cluster: Cluster) -> str:
    """A random address below the datacenter's prefix."""
    prefix = str(cluster.options.get('mac_prefix') or PREFIX)
    bits = f'{random.getrandbits(48):012X}'
    pairs = [bits[start:start + 2] for start in range(0, 12, 2)]
    pairs[0] = f'{int(pairs[0], 16) & 0xFE:02X}'
    given = prefix.split(':')
    return ':'.join(given + pairs[len(given):])


def parse_net(text: str) -> dict:
    """'virtio=BC:...,bridge=vmbr0' or 'model=virtio,bridge=vmbr0' -> {'model', 'macaddr'?, 'bridge', ...}."""
    net: dict = {}
    for item in str(text).split(','):
        key, equals, value = item.partition('=')
        if key in MODELS:
            net['model'] = key
            if equals:
                net['macaddr'] = value
        elif equals:
            net[key] = boolean(value) if key in BOOLEANS else value
        else:
            net['model'] = key
    return net


def print_net(net: dict) -> str:
    """The property string as PVE writes it: model and address first, then the options by name."""
    parts = [f'{net["model"]}={net["macaddr"]}' if net.get('macaddr') else net['model']]
    parts += [f'{key}={net[key]}' for key in sorted(net) if key not in ('model', 'macaddr') and net[key] is not None]
    return ','.join(parts)


def with_mac(cluster: Cluster, text: str) -> str:
    """The value as it is stored: with an address, in PVE's order."""
    net = parse_net(text)
    net.setdefault('macaddr', new_mac(cluster))
    return print_net(net)


def with_new_mac(cluster: Cluster, text: str) -> str:
    return print_net({**parse_net(text), 'macaddr': new_mac(cluster)})


def nets_of(config: dict) -> list[tuple[int, dict]]:
    """(number, device) of every network device, by number."""
    numbers = sorted(int(key[3:]) for key in config if key.startswith('net') and key[3:].isdigit())
    return [(number, parse_net(config[f'net{number}'])) for number in numbers]


def zone_of(cluster: Cluster, bridge: str) -> str:
    """The SDN zone of a vnet; every other bridge belongs to 'localnetwork'."""
    vnet = cluster.section('sdn-vnets').get(bridge)
    return (vnet or {}).get('zone', 'localnetwork')


def bridge_paths(cluster: Cluster, net: dict) -> list[str]:
    """The ACL paths that one needs SDN.Use on for a device."""
    bridge = net.get('bridge')
    if not bridge:
        return []
    path = f'/sdn/zones/{zone_of(cluster, bridge)}/{bridge}'
    if net.get('tag'):
        return [f'{path}/{net["tag"]}']
    if net.get('trunks'):
        return [f'{path}/{tag}' for tag in trunk_tags(net['trunks'])]
    return [path]


def trunk_tags(text: str) -> list[int]:
    """'2;10-12' -> [2, 10, 11, 12]."""
    tags: list[int] = []
    for item in text.split(';'):
        first, dummy, last = item.partition('-')
        tags += range(int(first), int(last or first) + 1)
    return tags


def check_bridge_access(call: Call, config: dict) -> None:
    """403 where the caller may not use a bridge or VLAN of the configuration. PVE 7 has no such right."""
    if call.is_root or call.release == '7.4':
        return
    for key in sorted(config):
        if key.startswith('net') and key[3:].isdigit():
            for path in bridge_paths(call.cluster, parse_net(config[key])):
                call.require(path, 'SDN.Use')
