"""Firewall configurations (cluster.fw, host.fw, <vmid>.fw, vnets): rules and how PVE verifies them, sets, digests."""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

from ..call import ApiError, ParameterError
from .cluster import Cluster
from .sections import digest, plain

MACROS = json.loads((Path(__file__).parents[1] / 'data' / 'firewall_macros.json').read_text())
MACRO_NAMES = {name.lower(): name for name in MACROS}
RULE_KEYS = ('type', 'action', 'macro', 'iface', 'source', 'dest', 'proto', 'enable', 'sport', 'dport', 'comment', 'log',
             'icmp-type')
ALIAS = r'[A-Za-z][A-Za-z0-9\-_]+'
GROUP = r'[A-Za-z][A-Za-z0-9\-_]+'
SET = re.compile(rf'\+(?:(?:guest|dc|sdn)/)?({ALIAS})')
ICMP = ('icmp', 'icmpv6', 'ipv6-icmp')
WITH_PORTS = ('udp', '17', 'tcp', '6', 'udplite', '136', 'dccp', '33', 'sctp', '132')
PROTOCOL_VERSION = {'icmp': 4, 'icmpv6': 6, 'ipv6-icmp': 6}


def empty() -> dict[str, Any]:
    return {'options': {}, 'rules': [], 'aliases': {}, 'ipset': {}, 'groups': {}}


def place(cluster: Cluster, level: str, name: str = '') -> dict[str, Any]:
    """The configuration of 'cluster', or of a 'node', 'guest' or 'vnet' by name; made where there is none."""
    section = cluster.section('firewall')
    return section.setdefault(f'{level}/{name}' if name else level, empty())


def peek(cluster: Cluster, level: str, name: str = '') -> dict[str, Any]:
    """As place(), for reading: an empty one is not kept."""
    return cluster.sections.get('firewall', {}).get(f'{level}/{name}' if name else level) or empty()


def forget_guest(cluster: Cluster, vmid: int) -> None:
    """Drop the configuration of a guest that is destroyed."""
    cluster.section('firewall').pop(f'guest/{vmid}', None)


def copy_guest(cluster: Cluster, source: int, target: int) -> None:
    """A clone begins with its source's configuration."""
    section = cluster.section('firewall')
    if f'guest/{source}' in section:
        section[f'guest/{target}'] = json.loads(json.dumps(section[f'guest/{source}']))


def with_digest(entries: list[dict]) -> list[dict]:
    """Copies of the entries, each with the digest of the list."""
    current = list_digest(entries)
    return [{**entry, 'digest': current} for entry in entries]


def list_digest(entries: list[dict]) -> str:
    return digest(entries)


@functools.lru_cache(maxsize=4096)
def canonical(cidr: str) -> tuple[str, int] | None:
    """(text, IP version) of an address or a network: host bits cut off, a full prefix left out. None if it is none."""
    try:
        if '/' not in cidr:
            address = ipaddress.ip_address(cidr)
            return str(address), address.version
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    text = str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
    return text, network.version


def copy_rule_data(rule: dict, params: dict) -> None:
    """Set what the parameters name; an empty value or '-' takes a property away."""
    for key in RULE_KEYS:
        if key not in params:
            continue
        value = plain(params[key])
        if value in ('', '-'):
            rule.pop(key, None)
        else:
            rule[key] = value


class Verification:
    """The checks of PVE::Firewall::verify_rule on one rule."""

    def __init__(self, rule: dict, level: str, cluster_config: dict, config: dict):
        self.rule, self.level = rule, level
        self.cluster_config, self.config = cluster_config, config
        self.version: int | None = None

    def run(self) -> dict:
        """The rule with its macro's real name and `ipversion`; ParameterError for the first fault."""
        self.type_and_action()
        self.interface()
        self.macro()
        self.protocol()
        self.ports('dport')
        self.icmp_type()
        self.ports('sport')
        for name in ('source', 'dest'):
            self.address(name)
        if self.version:
            self.rule['ipversion'] = self.version
        else:
            self.rule.pop('ipversion', None)
        return self.rule

    def set_version(self, name: str, version: int | None) -> None:
        if version and self.version and version != self.version:
            raise ParameterError({name: 'detected mixed ipv4/ipv6 addresses in rule'})
        self.version = version or self.version

    def type_and_action(self) -> None:
        kind, action = self.rule.get('type'), self.rule.get('action')
        for name, value in (('type', kind), ('action', action)):
            if not value:
                raise ParameterError({name: 'missing property'})
        if kind == 'group':
            if self.level == 'group':
                raise ParameterError({'type': 'security groups not allowed'})
            if not re.fullmatch(GROUP, action):
                raise ParameterError({'action': 'invalid characters in security group name'})
            return
        if self.level == 'vnet' and kind != 'forward':
            raise ParameterError({'type': 'only forward rules allowed at vnet level'})
        if kind == 'forward' and self.level == 'guest':
            raise ParameterError({'type': 'forward rules not allowed for guests'})
        if not re.fullmatch('ACCEPT|DROP|REJECT', action):
            raise ParameterError({'action': f"unknown action '{action}'"})

    def interface(self) -> None:
        iface = self.rule.get('iface')
        if not iface:
            return
        if self.level in ('group', 'vnet'):
            raise ParameterError({'type': 'parameter -i not allowed for this rule type'})
        if self.level == 'guest' and not re.fullmatch(r'net\d+', iface):
            raise ParameterError({'iface': "value does not match the regex pattern 'net\\d+'"})

    def macro(self) -> None:
        macro = self.rule.get('macro')
        if not macro:
            return
        if macro.lower() not in MACRO_NAMES:
            raise ParameterError({'macro': f"unknown macro '{macro}'"})
        self.rule['macro'] = MACRO_NAMES[macro.lower()]

    def protocol(self) -> None:
        protocol = self.rule.get('proto')
        if protocol:
            self.set_version('proto', PROTOCOL_VERSION.get(protocol))

    def ports(self, name: str) -> None:
        if not self.rule.get(name):
            return
        protocol = self.rule.get('proto')
        if not protocol:
            raise ParameterError({'proto': f"missing property - '{name}' requires this property"})
        if protocol not in WITH_PORTS and not (name == 'dport' and protocol in ICMP):
            raise ParameterError({name: f"protocol '{protocol}' does not support ports"})

    def icmp_type(self) -> None:
        if not self.rule.get('icmp-type'):
            return
        if self.rule.get('proto') not in ICMP:
            raise ParameterError({'proto': "missing property - 'icmp-type' requires this property"})
        if self.rule.get('dport'):
            raise ParameterError({'icmp-type': "'icmp-type' cannot be specified together with 'dport'"})

    def address(self, name: str) -> None:
        value = self.rule.get(name)
        if not value:
            return
        if value.startswith('+'):
            match = SET.fullmatch(value)
            if not match:
                raise ParameterError({name: f"invalid ipset name '{value}'"})
            if match[1] not in self.cluster_config['ipset'] and match[1] not in self.config['ipset']:
                raise ParameterError({name: f"no such ipset '{match[1]}'"})
        elif re.fullmatch(rf'(?:(?:guest|dc)/)?{ALIAS}', value):
            alias = value.rpartition('/')[2].lower()
            found = self.config['aliases'].get(alias) or self.cluster_config['aliases'].get(alias)
            if not found:
                raise ParameterError({name: f"no such alias '{value}'"})
            self.set_version(name, (canonical(found['cidr']) or (None, None))[1])
        else:
            for item in filter(None, value.split(',')):
                self.set_version(name, address_version(name, item))


def address_version(name: str, item: str) -> int:
    """The IP version of an address, a network or a range a-b."""
    versions = [canonical(part) for part in (item.split('-') if '/' not in item else [item])]
    if None in versions or len(versions) > 2:
        raise ParameterError({name: f"invalid IP address or network '{item}'"})
    return versions[0][1]


def at(rules: list[dict], position: int) -> dict:
    """The rule at a position, else 500."""
    if position >= len(rules):
        raise ApiError(f'no rule at position {position}')
    return rules[position]


def moved(rules: list[dict], position: int, target: int) -> list[dict]:
    """The rules with one of them put before the one that is at `target` now."""
    rule, found = rules[position], []
    for index, other in enumerate(rules):
        if index == position:
            continue
        if index == target:
            found.append(rule)
        found.append(other)
    return found if any(one is rule for one in found) else [*found, rule]
