# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest as users see it: the result of the modules and the variables of the inventory. Pure."""

from __future__ import annotations

import functools

from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import IP_CONFIG, UNUSED, kind_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.formats import split_list
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import PropertyStringError
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import to_python
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import (
    as_dict,
    boot_order,
    decode_ssh_keys,
    is_empty,
    normalise_tags,
)

NEWEST = '9'
HIDDEN = frozenset({'cipassword', 'digest', 'lock', 'meta', 'password', 'snapshots', 'parent', 'snaptime', 'runningmachine', 'runningcpu'})
CLOUD_INIT = {
    'ciuser': 'user',
    'sshkeys': 'ssh_keys',
    'nameserver': 'nameserver',
    'searchdomain': 'searchdomain',
    'cicustom': 'custom',
    'citype': 'type',
    'ciupgrade': 'upgrade',
}
IP_WORDS = {'ip': 'address', 'gw': 'gateway', 'ip6': 'address6', 'gw6': 'gateway6'}
SWITCHES = {'on': True, 'ignore': False, 'off': False}


@functools.lru_cache(maxsize=16)
def schemas(kind_name, release=NEWEST):
    """Option -> its schema in the official table of that release, for changing a guest's configuration."""
    return tables(release).operation('PUT', kind_of(kind_name).config_path).parameters


def described(kind, config, resource, release=NEWEST, cluster=None, addresses=None):
    """A guest in the shape that users see.

    kind: 'qemu' or 'lxc'; config: option -> value as GET .../config or .../pending gives them (may be empty);
    resource: its entry in GET cluster/resources; release: '7.4', '8.4' or '9'.
    Returns vmid, name, node, type, status, template, tags, pool, config; cluster and addresses where they are given.
    """
    kind = kind_of(kind)
    tags = config.get('tags', resource.get('tags'))
    shown = {
        'vmid': int(resource['vmid']),
        'name': config.get(kind.name_key) or resource.get('name') or '',
        'node': resource.get('node'),
        'type': kind.name,
        'status': resource.get('status') or 'unknown',
        'template': str(config.get('template', resource.get('template') or 0)) == '1',
        'tags': list(normalise_tags(tags or '')),
        'pool': resource.get('pool'),
        'config': described_config(kind, config, release),
    }
    if cluster is not None:
        shown = {'cluster': cluster, **shown}
    if addresses is not None:
        shown['addresses'] = addresses
    return shown


def described_config(kind, config, release=NEWEST):
    """Parsed options by their own names; disks, networks, cloud_init and unused disks in dictionaries of their own.

    Secrets and what the server keeps for itself are left out.
    """
    kind = kind_of(kind)
    known = schemas(kind.name, release)
    result, disks, networks, cloud, unused = {}, {}, {}, {}, {}
    for key in sorted(config, key=natural):
        value = config[key]
        if key in HIDDEN or key in ('template', kind.name_key) or is_empty(value):
            continue
        schema = find_parameter(known, key) or {}
        if kind.is_disk(key):
            disks[key] = described_disk(kind, value, schema)
        elif UNUSED.fullmatch(key):
            unused[key] = str(value)
        elif kind.is_network(key):
            networks[key] = described_value(key, value, schema)
        elif kind.name == 'qemu' and (key in CLOUD_INIT or IP_CONFIG.fullmatch(key)):
            describe_cloud_init(cloud, key, value, schema)
        else:
            result[key] = described_value(key, value, schema)
    parts = {'disks': disks, 'networks': networks, 'cloud_init': cloud, 'unused': unused}
    return {**result, **{name: part for name, part in parts.items() if part}}


def natural(key):
    """Sort scsi10 after scsi9."""
    stem = key.rstrip('0123456789')
    return (stem, int(key[len(stem) :] or -1))


def described_value(key, value, schema):
    """One option's value, parsed; what cannot be parsed stays text."""
    if key == 'tags':
        return list(normalise_tags(value))
    if key == 'boot':
        order = boot_order(value).get('order')
        return list(order) if order is not None else str(value)
    if key == 'description':
        return str(value).rstrip('\n')
    fmt = property_format(schema)
    if fmt is not None:
        return described_property(key, value, fmt)
    if schema.get('type', 'string') == 'string' and key == 'memory':
        return to_python(value, {'type': 'integer'})
    return to_python(value, schema)


def described_property(key, value, fmt):
    try:
        parsed = as_dict(value, fmt)
    except PropertyStringError:
        return str(value)
    if set(parsed) == {'current'}:
        return parsed['current']
    return {name: switched(item, fmt.get(name, {})) for name, item in sorted(parsed.items())}


def switched(value, schema):
    """'on' and 'off' of an option that has only those words, as true and false."""
    words = set(schema.get('enum', ()))
    return SWITCHES[value] if words and words <= set(SWITCHES) and value in SWITCHES else value


def described_disk(kind, value, schema):
    """{volume, storage, size, ...}: whatever the volume is called in that kind's format."""
    parsed = described_value('', value, schema)
    if not isinstance(parsed, dict):
        return parsed
    volume = parsed.pop(kind.volume_key, None)
    if volume is None:
        return parsed
    first = {'volume': volume}
    if ':' in str(volume) and not str(volume).startswith('/'):
        first['storage'] = str(volume).partition(':')[0]
    return {**first, **parsed}


def describe_cloud_init(cloud, key, value, schema):
    """Add one option to the dictionary that cloud_init takes."""
    if key == 'sshkeys':
        cloud['ssh_keys'] = list(decode_ssh_keys(value))
    elif key in ('nameserver', 'searchdomain'):
        cloud[CLOUD_INIT[key]] = split_list(str(value))
    elif key in CLOUD_INIT:
        cloud[CLOUD_INIT[key]] = described_value(key, value, schema)
    else:
        parsed = described_value(key, value, schema)
        shown = {IP_WORDS.get(name, name): item for name, item in parsed.items()} if isinstance(parsed, dict) else parsed
        cloud.setdefault('ip', {})['net' + key[len('ipconfig') :]] = shown
