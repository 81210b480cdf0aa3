# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of declared guests as the workflows use it: completed, checked, and what each takes of a quota. Pure."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Amounts
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import mebibytes, parse_size

KINDS = ('vm', 'container')
# PVE's names of the two kinds, which people use as well.
ALSO = {'qemu': 'vm', 'lxc': 'container', 'ct': 'container'}
MIB = 1 << 20


def declarations(guests, defaults=None, owner=None, cluster=None):
    """The guests, each merged over the defaults, with `kind`, `cluster`, `name` and the owner's tag -> list of dictionaries.

    guests: list of dictionaries with the options of pve_vm or pve_container and `kind`. defaults: options for all of them;
    dictionaries are merged key by key. owner: a tag that every guest gets. cluster: for guests that name none.
    Raises BadRequest for an entry without name, an unknown kind, and two entries for one guest.
    """
    if not isinstance(guests, list):
        raise BadRequest('guests must be a list: one entry for each guest.')
    found = [declaration(number, guest, defaults or {}, owner, cluster) for number, guest in enumerate(guests, 1)]
    seen = set()
    for guest in found:
        if holder(guest) in seen:
            raise BadRequest(f'Guest {guest["name"]} of cluster {guest["cluster"]} is listed twice. Keep one of the entries.')
        seen.add(holder(guest))
    return found


def declaration(number, guest, defaults, owner, cluster):
    """One guest, completed. Raises BadRequest."""
    if not isinstance(guest, dict) or not guest.get('name'):
        raise BadRequest(f'Entry {number} of the guests has no name. Give each guest a name.')
    whole = merged({'kind': 'vm', 'cluster': cluster, **defaults}, guest)
    whole['kind'] = ALSO.get(whole['kind'], whole['kind'])
    if whole['kind'] not in KINDS:
        raise BadRequest(f'Guest {guest["name"]}: kind is {whole["kind"]!r}. Write vm or container.')
    if not whole['cluster']:
        raise BadRequest(f'Guest {guest["name"]} names no cluster. Give it one, or give one for all.')
    if owner:
        tags = whole.get('tags') or []
        whole['tags'] = sorted({*(tags.split(',') if isinstance(tags, str) else tags), owner})
    return whole


def merged(below, above):
    """Two dictionaries as one; inner dictionaries are merged, any other value of `above` wins."""
    both = dict(below)
    for key, value in above.items():
        inner = isinstance(value, dict) and isinstance(below.get(key), dict)
        both[key] = merged(below[key], value) if inner else value
    return both


def holder(guest):
    """For whom room is reserved: 'cluster/name'."""
    return f'{guest["cluster"]}/{guest["name"]}'


def amounts(guest, quota):
    """What a guest takes -> Amounts. Raises BadRequest when it does not say what a quota limits.

    guest: an entry of declarations(). quota: Amounts, None where there is no limit. What a template brings cannot be
    seen here, so that an undeclared amount must not pass a limit.
    """
    found = {'cpus': cpus(guest), 'memory': memory(guest), 'disk': disk(guest), 'guests': 1}
    words = {'cpus': 'cores', 'memory': 'memory', 'disk': 'the size of its disks'}
    for name, word in words.items():
        if found[name] is None and getattr(quota, name) is not None:
            raise BadRequest(
                f'Guest {holder(guest)} does not declare {word}, and its workspace has a quota of {name}. Declare {word}.',
                details={'guest': holder(guest), 'resource': name},
            )
    return Amounts(**{name: value or 0 for name, value in found.items()})


def cpus(guest):
    """Cores times sockets; None where none are declared."""
    if guest.get('cores') is None:
        return None
    return int(guest['cores']) * int(guest.get('sockets') or 1)


def memory(guest):
    """Bytes; None where it is not declared."""
    value = guest.get('memory')
    if isinstance(value, dict):
        value = value.get('current')
    return None if value is None else int(mebibytes(value)) * MIB


def disk(guest):
    """Bytes of all disks; None where none is declared or one has no size."""
    disks = [one for one in (guest.get('disks') or {}).values() if not without_room(one)]
    sizes = [one.get('size') if isinstance(one, dict) else None for one in disks]
    return None if not sizes or None in sizes else sum(size_of(guest, size) for size in sizes)


def without_room(one):
    """CD-ROM and cloud-init drives hold nothing that counts."""
    return isinstance(one, dict) and bool(one.get('iso') or one.get('cloud_init'))


def size_of(guest, size):
    """A size as bytes; a bare number is GiB, as in pve_vm. Raises BadRequest."""
    try:
        return parse_size(str(size), 'G')
    except ValueError:
        raise BadRequest(f'Guest {holder(guest)}: {size!r} is no absolute size of a disk. Write 40G; a quota cannot count "+10G".') from None
