# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of pve_vm and pve_container."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC

# Options that are options of the API under the same name, with Ansible's type.
SHARED_SETTINGS = {
    'cores': 'int',
    'cpulimit': 'float',
    'cpuunits': 'int',
    'memory': 'raw',
    'description': 'str',
    'onboot': 'bool',
    'startup': 'raw',
    'protection': 'bool',
    'hookscript': 'str',
    'tags': 'list',
}
VM_SETTINGS = {
    **SHARED_SETTINGS,
    'sockets': 'int',
    'vcpus': 'int',
    'affinity': 'str',
    'numa': 'bool',
    'balloon': 'raw',
    'shares': 'int',
    'cpu': 'raw',
    'machine': 'raw',
    'bios': 'str',
    'ostype': 'str',
    'scsihw': 'str',
    'boot': 'raw',
    'agent': 'raw',
    'vga': 'raw',
    'hotplug': 'raw',
    'kvm': 'bool',
    'acpi': 'bool',
    'tablet': 'bool',
    'localtime': 'bool',
    'keyboard': 'str',
    'watchdog': 'raw',
    'args': 'str',
}
CONTAINER_SETTINGS = {
    **SHARED_SETTINGS,
    'swap': 'raw',
    'ostype': 'str',
    'arch': 'str',
    'unprivileged': 'bool',
    'features': 'raw',
    'nameserver': 'raw',
    'searchdomain': 'raw',
    'timezone': 'str',
    'tty': 'int',
    'console': 'bool',
    'cmode': 'str',
}
STATES = ('present', 'absent', 'started', 'stopped', 'restarted', 'paused', 'template')
CLONE = {
    'template': {'type': 'str'},
    'tag': {'type': 'str'},
    'full': {'type': 'bool', 'default': True},
    'snapshot': {'type': 'str'},
    'storage': {'type': 'str'},
    'format': {'type': 'str', 'choices': ['raw', 'qcow2', 'vmdk']},
}
CONTAINER_CLONE = {name: spec for name, spec in CLONE.items() if name != 'format'}
RESTORE = {
    'archive': {'type': 'str', 'required': True},
    'storage': {'type': 'str'},
    'unique': {'type': 'bool', 'default': False},
}
PLACEMENT = {
    'strategy': {'type': 'str', 'choices': ['spread', 'pack'], 'default': 'spread'},
    'nodes': {'type': 'list', 'elements': 'str'},
    'avoid': {'type': 'str'},
}
MIGRATION = {
    'storage': {'type': 'raw'},
    'bwlimit': {'type': 'int'},
    'network': {'type': 'str'},
}
HA = {
    'state': {'type': 'str', 'choices': ['started', 'stopped', 'disabled', 'ignored', 'absent']},
    'group': {'type': 'str'},
    'max_restart': {'type': 'int'},
    'max_relocate': {'type': 'int'},
    'failback': {'type': 'bool'},
    'comment': {'type': 'str'},
}
CLOUD_INIT = {
    'storage': {'type': 'str'},
    'drive': {'type': 'str', 'default': 'ide2'},
    'type': {'type': 'str', 'choices': ['configdrive2', 'nocloud', 'opennebula']},
    'user': {'type': 'str'},
    'password': {'type': 'str', 'no_log': True},
    'ssh_keys': {'type': 'raw', 'no_log': False},
    'ip': {'type': 'dict'},
    'nameserver': {'type': 'raw'},
    'searchdomain': {'type': 'raw'},
    'custom': {'type': 'raw'},
    'upgrade': {'type': 'bool'},
}


def settings_spec(settings):
    spec = {name: {'type': kind} for name, kind in settings.items()}
    spec['tags']['elements'] = 'str'
    return spec


def suboptions(options, **more):
    return {'type': 'dict', 'options': options, **more}


def guest_spec(settings, states, clone):
    """What both kinds share, around their own settings."""
    return {
        'vmid': {'type': 'int'},
        'name': {'type': 'str'},
        'new_name': {'type': 'str'},
        'state': {'type': 'str', 'choices': list(states), 'default': 'present'},
        'node': {'type': 'str'},
        'placement': suboptions(PLACEMENT),
        'pool': {'type': 'str'},
        'storage': {'type': 'str'},
        'disks': {'type': 'dict'},
        'networks': {'type': 'dict'},
        'config': {'type': 'dict'},
        'remove': {'type': 'list', 'elements': 'str', 'default': []},
        'clone': suboptions(
            clone, mutually_exclusive=[('template', 'tag')], required_one_of=[('template', 'tag')]
        ),
        'restore': suboptions(RESTORE),
        'ha': suboptions(HA),
        'migration': suboptions(MIGRATION),
        'reboot': {'type': 'str', 'choices': ['never', 'if_required'], 'default': 'never'},
        'force': {'type': 'bool', 'default': False},
        'timeout': {'type': 'int', 'default': 600},
        'shutdown_timeout': {'type': 'int', 'default': 180},
        'purge': {'type': 'bool', 'default': False},
        'destroy_unreferenced_disks': {'type': 'bool', 'default': False},
        'wait': {'type': 'bool', 'default': True},
        'wait_for': {'type': 'str', 'choices': ['none', 'agent', 'ip', 'ssh'], 'default': 'none'},
        'wait_timeout': {'type': 'int', 'default': 300},
        **settings_spec(settings),
        **CONNECTION_SPEC,
    }


VM_ARGUMENTS = {
    **guest_spec(VM_SETTINGS, STATES, CLONE),
    'devices': {'type': 'dict'},
    'cloud_init': suboptions(CLOUD_INIT),
    'update_password': {'type': 'str', 'choices': ['always', 'on_create'], 'default': 'on_create', 'no_log': False},
}
CONTAINER_ARGUMENTS = {
    **guest_spec(CONTAINER_SETTINGS, [state for state in STATES if state != 'paused'], CONTAINER_CLONE),
    'ostemplate': {'type': 'str'},
    'password': {'type': 'str', 'no_log': True},
    'ssh_keys': {'type': 'raw', 'no_log': False},
}
CONTAINER_ARGUMENTS['wait_for']['choices'] = ['none', 'ip', 'ssh']
SOURCES = ('clone', 'restore')
