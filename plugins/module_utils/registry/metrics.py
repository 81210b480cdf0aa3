# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of measured values, kept for a while."""

from __future__ import annotations

import json

from .codec import canonical
from .database import upsert
from .model import tables
from .records import MetricSample
from .third_party import load

KEEP_SECONDS = 30 * 86400


def add(connection, cluster_id, samples):
    """Store MetricSamples; one of the same object and time is replaced."""
    rows = {
        (sample.object, int(sample.time)): {
            'cluster_id': cluster_id,
            'object': sample.object,
            'time': int(sample.time),
            'sample': canonical(sample.values),
        }
        for sample in samples
    }
    upsert(connection, tables().metrics, list(rows.values()), ('cluster_id', 'object', 'time'))


def prune(connection, before):
    """Delete samples older than `before` (epoch seconds) -> how many."""
    table = tables().metrics
    return connection.execute(table.delete().where(table.c.time < int(before))).rowcount


def read(connection, cluster_id, obj=None, since=None, until=None, limit=None):
    """MetricSamples of a cluster, oldest first; limit keeps the newest."""
    table = tables().metrics
    query = load('sqlalchemy').select(table.c.object, table.c.time, table.c.sample)
    query = query.where(table.c.cluster_id == cluster_id).order_by(table.c.time.desc(), table.c.object.desc())
    if obj is not None:
        query = query.where(table.c.object == obj)
    if since is not None:
        query = query.where(table.c.time >= int(since))
    if until is not None:
        query = query.where(table.c.time <= int(until))
    if limit is not None:
        query = query.limit(int(limit))
    return [
        MetricSample(row.object, row.time, json.loads(row.sample)) for row in reversed(connection.execute(query).all())
    ]
