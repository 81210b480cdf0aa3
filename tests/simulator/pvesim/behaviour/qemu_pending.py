"""Pending changes: which of them a running VM takes at once, and applying them to a stopped one."""

from __future__ import annotations

from typing import Any

from ..call import ApiError
from ..model import storage, volumes
from ..model.guest import Guest
from .qemu_common import Site, add_unused
from .qemu_drive import drives_of, is_cdrom, is_cloudinit, is_drive, parse_drive, volumes_of
from .qemu_net import parse_net
from .qemu_options import agent_options, is_cloudinit_option

FAST = frozenset([
    'description', 'hookscript', 'lock', 'migrate_downtime', 'migrate_speed', 'name', 'onboot', 'protection', 'shares',
    'startup', 'tags', 'vmstatestorage',
])
DEFAULT_HOTPLUG = frozenset(('network', 'disk', 'usb'))
# Options of an attached disk that QEMU cannot change while it runs.
FIXED_DISK = ('aio', 'discard', 'iothread', 'queues', 'product', 'cache', 'ssd', 'vendor', 'ro')
FIXED_NET = ('model', 'macaddr', 'queues', 'mtu')
NOT_PLUGGABLE = ('ide', 'sata', 'efidisk', 'tpmstate')


class HotplugError(Exception):
    """What the monitor refused; shown as "hotplug problem - ..."."""


def is_fast(name: str) -> bool:
    """Options that have no meaning to the process: they always apply at once."""
    return name in FAST or is_cloudinit_option(name)


def hotplug_features(config: dict) -> frozenset:
    """The kinds that may be plugged: '1' stands for the default, '0' for none."""
    text = str(config.get('hotplug', '1')).strip()
    if text == '1':
        return DEFAULT_HOTPLUG
    if text in ('0', ''):
        return frozenset()
    return frozenset(item for item in text.replace(';', ',').split(',') if item)


def usb_pluggable(config: dict) -> bool:
    ostype = str(config.get('ostype', ''))
    return 'usb' in hotplug_features(config) and (ostype == 'l26' or ostype in ('win8', 'win10', 'win11'))


def deletes_now(config: dict, name: str) -> bool:
    """Whether a running VM drops the option at once."""
    features = hotplug_features(config)
    if is_fast(name) or name in ('cpuunits', 'cpulimit'):
        return True
    if name == 'hotplug':
        return not any(word in str(config.get('hotplug', '')) for word in ('cpu', 'memory'))
    if name == 'tablet':
        return 'usb' in features
    if name == 'vcpus':
        return 'cpu' in features
    if name == 'memory':
        return 'memory' in features
    if name == 'balloon':
        return config.get('balloon') != 0
    if name.startswith('usb') and name[3:].isdigit():
        return usb_pluggable(config)
    if name.startswith('net') and name[3:].isdigit():
        return 'network' in features
    return is_drive(name) and 'disk' in features and not name.startswith(NOT_PLUGGABLE)


def applies_now(config: dict, name: str, value: Any) -> bool:
    """Whether a running VM takes the new value at once; HotplugError where it must be refused."""
    features = hotplug_features(config)
    if is_fast(name) or name in ('cpuunits', 'cpulimit'):
        return True
    if name == 'hotplug':
        return not any(word in f'{config.get("hotplug", "")},{value}' for word in ('cpu', 'memory'))
    if name == 'tablet':
        return 'usb' in features
    if name == 'vcpus':
        return 'cpu' in features
    if name == 'memory':
        return 'memory' in features
    if name == 'balloon':
        return (config.get('balloon') != 0) == (value != 0)
    if name == 'agent':
        return bool(config.get('agent')) and same_agent(config, value)
    if name.startswith('usb') and name[3:].isdigit():
        return usb_pluggable(config)
    if name.startswith('net') and name[3:].isdigit():
        return net_applies(config.get(name), value, 'network' in features)
    return is_drive(name) and drive_applies(config.get(name), name, value, 'disk' in features)


def same_agent(config: dict, value: Any) -> bool:
    """Only fstrim_cloned_disks differs."""
    old, new = agent_options(config), agent_options({'agent': value})
    return all(old.get(key) == new.get(key) for key in {*old, *new} - {'fstrim_cloned_disks'})


def net_applies(old: str | None, new: str, pluggable: bool) -> bool:
    """Bridge, VLAN, firewall, rate and link change in place; another card needs plugging."""
    if old is None:
        return pluggable
    before, after = parse_net(old), parse_net(new)
    in_place = all(before.get(key) == after.get(key) for key in FIXED_NET)
    if in_place and before.get('bridge') and after.get('bridge'):
        return True
    return pluggable


def drive_applies(old: str | None, name: str, new: str, pluggable: bool) -> bool:
    if name in ('efidisk0', 'tpmstate0'):
        return False
    after = parse_drive(new)
    if old is not None:
        before = parse_drive(old)
        if before.get('media', 'disk') != after.get('media', 'disk'):
            raise HotplugError('unable to change media type\n')
        if is_cdrom(before):
            return True
        if before.get('file') == after.get('file'):
            return all(before.get(key) == after.get(key) for key in FIXED_DISK)
        if not pluggable:
            return False
    return pluggable and not name.startswith(('ide', 'sata'))


def owned(site: Site, vmid: int, volid: str) -> bool:
    """Whether a volume belongs to that VM (by its name)."""
    try:
        return storage.parse(site.cluster, volid)[1].vmid == vmid
    except ApiError:
        return False


def keep_unused(site: Site, guest: Guest, drive: dict) -> None:
    """A volume that no drive names any more stays as unused<n>; that of a cloud-init drive is freed."""
    volid = drive.get('file', '')
    if is_cloudinit(drive):
        if storage.find(site.cluster, site.node, volid):
            storage.free(site.cluster, site.node, volid)
        guest.extra.pop('cloudinit', None)
    elif not is_cdrom(drive) and ':' in volid and owned(site, guest.vmid, volid):
        add_unused(guest.config, volid)


def drop_drive(site: Site, guest: Guest, name: str, force: bool) -> None:
    drive = parse_drive(guest.config[name])
    if force and not is_cdrom(drive, besides_cloudinit=True):
        deallocate(site, guest, name, drive['file'])
    else:
        keep_unused(site, guest, drive)


def in_use(guest: Guest, volid: str, besides: str | None = None) -> bool:
    """Whether another drive or a snapshot still names the volume."""
    if any(used == volid and name != besides for name, used in volumes_of(guest.config)):
        return True
    return any(volid in (used for _name, used in volumes_of(snapshot)) for snapshot in guest.snapshots.values())


def deallocate(site: Site, guest: Guest, name: str, volid: str) -> None:
    """Free a volume for good, unless it belongs to another guest."""
    if not owned(site, guest.vmid, volid):
        return
    if in_use(guest, volid, name):
        raise ApiError(f"unable to delete '{volid}' - volume is still in use (snapshot?)")
    storage.free(site.cluster, site.node, volid)


def tidy(guest: Guest) -> None:
    """Drop unused<n> of volumes that a drive names again."""
    used = {volid for _name, volid in volumes_of(guest.config)}
    for key in [key for key, value in guest.config.items() if key.startswith('unused') and value in used]:
        del guest.config[key]


def cleanup(guest: Guest) -> None:
    """Forget pending changes that change nothing."""
    for name in [name for name, value in guest.pending.items() if same(guest.config.get(name), value)]:
        del guest.pending[name]
    for name in [name for name in guest.pending_delete if name not in guest.config]:
        del guest.pending_delete[name]


def same(one: Any, other: Any) -> bool:
    return one is not None and str(one) == str(other)


def record_cloudinit(guest: Guest, name: str, new: Any) -> None:
    """Note that the cloud-init drive of a running VM no longer shows the configuration."""
    if not is_cloudinit_option(name) and name != 'name':
        return
    state = guest.extra.setdefault('cloudinit', {})
    added = set(state.get('added', ()))
    old = guest.config.get(name)
    if name in state:
        if new is not None and same(state[name], new):
            del state[name]
    elif name in added:
        if new is None:
            added.discard(name)
    elif old is None and new is not None:
        added.add(name)
    elif old is not None and not same(old, new):
        state[name] = old
    state['added'] = sorted(added)
    if not added:
        del state['added']
    if not state:
        del guest.extra['cloudinit']


def hotplug(site: Site, guest: Guest, selection: set) -> dict[str, str]:
    """Apply what a running VM takes at once of the selected changes; {option: error}."""
    errors: dict[str, str] = {}
    for name in [name for name in guest.pending if is_fast(name)]:
        value = guest.pending.pop(name)
        record_cloudinit(guest, name, value)
        guest.config[name] = value
    for name in [name for name in sorted(guest.pending_delete) if name in selection]:
        if deletes_now(guest.config, name):
            attempt(errors, name, 'hotplug problem - ', delete_now, site, guest)
    for name in [name for name in guest.pending if name in selection]:
        attempt(errors, name, 'hotplug problem - ', plug, site, guest)
    tidy(guest)
    return errors


def attempt(errors: dict, name: str, prefix: str, action: Any, site: Site, guest: Guest) -> None:
    """Do it; what goes wrong becomes the error of that option."""
    try:
        action(site, guest, name)
    except HotplugError as error:
        errors[name] = f'{prefix}{error}'
    except ApiError as error:
        errors[name] = f'{prefix}{error.message}\n'


def delete_now(site: Site, guest: Guest, name: str) -> None:
    if is_drive(name) and name in guest.config:
        drop_drive(site, guest, name, bool(guest.pending_delete[name]))
    record_cloudinit(guest, name, None)
    guest.config.pop(name, None)
    guest.pending_delete.pop(name, None)


def plug(site: Site, guest: Guest, name: str) -> None:
    value = guest.pending[name]
    if not applies_now(guest.config, name, value):
        return
    if name.startswith('net') and name[3:].isdigit():
        check_bridge(site, value)
    if is_drive(name) and name in guest.config:
        before, after = parse_drive(guest.config[name]), parse_drive(value)
        if before['file'] != after['file'] and (not is_cdrom(before) or is_cloudinit(before)):
            keep_unused(site, guest, before)
    elif is_drive(name) and ':' in parse_drive(value)['file']:
        volumes.exists(site.cluster, site.node, parse_drive(value)['file'])
    guest.config[name] = guest.pending.pop(name)


def check_bridge(site: Site, value: str) -> None:
    bridge = parse_net(value).get('bridge')
    if bridge and not bridge_exists(site, bridge):
        raise HotplugError(f"bridge '{bridge}' does not exist\n")


def bridge_exists(site: Site, bridge: str) -> bool:
    """Whether the node has that bridge, of its own or by SDN."""
    node = site.cluster.nodes[site.node]
    return bridge in node.network or bridge in site.cluster.section('sdn-vnets')


def apply_pending(site: Site, guest: Guest) -> dict[str, str]:
    """Apply everything to a VM that does not run; {option: error}."""
    errors: dict[str, str] = {}
    prefix = 'unable to apply pending change {} : '
    for name in sorted(guest.pending_delete):
        attempt(errors, name, prefix.format(name), delete_cold, site, guest)
    cleanup(guest)
    for name in list(guest.pending):
        attempt(errors, name, prefix.format(name), set_cold, site, guest)
    tidy(guest)
    return errors


def delete_cold(site: Site, guest: Guest, name: str) -> None:
    if is_drive(name) and name in guest.config:
        drop_drive(site, guest, name, bool(guest.pending_delete[name]))
    guest.config.pop(name, None)
    del guest.pending_delete[name]


def set_cold(site: Site, guest: Guest, name: str) -> None:
    value = guest.pending[name]
    if is_drive(name) and name in guest.config:
        before = parse_drive(guest.config[name])
        if before['file'] != parse_drive(value)['file']:
            keep_unused(site, guest, before)
    guest.config[name] = guest.pending.pop(name)


def cloudinit_drive(config: dict) -> tuple[str, dict] | None:
    """(name, drive) of the cloud-init drive."""
    return next(((name, drive) for name, drive in drives_of(config) if is_cloudinit(drive)), None)
