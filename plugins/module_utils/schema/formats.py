# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named formats of the API (ipv4, dns-name, disk-size ...) that can be checked without a server.

A format that is not listed here is accepted: the server has the last word.
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from .size import SizeError, parse_size

_SEPARATORS = re.compile(r'[,;\0\s]+')


def split_list(text: str) -> list[str]:
    """The items of a '-list' format, which may be separated by commas, semicolons and white space."""
    return [item for item in _SEPARATORS.split(text.strip()) if item]


def _matches(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parser: Callable[[str], object]) -> Callable[[str], bool]:
    def good(text: str) -> bool:
        try:
            parser(text)
        except ValueError:
            return False
        return True
    return good


def _network(factory: Callable[..., object]) -> Callable[[str], bool]:
    return lambda text: '/' in text and _parses(lambda given: factory(given, strict=False))(text)


def _one_of(words: tuple[str, ...], good: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: text in words or good(text)


def _is_size(text: str) -> bool:
    try:
        parse_size(text)
    except SizeError:
        return False
    return True


_LABEL = r'[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?'
_DNS_NAME = rf'({_LABEL}\.)*{_LABEL}'
_IP = _parses(ipaddress.ip_address)
_IPV4 = _parses(ipaddress.IPv4Address)
_IPV6 = _parses(ipaddress.IPv6Address)
_CIDR = _network(ipaddress.ip_network)
_CIDR4 = _network(ipaddress.IPv4Network)
_CIDR6 = _network(ipaddress.IPv6Network)

# name of the format: (check, what is expected)
_KNOWN: dict[str, tuple[Callable[[str], bool], str]] = {
    'CIDR': (_CIDR, 'a network such as 192.0.2.0/24'),
    'CIDRv4': (_CIDR4, 'an IPv4 network such as 192.0.2.0/24'),
    'CIDRv6': (_CIDR6, 'an IPv6 network such as 2001:db8::/64'),
    'IPorCIDR': (lambda text: _IP(text) or _CIDR(text), 'an address or a network'),
    'address': (lambda text: _IP(text) or _matches(_DNS_NAME)(text), 'an IP address or a DNS name'),
    'disk-size': (_is_size, 'a size such as 32G'),
    'dns-name': (_matches(_DNS_NAME), 'a DNS name: letters, digits and hyphens, parts separated by dots'),
    'email-opt': (lambda text: '@' in text or not text, 'an e-mail address'),
    'ip': (_IP, 'an IP address'),
    'ipv4': (_IPV4, 'an IPv4 address'),
    'ipv6': (_IPV6, 'an IPv6 address'),
    'mac-addr': (_matches(r'[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}'), 'a unicast MAC address'),
    'pve-bridge-id': (_matches(r'[-_.A-Za-z0-9]+'), 'the name of a bridge'),
    'pve-configid': (_matches(r'[A-Za-z][A-Za-z0-9_-]+'), 'an id: a letter, then letters, digits, _ and -'),
    'pve-groupid': (_matches(r'[A-Za-z0-9._-]+'), 'a group name: letters, digits, dot, _ and -'),
    'pve-iface': (_matches(r'[A-Za-z][A-Za-z0-9_.:\-]*'), 'the name of a network interface'),
    'pve-ipv4-config': (_one_of(('dhcp', 'manual'), _CIDR4), 'dhcp, manual or an address such as 192.0.2.10/24'),
    'pve-ipv6-config': (_one_of(('auto', 'dhcp', 'manual'), _CIDR6),
                        'auto, dhcp, manual or an address such as 2001:db8::10/64'),
    'pve-node': (_matches(_LABEL), 'the name of a node'),
    'pve-poolid': (_matches(r'[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}'), 'a pool name, at most three levels deep'),
    'pve-roleid': (_matches(r'[A-Za-z0-9._-]+'), 'a role name: letters, digits, dot, _ and -'),
    'pve-storage-id': (_matches(r'[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]'), 'the name of a storage'),
    'pve-tag': (_matches(r'[A-Za-z0-9_][A-Za-z0-9_+.\-]*'), 'a tag: letters, digits, _, -, + and dot'),
    'pve-userid': (_matches(r'[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+'), 'a user such as name@realm'),
    'pve-vmid': (_matches(r'[1-9][0-9]{2,8}'), 'a VM ID from 100 to 999999999'),
    'pve-volume-id': (_matches(r'[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]:.+'), 'a volume such as local-lvm:vm-100-disk-0'),
}


def format_problem(name: object, text: str) -> str:
    """What is wrong with text of a named format, as the end of a sentence; '' when it is good or not known here."""
    if not isinstance(name, str):
        return ''
    if name in _KNOWN:
        good, expected = _KNOWN[name]
        return '' if good(text) else f'must be {expected}, not {text!r}'
    if name.endswith('-list') and name[:-5] in _KNOWN:
        good, expected = _KNOWN[name[:-5]]
        wrong = [item for item in split_list(text) if not good(item)]
        return f'must be a list of which each item is {expected}, not {wrong[0]!r}' if wrong else ''
    return ''
