# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a new guest comes from: nothing, a template, a backup. Pure."""

from __future__ import annotations

import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests import in_the_making
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import schemas
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import UNUSED
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import State
from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import PropertyStringError, parse, render
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format

NOT_CLONED = frozenset({
    'template', 'lock', 'meta', 'parent', 'smbios1', 'vmgenid', 'digest', 'snaptime', 'snapstate', 'vmstate', 'runningmachine',
    'runningcpu',
})  # fmt: skip


def plan_origin(plan, desired, facts):
    """Add the step that makes the guest; returns the State that it will have then."""
    origin = next((name for name in ORIGINS if getattr(desired, name)), 'scratch')
    state = ORIGINS.get(origin, from_scratch)(plan, desired, facts)
    after = {'state': 'present', 'vmid': facts.vmid, 'node': desired.node or facts.node}
    if desired.final_name:
        after['name'] = desired.final_name
    if desired.pool:
        after['pool'] = desired.pool
    plan.differ({'state': 'absent'}, after)
    return state


def fresh_state(desired, facts, config):
    row = {'vmid': facts.vmid, 'node': facts.node, 'type': desired.kind.name, 'status': 'stopped'}
    return State(desired.kind, facts.vmid, facts.node, row, config, power='stopped', asked=True)


def from_scratch(plan, desired, facts):
    noun = desired.kind.noun
    if desired.kind.name == 'lxc' and not desired.ostemplate:
        raise BadRequest(
            f'{desired.name or desired.vmid} does not exist, and nothing says what to make it from. '
            'Give ostemplate (such as local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst), clone or restore.'
        )
    if desired.kind.root_disk and desired.disks and desired.kind.root_disk not in desired.disks:
        raise BadRequest('disks: a new container with mount points needs its rootfs declared, too: rootfs: {storage: ..., size: 8G}.')
    of = f' from {desired.ostemplate}' if desired.ostemplate else ''
    name = f'{desired.final_name} ' if desired.final_name else ''
    plan.add('create', f'create {noun} {name}as {facts.vmid} on {facts.node}{of}')
    return fresh_state(desired, facts, {})


def from_clone(plan, desired, facts):
    source, clone = facts.source, desired.clone
    what = 'template' if source.template else desired.kind.noun
    full = clone['full'] or not source.template
    linked = '' if full else ' (linked)'
    moves = bool(desired.node) and desired.node != facts.node
    refuse_clone(desired, source, full, moves)
    state = fresh_state(desired, facts, cloned_config(desired.kind, source.config, clone.get('storage'), facts.release))
    marked = in_the_making.marked_description(state) if in_the_making.needs_mark(desired, state, moves) else None
    if marked:
        state.config['description'] = marked
    words = f'clone {what} {source.name} ({source.vmid}) to {facts.vmid} on {facts.node}{linked}'
    plan.add('clone', words, full=full, description=marked)
    if desired.final_name:
        state.config[desired.kind.name_key] = desired.final_name
    if moves:
        plan.add('migrate', f'migrate from {facts.node} to {desired.node}', target=desired.node, power='stopped')
        state.node = desired.node
    return state


def refuse_clone(desired, source, full, moves):
    """Raise BadRequest for a clone that the server would refuse."""
    if not source.template and not desired.clone['full']:
        raise BadRequest(f'clone: {source.name} is not a template, and only a template can have linked clones: use full: true.')
    if not full and moves:
        raise BadRequest(
            f'clone: {source.name} has its disks on storage of {source.node} alone, and so have its linked clones, which cannot be on {desired.node}. '
            f'Use full: true, or leave node out.'
        )
    if source.running and not desired.kind.live_migration and not desired.clone.get('snapshot'):
        raise BadRequest(f'clone: {source.name} is running, and a container can be copied only while it is stopped, or from a snapshot (clone: snapshot).')


def from_backup(plan, desired, facts):
    archive = desired.restore['archive']
    storage = restore_storage(desired, facts.source)
    plan.add('restore', f'restore {archive} to {facts.vmid} on {facts.node}', storage=storage, options={})
    keep = not desired.restore['unique']
    state = fresh_state(desired, facts, cloned_config(desired.kind, facts.source.config, storage, facts.release, keep))
    if facts.source.template:
        state.config['template'] = '1'
    return state


def restore_storage(desired, source):
    """Where the disks go, None for where they were. A container's all go to one: by default that of its root file system."""
    given = desired.restore.get('storage')
    root = str(source.config.get(desired.kind.root_disk, '')).removeprefix('volume=')
    return given or (root.partition(':')[0] or None if desired.kind.root_disk else None)


ORIGINS = {'clone': from_clone, 'restore': from_backup}


def cloned_config(kind, config, storage, release, keep_macs=False):
    """The configuration that a copy will have: volumes on the other storage, new hardware addresses left open."""
    known = schemas(kind.name, release)
    result = {}
    for key, value in config.items():
        if key in NOT_CLONED or UNUSED.fullmatch(key):
            continue
        stem = key.rstrip('0123456789') + '[n]'
        fmt = property_format(known.get(key) or known.get(stem))
        if fmt is not None and (kind.is_network(key) or (storage and kind.is_disk(key))):
            value = copied(kind, key, value, fmt, storage, keep_macs)
        result[key] = value
    return result


def copied(kind, key, text, fmt, storage, keep_macs):
    try:
        parsed = parse(text, fmt, strict=False)
        if not keep_macs:
            parsed.pop(kind.mac_key, None)
        volume = str(parsed.get(kind.volume_key, ''))
        if storage and kind.is_disk(key) and ':' in volume and parsed.get('media') != 'cdrom':
            parsed[kind.volume_key] = f'{storage}:{volume.partition(":")[2]}'
        return render(parsed, fmt)
    except PropertyStringError:
        return text


def backup_config(kind, archive, text):
    """The configuration kept in a backup (GET .../vzdump/extractconfig) -> State of what will be restored."""
    config, notes = {}, []
    for line in text.splitlines():
        if line.startswith('['):
            break
        if line.startswith('#') and not line.startswith('#qmdump#'):
            notes.append(urllib.parse.unquote(line[1:]))
        key, colon, value = line.partition(':')
        if colon and key and not key.startswith('#'):
            config[key.strip()] = value.strip()
    if notes:
        config['description'] = '\n'.join(notes)
    return State(kind, 0, '', {'vmid': 0, 'name': archive}, config)
