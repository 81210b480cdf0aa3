"""Registered formats of PVE::JSONSchema: a name -> a function that returns the value or raises FormatError.

A text of FormatError carries PVE's own trailing newline.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

from ..data import privileges

REALM = r'[A-Za-z][A-Za-z0-9.\-_]+'
USER = r'[^\s:/]+'
DNS_LABEL = r'[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?'
CONTENT_TYPES = ('images', 'rootdir', 'vztmpl', 'iso', 'backup', 'snippets', 'import', 'none')
SIZE_UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}


class FormatError(ValueError):
    """A value that its format refuses; the text is PVE's."""


FORMATS: dict[str, Callable[[str], Any]] = {}


def register(*names: str) -> Callable:
    def keep(function: Callable) -> Callable:
        for name in names:
            FORMATS[name] = function
        return function

    return keep


def by_pattern(name: str, pattern: str, text: str, flags: int = 0) -> None:
    """Register a format that is a pattern; `text` may name {value}."""
    compiled = re.compile(pattern, flags)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise FormatError(text.replace('{value}', value) + '\n')
        return value

    FORMATS[name] = check


def split_list(text: str) -> list[str]:
    """Split as PVE::Tools::split_list: on NUL if there is one, else on comma, semicolon and white space."""
    if '\0' in text:
        return [item for item in text.split('\0') if item]
    return [item for item in re.split(r'[,;\s]+', text) if item]


for _names, _pattern, _text in (
    ('pve-configid', r'[a-zA-Z][a-zA-Z0-9_-]+', "invalid configuration ID '{value}'"),
    ('pve-storage-id', r'[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]', "storage ID '{value}' contains illegal characters"),
    ('pve-bridge-id', r'[-_.\w]+', "invalid bridge ID '{value}'"),
    ('pve-node', DNS_LABEL, 'value does not look like a valid node name'),
    ('pve-vmid', r'[1-9][0-9]{2,8}', 'value does not look like a valid VM ID'),
    ('ldap-simple-attr', r'[a-zA-Z0-9\-]+', "value '{value}' does not look like a simple ldap attribute name"),
    ('email', rf'[\w+\-~]+(?:\.[\w+\-~]+)*@{DNS_LABEL}(?:\.{DNS_LABEL})*', 'value does not look like a valid email address'),
    ('email-or-username', r'[^\s/@:]+(?:@[^\s/@:]+)?',
     'value does not look like a valid email address or user name'),
    ('dns-name', rf'(?:{DNS_LABEL}\.)*{DNS_LABEL}', 'value does not look like a valid DNS name'),
    ('pve-iface', r'[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?', "invalid network interface name '{value}'"),
    ('mac-addr', r'[a-fA-F0-9][02468aceACE](?::[a-fA-F0-9]{2}){5}',
     'value does not look like a valid unicast MAC address'),
    ('mac-prefix', r'[a-fA-F0-9][02468aceACE](?::[a-fA-F0-9]{2}){0,2}:?',
     'value is not a valid unicast MAC address prefix'),
    ('urlencoded', r"[-%a-zA-Z0-9_.!~*'()]*", 'invalid urlencoded string: {value}'),
    ('pve-poolid', r'[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}', "pool name '{value}' contains invalid characters"),
    ('pve-groupid', r'[A-Za-z0-9.\-_]+', "group name '{value}' contains invalid characters"),
    ('pve-roleid', r'[A-Za-z0-9.\-_]+', "role name '{value}' contains invalid characters"),
    ('pve-realm', REALM, 'value does not look like a valid realm'),
    ('pve-tokenid', rf'{USER}@{REALM}!{REALM}', "value '{value}' does not look like a valid token ID"),
    ('pve-tag', r'[A-Za-z0-9_][A-Za-z0-9_\-+.]*', 'invalid characters in tag'),
    ('disk-size', r'\d+(?:\.\d+)?[KMGT]?', 'value does not look like a valid disk size: {value}'),
    ('pve-volume-id', r'[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+', "unable to parse volume ID '{value}'"),
    ('pve-replication-job-id', r'[1-9][0-9]{2,8}-\d{1,9}', "invalid replication job id '{value}'"),
    ('pve-ha-resource-id', r'[a-z]+:\S+', 'value does not look like a valid ha resource id'),
    ('pve-ha-resource-or-vm-id', r'(?:[a-z]+:\S+|\d+)', 'value does not look like a valid ha resource id'),
    ('pve-ha-group-node', rf'{DNS_LABEL}(?::\d+)?', 'value does not look like a valid ha group node'),
    ('pve-ha-node', rf'{DNS_LABEL}(?::\d+)?', 'value does not look like a valid ha node'),
    ('graphite-path', r'[^\s\0]+', 'not a valid graphite path'),
    ('pve-sdn-zone-id', r'[a-z][a-z0-9]*[a-z0-9]', "zone ID '{value}' contains illegal characters"),
    ('pve-sdn-vnet-id', r'[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]', "vnet ID '{value}' contains illegal characters"),
    ('pve-sdn-controller-id', r'[a-z][a-z0-9_-]*[a-z0-9]', "controller ID '{value}' contains illegal characters"),
    ('pve-sdn-dns-id', r'[a-z][a-z0-9]*[a-z0-9]', "dns ID '{value}' contains illegal characters"),
    ('pve-sdn-ipam-id', r'[a-z][a-z0-9]*[a-z0-9]', "ipam ID '{value}' contains illegal characters"),
    ('pve-sdn-fabric-id', r'[a-zA-Z0-9][a-zA-Z0-9-]{0,6}[a-zA-Z0-9]?', "fabric ID '{value}' contains illegal characters"),
    ('pve-sdn-isis-net', r'[a-fA-F0-9]{2}(?:\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}',
     'value does not look like a valid isis net'),
    ('pve-sdn-bgp-rt', r'\d+:\d+', 'value does not look like a valid bgp route-target'),
    ('pve-vlan-id-or-range', r'\d{1,4}(?:-\d{1,4})?', "invalid VLAN ID '{value}'"),
    ('pve-cpuset', r'\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*', "invalid cpuset '{value}'"),
    ('pve-storage-path', r'/.*', 'value does not look like a valid absolute path'),
    ('pve-storage-path-in-property-string', r'/[^,]*', 'value does not look like a valid absolute path'),
    ('pve-storage-server', r'[A-Za-z0-9.:\-\[\]%_]+', "value is not a valid server name or address: '{value}'"),
    ('pve-storage-portal-dns', r'[A-Za-z0-9.:\-\[\]]+', 'value does not look like a valid portal address'),
    ('pve-storage-vgname', r'[a-zA-Z0-9+_.][a-zA-Z0-9+_.\-]*', "lvm name '{value}' contains illegal characters"),
    ('pve-storage-options', r'\S+', "invalid mount options '{value}'"),
    ('pve-storage-format', r'raw|qcow2|vmdk|subvol', "invalid format '{value}'"),
    ('pve-dir-override', r'[a-z]+=[^,]+', "invalid dir override '{value}'"),
    ('pve-lxc-mp-string', r'(?!\.\.?/)(?!.*/\.\.?(?:/|$)).*', '{value} contains illegal character sequences'),
    ('pve-lxc-dev-string', r'/.+', "device path '{value}' is not an absolute path"),
    ('lxc-ip-with-ll-iface', r'[0-9a-fA-F.:]+(?:%[\w.\-]+)?', 'value does not look like a valid IP address'),
    ('pve-day-of-week', r'mon|tue|wed|thu|fri|sat|sun', "invalid day '{value}'"),
    ('pve-task-status-type', r'ok|error|warning|unknown', "unknown status type '{value}'"),
    ('pve-fw-conntrack-helper', r'amanda|ftp|irc|netbios-ns|pptp|sane|sip|snmp|tftp',
     "unknown conntrack helper '{value}'"),
    ('pve-qm-bootdisk', r'(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+', "invalid boot disk '{value}'"),
    ('pve-fw-icmp-type-spec', r'[\w\-/]+', "invalid icmp-type '{value}'"),
    ('pve-fw-protocol-spec', r'[\w\-.]+', "unknown protocol '{value}'"),
    ('pve-acme-domain-name', rf'(?:\*\.)?(?:{DNS_LABEL}\.)*{DNS_LABEL}', 'value does not look like a valid DNS name'),
):
    by_pattern(_names, _pattern, _text, re.ASCII)


@register('string', 'pve-ct-timezone', 'pve-acme-alias', 'storage-pair', 'bridge-pair', 'ldap-simple-attr-any')
def anything(value: str) -> str:
    return value


@register('ip')
def ip(value: str) -> str:
    return address_of(value, ipaddress.ip_address, 'value does not look like a valid IP address\n')


@register('ipv4')
def ipv4(value: str) -> str:
    return address_of(value, ipaddress.IPv4Address, 'value does not look like a valid IPv4 address\n')


@register('ipv6')
def ipv6(value: str) -> str:
    return address_of(value, ipaddress.IPv6Address, 'value does not look like a valid IPv6 address\n')


def address_of(value: str, kind: Callable, text: str) -> str:
    try:
        kind(value)
    except ValueError:
        raise FormatError(text) from None
    return value


def is_network(value: str, *kinds: type) -> bool:
    address, slash, mask = value.partition('/')
    if not slash or not re.fullmatch(r'\d{1,3}', mask, re.ASCII):
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    whole = value in ('0.0.0.0/0', '::/0')
    return isinstance(parsed, kinds) and (whole or 8 <= int(mask) <= parsed.max_prefixlen)


@register('CIDRv4')
def cidr4(value: str) -> str:
    if not is_network(value, ipaddress.IPv4Address):
        raise FormatError('value does not look like a valid IPv4 network\n')
    return value


@register('CIDRv6')
def cidr6(value: str) -> str:
    if not is_network(value, ipaddress.IPv6Address):
        raise FormatError('value does not look like a valid IPv6 network\n')
    return value


@register('CIDR')
def cidr(value: str) -> str:
    if not is_network(value, ipaddress.IPv4Address, ipaddress.IPv6Address):
        raise FormatError('value does not look like a valid CIDR network\n')
    return value


@register('pve-ipv4-config')
def ipv4_config(value: str) -> str:
    if value not in ('dhcp', 'manual') and not is_network(value, ipaddress.IPv4Address):
        raise FormatError('value does not look like a valid ipv4 network configuration\n')
    return value


@register('pve-ipv6-config')
def ipv6_config(value: str) -> str:
    if value not in ('auto', 'dhcp', 'manual') and not is_network(value, ipaddress.IPv6Address):
        raise FormatError('value does not look like a valid ipv6 network configuration\n')
    return value


@register('ipv4mask')
def netmask(value: str) -> str:
    try:
        ipaddress.IPv4Network(f'0.0.0.0/{value}')
    except ValueError:
        raise FormatError('value does not look like a valid IP netmask\n') from None
    return value


@register('address')
def host_address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not re.fullmatch(rf'(?:{DNS_LABEL}\.)*{DNS_LABEL}', value):
            raise FormatError(f'value does not look like a valid address: {value}\n') from None
    return value


@register('IPorCIDR')
def ip_or_cidr(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise FormatError('value does not look like a valid IP address or CIDR network\n') from None
    return value


@register('IPorCIDRorAlias')
def ip_or_cidr_or_alias(value: str) -> str:
    if re.fullmatch(r'(?:dc/|guest/)?[A-Za-z][A-Za-z0-9\-_]+', value):
        return value
    return ip_or_cidr(value)


@register('pve-fw-addr-spec')
def firewall_address(value: str) -> str:
    """Addresses, networks, ranges, aliases and +ipsets by comma; whether names exist is the rule's business."""
    if re.fullmatch(r'\+(?:dc/|guest/|sdn/)?[A-Za-z][\w\-.]+|(?:dc/|guest/)?[A-Za-z][A-Za-z0-9\-_]+', value):
        return value
    for item in split_list(value):
        for end in item.split('-', 1):
            try:
                ipaddress.ip_network(end, strict=False)
            except ValueError:
                raise FormatError(f'unable to parse address list: invalid IP address {item}\n') from None
    return value


@register('pve-fw-sport-spec', 'pve-fw-dport-spec')
def firewall_port(value: str) -> str:
    for item in split_list(value):
        for port in item.split(':', 1):
            if port.isdigit():
                if int(port) > 65535:
                    raise FormatError(f"invalid port '{port}'\n")
            elif not re.fullmatch(r'[A-Za-z][\w\-]*', port):
                raise FormatError(f"invalid port '{port}'\n")
    return value


@register('pve-userid')
def userid(value: str) -> str:
    if len(value) < 3:
        raise FormatError(f"user name '{value}' is too short\n")
    if len(value) > 64:
        raise FormatError(f"user name '{value}' is too long ({len(value)} > 64)\n")
    if not re.fullmatch(rf'{USER}@{REALM}', value):
        raise FormatError(f"value '{value}' does not look like a valid user name\n")
    return value


@register('pve-priv')
def privilege(value: str) -> str:
    """Checked against the newest release; the validator of a release narrows it."""
    if value not in privileges.ALL['9']:
        raise FormatError(f"invalid privilege '{value}'\n")
    return value


@register('pve-storage-content')
def content_type(value: str) -> str:
    if value not in CONTENT_TYPES:
        raise FormatError(f"invalid content type '{value}'\n")
    return value


@register('pve-volume-id-or-qm-path')
def volume_or_path(value: str) -> str:
    if value in ('none', 'cdrom') or value.startswith('/'):
        return value
    return FORMATS['pve-volume-id'](value)


@register('pve-volume-id-or-absolute-path')
def volume_or_absolute_path(value: str) -> str:
    return value if value.startswith('/') else FORMATS['pve-volume-id'](value)


@register('pve-hotplug-features')
def hotplug(value: str) -> str:
    if value not in ('0', '1'):
        for item in split_list(value):
            if item not in ('network', 'disk', 'cpu', 'memory', 'usb', 'cloudinit'):
                raise FormatError('unable to parse hotplug option\n')
    return value


@register('pve-startup-order')
def startup(value: str) -> str:
    for item in value.split(','):
        if not re.fullmatch(r'\s*(?:(?:order=)?\d+|up=\d+|down=\d+)?\s*', item):
            raise FormatError('unable to parse startup options\n')
    return value


@register('pem-string', 'pem-certificate-chain')
def pem(value: str) -> str:
    if not re.match(r'-----BEGIN [^\n]+-----\n.*-----END ', value, re.DOTALL):
        raise FormatError('value does not look like a valid PEM-encoded string\n')
    return value


_DAYS = r'(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*'
_NUMBER = r'(?:\*|\d+)(?:(?:\.\.|-)\d+)?(?:/\d+)?'
_NUMBERS = rf'{_NUMBER}(?:,{_NUMBER})*'
CALENDAR = re.compile(
    rf'(?:(?:{_DAYS}(?:(?:\.\.|-){_DAYS})?)(?:,{_DAYS}(?:(?:\.\.|-){_DAYS})?)*\s*)?'
    rf'(?:{_NUMBERS}-{_NUMBERS}(?:-{_NUMBERS})?\s*)?'
    rf'(?:{_NUMBERS}(?::{_NUMBERS}){{0,2}})?', re.IGNORECASE)
CALENDAR_NAMES = ('minutely', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'annually', 'quarterly',
                  'semiannually', 'semi-annually')


@register('pve-calendar-event')
def calendar_event(value: str) -> str:
    if value not in CALENDAR_NAMES and not (value.strip() and CALENDAR.fullmatch(value.strip())):
        raise FormatError(f"invalid calendar event '{value}' - unable to parse calendar event\n\n")
    return value


@register('pve-command-batch')
def command_batch(value: str) -> str:
    try:
        if isinstance(json.loads(value), list):
            return value
    except ValueError:
        pass
    raise FormatError('expected a JSON encoded array of commands\n')


def parse_size(text: str) -> int | None:
    """'1.5G' -> bytes, None where it is no size (PVE::JSONSchema::parse_size)."""
    match = re.fullmatch(r'(\d+(?:\.\d+)?)([KMGT]?)', text)
    return int(float(match[1]) * SIZE_UNITS[match[2]]) if match else None


def format_size(size: int) -> str:
    """Bytes -> the largest unit that divides without a rest: 1073741824 -> '1G' (PVE::JSONSchema::format_size)."""
    unit = ''
    for name in 'KMGT':
        if not size or size % 1024:
            break
        size, unit = size // 1024, name
    return f'{size}{unit}'
