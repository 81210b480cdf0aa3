# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that the HA manager looks after."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE
from ansible_collections.pve.fleet.plugins.module_utils.resources.guard import FORCE, guarded
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import check_group
from ansible_collections.pve.fleet.plugins.module_utils.schema.formats import split_list


def identify(params):
    """vm:100, ct:100. Raises BadRequest for anything else."""
    if params.get('sid') and not re.fullmatch(r'(vm|ct):[1-9]\d{2,8}', params['sid']):
        raise BadRequest(f'sid: {params["sid"]!r} is no HA resource. Write vm:100 for a virtual machine, ct:100 for a container.')
    return {'sid': params.get('sid')}


def besides(case, client):
    """Rules that name the resource: PVE would take it out of them, and delete those that are left empty."""
    if case.release != '9':
        return None
    rules = [row['rule'] for row in client.get('cluster', 'ha', 'rules') if case.ident['sid'] in split_list(row.get('resources') or '')]
    return f'the HA rules {", ".join(sorted(rules))} name it.' if rules else None


def check(case, context):
    """Rules that name it are kept; the guest and the group must be there: PVE says so only when it is asked in earnest."""
    guarded(besides)(case, context)
    group = case.wanted.get('group') if case.state == 'present' else None
    if group and group != (case.current or {}).get('group'):
        check_group(context, group)
    if case.state == 'present' and case.current is None:
        kind, vmid = case.ident['sid'].split(':')
        kinds = {'vm': 'qemu', 'ct': 'lxc'}
        rows = context.client.get('cluster', 'resources', params={'type': 'vm'})
        if not any(str(row['vmid']) == vmid and row['type'] == kinds[kind] for row in rows):
            context.missing(NotFound(f'Cannot create {case.title}: the cluster has no such guest. Create it first, or check the number and vm or ct.'))


HA_RESOURCE = Kind(
    name='ha_resource',
    plural='ha_resources',
    label='HA resource',
    identity=('sid',),
    collection='cluster/ha/resources',
    item='cluster/ha/resources/{sid}',
    options={**REMOVE, **FORCE},
    fields=(
        Field('sid', required=True),
        Field('hastate', wire='state', choices=('started', 'stopped', 'disabled', 'ignored'), default='started'),
        Field('group'),
        Field('max_relocate', 'int', default=1),
        Field('max_restart', 'int', default=1),
        Field('failback', 'bool'),
        Field('comment', default=''),
    ),
    identify=identify,
    check=check,
)
