"""The formats of SDN identifiers, and the index of /cluster/sdn."""

from __future__ import annotations

import ipaddress
import re

from ..call import Call, operation
from ..schema.formats import FormatError, register

PAGES = ('vnets', 'zones', 'controllers', 'ipams', 'dns')
SHORT = 8


def short_id(word: str, value: str) -> str:
    """Letters and digits, at most eight of them: a network's name is that of a bridge, too."""
    if not re.fullmatch(r'[a-z][a-z0-9]*[a-z0-9]', value, re.IGNORECASE):
        raise FormatError(f"{word} ID '{value}' contains illegal characters\n")
    if len(value) > SHORT:
        raise FormatError(f"{word} ID '{value}' can't be more length than {SHORT} characters\n")
    return value


@register('pve-sdn-zone-id')
def zone_id(value: str) -> str:
    return short_id('zone', value)


@register('pve-sdn-vnet-id')
def vnet_id(value: str) -> str:
    return short_id('vnet', value)


@register('pve-sdn-subnet-id')
def subnet_id(value: str) -> str:
    """A network (10.0.0.0/24), or the id that it gets: zone-10.0.0.0-24."""
    cidr = value if '/' in value else '/'.join(value.split('-')[1:3])
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise FormatError('value does not look like a valid CIDR network\n') from None
    return value


@operation('GET', '/cluster/sdn')
def index(call: Call) -> list[dict]:
    pages = (*PAGES, 'fabrics') if call.release == '9' else PAGES
    return [{'id': page} for page in pages]
