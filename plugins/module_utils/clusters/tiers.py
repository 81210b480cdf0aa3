# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiers of credentials as roles of PVE: which privileges each needs. Facts from the API's permission checks. Pure."""

from __future__ import annotations

VIEWER = frozenset(
    (
        'Datastore.Audit', 'Mapping.Audit', 'Pool.Audit', 'SDN.Audit', 'Sys.Audit', 'Sys.Syslog',
        'VM.Audit', 'VM.GuestAgent.Audit', 'VM.Monitor',
    )
)  # fmt: skip
OPERATOR = VIEWER | frozenset(
    (
        'Datastore.AllocateSpace', 'Datastore.AllocateTemplate', 'Mapping.Use', 'Pool.Allocate', 'SDN.Use',
        'Sys.AccessNetwork', 'Sys.Console',
        'VM.Allocate', 'VM.Backup', 'VM.Clone', 'VM.Config.CDROM', 'VM.Config.CPU', 'VM.Config.Cloudinit',
        'VM.Config.Disk', 'VM.Config.HWType', 'VM.Config.Memory', 'VM.Config.Network', 'VM.Config.Options',
        'VM.Console', 'VM.GuestAgent.FileRead', 'VM.GuestAgent.FileSystemMgmt', 'VM.GuestAgent.FileWrite',
        'VM.GuestAgent.Unrestricted', 'VM.Migrate', 'VM.PowerMgmt', 'VM.Replicate', 'VM.Snapshot', 'VM.Snapshot.Rollback',
    )
)  # fmt: skip
ADMIN = OPERATOR | frozenset(
    (
        'Datastore.Allocate', 'Group.Allocate', 'Mapping.Modify', 'Permissions.Modify', 'Realm.Allocate',
        'Realm.AllocateUser', 'SDN.Allocate', 'Sys.Incoming', 'Sys.Modify', 'Sys.PowerMgmt',
        'User.Modify',
    )
)  # fmt: skip
SELF_ROLE = 'FleetSelf'
SELF_PRIVILEGES = ('User.Modify',)
PRIVILEGES = {'viewer': VIEWER, 'operator': OPERATOR, 'admin': ADMIN}


def role_id(tier):
    """The role that a tier's user has: FleetViewer, FleetOperator or FleetAdmin ('PVE...' is reserved)."""
    return f'Fleet{tier.capitalize()}'


def user_id(tier):
    """The user that a tier's token belongs to, in the realm that every PVE has."""
    return f'fleet-{tier}@pve'


def group_id(tier):
    """The group of that user alone, so that its token may be given the right to remove itself."""
    return f'fleet-{tier}'


def privileges(tier, known):
    """The privileges of a tier that this cluster's release knows, sorted. known: those of its role Administrator."""
    return sorted(PRIVILEGES[tier] & set(known))
