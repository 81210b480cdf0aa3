# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that Proxmox VE takes from root@pam alone, not even from root's token. Pure."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Forbidden


def text_of(value):
    return ','.join(f'{key}={item}' for key, item in value.items()) if isinstance(value, dict) else str(value)


def is_for_root(kind, key, value):
    """Whether only root@pam itself may set an option to this value."""
    stem, text = re.sub(r'\d+$', '', key), text_of(value)
    if key == 'hookscript':
        return True
    if kind.name == 'lxc':
        return stem == 'dev' or (key == 'features' and bool(re.search(r'\b(fuse|keyctl|mknod|mount|force_rw_sys)=', text)))
    if key == 'args' or stem == 'parallel':
        return True
    if stem == 'serial':
        return text != 'socket'
    if stem == 'hostpci':
        return 'mapping=' not in text
    return stem == 'usb' and 'mapping=' not in text and 'spice' not in text.lower()


def refuse(desired, chosen, disk_changes, root):
    """Raise Forbidden for the first such option, before anything is sent."""
    if root:
        return
    for key, wish in chosen.items():
        if is_for_root(desired.kind, key, wish.value):
            raise Forbidden(message(key, text_of(wish.value)), details={'option': key})
    for one in disk_changes:
        if desired.kind.name == 'lxc' and str(one.wish.volume or '').startswith('/'):
            raise Forbidden(message(one.key, one.wish.volume), details={'option': one.key})


def message(key, text):
    return (
        f'{key} ({text[:60]}) can only be set by root@pam itself, not with an API token or as another user. '
        'Give api_user: root@pam with its password for this task, or leave it out (devices: use a mapping).'
    )
