# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the registry. The migrations make them; a test compares the two."""

from __future__ import annotations

import functools
import types

from .third_party import load

REVISION = '0001'
VERSION_TABLE = 'pve_fleet_version'


@functools.cache
def tables():
    """The tables by name, as attributes, and `metadata`. SQLAlchemy is imported at the first call."""
    sa = load('sqlalchemy')
    metadata = sa.MetaData()
    for define in (_meta, _clusters, _credentials, _seen, _audit, _workspaces):
        define(sa, metadata)
    return types.SimpleNamespace(metadata=metadata, **metadata.tables)


def _owner(sa, **options):
    return sa.Column('cluster_id', sa.String(36), sa.ForeignKey('clusters.id', ondelete='CASCADE'), **options)


def _meta(sa, metadata):
    sa.Table(
        'meta',
        metadata,
        sa.Column('name', sa.String(64), primary_key=True),
        sa.Column('value', sa.Text, nullable=False),
    )


def _clusters(sa, metadata):
    sa.Table(
        'clusters',
        metadata,
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('endpoints', sa.Text, nullable=False),
        sa.Column('labels', sa.Text, nullable=False),
        sa.Column('min_nodes', sa.Integer, nullable=False),
        sa.Column('validate_certs', sa.Boolean, nullable=False),
        sa.Column('ca_path', sa.Text),
        sa.Column('status', sa.String(16), nullable=False),
        sa.Column('reasons', sa.Text, nullable=False),
        sa.Column('version', sa.String(64)),
        sa.Column('node_count', sa.Integer),
        sa.Column('created_at', sa.String(32), nullable=False),
        sa.Column('updated_at', sa.String(32), nullable=False),
        sa.Column('last_seen_at', sa.String(32)),
        sa.Column('managed', sa.Text, nullable=False),
        sa.Column('revision', sa.Integer, nullable=False),
        sa.UniqueConstraint('name', name='clusters_name_key'),
    )


def _credentials(sa, metadata):
    sa.Table(
        'credentials',
        metadata,
        _owner(sa, primary_key=True),
        sa.Column('tier', sa.String(16), primary_key=True),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('identity', sa.Text, nullable=False),
        sa.Column('secret', sa.Text),
        sa.Column('reference', sa.Text),
    )


def _seen(sa, metadata):
    sa.Table(
        'snapshots',
        metadata,
        _owner(sa, primary_key=True),
        sa.Column('taken_at', sa.Double, nullable=False),
        sa.Column('nodes', sa.LargeBinary, nullable=False),
        sa.Column('guests', sa.LargeBinary, nullable=False),
    )
    sa.Table(
        'metrics',
        metadata,
        _owner(sa, primary_key=True),
        sa.Column('object', sa.String(255), primary_key=True),
        sa.Column('time', sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column('sample', sa.Text, nullable=False),
        sa.Index('metrics_time', 'time'),
    )


def _audit(sa, metadata):
    texts = ('time', 'who', 'module', 'action', 'object', 'cluster', 'cluster_id', 'before', 'after', 'changes')
    sa.Table(
        'audit',
        metadata,
        sa.Column('seq', sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in (*texts, 'outcome', 'request_id')),
        sa.Column('previous_hash', sa.String(64), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
    )
    sa.Table(
        'audit_head',
        metadata,
        sa.Column('id', sa.Integer, primary_key=True, autoincrement=False),
        sa.Column('count', sa.BigInteger, nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('broken', sa.Text, nullable=False),
        sa.Column('signature', sa.String(64), nullable=False),
    )


def _workspaces(sa, metadata):
    amounts = (('cpus', sa.Integer), ('memory', sa.BigInteger), ('disk', sa.BigInteger), ('guests', sa.Integer))
    sa.Table(
        'workspaces',
        metadata,
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('name', sa.String(255), nullable=False),
        *(sa.Column(name, kind) for name, kind in amounts),
        sa.Column('created_at', sa.String(32), nullable=False),
        sa.Column('updated_at', sa.String(32), nullable=False),
        sa.Column('revision', sa.Integer, nullable=False),
        sa.UniqueConstraint('name', name='workspaces_name_key'),
    )
    workspace = {'primary_key': True}
    sa.Table(
        'workspace_clusters',
        metadata,
        sa.Column('workspace_id', sa.String(36), sa.ForeignKey('workspaces.id', ondelete='CASCADE'), **workspace),
        sa.Column('cluster_id', sa.String(36), sa.ForeignKey('clusters.id'), primary_key=True),
    )
    sa.Table(
        'reservations',
        metadata,
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('workspace_id', sa.String(36), sa.ForeignKey('workspaces.id', ondelete='CASCADE'), nullable=False),
        sa.Column('holder', sa.String(255), nullable=False),
        sa.Column('cluster', sa.String(255)),
        *(sa.Column(name, kind, nullable=False) for name, kind in amounts),
        sa.Column('confirmed', sa.Boolean, nullable=False),
        sa.Column('expires_at', sa.Double),
        sa.UniqueConstraint('workspace_id', 'holder', name='reservations_holder_key'),
    )
