"""Containers: option values as PVE::LXC::Config keeps them, mount points, networks, and what an archive holds."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ..schema.property_string import format_of, split, to_string
from .figures import share

NEW_DISK = re.compile(r'^([^:\s]+):(\d+(?:\.\d+)?)$')
PLAIN_SIZE = re.compile(r'^\d+(?:\.\d+)?$')
VOLUME_KEY = re.compile(r'^(?:rootfs|mp\d+)$')
UNUSED_KEY = re.compile(r'^unused\d+$')
NET_KEY = re.compile(r'^net\d+$')
# Options that take effect at once in a running container, without touching its processes.
INSTANT = frozenset(['cores', 'description', 'hookscript', 'hostname', 'lock', 'onboot', 'protection', 'startup', 'tags'])
DEFAULTS = {'memory': 512, 'swap': 512, 'unprivileged': 1}
DISTRIBUTIONS = {'rockylinux': 'centos', 'almalinux': 'centos', 'rocky': 'centos', 'alma': 'centos', 'arch': 'archlinux'}
OSTYPES = ('debian', 'devuan', 'ubuntu', 'centos', 'fedora', 'opensuse', 'archlinux', 'alpine', 'gentoo', 'nixos')


def parse(release: str, key: str, text: str) -> dict[str, str]:
    """The parts of a mount point or network, by name ('volume' for what comes first)."""
    return split(text, format_of(release, 'lxc', key) or {})


def print_value(release: str, key: str, values: dict[str, Any]) -> str:
    """The property string in PVE's order: default key, then the required keys, then the rest, each by name."""
    shape = format_of(release, 'lxc', key) or {}
    first = {name: value for name, value in values.items() if not shape.get(name, {}).get('optional')}
    rest = {name: value for name, value in values.items() if name not in first}
    return ','.join(part for part in (to_string(first, shape), to_string(rest, shape)) if part)


def volumes(config: dict) -> Iterator[str]:
    """The keys of the root file system and mount points, in the order of mounting."""
    if 'rootfs' in config:
        yield 'rootfs'
    yield from sorted((key for key in config if key.startswith('mp') and VOLUME_KEY.match(key)),
                      key=lambda key: int(key[2:]))


def point_type(volume: str) -> str:
    """'volume', 'device' or 'bind'."""
    if volume.startswith('/dev/'):
        return 'device'
    return 'bind' if volume.startswith('/') else 'volume'


def network(release: str, text: str, new_mac: str, key: str = 'net0') -> str:
    """A network as it is kept: with a type and an address."""
    values = parse(release, key, text)
    values.setdefault('type', 'veth')
    values.setdefault('hwaddr', new_mac)
    return print_value(release, key, values)


def stored(value: Any) -> Any:
    """A parameter as the configuration file keeps it: booleans 0 and 1, whole numbers without a point."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def description(text: str) -> str:
    """A description as it is read back: it ends in a newline."""
    return text if text.endswith('\n') else f'{text}\n'


def ostype_of(template: str) -> str:
    """The distribution in an archive, told from its name; debian where the name says nothing."""
    name = template.rpartition('/')[2].lower()
    for word in re.split(r'[-_.]', name):
        word = DISTRIBUTIONS.get(word, word)
        if word in OSTYPES:
            return word
    return 'debian'


def architecture_of(template: str) -> str:
    found = re.search(r'[_-](amd64|i386|arm64|armhf|riscv32|riscv64)\b', template)
    return found[1] if found else 'amd64'


def filesystem_lines(size: int, uuid: str) -> list[str]:
    """What mkfs.ext4 prints for a volume of that many bytes."""
    blocks = size // 4096
    backups = []
    for base in (3, 5, 7):
        power = base
        while power * 32768 < blocks:
            backups.append(power * 32768)
            power *= base
    shown = sorted([32768, *backups]) if blocks > 32768 else []
    return [
        f'Creating filesystem with {blocks} 4k blocks and {blocks // 4} inodes', f'Filesystem UUID: {uuid}',
        'Superblock backups stored on blocks: ', '\t' + ', '.join(map(str, shown)),
    ]


def link_local(mac: str) -> str:
    """The address that an interface gives itself."""
    parts = [int(part, 16) for part in mac.split(':')]
    parts[0] ^= 2
    eui = [*parts[:3], 0xFF, 0xFE, *parts[3:]]
    return str(ipaddress.IPv6Address((0xFE80 << 112) + int.from_bytes(bytes(eui), 'big')))


def leased(name: str, index: int) -> str:
    """The address that the network's DHCP server gives: always the same for the same guest."""
    number = int(share(name, 'dhcp', index) * 0xFFFF)
    return f'10.99.{number >> 8}.{number % 253 + 1}/24'


def interfaces(release: str, name: str, config: dict) -> list[dict]:
    """What runs inside shows: the loopback device and every net<n> with its addresses."""
    found = [interface('lo', '00:00:00:00:00:00', ['127.0.0.1/8', '::1/128'])]
    for index, key in enumerate(sorted(key for key in config if NET_KEY.match(key))):
        net = parse(release, key, config[key])
        mac = net.get('hwaddr', '00:00:00:00:00:00').lower()
        addresses = []
        if net.get('ip') == 'dhcp':
            addresses.append(leased(name, index))
        elif '/' in net.get('ip', ''):
            addresses.append(net['ip'])
        addresses.append(f'{link_local(mac)}/64')
        if '/' in net.get('ip6', ''):
            addresses.append(net['ip6'])
        found.append(interface(net['name'], mac, addresses if not int(net.get('link_down', 0)) else []))
    return found


def interface(name: str, mac: str, addresses: list[str]) -> dict:
    entry: dict[str, Any] = {'name': name, 'hwaddr': mac, 'hardware-address': mac, 'ip-addresses': []}
    for address in addresses:
        host, dummy, prefix = address.partition('/')
        kind = 'inet6' if ':' in host else 'inet'
        entry.setdefault(kind, address)
        entry['ip-addresses'].append({'ip-address': host, 'prefix': prefix, 'ip-address-type': kind})
    return entry
