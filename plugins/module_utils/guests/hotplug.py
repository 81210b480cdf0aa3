# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes a running guest takes at once, so that check mode can tell what a reboot would apply. Pure.

The truth is read from the server after a change; this is the prediction before it.
"""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.guests.cloud_init import is_cloud_init
from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import PropertyStringError
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import as_dict

# Options that mean nothing to the running process, or that it takes in any case.
LIVE = {
    'qemu': frozenset(
        {
            'cpulimit', 'cpuunits', 'description', 'hookscript', 'migrate_downtime', 'migrate_speed', 'name', 'onboot',
            'protection', 'shares', 'startup', 'tags', 'vmstatestorage',
        }
    ),
    'lxc': frozenset(
        {
            'cpulimit', 'cpuunits', 'description', 'hookscript', 'memory', 'onboot', 'protection', 'startup', 'swap', 'tags',
        }
    ),
}
BY_FEATURE = {'vcpus': 'cpu', 'memory': 'memory', 'tablet': 'usb'}
NEW_CARD = ('model', 'macaddr', 'queues', 'mtu')
FIXED_IN_DISK = ('aio', 'cache', 'discard', 'iothread', 'product', 'queues', 'ro', 'ssd', 'vendor')
COLD_DISKS = ('ide', 'sata', 'efidisk', 'tpmstate')


def features(config):
    """The kinds of devices that may be plugged into a running virtual machine."""
    text = str(config.get('hotplug', '1')).strip()
    if text == '1':
        return {'disk', 'network', 'usb'}
    return set() if text in ('', '0') else set(re.split(r'[,; ]+', text))


def waits(kind, key, state, text, schema):
    """Whether setting (text) or deleting (None) an option of a running guest waits for a reboot."""
    if key in LIVE[kind.name]:
        return False
    if kind.name == 'lxc':
        return not kind.is_network(key)
    if is_cloud_init(key):
        return False
    plugged = features(state.active or state.config)
    if key in BY_FEATURE:
        return BY_FEATURE[key] not in plugged
    if kind.is_network(key):
        return network_waits(state.active.get(key), text, schema, 'network' in plugged)
    if key.startswith('usb'):
        return 'usb' not in plugged or not str(state.config.get('ostype', '')).startswith(('l26', 'win'))
    if key == 'hotplug':
        return any(word in f'{state.active.get("hotplug", "")},{text}' for word in ('cpu', 'memory'))
    if key == 'balloon':
        return (str(state.active.get('balloon', '')) == '0') != (str(text) == '0')
    return True


def network_waits(old, new, schema, plugged):
    if plugged:
        return False
    if old is None or new is None:
        return True
    before, after = parsed(old, schema), parsed(new, schema)
    same_card = all(before.get(name) == after.get(name) for name in NEW_CARD if name in after)
    return not (same_card and before.get('bridge') and after.get('bridge'))


def parsed(text, schema):
    try:
        return as_dict(text, property_format(schema) or {})
    except PropertyStringError:
        return {}


def disk_waits(kind, change, state, schema):
    """Whether a change of a running guest's disk waits for a reboot."""
    if change.action in ('grow', 'move'):
        return False
    if kind.name == 'lxc':
        return change.action != 'add' and not change.key.startswith('unused')
    if change.key.startswith('unused'):
        return False
    if change.action == 'swap':
        return change.wish.iso is None
    if change.key.startswith(('efidisk', 'tpmstate')):
        return True
    plugged = 'disk' in features(state.active or state.config)
    if change.action == 'set':
        return bool({*change.before, *change.after} & set(FIXED_IN_DISK))
    return not plugged or change.key.startswith(COLD_DISKS)
