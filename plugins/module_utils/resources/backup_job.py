# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled backups."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE

BACKUP_JOB = Kind(
    name='backup_job',
    plural='backup_jobs',
    identity=('id',),
    collection='cluster/backup',
    item='cluster/backup/{id}',
    options=REMOVE,
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
