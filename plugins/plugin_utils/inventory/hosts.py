# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a guest or node in the inventory: its name, its variables, its address. Pure."""

from __future__ import annotations

import collections
import fnmatch
import functools
import hashlib
import ipaddress
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import is_link_local

NOT_IN_GROUP_NAMES = re.compile(r'[^A-Za-z0-9_]')
DEFAULT_ADDRESSES = (
    {'interface': 'net*', 'family': 'ipv4'},
    {'family': 'ipv4'},
    {'interface': 'net*', 'family': 'ipv6'},
    {'family': 'ipv6'},
)
FAMILIES = {'ipv4': 4, 'ipv6': 6}
# Ansible takes these for the controller itself, or for groups that are always there: a guest must not pass for them.
RESERVED_HOSTS = frozenset({'localhost', '127.0.0.1', '::1', 'all', 'ungrouped'})


@functools.lru_cache(maxsize=65536)
def group_name(text):
    """A name that Ansible accepts for a group."""
    name = NOT_IN_GROUP_NAMES.sub('_', text)
    return '_' + name if name[:1].isdigit() else name


def distinct_groups(prefix, wanted):
    """{parts: group name} of (kind, cluster) and (kind, cluster, node): no two have one name, whatever their order.

    Names of clusters and nodes may differ in what a group's name cannot show (prod-eu and prod_eu); such ones get a mark.
    """
    named = {parts: group_name(prefix + '_'.join(parts)) for parts in wanted}
    counts = collections.Counter(named.values())
    return {parts: name if counts[name] == 1 else f'{name}_{mark(parts)}' for parts, name in named.items()}


def mark(parts):
    return hashlib.sha256('/'.join(parts).encode()).hexdigest()[:6]


def check_preferences(preferences):
    """The option address_preference, checked: [{interface, family, cidr}]. Raises BadRequest."""
    found = []
    for entry in preferences:
        unknown = sorted(set(entry) - {'interface', 'family', 'cidr'}) if isinstance(entry, dict) else ['']
        if unknown:
            raise BadRequest(f'address_preference: {entry!r} is not understood. An entry has the keys interface, family and cidr.')
        if entry.get('family') not in (None, *FAMILIES):
            raise BadRequest(f'address_preference: the family {entry["family"]!r} is neither ipv4 nor ipv6.')
        try:
            network = ipaddress.ip_network(entry['cidr'], strict=False) if entry.get('cidr') else None
        except ValueError:
            raise BadRequest(f'address_preference: {entry["cidr"]!r} is not a network such as 10.0.0.0/8.') from None
        found.append((entry.get('interface') or '*', FAMILIES.get(entry.get('family')), network))
    return found


def preferred_address(addresses, preferences):
    """The first address that matches the first preference that any matches, or None.

    addresses: {interface: [address]}; preferences: as check_preferences gives them. Link-local ones never match.
    """
    usable = [
        (interface, parsed, text)
        for interface, texts in addresses.items()
        for text in texts
        if not is_link_local(text) and (parsed := parsed_address(text)) is not None
    ]
    for interface, family, network in preferences:
        for name, address, text in usable:
            fits = fnmatch.fnmatchcase(str(name), interface) and family in (None, address.version)
            if fits and (network is None or (network.version == address.version and address in network)):
                return text
    return None


def parsed_address(text):
    try:
        return ipaddress.ip_address(str(text).partition('%')[0])
    except ValueError:
        return None


def pool_groups(pool):
    """A nested pool 'a/b' -> ['a', 'a_b'], outermost first."""
    parts = str(pool).split('/')
    return ['_'.join(parts[: count + 1]) for count in range(len(parts))]


def own_name(entry):
    """The name of an entry that has none."""
    return f'{entry["type"]}-{entry["vmid"]}' if entry.get('vmid') is not None else entry['node']


def last_resorts(name, entry):
    """Names that tell equal names apart: the cluster, and within one the id."""
    yield f'{name}.{entry["cluster"]}'
    yield f'{name}-{entry.get("vmid") or entry["type"]}.{entry["cluster"]}'


def host_names(entries, candidates):
    """The inventory names of entries -> (names in their order, {name that several wanted: [entries]}).

    candidates: a list of possible names for each entry, best first. A name that several entries want is given to none of
    them: each takes its next candidate, so that names do not depend on an order. What is equal to the end gets its
    cluster, and if need be its id, appended.
    """
    full = [[*dict.fromkeys(names), *last_resorts(names[0], entry)] for entry, names in zip(entries, candidates, strict=True)]
    level, clashes = [0] * len(entries), {}
    while True:
        wanted = collections.defaultdict(list)
        for index, names in enumerate(full):
            wanted[names[level[index]]].append(index)
        equal = {name: found for name, found in wanted.items() if len(found) > 1}
        moved = False
        for name, found in equal.items():
            clashes.setdefault(name, [entries[index] for index in found])
            for index in found:
                if level[index] + 1 < len(full[index]):
                    level[index] += 1
                    moved = True
        if not moved:
            return [names[place] for names, place in zip(full, level, strict=True)], clashes
