# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that make a guest: from nothing, by cloning, out of a backup."""

from __future__ import annotations

import random

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.guests import in_the_making
from ansible_collections.pve.fleet.plugins.module_utils.guests.apply_changes import grow_imported
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.guests.gather import next_id
from ansible_collections.pve.fleet.plugins.module_utils.guests.session import Replan

MOST_IDS = 60


def create(session, texts, disks):
    params = {**texts, **{key: text for key, (text, _size) in disks.items()}, 'pool': session.desired.pool or None}
    params.update(session.desired.once)
    if session.desired.ostemplate:
        params['ostemplate'] = session.desired.ostemplate
    if session.kind.root_disk and session.kind.root_disk not in disks:
        params['storage'] = session.desired.storage
    with_free_id(session, lambda vmid: session.task(
        'create', 'POST', 'nodes', session.node, session.kind.name, params={'vmid': vmid, **params}))  # fmt: skip
    grow_imported(session, disks)


def clone(session, full, description=None):
    desired, source, wanted = session.desired, session.source, session.desired.clone
    params = {
        session.kind.name_key: desired.final_name,
        'description': description,
        'full': full if source.template else None,
        'storage': wanted.get('storage'),
        'format': wanted.get('format'),
        'snapname': wanted.get('snapshot'),
        'pool': desired.pool or None,
        'target': session.node if session.node != source.node else None,
    }
    where = ('nodes', source.node, session.kind.name, source.vmid, 'clone')
    with_free_id(session, lambda vmid: session.task('clone', 'POST', *where, params={'newid': vmid, **params}))


def restore(session, storage, options):
    desired = session.desired
    wanted = desired.restore
    params = {'storage': storage, 'unique': wanted['unique'] or None, 'pool': desired.pool or None, **options}
    archive = {'archive': wanted['archive']} if session.kind.name == 'qemu' else {'ostemplate': wanted['archive'], 'restore': True}
    with_free_id(session, lambda vmid: session.task(
        'restore', 'POST', 'nodes', session.node, session.kind.name, params={'vmid': vmid, **archive, **params}))  # fmt: skip


def with_free_id(session, send):
    """send(vmid) with the planned id; when another took it meanwhile, with the next free one.

    The first collision may come from the same task run twice: then the guest is there already. Raises Replan for that.
    """
    session.planned_vmid = session.vmid
    for attempt in range(MOST_IDS):
        try:
            in_the_making.note(session.client, session.vmid, session.desired.final_name)
            send(session.vmid)
        except FleetError as error:
            if session.desired.vmid is not None or not is_taken(error, session.vmid):
                raise
            if attempt == 0:
                look_again(session)
            session.vmid = next_id(session.client) + random.randrange(0, min(64, 2 ** attempt * 4))
            continue
        session.outdated()
        return
    raise Conflict(f'no free id was got in {MOST_IDS} tries: others take each one first. Give a vmid.')


def is_taken(error, vmid):
    """Whether a creation failed since the id is in use."""
    return f'{vmid} already exists' in error.message or f'{vmid}: config file already exists' in error.message


def look_again(session):
    names = session.desired.names
    if any(row.get('name') in names for row in guest_rows(session.client)):
        raise Replan
