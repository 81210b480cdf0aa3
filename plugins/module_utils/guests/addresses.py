# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a guest: from its agent, its interfaces, or what its configuration declares."""

from __future__ import annotations

import ipaddress

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import described_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import kind_of
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path

# An agent that answers does so at once, and for one that does not the server gives up after three seconds.
AGENT_SECONDS = 10.0


class Timed:
    """A client whose requests have a time limit of their own, after which errors.Timeout is raised without another try."""

    def __init__(self, client, seconds=AGENT_SECONDS):
        self.client = client
        self.seconds = seconds

    def get(self, *segments, params=None):
        return self.client.get(*segments, params=params, timeout=self.seconds)


def read_addresses(client, kind, row, config):
    """Addresses of a running guest: {interface: [address]}. One request.

    Interfaces are named as in the configuration (net0) where the MAC address tells, else as within the guest.
    Raises FleetError when a virtual machine's agent does not answer.
    """
    kind = kind_of(kind)
    return by_network(kind, config, READERS[kind.name](client, row))


def agent_interfaces(client, row):
    """What the guest agent says: [(name, MAC, [address])]."""
    answer = client.get(*path('qemu', row, 'agent', 'network-get-interfaces')) or {}
    return [
        (one.get('name'), one.get('hardware-address'), [ip.get('ip-address') for ip in one.get('ip-addresses') or []])
        for one in answer.get('result') or []
    ]


def container_interfaces(client, row):
    """What the node sees of a container: [(name, MAC, [address])]; empty when it does not run."""
    found = []
    for one in client.get(*path('lxc', row, 'interfaces')) or []:
        listed = [ip.get('ip-address') for ip in one.get('ip-addresses') or []]
        plain = [str(one[key]).partition('/')[0] for key in ('inet', 'inet6') if one.get(key)]
        found.append((one.get('name'), one.get('hwaddr') or one.get('hardware-address'), listed or plain))
    return found


READERS = {'qemu': agent_interfaces, 'lxc': container_interfaces}


def by_network(kind, config, interfaces):
    """[(name, MAC, [address])] -> {net0: [address]}; loopback is left out, IPv4 comes first."""
    named = {mac.upper(): key for key, mac in macs(kind, config).items()}
    result = {}
    for name, mac, addresses in interfaces:
        usable = [address for address in addresses if address and not is_loopback(address)]
        if usable:
            key = named.get(str(mac or '').upper(), name)
            result.setdefault(key, []).extend(sorted(usable, key=lambda text: (':' in text, is_link_local(text), text)))
    return dict(sorted(result.items()))


def macs(kind, config):
    """{net0: MAC} of a configuration."""
    kind = kind_of(kind)
    networks = described_config(kind, {key: config[key] for key in config if kind.is_network(key)}).get('networks', {})
    return {
        key: str(net[kind.mac_key]) for key, net in networks.items() if isinstance(net, dict) and net.get(kind.mac_key)
    }


def declared_addresses(kind, config):
    """Static addresses that the configuration itself gives (cloud-init, or a container's networks): {net0: [address]}."""
    shown = described_config(kind, config)
    if kind_of(kind).name == 'qemu':
        entries = {key: (ip.get('address'), ip.get('address6')) for key, ip in shown.get('cloud_init', {}).get('ip', {}).items()}
    else:
        entries = {key: (net.get('ip'), net.get('ip6')) for key, net in shown.get('networks', {}).items()}
    result = {}
    for key, pair in entries.items():
        static = [str(value).partition('/')[0] for value in pair if value and '/' in str(value)]
        if static:
            result[key] = static
    return result


def known_addresses(client, kind, row, config, running):
    """The best that can be had without waiting: asked of a running guest, else what is declared. Never raises."""
    if running:
        try:
            found = read_addresses(Timed(client), kind, row, config)
        except FleetError:
            found = {}
        if found:
            return found
    return declared_addresses(kind, config)


def is_loopback(address):
    return parsed(address, 'is_loopback')


def is_link_local(address):
    return parsed(address, 'is_link_local')


def parsed(address, question):
    try:
        return getattr(ipaddress.ip_address(str(address).partition('%')[0]), question)
    except ValueError:
        return False


def has_reachable(addresses):
    """Whether any address is more than a link-local one."""
    return any(not is_link_local(address) for found in addresses.values() for address in found)
