"""Privileges and built-in roles by release, made the way PVE makes them: from groups of privileges by trust."""

from __future__ import annotations

AGENT = 'VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite'
VM_ADMIN = ('VM.Config.Disk VM.Config.CPU VM.Config.Memory VM.Config.Network VM.Config.HWType VM.Config.Options '
            'VM.Allocate VM.Clone VM.Migrate VM.Snapshot VM.Snapshot.Rollback ')
VM_USER = 'VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.Backup VM.PowerMgmt '
DATASTORE = {'admin': 'Datastore.Allocate Datastore.AllocateTemplate', 'user': 'Datastore.AllocateSpace',
             'audit': 'Datastore.Audit'}
USER = {'root': 'Realm.Allocate', 'admin': 'User.Modify Group.Allocate Realm.AllocateUser'}
POOL = {'admin': 'Pool.Allocate', 'user': 'Pool.Audit', 'audit': 'Pool.Audit'}
SDN = {'admin': 'SDN.Allocate', 'user': 'SDN.Use', 'audit': 'SDN.Audit'}
MAPPING = {'admin': 'Mapping.Modify', 'user': 'Mapping.Use', 'audit': 'Mapping.Audit'}
SYS = {'root': 'Permissions.Modify Sys.PowerMgmt Sys.Modify Sys.Incoming Sys.AccessNetwork',
       'admin': 'Sys.Console Sys.Syslog', 'audit': 'Sys.Audit'}

GROUPS = {
    '9': {
        'VM': {'admin': f'{VM_ADMIN}{AGENT} VM.GuestAgent.Unrestricted VM.Replicate', 'user': VM_USER + AGENT,
               'audit': 'VM.Audit VM.GuestAgent.Audit'},
        'Sys': SYS, 'Datastore': DATASTORE, 'SDN': SDN, 'User': USER, 'Pool': POOL, 'Mapping': MAPPING,
    },
    '8.4': {
        'VM': {'admin': VM_ADMIN + 'VM.Monitor', 'user': VM_USER, 'audit': 'VM.Audit'},
        'Sys': SYS, 'Datastore': DATASTORE, 'SDN': SDN, 'User': USER, 'Pool': POOL, 'Mapping': MAPPING,
    },
    '7.4': {
        'VM': {'admin': VM_ADMIN + 'VM.Monitor', 'user': VM_USER, 'audit': 'VM.Audit'},
        'Sys': {'root': 'Sys.PowerMgmt Sys.Modify Sys.Incoming', 'admin': 'Permissions.Modify Sys.Console Sys.Syslog',
                'audit': 'Sys.Audit'},
        'Datastore': DATASTORE, 'SDN': {'admin': 'SDN.Allocate', 'audit': 'SDN.Audit'}, 'User': USER, 'Pool': POOL,
    },
}


def _roles(release: str) -> dict[str, frozenset[str]]:
    roles: dict[str, set[str]] = {name: set() for name in ('NoAccess', 'Administrator', 'PVEAdmin', 'PVEAuditor')}
    roles['PVETemplateUser'] = {'VM.Clone', 'VM.Audit'}
    for name, group in GROUPS[release].items():
        privileges = {trust: set(group.get(trust, '').split()) for trust in ('root', 'admin', 'user', 'audit')}
        below_root = privileges['admin'] | privileges['user'] | privileges['audit']
        roles['Administrator'] |= below_root | privileges['root']
        roles['PVEAdmin'] |= below_root - {'Mapping.Modify'}
        roles['PVEAuditor'] |= privileges['audit']
        roles[f'PVE{name}Admin'] = below_root
        if privileges['user']:
            roles[f'PVE{name}User'] = privileges['user'] | privileges['audit']
    return {name: frozenset(held) for name, held in roles.items()}


# By release: the built-in roles with their privileges, and every privilege that the release knows.
ROLES: dict[str, dict[str, frozenset[str]]] = {release: _roles(release) for release in GROUPS}
ALL: dict[str, frozenset[str]] = {release: ROLES[release]['Administrator'] for release in ROLES}
