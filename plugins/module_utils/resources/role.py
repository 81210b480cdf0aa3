# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: named sets of privileges."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.guard import FORCE, guarded
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import nearest

# What stands in for privileges that a release no longer has (release notes of Proxmox VE 9.0).
REPLACED = {
    'VM.Monitor': 'VM.GuestAgent.Audit, VM.GuestAgent.FileRead, VM.GuestAgent.FileWrite, VM.GuestAgent.FileSystemMgmt or '
    'VM.GuestAgent.Unrestricted for the guest agent and Sys.Audit for the monitor'
}


def read(client, ident):
    """The list tells whether a role is built in; the single object does not."""
    return next((row for row in client.get('access', 'roles') if row['roleid'] == ident['roleid']), None)


def wanted(case, _context):
    if case.params['append'] and 'privs' in case.wanted and case.current:
        return {**case.wanted, 'privs': sorted({*case.wanted['privs'], *case.current.get('privs', [])})}
    return case.wanted


def changes(case, differing):
    """Only the missing privileges with append, so that another task's additions are kept."""
    if case.current is None or not case.params['append']:
        return usual_changes(case, differing)
    missing = sorted(set(case.wanted['privs']) - set(case.current['privs']))
    segments = ('access', 'roles', case.ident['roleid'])
    return [Change(f'update {case.title}: privs', 'PUT', segments, {'privs': missing, 'append': True})]


def besides(case, client):
    """Access rules that would lose their meaning."""
    used = [row for row in client.get('access', 'acl') if row['roleid'] == case.ident['roleid']]
    named = sorted({f'{row["ugid"]} on {row["path"]}' for row in used})
    return f'the access control list gives it to {", ".join(named)}.' if named else None


def check(case, context):
    """Built-in roles stay as they are, and those in use; privileges must be known to the release."""
    guarded(besides)(case, context)
    if case.current and case.current.get('special'):
        raise BadRequest(f'{case.title} is built in and cannot be changed or deleted. Make a role of another name.')
    if case.state == 'absent':
        return
    if case.current is None and case.ident['roleid'].lower().startswith('pve') and case.release != '7.4':
        raise BadRequest(f'Cannot create {case.title}: names that begin with PVE are kept for built-in roles.')
    rows = context.client.get('access', 'roles')
    known = next(row['privs'] for row in rows if row['roleid'] == 'Administrator').split(',')
    for privilege in case.wanted.get('privs', []):
        if privilege not in known:
            raise BadRequest(unknown_privilege(privilege, known, case.release))


def unknown_privilege(privilege, known, release):
    """A sentence about a privilege that this release does not have."""
    if privilege in REPLACED:
        return f'Proxmox VE {release} has no privilege {privilege} any more: name {REPLACED[privilege]}.'
    alike = nearest(privilege, known)
    hint = f' Did you mean {", ".join(alike)}?' if alike else ' The role Administrator lists all that there are.'
    return f'Proxmox VE {release} has no privilege {privilege}.{hint}'


ROLE = Kind(
    name='role',
    plural='roles',
    identity=('roleid',),
    collection='access/roles',
    item='access/roles/{roleid}',
    fields=(
        Field('roleid', required=True),
        Field('privs', 'list', elements='str', default=()),
        Field('special', 'bool', given=False),
    ),
    options={'append': {'type': 'bool', 'default': False}, **FORCE},
    read=read,
    wanted=wanted,
    changes=changes,
    check=check,
)
