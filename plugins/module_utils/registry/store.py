# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry as the rest of the collection sees it."""

from __future__ import annotations

import functools
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound

from . import audit, clusters, credentials, metrics, secrets, selection, snapshots, workspaces
from .database import ABSENT, database_for
from .location import locate
from .model import tables
from .third_party import load

HOLD_SECONDS = 900


def open_registry(url=None, key=None, key_file=None, create=False):
    """The Registry of these options, of PVE_REGISTRY_*, or the default one. Opening costs nothing and writes nothing.

    create: make it now; otherwise the first change makes it, and until then it reads as empty.
    """
    registry = Registry(locate(url, key, key_file))
    if create:
        registry.create()
    return registry


@functools.cache
def _key_id_query():
    meta = tables().meta
    return load('sqlalchemy').select(meta.c.value).where(meta.c.name == 'key_id')


class Registry:
    """Clusters, credentials, audit log, snapshots, metrics and workspaces. For threads and forks alike.

    Any method may raise RegistryError (the database, its file or the key); others are named where they are raised.
    """

    def __init__(self, location):
        self.location = location
        self.where = location.where
        self._database = database_for(location)
        self._ring = None

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        """Connections stay open for the next use in this process; close() ends them."""

    def close(self):
        """Close the connections of this process to this registry."""
        self._database.dispose()

    def create(self):
        """Make the registry, and its key file, when they are missing."""
        self._write(lambda connection: None)

    # Transactions and keys

    def _read(self, work, empty):
        found = self._database.read(work)
        return empty() if found is ABSENT else found

    def _write(self, work):
        if self.location.key:
            # A key that is none is found before anything is made.
            self._keys()
        return self._database.write(work, self._initialise)

    def _initialise(self, connection):
        self._ring = secrets.load_keys(self.location, create=True)
        connection.execute(tables().meta.insert().values(name='key_id', value=self._ring.ids[0]))
        audit.start(connection, self._ring, self._ring.ids[0])

    def _keys(self, fresh=False):
        """The KeyRing. Raises RegistryError when there is no key."""
        if fresh or self._ring is None:
            self._ring = secrets.load_keys(self.location)
        if self._ring is None:
            raise secrets.key_error(
                f'The key of the registry {self.where} is missing: there is no file {self.location.key_file} and '
                'PVE_REGISTRY_KEY is not set. Put the key file back, or give the key with registry_key.',
                self.location,
            )
        return self._ring

    def _current_key(self, connection):
        """(KeyRing, id of the registry's present key). The ring is read anew when another process changed the key."""
        key_id = connection.execute(_key_id_query()).scalar()
        ring = self._keys()
        if key_id not in ring:
            ring = self._keys(fresh=True)
        if key_id not in ring:
            raise secrets.key_error(
                f'The key does not fit the registry {self.where}. Give the key that this registry was made with '
                '(registry_key or registry_key_file); after a change of keys, the new one.',
                self.location,
            )
        return ring, key_id

    def is_present_key(self, text):
        """Whether the registry is encrypted with this key now. Raises RegistryError for what is no key."""
        key = secrets.parse_keys(text, 'new_key', self.location)[0]
        wanted = secrets.KeyRing([key], self.location).ids[0]
        return self._read(lambda connection: self._current_key(connection)[1] == wanted, lambda: False)

    def rotate_key(self, new_key=None):
        """Encrypt all secrets with a new key, in one transaction -> {rotated, key_file}.

        new_key: its text; without one a key is made, which needs a key file to keep it in. A key file gets the new key
        beside the old ones first and loses the old ones last, so that it fits the registry at any moment.
        """
        to_file = not self.location.key
        if not new_key and not to_file:
            raise BadRequest('The registry key is not kept in a file: give the new key yourself.')
        text = secrets.parse_keys(new_key or secrets.new_key(), 'new_key', self.location)[0]
        count = self._write(lambda connection: self._rotate(connection, text, to_file))
        if to_file:
            self._write(self._drop_old_keys)
        return {'rotated': count, 'key_file': str(self.location.key_file) if to_file else None}

    def _rotate(self, connection, text, to_file):
        self._keys(fresh=to_file)
        old, old_id = self._current_key(connection)
        keys = [text, *(old.text_of(key_id) for key_id in old.ids)]
        new = secrets.KeyRing(list(dict.fromkeys(keys)), self.location)
        if to_file:
            secrets.replace_key_file(self.location, [new.text_of(key_id) for key_id in new.ids])
        count = credentials.reencrypt(connection, old, new)
        audit.sign_again(connection, old, old_id, new, new.ids[0])
        meta = tables().meta
        connection.execute(meta.update().where(meta.c.name == 'key_id').values(value=new.ids[0]))
        self._ring = new
        return count

    def _drop_old_keys(self, connection):
        ring, key_id = self._current_key(connection)
        secrets.replace_key_file(self.location, [ring.text_of(key_id)])
        self._keys(fresh=True)

    # Clusters

    def clusters(self, selection=None):
        """ClusterRecords by name. selection: None, 'all', [names or ids], or {names, labels, status}.

        Raises NotFound for a name that is not registered, BadRequest for a selection that is none.
        """
        found = self._database.read(lambda connection: clusters.select(connection, selection, self.where))
        return self._none_registered(selection) if found is ABSENT else found

    def _none_registered(self, wanted):
        for name in selection.parse(wanted).names or ():
            raise selection.not_registered(name, [], self.where)
        return []

    def cluster(self, name_or_id):
        """The ClusterRecord of a name or id. Raises NotFound, naming the nearest names."""
        return self.clusters([name_or_id])[0]

    def find_cluster(self, name_or_id):
        """The ClusterRecord of a name or id, None when there is none."""
        return self._read(lambda connection: clusters.find_or_none(connection, name_or_id), lambda: None)

    def save_cluster(self, record, stored=None, expected_version=None, drop_tiers=()):
        """Insert (record.revision 0) or update a cluster with its credentials, all or nothing -> ClusterRecord.

        stored: StoredCredentials to add or change; other tiers stay unless named in drop_tiers. Only what differs is
        written; without a difference the revision stays. The state of health is written on insert only (see touch).
        Raises BadRequest, Conflict (name taken, or changed since revision expected_version or record.revision), NotFound.
        """
        logins = list(stored or ())
        clusters.check(record)
        for credential in logins:
            credentials.check(credential)
        expected = record.revision if expected_version is None else expected_version

        def work(connection):
            cluster_id, changed = clusters.save(connection, record, expected, self.where)
            more = credentials.save(
                connection, cluster_id, logins, drop_tiers, lambda: self._current_key(connection)[0]
            )
            if record.revision and (changed or more):
                clusters.bump(connection, cluster_id)
            return clusters.find(connection, cluster_id, self.where)

        return self._write(work)

    def remove_cluster(self, name_or_id):
        """Remove a cluster, its secrets and all that is kept of it -> its last ClusterRecord.

        Raises NotFound, Conflict when a workspace uses it. The audit log stays.
        """
        self.cluster(name_or_id)

        def work(connection):
            record = clusters.find(connection, name_or_id, self.where)
            clusters.remove(connection, record)
            return record

        return self._write(work)

    def touch(self, cluster_id, status, reasons=(), version=None, node_count=None, seen=True):
        """Store a state of health. None keeps the stored version and node count; seen: the cluster answered."""
        entry = {'cluster_id': cluster_id, 'status': status, 'reasons': reasons, 'seen': seen}
        self.touch_all([{**entry, 'version': version, 'node_count': node_count}])

    def touch_all(self, health):
        """touch() for many clusters in one transaction: a list of dictionaries with its arguments as keys."""
        if health:
            self._write(lambda connection: clusters.touch(connection, health))

    def observe(self, health, nodes, guests):
        """touch() and save_snapshot() of one cluster in one transaction -> its ClusterRecord. Raises NotFound.

        health: the arguments of touch() as a dictionary; nodes, guests: lists of dictionaries.
        """
        data = (time.time(), snapshots.pack(nodes), snapshots.pack(guests))

        def work(connection):
            clusters.touch(connection, [health])
            snapshots.save(connection, health['cluster_id'], *data)
            return clusters.find(connection, health['cluster_id'], self.where)

        return self._write(work)

    # Credentials

    def credentials(self, cluster_id, decrypt=False):
        """The StoredCredentials of a cluster, weakest tier first; their secrets only with decrypt."""
        ring = self._keys() if decrypt else None
        rows = self._read(lambda connection: credentials.read(connection, cluster_id), dict)
        return [credentials.stored(row, ring) for row in rows.get(cluster_id, ())]

    def credentials_by_cluster(self):
        """{cluster id: [StoredCredential without secret]} of all clusters, in one query."""
        found = self._read(credentials.read, dict)
        return {cluster_id: [credentials.stored(row) for row in rows] for cluster_id, rows in found.items()}

    def credential(self, cluster_id, tier, resolve=None):
        """The Credential of the weakest tier that serves. resolve(secret_lookup) -> secret, for references.

        Raises NotFound (cluster), Forbidden (no tier strong enough), BadRequest (a reference without resolve).
        """
        return self.connection(cluster_id, tier, resolve).credential

    def connection(self, name_or_id, tier, resolve=None):
        """The Connection to a cluster with the Credential of the weakest tier that serves (see credential)."""

        def work(connection):
            record = clusters.find(connection, name_or_id, self.where)
            rows = credentials.read(connection, record.id).get(record.id, ())
            return record, credentials.choose(rows, tier, record.name)

        found = self._database.read(work)
        if found is ABSENT:
            raise selection.not_registered(name_or_id, [], self.where)
        return self._connection(*found, resolve)

    def connections(self, selected=None, tier='viewer', resolve=None):
        """{name: function() -> Connection} of the clusters of a selection (see clusters), read all at once.

        The secret is decrypted or looked up only when the function is called, which raises what connection() raises.
        Raises NotFound for a name that is not registered, BadRequest for a selection that is none.
        """

        def work(connection):
            return clusters.select(connection, selected, self.where), credentials.read(connection)

        found = self._database.read(work)
        records, rows = (self._none_registered(selected), {}) if found is ABSENT else found
        return {one.name: functools.partial(self._login, one, rows.get(one.id, ()), tier, resolve) for one in records}

    def _login(self, record, rows, tier, resolve):
        try:
            return self._connection(record, credentials.choose(rows, tier, record.name), resolve)
        except secrets.RegistryError:
            # The key may have been changed since the rows were read.
            return self.connection(record.id, tier, resolve)

    def _connection(self, record, row, resolve):
        login = credentials.to_credential(self._decrypted(row), record.name, resolve)
        return Connection(
            name=record.name,
            endpoints=tuple(record.endpoints),
            credential=login,
            validate_certs=record.validate_certs,
            ca_path=record.ca_path,
            cluster_id=record.id,
        )

    def _decrypted(self, row):
        """A row -> StoredCredential; the key is read anew when another process may have changed it."""
        if not row.secret:
            return credentials.stored(row)
        try:
            return credentials.stored(row, self._keys())
        except secrets.RegistryError:
            return credentials.stored(row, self._keys(fresh=True))

    # Audit log

    def append_audit(self, record):
        """Write an AuditRecord -> the same with seq, time and hashes. Secrets are to be masked before; what looks like
        one is masked here again."""
        return self._write(lambda connection: audit.append(connection, *self._current_key(connection), record))

    def read_audit(self, filters=None):
        """AuditRecords, oldest first (see audit.read). Raises BadRequest for an unknown filter."""
        return self._read(lambda connection: audit.read(connection, filters), list)

    def verify_audit(self):
        """Check the whole log -> {ok, checked, first_bad, reason, head}. A registry that does not exist is ok."""
        empty = {'ok': True, 'checked': 0, 'first_bad': None, 'reason': '', 'head': {'count': 0, 'hash': audit.START}}
        return self._read(lambda connection: audit.verify(connection, *self._current_key(connection)), lambda: empty)

    # Snapshots and metrics

    def save_snapshot(self, cluster_id, nodes, guests, taken_at=None):
        """Keep the last seen nodes and guests (lists of dictionaries). taken_at: epoch seconds. Raises NotFound."""
        data = (taken_at or time.time(), snapshots.pack(nodes), snapshots.pack(guests))

        def work(connection):
            record = clusters.find(connection, cluster_id, self.where)
            snapshots.save(connection, record.id, *data)

        self._write(work)

    def snapshot(self, cluster_id):
        """The Snapshot of a cluster, None when there is none."""
        return self.snapshots([cluster_id]).get(cluster_id)

    def snapshots(self, cluster_ids=None):
        """{cluster id: Snapshot} of the clusters named, or of all."""
        return self._read(lambda connection: snapshots.read(connection, cluster_ids), dict)

    def add_metrics(self, cluster_id, samples, keep=metrics.KEEP_SECONDS):
        """Store MetricSamples, and forget those of all clusters that are older than `keep` seconds. Raises NotFound."""

        def work(connection):
            metrics.add(connection, clusters.find(connection, cluster_id, self.where).id, samples)
            metrics.prune(connection, time.time() - keep)

        self._write(work)

    def metrics(self, cluster_id, object=None, since=None, until=None, limit=None):
        """MetricSamples, oldest first. since, until: epoch seconds; limit: the newest so many."""
        return self._read(lambda connection: metrics.read(connection, cluster_id, object, since, until, limit), list)

    def prune_metrics(self, older_than):
        """Forget samples from before `older_than` (epoch seconds) -> how many."""
        return self._write(lambda connection: metrics.prune(connection, older_than))

    # Workspaces

    def workspaces(self):
        """All Workspaces by name."""
        return self._read(lambda connection: workspaces.read(connection, time.time()), list)

    def workspace(self, name):
        """The Workspace of a name or id. Raises NotFound."""
        found = self._database.read(lambda connection: workspaces.find(connection, name, time.time(), self.where))
        if found is ABSENT:
            raise NotFound(
                f'There is no workspace {name!r} in the registry {self.where}: it is empty.',
                details={'workspace': name},
            )
        return found

    def save_workspace(self, workspace):
        """Insert (revision 0) or update -> Workspace. Raises BadRequest, Conflict, NotFound (an unknown cluster)."""

        def work(connection):
            workspace_id = workspaces.save(connection, workspace, time.time(), self.where)
            return workspaces.find(connection, workspace_id, time.time(), self.where)

        return self._write(work)

    def remove_workspace(self, name):
        """Remove a workspace -> its last Workspace. Raises NotFound, Conflict while room is reserved in it."""
        self.workspace(name)

        def work(connection):
            workspace = workspaces.find(connection, name, time.time(), self.where)
            workspaces.remove(connection, workspace)
            return workspace

        return self._write(work)

    def reserve(self, workspace, holder, amounts, cluster=None, expires_in=HOLD_SECONDS):
        """Hold room in a workspace for `holder` -> Reservation; racing runs cannot exceed the quota.

        amounts: Amounts. cluster: name of the cluster that it is meant for. expires_in: seconds until the room is free
        again unless confirm() is called. The same holder asking again changes its reservation.
        Raises NotFound, BadRequest, Forbidden (cluster outside the workspace), Conflict (no room; details say what).
        """

        def work(connection):
            now = time.time()
            found = workspaces.find(connection, workspace, now, self.where)
            return workspaces.reserve(connection, found, holder, amounts, cluster, now + expires_in, now)

        return self._write(work)

    def confirm(self, reservation_id):
        """Make a reservation last -> Reservation. Raises NotFound, Conflict (expired, and the room is gone)."""
        return self._write(lambda connection: workspaces.confirm(connection, reservation_id, time.time(), self.where))

    def release(self, reservation_id):
        """Give a reservation back -> was there one?"""
        return self._write(lambda connection: workspaces.release(connection, reservation_id))

    def release_holder(self, workspace, holder):
        """Give back what `holder` has in a workspace -> was there anything? Raises NotFound (workspace)."""

        def work(connection):
            found = workspaces.find(connection, workspace, time.time(), self.where)
            return workspaces.release_holder(connection, found, holder)

        return self._write(work)

    def reservations(self, workspace):
        """The Reservations of a workspace that count now. Raises NotFound."""

        def work(connection):
            now = time.time()
            return workspaces.reservations(connection, workspaces.find(connection, workspace, now, self.where), now)

        return self._read(work, list)
