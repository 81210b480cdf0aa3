# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a declaration is not the same in every supported release, so that the server has to be asked for its own. Pure."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST, schemas
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.release import RELEASES
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

# Options that not every supported release has: whether they are known must be looked up, not assumed.
OPTIONS = {
    'qemu': frozenset({'allow-ksm', 'amd-sev', 'ciupgrade', 'intel-tdx', 'virtiofs'}),
    'lxc': frozenset({'dev', 'entrypoint', 'env'}),
}
_GEOMETRY = frozenset({'cyls', 'heads', 'secs', 'trans'})
# The same for settings within options, and those that are only another name of one in some release.
SETTINGS = {
    'qemu': {
        'agent': frozenset({'freeze-fs', 'freeze-fs-on-backup', 'guest-fsfreeze'}),
        'cpu': frozenset({'guest-phys-bits'}),
        'efidisk': frozenset({'ms-cert'}),
        'hostpci': frozenset({'driver', 'mapping'}),
        'ide': _GEOMETRY,
        'machine': frozenset({'aw-bits', 'enable-s3', 'enable-s4', 'type', 'viommu'}),
        'memory': frozenset({'current'}),
        'sata': _GEOMETRY,
        'scsi': _GEOMETRY | {'product', 'vendor'},
        'tpmstate': frozenset({'format'}),
        'usb': frozenset({'mapping'}),
        'vga': frozenset({'clipboard'}),
        'virtio': _GEOMETRY,
    },
    'lxc': {
        'mp': frozenset({'keepattrs'}),
        'net': frozenset({'host-managed'}),
    },
}


def unsure_keys(desired, config):
    """Declared options of which it depends on the release whether they, or settings in them, exist. What the guest shows does exist."""
    return [key for key in desired.named_keys() if unsure_option(desired, key, config) or unsure_setting(desired, key, config)]


def base(key):
    """The name of an option without its place: scsi for scsi0."""
    return key.rstrip('0123456789')


def unsure_option(desired, key, config):
    if key in config:
        return False
    return base(key) in OPTIONS[desired.kind.name] or find_parameter(schemas(desired.kind.name), key) is None


def unsure_setting(desired, key, config):
    special = special_settings(desired, key)
    if not special:
        return False
    declared, there = declared_names(desired, key), names_of(config.get(key, ''))
    newest = settings_of(desired, key, NEWEST)
    of_old = {name for name in special if 'alias' in newest.get(name, {'alias': None})}
    return bool((declared - there) & special or (declared | there) & of_old)


def check_settings(desired, release):
    """Raise BadRequest for a declared setting that other releases have and this one has not."""
    for key in desired.named_keys():
        for name in sorted(declared_names(desired, key) & special_settings(desired, key)):
            known = settings_of(desired, key, release)
            if name not in known:
                others = joined([other for other in RELEASES if name in settings_of(desired, key, other)], 'and')
                hint = f'{key}: {name} is not a setting of Proxmox VE {release}, only of {others}. {suggestion(name, known)}'
                raise BadRequest(hint.rstrip(), details={'option': key, 'setting': name, 'release': release})


def special_settings(desired, key):
    return SETTINGS[desired.kind.name].get(base(key), frozenset())


def settings_of(desired, key, release):
    """Setting -> its schema, of an option in a release; empty for an option without settings."""
    return property_format(find_parameter(schemas(desired.kind.name, release), key)) or {}


def declared_names(desired, key):
    """The names of the settings that a task gives for an option."""
    if key in desired.disks:
        wish = desired.disks[key]
        return {*wish.options, *(['format'] if wish.format else [])}
    return names_of(desired.wishes[key].value) if key in desired.wishes else set()


def names_of(value):
    """The names of the settings in a dictionary or in a text such as 'host,flags=+aes'."""
    if isinstance(value, dict):
        return set(value)
    return {part.partition('=')[0] for part in str(value).split(',') if '=' in part}
