# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces: shares of clusters with a quota, and the room that is reserved in them.

A reservation belongs to a holder, such as one guest: asking again for the same holder changes its reservation instead
of adding one. It is held until it expires, or for good once it is confirmed; releasing gives the room back.
"""

from __future__ import annotations

import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, Forbidden, NotFound

from . import selection as selections
from .codec import now_text
from .model import tables
from .records import Amounts, Reservation, Workspace
from .third_party import load

RESOURCES = ('cpus', 'memory', 'disk', 'guests')


def read(connection, now, name=None):
    """Workspaces by name, with what is reserved at `now` (epoch seconds)."""
    sa = load('sqlalchemy')
    spaces, links, clusters = tables().workspaces, tables().workspace_clusters, tables().clusters
    query = sa.select(spaces).order_by(spaces.c.name)
    if name is not None:
        query = query.where((spaces.c.name == name) | (spaces.c.id == name))
    members = sa.select(links.c.workspace_id, clusters.c.name).join(clusters, clusters.c.id == links.c.cluster_id)
    names = {}
    for workspace_id, cluster in connection.execute(members.order_by(clusters.c.name)):
        names.setdefault(workspace_id, []).append(cluster)
    return [
        Workspace(
            name=row.name,
            clusters=names.get(row.id, []),
            quota=_amounts(row),
            id=row.id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            reserved=reserved(connection, row.id, now),
            revision=row.revision,
        )
        for row in connection.execute(query).all()
    ]


def find(connection, name, now, where):
    """The Workspace of a name or id. Raises NotFound."""
    found = read(connection, now, name)
    if not found:
        raise NotFound(
            f'There is no workspace {name!r} in the registry {where}. Make it first, or correct the name.',
            details={'workspace': name},
        )
    return found[0]


def _amounts(row):
    return Amounts(*(getattr(row, name) for name in RESOURCES))


def save(connection, workspace, now, where):
    """Insert (revision 0) or update a workspace -> its id. Raises Conflict (name, concurrent change), NotFound (cluster)."""
    sa = load('sqlalchemy')
    table = tables().workspaces
    _check(workspace)
    owner = connection.execute(sa.select(table.c.id).where(table.c.name == workspace.name)).scalar()
    if owner is not None and owner != workspace.id:
        raise Conflict(
            f'There is already a workspace named {workspace.name} in the registry {where}. Choose another name, '
            'or read that one and change it.',
            details={'workspace': workspace.name, 'id': owner},
        )
    members = _cluster_ids(connection, workspace.clusters, where)
    values = {'name': workspace.name, 'updated_at': now_text(now), **workspace.quota.as_dict()}
    if not workspace.revision:
        workspace_id = workspace.id or str(uuid.uuid4())
        values.update(id=workspace_id, created_at=now_text(now), revision=1)
        connection.execute(table.insert().values(values))
    else:
        workspace_id = workspace.id
        values['revision'] = workspace.revision + 1
        condition = (table.c.id == workspace_id) & (table.c.revision == workspace.revision)
        if not connection.execute(table.update().where(condition).values(values)).rowcount:
            raise Conflict(
                f'Workspace {workspace.name} in the registry {where} was changed or removed by somebody else in the '
                'meantime. Run the task again: it starts from what is stored now.',
                details={'workspace': workspace.name},
            )
    _put_members(connection, workspace_id, members)
    return workspace_id


def _check(workspace):
    name = workspace.name
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable() or len(name) > 255:
        raise BadRequest(
            f'{name!r} cannot be the name of a workspace. Use 1 to 255 printable characters without a space at either end.'
        )
    for resource, limit in workspace.quota.as_dict().items():
        if limit is not None and limit < 0:
            raise BadRequest(
                f'The quota {resource} of workspace {name} is {limit}. Give 0 or more, or nothing for no limit.'
            )


def _cluster_ids(connection, names, where):
    if not names:
        return []
    table = tables().clusters
    rows = connection.execute(load('sqlalchemy').select(table.c.id, table.c.name)).all()
    ids = {row.name: row.id for row in rows}
    missing = [name for name in names if name not in ids]
    if missing:
        raise selections.not_registered(missing[0], list(ids), where)
    return sorted({ids[name] for name in names})


def _put_members(connection, workspace_id, cluster_ids):
    links = tables().workspace_clusters
    connection.execute(links.delete().where(links.c.workspace_id == workspace_id))
    if cluster_ids:
        rows = [{'workspace_id': workspace_id, 'cluster_id': cluster_id} for cluster_id in cluster_ids]
        connection.execute(links.insert(), rows)


def remove(connection, workspace):
    """Delete a workspace. Raises Conflict while room is reserved in it."""
    if workspace.reserved != Amounts():
        raise Conflict(
            f'Workspace {workspace.name} still has {workspace.reserved.guests} guest(s) reserved. Release them first.',
            details={'workspace': workspace.name, 'reserved': workspace.reserved.as_dict()},
        )
    connection.execute(tables().workspaces.delete().where(tables().workspaces.c.id == workspace.id))


def reserved(connection, workspace_id, now, without=''):
    """Amounts held or confirmed at `now`, without the reservation of that id."""
    table = tables().reservations
    sa = load('sqlalchemy')
    sums = [sa.func.coalesce(sa.func.sum(table.c[name]), 0) for name in RESOURCES]
    alive = table.c.confirmed | (table.c.expires_at > now)
    query = sa.select(*sums).where((table.c.workspace_id == workspace_id) & alive & (table.c.id != without))
    return Amounts(*(int(value) for value in connection.execute(query).one()))


def reserve(connection, workspace, holder, amounts, cluster, expires_at, now):
    """Hold room for `holder` until expires_at -> Reservation.

    Raises Conflict when the quota has no room for it, Forbidden for a cluster outside the workspace.
    """
    _check_request(workspace, holder, amounts, cluster)
    table = tables().reservations
    connection.execute(table.delete().where(~table.c.confirmed & (table.c.expires_at < now - 86400)))
    mine = (table.c.workspace_id == workspace.id) & (table.c.holder == holder)
    old = connection.execute(load('sqlalchemy').select(table).where(mine)).first()
    _check_quota(connection, workspace, amounts, now, old.id if old else '')
    confirmed = bool(old and old.confirmed)
    row = {
        'id': old.id if old else str(uuid.uuid4()),
        'workspace_id': workspace.id,
        'holder': holder,
        'cluster': cluster,
        'confirmed': confirmed,
        'expires_at': None if confirmed else expires_at,
        **amounts.as_dict(),
    }
    connection.execute(table.delete().where(mine))
    connection.execute(table.insert().values(row))
    return Reservation(row['id'], workspace.name, holder, amounts, cluster, confirmed, row['expires_at'])


def _check_request(workspace, holder, amounts, cluster):
    if not holder or len(holder) > 255:
        raise BadRequest(
            'A reservation needs a holder of 1 to 255 characters: for whom the room is, such as prod/web-01.'
        )
    for resource, amount in amounts.as_dict().items():
        if not isinstance(amount, int) or amount < 0:
            raise BadRequest(f'{holder} asks for {amount!r} {resource}. Give a whole number of 0 or more.')
    if cluster is not None and cluster not in workspace.clusters:
        raise Forbidden(
            f'Workspace {workspace.name} may not use cluster {cluster}. Its clusters are: '
            f'{", ".join(workspace.clusters) or "none"}.',
            details={'workspace': workspace.name, 'cluster': cluster},
        )


def _check_quota(connection, workspace, amounts, now, without):
    taken = reserved(connection, workspace.id, now, without)
    for name in RESOURCES:
        limit, used, asked = (getattr(source, name) for source in (workspace.quota, taken, amounts))
        if limit is not None and asked and used + asked > limit:
            raise Conflict(
                f'Workspace {workspace.name} has no room: its quota of {name} is {limit}, {used} are reserved and {asked} '
                'are asked for. Ask for less, release something, or raise the quota.',
                details={'workspace': workspace.name, 'resource': name, 'quota': limit, 'used': used, 'asked': asked},
            )


def confirm(connection, reservation_id, now, where):
    """Make a reservation last -> Reservation. One that had expired is confirmed only when there is still room."""
    row, workspace = _reservation(connection, reservation_id, now, where)
    if not row.confirmed and row.expires_at <= now:
        _check_quota(connection, workspace, _amounts(row), now, row.id)
    table = tables().reservations
    connection.execute(table.update().where(table.c.id == row.id).values(confirmed=True, expires_at=None))
    return Reservation(row.id, workspace.name, row.holder, _amounts(row), row.cluster, True, None)


def _reservation(connection, reservation_id, now, where):
    table = tables().reservations
    row = connection.execute(load('sqlalchemy').select(table).where(table.c.id == reservation_id)).first()
    if row is None:
        raise NotFound(
            f'There is no reservation {reservation_id} in the registry {where}: it was released or has expired. Reserve again.',
            details={'reservation': reservation_id},
        )
    return row, find(connection, row.workspace_id, now, where)


def release(connection, reservation_id):
    """Give the room back -> was there such a reservation?"""
    table = tables().reservations
    return bool(connection.execute(table.delete().where(table.c.id == reservation_id)).rowcount)


def release_holder(connection, workspace, holder):
    """Give back what `holder` has in a workspace -> was there anything?"""
    table = tables().reservations
    condition = (table.c.workspace_id == workspace.id) & (table.c.holder == holder)
    return bool(connection.execute(table.delete().where(condition)).rowcount)


def reservations(connection, workspace, now):
    """The Reservations of a workspace that count at `now`, by holder."""
    table = tables().reservations
    alive = (table.c.workspace_id == workspace.id) & (table.c.confirmed | (table.c.expires_at > now))
    query = load('sqlalchemy').select(table).where(alive).order_by(table.c.holder)
    return [
        Reservation(row.id, workspace.name, row.holder, _amounts(row), row.cluster, row.confirmed, row.expires_at)
        for row in connection.execute(query).all()
    ]
