# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters in the database: functions of one SQLAlchemy connection inside a transaction."""

from __future__ import annotations

import functools
import operator
import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound

from . import selection as selections
from .codec import canonical, now_text
from .model import tables
from .records import CLUSTER_FIELDS, STATUSES, ClusterRecord
from .third_party import load

# What save() writes into an existing row; the state of health belongs to touch().
DECLARED = ('name', 'endpoints', 'labels', 'min_nodes', 'validate_certs', 'ca_path', 'managed')
FIND_BY_NAME = 400
BY_NAME = operator.attrgetter('name')


def select(connection, selection, where):
    """The ClusterRecords that a selection means, by name. Raises NotFound for a name that is not registered."""
    wanted = selections.parse(selection)
    names = wanted.names
    if names is None or len(names) > FIND_BY_NAME:
        records = _read(connection, _all_clusters())
    else:
        records = _read(connection, _clusters_called(), {'names': list(names)})
    if names is not None:
        records = _named(connection, records, names, where)
    if wanted.labels or wanted.status is not None:
        records = [record for record in records if wanted.accepts(record)]
    return records


def _named(connection, records, names, where):
    by_name = {record.name: record for record in records}
    by_id = {record.id: record for record in records}
    found = {}
    for name in names:
        record = by_name.get(name) or by_id.get(name)
        if record is None:
            raise selections.not_registered(name, all_names(connection), where)
        found[record.id] = record
    return sorted(found.values(), key=BY_NAME)


def all_names(connection):
    """The names of all clusters."""
    return connection.execute(load('sqlalchemy').select(tables().clusters.c.name)).scalars().all()


def find(connection, name_or_id, where):
    """The one ClusterRecord of a name or id. Raises NotFound."""
    return select(connection, (name_or_id,), where)[0]


def find_or_none(connection, name_or_id):
    """The ClusterRecord of a name or id, None when there is none."""
    records = _read(connection, _clusters_called(), {'names': [name_or_id]})
    return next((record for record in records if record.name == name_or_id), records[0] if records else None)


@functools.cache
def _all_clusters():
    table = tables().clusters
    return load('sqlalchemy').select(*(table.c[name] for name in CLUSTER_FIELDS))


@functools.cache
def _clusters_called():
    table = tables().clusters
    names = load('sqlalchemy').bindparam('names', expanding=True)
    return _all_clusters().where(table.c.name.in_(names) | table.c.id.in_(names))


@functools.cache
def _owner_of_name():
    table = tables().clusters
    sa = load('sqlalchemy')
    return sa.select(table.c.id).where(table.c.name == sa.bindparam('name'))


def _read(connection, query, values=None):
    """ClusterRecords by name (sorted here: databases differ in how they sort)."""
    return sorted(map(ClusterRecord.from_row, connection.execute(query, values).all()), key=BY_NAME)


def check(record):
    """Raise BadRequest for a record that cannot be stored."""
    name = record.name
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable() or len(name) > 255:
        raise BadRequest(
            f'{name!r} cannot be the name of a cluster. Use 1 to 255 printable characters without a space at either end.'
        )
    if name == 'all':
        raise BadRequest('"all" cannot be the name of a cluster: it means all of them. Choose another name.')
    if not record.endpoints:
        raise BadRequest(
            f'Cluster {name} has no endpoint. Give at least one, such as endpoints: [{{host: pve1.example.com}}].'
        )
    if record.status not in STATUSES:
        raise BadRequest(f'{record.status!r} is not a status of a cluster. There are: {", ".join(STATUSES)}.')


def save(connection, record, expected, where):
    """Insert (revision 0) or update what differs -> (the id, did anything change?).

    expected: the revision that an update must find. Raises Conflict when the name is taken or the row has changed since.
    """
    owner = connection.execute(_owner_of_name(), {'name': record.name}).scalar()
    if owner is not None and owner != record.id:
        raise Conflict(
            f'There is already a cluster named {record.name} in the registry {where}. Choose another name, '
            'or read that entry and change it.',
            details={'cluster': record.name, 'id': owner},
        )
    if not record.revision:
        return _insert(connection, record), True
    return record.id, _update(connection, record, expected, where)


def _insert(connection, record):
    cluster_id = record.id or str(uuid.uuid4())
    now = now_text()
    row = _columns(record, CLUSTER_FIELDS)
    row.update(id=cluster_id, created_at=now, updated_at=now, revision=1)
    if record.status != 'unknown' and not record.last_seen_at:
        row['last_seen_at'] = now
    connection.execute(tables().clusters.insert(), row)
    return cluster_id


def _columns(record, names):
    """The values of a record as the database keeps them."""
    row = {name: getattr(record, name) for name in names}
    row['endpoints'] = canonical([[end.host, end.port, end.fingerprint] for end in record.endpoints])
    for name in ('labels', 'reasons', 'managed'):
        if name in row:
            row[name] = canonical(row[name])
    return row


def _update(connection, record, expected, where):
    table = tables().clusters
    stored = _read(connection, _clusters_called(), {'names': [record.id]})
    if not stored:
        raise NotFound(
            f'Cluster {record.name} was removed from the registry {where} in the meantime. Register it again.',
            details={'cluster': record.name},
        )
    if stored[0].revision != expected:
        raise Conflict(
            f'Cluster {record.name} in the registry {where} was changed by somebody else in the meantime. '
            'Run the task again: it starts from what is stored now.',
            details={'cluster': record.name, 'expected_version': expected, 'version': stored[0].revision},
        )
    values = _columns(record, DECLARED)
    if values == _columns(stored[0], DECLARED):
        return False
    connection.execute(table.update().where(table.c.id == record.id).values(values))
    return True


def bump(connection, cluster_id):
    """Count one more revision of a cluster."""
    table = tables().clusters
    values = {'revision': table.c.revision + 1, 'updated_at': now_text()}
    connection.execute(table.update().where(table.c.id == cluster_id).values(values))


def remove(connection, record):
    """Delete a cluster with all that belongs to it. Raises Conflict when a workspace uses it."""
    sa = load('sqlalchemy')
    spaces, links = tables().workspaces, tables().workspace_clusters
    query = sa.select(spaces.c.name).join(links, links.c.workspace_id == spaces.c.id)
    users = connection.execute(query.where(links.c.cluster_id == record.id).order_by(spaces.c.name)).scalars().all()
    if users:
        raise Conflict(
            f'Cluster {record.name} is used by the workspace{"s" if len(users) > 1 else ""} {", ".join(users)}. '
            'Take it out of there first.',
            details={'cluster': record.name, 'workspaces': users},
        )
    connection.execute(tables().clusters.delete().where(tables().clusters.c.id == record.id))


def touch(connection, health):
    """Store states of health: [{cluster_id, status, reasons, version, node_count, seen}]. Removed clusters are skipped.

    A version or node count of None keeps the stored one; `seen` says that the cluster answered.
    """
    table = tables().clusters
    now = now_text()
    for entry in health:
        if entry['status'] not in STATUSES:
            raise BadRequest(f'{entry["status"]!r} is not a status of a cluster. There are: {", ".join(STATUSES)}.')
        values = {'status': entry['status'], 'reasons': canonical(list(entry.get('reasons') or ()))}
        values.update({name: entry[name] for name in ('version', 'node_count') if entry.get(name) is not None})
        if entry.get('seen', True):
            values['last_seen_at'] = now
        connection.execute(table.update().where(table.c.id == entry['cluster_id']).values(values))
