# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that change a guest: its options, disks, pool and place in HA."""

from __future__ import annotations

import contextlib
import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, TaskFailed
from ansible_collections.pve.fleet.plugins.module_utils.guests import disks, ha
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import schemas
from ansible_collections.pve.fleet.plugins.module_utils.guests.session import Replan
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import merged_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import format_size, parse_size
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import has_parameter


def configure(session, wishes, texts, delete, disks, changed_disks):
    if session.existing and any(key in disks for key in session.read()):
        raise Replan
    params = {key: text for key, (text, _size) in disks.items()}
    params.update({key: option_text(session, key, wishes[key], texts[key]) for key in texts})
    params.update({key: drive_text(session, key, wish) for key, wish in changed_disks.items()})
    if delete:
        params['delete'] = ','.join(delete)
    allocates = any(not text.startswith('none,') for text, _size in disks.values())
    method = 'POST' if allocates and session.kind.name == 'qemu' else 'PUT'
    digest = session.digest
    session.outdated()
    session.task('configure', method, *session.path('config'), params={**params, 'digest': digest})
    grow_imported(session, disks)


def option_text(session, key, wish, planned):
    """The text to send: merged with what is there when that was read, as planned otherwise."""
    if session.config is None or key not in session.config or wish.secret:
        return planned
    return merged_text(key, wish, session.config.get(key), schema_of(session, key))


def drive_text(session, key, wish):
    return disks.changed_disk_text(session.kind, key, wish, session.read()[key], schema_of(session, key))


def schema_of(session, key):
    return find_parameter(schemas(session.kind.name, session.release), key)


def destroy_disk(session, key, wish):
    """Detach with the volume; a container's volume becomes unused first and is removed then."""
    by_force = has_parameter(session.release, 'PUT', session.kind.config_path, 'force')
    if by_force or key.startswith('unused'):
        delete_option(session, key, force=True if by_force else None)
        return
    volume = str(session.read()[key]).partition(',')[0].rpartition('=')[2]
    delete_option(session, key)
    left = [name for name, value in session.read().items() if name.startswith('unused') and str(value) == volume]
    if left:
        delete_option(session, left[0])


def delete_option(session, key, **params):
    """Delete an option of the configuration as it was read last."""
    digest = session.digest
    session.outdated()
    session.client.put(*session.path('config'), params={'delete': key, 'digest': digest, **params})


def move_disk(session, key, wish):
    params = {session.kind.move_key: key, 'storage': wish.storage, 'delete': not wish.keep_old}
    if session.kind.name == 'qemu':
        params['format'] = wish.format
    session.task(f'move {key}', 'POST', *session.path(session.kind.move_path), params=params)
    session.outdated()


def grow_disk(session, key, wish):
    """To a size; or by an amount, which PVE adds to what is there, so that two tasks at once both count, and which is added once."""
    if not wish.grow:
        resize(session, key, wish.size)
        return
    try:
        resize(session, key, wish.grow, sign='+')
    except FleetError as error:
        if error.details.get('fate') != 'unknown':
            raise
        let_resizes_end(session)
        if size_of(session, key) < wish.size:
            raise
    session.desired.disks[key] = dataclasses.replace(wish, grow=None, size=None)


def let_resizes_end(session):
    """Wait for what a request may have started whose answer was lost."""
    for row in session.client.get('nodes', session.node, 'tasks', params={'vmid': session.vmid, 'typefilter': 'resize', 'source': 'active'}):
        with contextlib.suppress(TaskFailed):
            session.client.wait(row['upid'], session.desired.timeout)
    session.outdated()


def resize(session, key, size, sign=''):
    session.outdated()
    session.task(f'grow {key}', 'PUT', *session.path('resize'), params={'disk': key, 'size': sign + format_size(size)})


def size_of(session, key):
    """The size of a disk as it is now, 0 where PVE does not tell it."""
    text = str(session.read().get(key, '')).rpartition('size=')[2].partition(',')[0]
    return parse_size(text) if text else 0


def regenerate(session):
    session.client.put(*session.path('cloudinit'))


def pool(session, old, new):
    """Into a pool, out of one, or from one to another."""
    whole = has_parameter(session.release, 'PUT', '/pools/{poolid}', 'allow-move')
    if old and not (new and whole):
        session.client.put('pools', old, params={'vms': session.vmid, 'delete': True})
    if new:
        session.client.put('pools', new, params={'vms': session.vmid, 'allow-move': True if whole and old else None})


def change_ha(session, method, settings):
    ha.apply_ha(session.client, session.desired, session.vmid, method, settings)
    session.ha_managed = method != 'delete'


def grow_imported(session, disks):
    """A disk made from an image has the image's size at first."""
    for key, (_text, size) in disks.items():
        if size is None:
            continue
        session.outdated()
        if 0 < size_of(session, key) < size:
            resize(session, key, size)
