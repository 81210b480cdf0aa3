# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that act on guests that exist."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC

GUEST = {'vmid': {'type': 'int'}, 'name': {'type': 'str'}}
KEEP = ('keep_last', 'keep_hourly', 'keep_daily', 'keep_weekly', 'keep_monthly', 'keep_yearly')
PARTS = ('config', 'status', 'network', 'snapshots', 'pending')
STATUSES = ('running', 'stopped', 'unknown')

INFO_ARGUMENTS = {
    'clusters': {'type': 'raw'},
    'name': {'type': 'list', 'elements': 'str'},
    'pattern': {'type': 'str'},
    'vmid': {'type': 'list', 'elements': 'int'},
    'tag': {'type': 'list', 'elements': 'str'},
    'pool': {'type': 'list', 'elements': 'str'},
    'node': {'type': 'list', 'elements': 'str'},
    'status': {'type': 'list', 'elements': 'str', 'choices': list(STATUSES)},
    'type': {'type': 'str', 'choices': ['qemu', 'lxc']},
    'template': {'type': 'bool'},
    'gather': {'type': 'list', 'elements': 'str', 'choices': list(PARTS), 'default': []},
    **CONNECTION_SPEC,
}
SNAPSHOT_ARGUMENTS = {
    **GUEST,
    'snapshot': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent', 'rollback'], 'default': 'present'},
    'description': {'type': 'str'},
    'vmstate': {'type': 'bool', 'default': False},
    'keep': {'type': 'int'},
    'keep_pattern': {'type': 'str', 'default': '*'},
    'start': {'type': 'bool', 'default': False},
    'force': {'type': 'bool', 'default': False},
    'wait': {'type': 'bool', 'default': True},
    'timeout': {'type': 'int', 'default': 600},
    **CONNECTION_SPEC,
}
BACKUP_ARGUMENTS = {
    **GUEST,
    'action': {'type': 'str', 'choices': ['run', 'restore', 'prune', 'list'], 'required': True},
    'pool': {'type': 'str'},
    'all': {'type': 'bool', 'default': False},
    'exclude': {'type': 'list', 'elements': 'int', 'default': []},
    'node': {'type': 'str'},
    'type': {'type': 'str', 'choices': ['qemu', 'lxc']},
    'storage': {'type': 'str'},
    'mode': {'type': 'str', 'choices': ['snapshot', 'suspend', 'stop'], 'default': 'snapshot'},
    'compress': {'type': 'str', 'choices': ['none', 'gzip', 'lzo', 'zstd'], 'default': 'zstd'},
    'notes': {'type': 'str'},
    'protected': {'type': 'bool'},
    'bwlimit': {'type': 'int'},
    'options': {'type': 'dict'},
    **{name: {'type': 'int', 'no_log': False} for name in KEEP},
    'archive': {'type': 'str'},
    'target_storage': {'type': 'str'},
    'new_name': {'type': 'str'},
    'unique': {'type': 'bool', 'default': False},
    'start': {'type': 'bool', 'default': False},
    'force': {'type': 'bool', 'default': False},
    'wait': {'type': 'bool', 'default': True},
    'timeout': {'type': 'int', 'default': 7200},
    **CONNECTION_SPEC,
}
EXEC_ARGUMENTS = {
    **GUEST,
    'command': {'type': 'raw'},
    'input_data': {'type': 'str', 'no_log': True},
    'creates': {'type': 'str'},
    'removes': {'type': 'str'},
    'read_file': {'type': 'str'},
    'write_file': {
        'type': 'dict',
        'options': {'path': {'type': 'str', 'required': True}, 'content': {'type': 'str', 'required': True}},
    },
    'timeout': {'type': 'int', 'default': 300},
    **CONNECTION_SPEC,
}
MIGRATE_ARGUMENTS = {
    **GUEST,
    'target_cluster': {'type': 'str', 'required': True},
    'target_vmid': {'type': 'int'},
    'target_host': {'type': 'str'},
    'target_storage': {'type': 'raw'},
    'target_bridge': {'type': 'raw'},
    'online': {'type': 'bool', 'default': True},
    'restart': {'type': 'bool', 'default': False},
    'delete_source': {'type': 'bool', 'default': False},
    'bwlimit': {'type': 'int'},
    'wait': {'type': 'bool', 'default': True},
    'timeout': {'type': 'int', 'default': 7200},
    **CONNECTION_SPEC,
}
