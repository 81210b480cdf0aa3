"""Options of a VM: which right each needs, which exist, how values read back, tags."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
import urllib.parse
from typing import Any

from ..call import ApiError, Call
from ..model.cluster import Cluster
from ..model.guest import Guest
from .qemu_common import check_vm
from .qemu_drive import UNUSED, is_drive

CPU = frozenset(['cores', 'cpu', 'cpulimit', 'cpuunits', 'numa', 'smp', 'sockets', 'vcpus'])
MEMORY = frozenset(('memory', 'balloon', 'shares'))
HARDWARE = frozenset([
    'acpi', 'hotplug', 'kvm', 'machine', 'scsihw', 'smbios1', 'tablet', 'vga', 'watchdog', 'audio0', 'rng0',
])
GENERAL = frozenset(
    [
        'agent', 'autostart', 'bios', 'description', 'keyboard', 'localtime', 'migrate_downtime', 'migrate_speed',
        'name', 'onboot', 'ostype', 'protection', 'reboot', 'startdate', 'startup', 'tdf', 'template',
    ]
)
DISK = frozenset(('boot', 'bootdisk', 'vmstatestorage'))
CLOUDINIT = frozenset([
    'cicustom', 'cipassword', 'citype', 'ciuser', 'ciupgrade', 'nameserver', 'searchdomain', 'sshkeys',
])
IPCONFIG = re.compile(r'^ipconfig\d+$')
VALUE_DEPENDENT = re.compile(r'^(?:unused|serial|usb|hostpci|virtiofs)\d+$')
# Parameters of the calls that are no options of the configuration.
NOT_OPTIONS = frozenset(
    [
        'node', 'vmid', 'digest', 'delete', 'revert', 'force', 'skiplock', 'background_delay', 'import-working-storage',
        'archive', 'storage', 'unique', 'live-restore', 'pool', 'bwlimit', 'start', 'ha-managed', 'cdrom',
    ]
)
INTERNAL = frozenset([
    'vmstate', 'runningmachine', 'runningcpu', 'running-nets-host-mtu', 'parent', 'snaptime', 'snapstate',
])
KEY_TYPES = ('ssh-', 'ecdsa-', 'sk-ssh-', 'sk-ecdsa-')


def is_cloudinit_option(name: str) -> bool:
    return name in CLOUDINIT or bool(IPCONFIG.match(name))


def option_exists(properties: dict, name: str) -> bool:
    """Whether a name is an option of this release: `properties` are the parameters of the PUT call."""
    if name in INTERNAL or UNUSED.match(name):
        return True
    if name in NOT_OPTIONS:
        return False
    if name in properties:
        return True
    found = re.match(r'^(\D+?)(\d+)$', name)
    if not found or f'{found[1]}[n]' not in properties:
        return False
    return is_drive(name) if found[1] in ('ide', 'scsi', 'virtio', 'sata') else int(found[2]) < 32


def stored(key: str, value: Any) -> Any:
    """A checked parameter as the configuration shows it: booleans 0 and 1, numbers as text, no empty strings."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return f'{value:g}'
    if isinstance(value, (list, tuple)):
        value = ','.join(str(item) for item in value)
    if isinstance(value, str):
        if key == 'description':
            return value.removesuffix('\n')
        return value or ' '
    return value


# (options or a pattern, rights, whether one of them will do), in the order that PVE looks
RIGHTS: tuple[tuple[Any, tuple[str, ...], bool], ...] = (
    (CPU, ('VM.Config.CPU',), False), (re.compile(r'^numa\d+$'), ('VM.Config.CPU',), False),
    (MEMORY, ('VM.Config.Memory',), False), (HARDWARE, ('VM.Config.HWType',), False),
    (GENERAL, ('VM.Config.Options',), False), (frozenset(('freeze',)), ('VM.PowerMgmt',), False),
    (DISK, ('VM.Config.Disk',), False), (re.compile(r'^net\d+$'), ('VM.Config.Network',), False),
    (CLOUDINIT, ('VM.Config.Cloudinit', 'VM.Config.Network'), True),
    (IPCONFIG, ('VM.Config.Cloudinit', 'VM.Config.Network'), True),
    (frozenset(('vmstate',)), ('VM.Config.Disk', 'VM.PowerMgmt'), False),
)


def rights_for(name: str) -> tuple[tuple[str, ...], bool] | None:
    """(privileges, whether one of them will do) to change an option; None where only root may."""
    for names, privileges, one in RIGHTS:
        if name in names if isinstance(names, frozenset) else names.match(name):
            return privileges, one
    return None


def check_modify(call: Call, vmid: int, pool: str | None, names: list[str]) -> None:
    """403 (or 500 for root's own options) where the caller may not change one of the options."""
    if call.is_root:
        return
    for name in names:
        if is_drive(name) or name in ('cdrom', 'tags') or VALUE_DEPENDENT.match(name):
            continue
        rights = rights_for(name)
        if rights is None:
            raise ApiError(f"only root can set '{name}' config")
        check_vm(call, vmid, pool, *rights[0], any=rights[1])
        if name == 'startup':
            call.require('/', 'Sys.Modify')


def properties_of(text: str, default: str) -> dict[str, str]:
    """A property string taken apart; `default` names the value that stands without a key."""
    result: dict[str, str] = {}
    for item in str(text).split(','):
        key, equals, value = item.partition('=')
        result[key if equals else default] = value if equals else key
    return result


def check_device(call: Call, vmid: int, pool: str | None, name: str, value: str) -> None:
    """Rights that depend on the value: serial and USB ports, PCI devices, shared directories, random numbers."""
    if call.is_root:
        return
    kind = re.match(r'^\D+', name)[0]
    if kind == 'serial':
        if value != 'socket':
            raise ApiError(f"only root can set '{name}' config for real devices")
        check_vm(call, vmid, pool, 'VM.Config.HWType')
    elif kind in ('usb', 'hostpci'):
        check_passthrough(call, vmid, pool, name, kind, properties_of(value, 'host'))
    elif kind == 'virtiofs':
        check_vm(call, vmid, pool, 'VM.Config.Disk')
        call.require(f'/mapping/dir/{properties_of(value, "dirid").get("dirid")}', 'Mapping.Use')
    elif kind == 'rng':
        check_vm(call, vmid, pool, 'VM.Config.HWType')
        if properties_of(value, 'source').get('source') == '/dev/hwrng':
            call.require('/mapping/hwrng', 'Mapping.Use')


def check_passthrough(call: Call, vmid: int, pool: str | None, name: str, kind: str, device: dict) -> None:
    if kind == 'usb':
        check_vm(call, vmid, pool, 'VM.Config.HWType')
    if device.get('host'):
        if kind == 'usb' and device['host'].lower() == 'spice':
            return
        what = 'real' if kind == 'usb' else 'non-mapped'
        raise ApiError(f"only root can set '{name}' config for {what} devices")
    if not device.get('mapping'):
        raise ApiError("either 'host' or 'mapping' must be set.")
    call.require(f'/mapping/{"usb" if kind == "usb" else "pci"}/{device["mapping"]}', 'Mapping.Use')
    check_vm(call, vmid, pool, 'VM.Config.HWType')


def is_device(name: str) -> bool:
    return bool(re.match(r'^(?:serial|usb|hostpci|virtiofs|rng)\d+$', name))


def check_ssh_keys(text: str | None) -> None:
    """500 where a line of the (percent-encoded) keys is not a public key."""
    if text is None:
        return
    for line in urllib.parse.unquote(text).split('\n'):
        if line.strip() and not line.lstrip().startswith('#') and not is_ssh_key(line):
            raise ApiError('SSH public key validation error')


def is_ssh_key(line: str) -> bool:
    words = line.split()
    for kind, blob in itertools.pairwise(words):
        if kind.startswith(KEY_TYPES):
            try:
                raw = base64.b64decode(blob, validate=True)
            except (binascii.Error, ValueError):
                return False
            return raw[4:4 + len(kind)] == kind.split('@')[0].encode()[:len(kind)] or kind.encode() in raw[:80]
    return False


def split_tags(text: str | None) -> list[str]:
    return [tag for tag in re.split(r'[,;\s]+', text or '') if tag]


def settings_of(value: Any) -> dict[str, str]:
    """A datacenter option that may be kept as a property string or taken apart."""
    if isinstance(value, dict):
        return value
    return properties_of(value, 'value') if value else {}


def listed(value: Any) -> list[str]:
    if isinstance(value, (list, tuple, set)):
        return list(value)
    return split_tags(value)


def unique_tags(cluster: Cluster, text: str) -> str:
    """Tags as stored: each once, in the datacenter's style (lower case and sorted unless it says otherwise)."""
    style = settings_of(cluster.options.get('tag-style'))
    sensitive = str(style.get('case-sensitive', '0')) in ('1', 'True', 'on', 'yes', 'true')
    tags = split_tags(text)
    if style.get('ordering') != 'config':
        tags.sort(key=None if sensitive else str.lower)
    if not sensitive:
        tags = [tag.lower() for tag in tags]
    return ';'.join(dict.fromkeys(tags))


def check_tags(call: Call, vmid: int, old: str | None, new: str | None) -> None:
    """403 where the caller may not add or remove one of the tags (datacenter: user-tag-access, registered-tags)."""
    check_vm(call, vmid, None, 'VM.Config.Options')
    if call.may('/', 'Sys.Modify'):
        return
    options = call.cluster.options
    access = settings_of(options.get('user-tag-access'))
    mode = access.get('user-allow', 'free')
    registered = set(listed(options.get('registered-tags')))
    allowed = set(listed(access.get('user-allow-list'))) if mode != 'none' else set()
    if mode in ('free', 'existing'):
        for guest in call.cluster.guests.values():
            if call.may(f'/vms/{guest.vmid}', 'VM.Audit'):
                allowed.update(split_tags(guest.config.get('tags')))
    allowed -= registered
    for tag in sorted(set(split_tags(old)) ^ set(split_tags(new))):
        if (tag not in allowed and mode != 'free') or tag in registered:
            raise ApiError(403, f"Permission check failed (/, Sys.Modify for modifying tag '{tag}')")


def check_balloon(config: dict, given: dict) -> None:
    """500 where the balloon would be larger than the memory."""
    if not given.get('memory') and given.get('balloon') is None:
        return
    memory = given.get('memory') or config.get('memory')
    balloon = given['balloon'] if given.get('balloon') is not None else config.get('balloon')
    if balloon and int(balloon) > memory_mib(memory):
        raise ApiError('balloon value too large (must be smaller than assigned memory)')


def memory_mib(text: Any) -> int:
    """The `memory` option ('512' or 'current=512') in MiB; 512 where it is unset."""
    if text in (None, '', ' '):
        return 512
    return int(properties_of(str(text), 'current').get('current', 512))


def agent_options(config: dict) -> dict[str, str]:
    text = config.get('agent')
    return properties_of(text, 'enabled') if text not in (None, '', ' ') else {}


def agent_enabled(config: dict) -> bool:
    return agent_options(config).get('enabled', '0').lower() in ('1', 'on', 'yes', 'true')


def guest_name(guest: Guest) -> str:
    return guest.config.get('name') or f'VM {guest.vmid}'
