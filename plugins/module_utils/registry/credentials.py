# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in the database: one per cluster and tier, encrypted or only referred to."""

from __future__ import annotations

import functools
import json

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Credential
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError, Forbidden

from .codec import canonical
from .database import upsert
from .model import tables
from .records import TIERS, StoredCredential
from .third_party import load

KINDS = ('token', 'password')


def check(credential):
    """Raise BadRequest for a credential that cannot be stored."""
    if credential.tier not in TIERS:
        raise BadRequest(f'{credential.tier!r} is not a tier of credentials. There are: {", ".join(TIERS)}.')
    if credential.kind not in KINDS or not credential.identity:
        raise BadRequest(f'The {credential.tier} credential needs a token id, or a user, to whom its secret belongs.')
    if bool(credential.secret) == bool(credential.reference):
        raise BadRequest(
            f'The {credential.tier} credential {credential.identity} needs either its secret or a secret_lookup, not both.'
        )


def read(connection, cluster_id=None):
    """{cluster id: [rows, weakest tier first]}; a row has tier, kind, identity, secret (ciphertext), reference (text)."""
    found = {}
    query = _all_credentials() if cluster_id is None else _credentials_of_one()
    for row in connection.execute(query, {'owner': cluster_id} if cluster_id is not None else None).all():
        found.setdefault(row.cluster_id, []).append(row)
    return {owner: sorted(rows, key=lambda row: TIERS.index(row.tier)) for owner, rows in found.items()}


@functools.cache
def _all_credentials():
    return load('sqlalchemy').select(tables().credentials)


@functools.cache
def _credentials_of_one():
    return _all_credentials().where(tables().credentials.c.cluster_id == load('sqlalchemy').bindparam('owner'))


def stored(row, ring=None):
    """A row -> StoredCredential; with a KeyRing its secret is decrypted."""
    secret = ring.decrypt(row.secret, row.cluster_id, row.tier, row.identity) if ring and row.secret else None
    reference = json.loads(row.reference) if row.reference else None
    return StoredCredential(row.tier, row.kind, row.identity, secret, reference)


def save(connection, cluster_id, credentials, drop_tiers, get_ring):
    """Store what differs, delete the tiers in drop_tiers -> did anything change? get_ring() gives the KeyRing."""
    before = {row.tier: row for row in read(connection, cluster_id).get(cluster_id, ())}
    rows = []
    for credential in credentials:
        old = before.get(credential.tier)
        if old is None or not _same(old, credential, get_ring):
            rows.append(_row(cluster_id, credential, get_ring))
    upsert(connection, tables().credentials, rows, ('cluster_id', 'tier'))
    dropped = [tier for tier in drop_tiers if tier in before]
    if dropped:
        table = tables().credentials
        condition = (table.c.cluster_id == cluster_id) & table.c.tier.in_(dropped)
        connection.execute(table.delete().where(condition))
    return bool(rows or dropped)


def _same(row, credential, get_ring):
    if (row.kind, row.identity) != (credential.kind, credential.identity) or bool(row.secret) != bool(
        credential.secret
    ):
        return False
    if credential.reference:
        return row.reference == canonical(credential.reference)
    try:
        return stored(row, get_ring()).secret == credential.secret
    except FleetError:
        # It was encrypted with a key that is gone: store it anew.
        return False


def _row(cluster_id, credential, get_ring):
    secret = None
    if credential.secret:
        secret = get_ring().encrypt(credential.secret, cluster_id, credential.tier, credential.identity)
    return {
        'cluster_id': cluster_id,
        'tier': credential.tier,
        'kind': credential.kind,
        'identity': credential.identity,
        'secret': secret,
        'reference': canonical(credential.reference) if credential.reference else None,
    }


def choose(rows, tier, cluster_name):
    """The row of the weakest tier that serves. Raises Forbidden when none is strong enough."""
    if tier not in TIERS:
        raise BadRequest(f'{tier!r} is not a tier of credentials. There are: {", ".join(TIERS)}.')
    serving = [row for row in rows if TIERS.index(row.tier) >= TIERS.index(tier)]
    if serving:
        return serving[0]
    have = ', '.join(row.tier for row in rows) or 'none'
    raise Forbidden(
        f'This needs a credential of tier {tier} for cluster {cluster_name}, and the registry has: {have}. '
        f'Add one with pve.fleet.pve_cluster_registry (credentials: [{{tier: {tier}, ...}}]).',
        details={'cluster': cluster_name, 'tier': tier, 'stored': [row.tier for row in rows]},
    )


def to_credential(credential, cluster_name, resolve):
    """StoredCredential with its secret -> Credential; a reference is resolved by resolve(reference)."""
    secret = credential.secret
    if credential.reference:
        if resolve is None:
            raise BadRequest(
                f'The {credential.tier} credential of cluster {cluster_name} is a secret_lookup, which only the '
                'controller can resolve. Run this on the controller, or store the secret in the registry.',
                details={'cluster': cluster_name, 'tier': credential.tier},
            )
        secret = resolve(credential.reference)
    if credential.kind == 'token':
        return Credential(token_id=credential.identity, token_secret=secret, tier=credential.tier)
    return Credential(user=credential.identity, password=secret, tier=credential.tier)


def reencrypt(connection, old_ring, new_ring):
    """Encrypt every secret with the first key of new_ring -> how many. Nothing is written when one does not decrypt."""
    table = tables().credentials
    rows = [row for found in read(connection).values() for row in found if row.secret]
    for row in rows:
        secret = stored(row, old_ring).secret
        text = new_ring.encrypt(secret, row.cluster_id, row.tier, row.identity)
        condition = (table.c.cluster_id == row.cluster_id) & (table.c.tier == row.tier)
        connection.execute(table.update().where(condition).values(secret=text))
    return len(rows)
