# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled backups."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE
from ansible_collections.pve.fleet.plugins.module_utils.resources.members import (
    combined,
    guest_row,
    membership,
    with_vmid,
)


def wanted(case, context):
    """Names become vmids; by membership, guests are added, taken away, or all that there are."""
    given, current, how = case.wanted.get('vmid'), case.current or {}, case.params['membership']
    if not given or case.state == 'absent':
        return case.wanted
    rows = [] if all(map(str.isdigit, given)) else context.client.get('cluster', 'resources', params={'type': 'vm'})
    vmids = combined(current.get('vmid', []), [vmid_of(case, item, rows, context) for item in given], how)
    if how == 'present' and (current.get('all') or current.get('pool')):
        raise BadRequest(f'{case.title} backs up {"pool " + current["pool"] if current.get("pool") else "all guests"}, and would be narrowed to '
                         'those that are named. Set membership: exact if that is meant.')
    if not vmids:
        raise BadRequest(f'{case.title} would have no guest left. Delete it (state: absent), or pause it (enabled: false).')
    return {**case.wanted, 'vmid': vmids}


def vmid_of(case, item, rows, context):
    """The vmid of a guest given by name; one that is given by vmid may be made later."""
    row = None if item.isdigit() else guest_row(item, rows, case.title, context)
    return str(row['vmid']) if row else item


def check(case, _context):
    """What PVE would ask for only when the job is sent."""
    if case.state == 'absent' or case.current is not None:
        return
    if not case.wanted.get('schedule'):
        raise BadRequest(f'Cannot create {case.title}: schedule is missing. Say when it shall run, such as mon..fri 02:00.')
    if not any(case.wanted.get(name) for name in ('vmid', 'all', 'pool')):
        raise BadRequest(f'Cannot create {case.title}: say what it shall back up: vmid, pool, or all: true.')


def changes(case, names):
    steps = usual_changes(case, names)
    if steps[0].params.get('vmid'):
        steps[0].params['vmid'] = with_vmid(steps[0].params['vmid'])
    return steps


BACKUP_JOB = Kind(
    name='backup_job',
    plural='backup_jobs',
    identity=('id',),
    collection='cluster/backup',
    item='cluster/backup/{id}',
    options={**REMOVE, **membership('exact')},
    wanted=wanted,
    changes=changes,
    check=check,
    fields=(
        Field('id', required=True),
        Field('schedule'),
        Field('enabled', 'bool', default=True),
        Field('storage'),
        Field('all', 'bool', default=False),
        Field('vmid', 'list', elements='str'),
        Field('pool'),
        Field('exclude', 'list', elements='str'),
        Field('node'),
        Field('mode', choices=('snapshot', 'suspend', 'stop'), default='snapshot'),
        Field('compress', choices=('0', '1', 'gzip', 'lzo', 'zstd')),
        Field('comment', default=''),
        Field('prune_backups', 'raw', wire='prune-backups'),
        Field('remove_old', 'bool', wire='remove'),
        Field('protected', 'bool'),
        Field('repeat_missed', 'bool', wire='repeat-missed', default=False),
        Field('notes_template', wire='notes-template'),
        Field('mailto', 'list', elements='str'),
        Field('mailnotification', choices=('always', 'failure')),
        Field('notification_mode', wire='notification-mode', choices=('auto', 'legacy-sendmail', 'notification-system')),
        Field('notification_policy', wire='notification-policy', choices=('always', 'failure', 'never')),
        Field('notification_target', wire='notification-target'),
        Field('exclude_path', 'list', wire='exclude-path', elements='str'),
        Field('stdexcludes', 'bool'),
        Field('bwlimit', 'int'),
        Field('ionice', 'int'),
        Field('lockwait', 'int'),
        Field('stopwait', 'int'),
        Field('pigz', 'int'),
        Field('zstd', 'int'),
        Field('fleecing', 'raw'),
        Field('performance', 'raw'),
        Field('pbs_change_detection_mode', wire='pbs-change-detection-mode', choices=('legacy', 'data', 'metadata')),
        Field('script'),
        Field('tmpdir', 'path'),
        Field('dumpdir', 'path'),
    ),
)
