# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking before the plan is carried out: storages, files and bridges. Asked only when the plan needs them."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.copying import check_clone, check_no_snapshots
from ansible_collections.pve.fleet.plugins.module_utils.guests.devices import check_mappings
from ansible_collections.pve.fleet.plugins.module_utils.guests.moving import check_move
from ansible_collections.pve.fleet.plugins.module_utils.guests.placement import check_known
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import GIB
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

NEEDS_POOL = ('create', 'clone', 'restore', 'pool')
PLACES = ('create', 'clone', 'restore', 'migrate')
WITH_FILES = ('cicustom', 'hookscript')
GROWS_INTO = ('move_disk',)
VOLUME = re.compile(r'[A-Za-z][\w.-]*:[^:]+')
FILES = re.compile(r'[A-Za-z][\w.-]*:(?:iso|import|vztmpl|snippets)/[^,]+')


def check_plan(client, desired, plan, node, state=None, source=None, missing=None):
    """Raise a FleetError for what cannot serve the plan on that node: a storage, a file, a bridge; for a guest that cannot go there.

    state, source: of the guest, and of what it is cloned from, where there is such a one. missing: function that is handed the
    error of a file or a mapping that is not there, instead of raising it.
    """
    if desired.node and any(step.name in PLACES for step in plan.steps):
        check_node(client, desired.node)
    for step in plan.steps:
        if step.name == 'migrate' and (state or source):
            check_move(client, state or source, step.data['target'], desired.migration.get('storage') or (desired.clone or {}).get('storage'))
        if step.name == 'template' and state:
            check_no_snapshots(client, state)
        if step.name == 'clone':
            check_clone(client, source, desired.clone.get('snapshot'), step.data['full'])
    asked = list(allocations(desired, plan))
    if asked:
        check_storages(client, desired.kind, node, asked)
    files = dict(wanted_files(desired, plan))
    if files:
        check_files(client, node, files, missing or raised)
    bridges = wanted_bridges(plan)
    if bridges:
        check_bridges(client, node, bridges)
    if desired.pool and any(step.name in NEEDS_POOL for step in plan.steps):
        check_pool(client, desired.pool, missing or raised)
    check_mappings(client, node, plan, missing or raised)


def check_node(client, name):
    """Raise NotFound for a node that the cluster does not have, BadRequest for one that is offline."""
    nodes = {row['node']: row for row in client.get('cluster', 'resources', params={'type': 'node'})}
    check_known([name], nodes)
    if nodes[name].get('status') == 'offline':
        raise BadRequest(f'node {name} is offline: no guest can be put there. Bring it back, or choose another.', details={'node': name})


def check_pool(client, name, missing):
    known = [row['poolid'] for row in client.get('pools')]
    if name not in known:
        hint = suggestion(name, known) or (f'There are {joined(sorted(known), "and")}.' if known else 'There is none.')
        missing(NotFound(f"pool '{name}' is not there, or may not be seen with these credentials. {hint}", details={'pool': name}))


def allocations(desired, plan):
    """(storage, disk, bytes or None) of everything that the plan puts onto a storage."""
    for step in plan.steps:
        for key, (text, size) in (step.data.get('disks') or {}).items():
            storage, colon, rest = str(text).partition(',')[0].rpartition('=')[2].partition(':')
            if colon and not storage.startswith('/') and is_amount(rest):
                yield storage, key, size or (int(float(rest) * GIB) if rest != 'cloudinit' else None)
        if step.name in GROWS_INTO:
            yield step.data['wish'].storage, step.data['key'], None
    for source in (desired.clone, desired.restore):
        if source and source.get('storage') and any(step.name in ('clone', 'restore') for step in plan.steps):
            yield source['storage'], 'the copy', None


def is_amount(text):
    return text == 'cloudinit' or text.replace('.', '', 1).isdigit()


def check_storages(client, kind, node, asked):
    known = {entry['storage']: entry for entry in client.get('nodes', node, 'storage')}
    if not known:
        return
    for storage, disk, size in asked:
        entry = known.get(storage)
        if entry is None:
            hint = suggestion(storage, known) or f'There are {joined(sorted(known), "and")}.'
            raise NotFound(
                f"storage '{storage}' ({disk}) is not on node {node}, or may not be used with these credentials. {hint}",
                details={'storage': storage, 'node': node},
            )
        check_storage(kind, node, entry, known, disk, size)


def check_storage(kind, node, entry, known, disk, size):
    storage, content = entry['storage'], kind.storage_content
    if content not in str(entry.get('content', '')).split(','):
        usable = sorted(name for name, one in known.items() if content in str(one.get('content', '')).split(','))
        there = f'On {node} {joined(usable, "and")} can.' if usable else f'None on {node} can.'
        raise BadRequest(
            f"storage '{storage}' cannot hold disks of a {kind.noun} ({disk}): its content types are "
            f'{entry.get("content") or "none"}, and {content} is needed. {there}',
            details={'storage': storage, 'content': entry.get('content')},
        )
    if str(entry.get('active', 1)) == '0' or str(entry.get('enabled', 1)) == '0':
        raise BadRequest(f"storage '{storage}' ({disk}) is not active on {node}. Look at it there, or choose another.")
    if size and entry.get('avail') is not None and size > int(entry['avail']):
        raise BadRequest(
            f"storage '{storage}' has {amount(entry['avail'])} free on {node} and {disk} asks for {amount(size)}. "
            'Choose another storage or a smaller disk.',
            details={'storage': storage, 'free': int(entry['avail']), 'asked': size},
        )


def amount(size):
    return f'{int(size) / GIB:.0f} GiB' if int(size) >= 10 * GIB else f'{int(size) / GIB:.1f} GiB'


def wanted_files(desired, plan):
    """(volume, option) of images, volumes, container templates and snippets that the plan names."""
    for step in plan.steps:
        if step.name == 'create' and desired.ostemplate:
            yield desired.ostemplate, 'ostemplate'
        named = [(text, key) for key, (text, _size) in (step.data.get('disks') or {}).items()]
        named += [(wish.iso or wish.volume or '', key) for key, wish in (step.data.get('changed_disks') or {}).items()]
        named += [(str(text), key) for key, text in (step.data.get('texts') or {}).items() if key in WITH_FILES]
        for text, key in named:
            for volume in volumes_in(text):
                yield volume, key


def volumes_in(text):
    """The volumes that exist already in a property string; not those that are to be made, such as ceph:32."""
    for part in text.split(','):
        volume = part.rpartition('=')[2]
        if VOLUME.fullmatch(volume) and not is_amount(volume.partition(':')[2]):
            yield volume


def raised(error):
    raise error


def check_files(client, node, files, missing):
    for storage in sorted({volume.partition(':')[0] for volume in files}):
        try:
            known = [entry['volid'] for entry in client.get('nodes', node, 'storage', storage, 'content')]
        except Forbidden:
            continue
        for volume, key in files.items():
            if volume.partition(':')[0] == storage and volume not in known:
                alike = [one for one in known if bool(FILES.fullmatch(one)) == bool(FILES.fullmatch(volume))]
                hint = suggestion(volume, alike) or 'Upload it there, or use a shared storage.'
                missing(NotFound(
                    f"'{volume}' ({key}) is not on storage '{storage}' of node {node}, or may not be used with these credentials. {hint}",
                    details={'volume': volume, 'node': node},
                ))  # fmt: skip


def wanted_bridges(plan):
    """{bridge: network} that a plan joins networks to."""
    found = {}
    for step in plan.steps:
        for key, text in (step.data.get('texts') or {}).items():
            if key.startswith('net'):
                name = dict(part.partition('=')[::2] for part in str(text).split(',')).get('bridge')
                if name and plan.after.get('networks', {}).get(key, {}).get('bridge'):
                    found[name] = key
    return found


def check_bridges(client, node, bridges):
    try:
        known = sorted(entry['iface'] for entry in client.get('nodes', node, 'network', params={'type': 'any_bridge'}))
    except Forbidden:
        return
    for bridge, network in bridges.items():
        if known and bridge not in known:
            hint = suggestion(bridge, known) or f'There are {joined(known, "and")}.'
            raise NotFound(
                f"bridge '{bridge}' ({network}) is not on node {node}, or may not be used with these credentials. {hint}",
                details={'bridge': bridge, 'node': node},
            )
