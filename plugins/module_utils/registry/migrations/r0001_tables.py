# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first tables."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.registry.third_party import load

revision = '0001'
down_revision = None


def upgrade(op):
    """Make the tables. op: alembic's Operations."""
    sa = load('sqlalchemy')
    _clusters(op, sa)
    _seen(op, sa)
    _audit(op, sa)
    _workspaces(op, sa)


def _owner(sa):
    return sa.Column('cluster_id', sa.String(36), sa.ForeignKey('clusters.id', ondelete='CASCADE'), primary_key=True)


def _clusters(op, sa):
    op.create_table(
        'meta',
        sa.Column('name', sa.String(64), primary_key=True),
        sa.Column('value', sa.Text, nullable=False),
    )
    op.create_table(
        'clusters',
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
    op.create_table(
        'credentials',
        _owner(sa),
        sa.Column('tier', sa.String(16), primary_key=True),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('identity', sa.Text, nullable=False),
        sa.Column('secret', sa.Text),
        sa.Column('reference', sa.Text),
    )


def _seen(op, sa):
    op.create_table(
        'snapshots',
        _owner(sa),
        sa.Column('taken_at', sa.Double, nullable=False),
        sa.Column('nodes', sa.LargeBinary, nullable=False),
        sa.Column('guests', sa.LargeBinary, nullable=False),
    )
    op.create_table(
        'metrics',
        _owner(sa),
        sa.Column('object', sa.String(255), primary_key=True),
        sa.Column('time', sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column('sample', sa.Text, nullable=False),
    )
    op.create_index('metrics_time', 'metrics', ['time'])


def _audit(op, sa):
    texts = ('time', 'who', 'module', 'action', 'object', 'cluster', 'cluster_id', 'before', 'after', 'changes')
    op.create_table(
        'audit',
        sa.Column('seq', sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in (*texts, 'outcome', 'request_id')),
        sa.Column('previous_hash', sa.String(64), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
    )
    op.create_table(
        'audit_head',
        sa.Column('id', sa.Integer, primary_key=True, autoincrement=False),
        sa.Column('count', sa.BigInteger, nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('broken', sa.Text, nullable=False),
        sa.Column('signature', sa.String(64), nullable=False),
    )


def _workspaces(op, sa):
    amounts = (('cpus', sa.Integer), ('memory', sa.BigInteger), ('disk', sa.BigInteger), ('guests', sa.Integer))
    op.create_table(
        'workspaces',
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('name', sa.String(255), nullable=False),
        *(sa.Column(name, kind) for name, kind in amounts),
        sa.Column('created_at', sa.String(32), nullable=False),
        sa.Column('updated_at', sa.String(32), nullable=False),
        sa.Column('revision', sa.Integer, nullable=False),
        sa.UniqueConstraint('name', name='workspaces_name_key'),
    )
    op.create_table(
        'workspace_clusters',
        sa.Column('workspace_id', sa.String(36), sa.ForeignKey('workspaces.id', ondelete='CASCADE'), primary_key=True),
        sa.Column('cluster_id', sa.String(36), sa.ForeignKey('clusters.id'), primary_key=True),
    )
    op.create_table(
        'reservations',
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('workspace_id', sa.String(36), sa.ForeignKey('workspaces.id', ondelete='CASCADE'), nullable=False),
        sa.Column('holder', sa.String(255), nullable=False),
        sa.Column('cluster', sa.String(255)),
        *(sa.Column(name, kind, nullable=False) for name, kind in amounts),
        sa.Column('confirmed', sa.Boolean, nullable=False),
        sa.Column('expires_at', sa.Double),
        sa.UniqueConstraint('workspace_id', 'holder', name='reservations_holder_key'),
    )
