# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry holds, as plain data."""

from __future__ import annotations

import dataclasses
import json

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint

TIERS = ('viewer', 'operator', 'admin')
STATUSES = ('healthy', 'degraded', 'unhealthy', 'unknown')


@dataclasses.dataclass
class ClusterRecord:
    """A registered cluster. Times are ISO 8601 texts in UTC; `revision` 0 means not stored yet.

    reasons: [{code, message}] for the status. managed: what `create_token` made on the cluster (user, role, token ids).
    A record from the registry parses endpoints, labels, reasons and managed when they are first looked at: a list of a
    thousand clusters would otherwise take twice as long.
    """

    id: str = ''
    name: str = ''
    endpoints: list = dataclasses.field(default_factory=list)
    labels: dict = dataclasses.field(default_factory=dict)
    min_nodes: int = 3
    validate_certs: bool = True
    ca_path: str | None = None
    status: str = 'unknown'
    reasons: list = dataclasses.field(default_factory=list)
    version: str | None = None
    node_count: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    last_seen_at: str | None = None
    managed: dict = dataclasses.field(default_factory=dict)
    revision: int = 0

    @classmethod
    def from_row(cls, row):
        """A database row whose values stand in the order of ROW_KEYS."""
        record = cls.__new__(cls)
        record.__dict__.update(zip(ROW_KEYS, row, strict=True))
        return record

    def __getattr__(self, name):
        """Called only for what is not there yet."""
        text = self.__dict__.get('_' + name) if name in PARSED_LATE else None
        if text is None:
            raise AttributeError(name)
        value = json.loads(text)
        if name == 'endpoints':
            value = [Endpoint(*entry) for entry in value]
        self.__dict__[name] = value
        return value

    def as_dict(self):
        """All of it, as JSON can carry it. There is no secret in it."""
        data = {name: getattr(self, name) for name in CLUSTER_FIELDS}
        data['endpoints'] = [endpoint.as_dict() for endpoint in self.endpoints]
        return data


PARSED_LATE = ('endpoints', 'labels', 'reasons', 'managed')
CLUSTER_FIELDS = tuple(field.name for field in dataclasses.fields(ClusterRecord))
ROW_KEYS = tuple('_' + name if name in PARSED_LATE else name for name in CLUSTER_FIELDS)


@dataclasses.dataclass
class StoredCredential:
    """A cluster's login for one tier: `secret` (plain in memory only) or `reference` (a secret_lookup dictionary).

    kind: 'token' or 'password'. identity: the token id or the user. `secret` is None where it was not asked for.
    """

    tier: str
    kind: str
    identity: str
    secret: str | None = dataclasses.field(default=None, repr=False)
    reference: dict | None = None

    def as_dict(self):
        """Without the secret."""
        return {'tier': self.tier, 'kind': self.kind, 'identity': self.identity, 'reference': self.reference}


@dataclasses.dataclass
class AuditRecord:
    """One change. before, after: JSON-serialisable; changes: words. The last four are filled in by the registry."""

    module: str
    action: str
    object: str = ''
    cluster: str = ''
    cluster_id: str = ''
    who: str = ''
    before: object = None
    after: object = None
    changes: list = dataclasses.field(default_factory=list)
    outcome: str = 'ok'
    request_id: str = ''
    time: str = ''
    seq: int = 0
    previous_hash: str = ''
    hash: str = ''

    def as_dict(self):
        return dict(self.__dict__)


@dataclasses.dataclass
class Snapshot:
    """The last seen state of one cluster. taken_at: epoch seconds. nodes, guests: lists of dictionaries."""

    cluster_id: str
    taken_at: float
    nodes: list
    guests: list


@dataclasses.dataclass(frozen=True)
class MetricSample:
    """Measured values of one object ('node/pve1', 'qemu/100') at one time (epoch seconds)."""

    object: str
    time: int
    values: dict


@dataclasses.dataclass(frozen=True)
class Amounts:
    """Resources: cpus (count), memory and disk (bytes), guests (count). In a quota None means no limit."""

    cpus: int | None = 0
    memory: int | None = 0
    disk: int | None = 0
    guests: int | None = 0

    def as_dict(self):
        return dict(self.__dict__)


UNLIMITED = Amounts(None, None, None, None)


@dataclasses.dataclass
class Workspace:
    """A named share of some clusters. clusters: their names. reserved: what is held or confirmed now."""

    name: str
    clusters: list = dataclasses.field(default_factory=list)
    quota: Amounts = UNLIMITED
    id: str = ''
    created_at: str | None = None
    updated_at: str | None = None
    reserved: Amounts = Amounts()
    revision: int = 0

    def as_dict(self):
        data = dict(self.__dict__)
        data['quota'] = self.quota.as_dict()
        data['reserved'] = self.reserved.as_dict()
        return data


@dataclasses.dataclass(frozen=True)
class Reservation:
    """Room that a workspace gave to `holder` (such as 'prod/web-01'). expires_at: epoch seconds, None once confirmed."""

    id: str
    workspace: str
    holder: str
    amounts: Amounts
    cluster: str | None = None
    confirmed: bool = False
    expires_at: float | None = None
