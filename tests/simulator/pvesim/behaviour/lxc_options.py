"""Setting options of a container: normal forms, pending changes, and what a running one takes over at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ..call import ApiError, Call
from ..model import container, storage
from ..model.cluster import Cluster
from ..model.guest import Guest
from . import qemu_common, qemu_options
from .lxc_common import check_cgroups, check_protection, create_disks
from .qemu_common import Site, add_unused, site_of
from .qemu_net import new_mac
from .qemu_pending import bridge_exists

HOT = frozenset(['cpulimit', 'cpuunits', 'memory', 'swap'])
REQUIRED = ('memory', 'rootfs', 'ostype')


def check_ssh_keys(text: str) -> None:
    for line in text.split('\n'):
        if line.strip() and not line.startswith('#') and not qemu_options.is_ssh_key(line.strip()):
            raise ApiError('SSH public key validation error')


def normalised(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Options (without mount points) as a new container keeps them."""
    kept = {}
    for key, raw in sorted(given.items()):
        value = wanted_value(call, {}, key, raw)
        if container.NET_KEY.match(key):
            value = container.network(call.release, value, new_mac(call.cluster), key)
        kept[key] = value
    return kept


def wanted_value(call: Call, config: dict, key: str, value: Any) -> Any:
    """A value as it becomes pending; raises for options that cannot be set."""
    if container.VOLUME_KEY.match(key):
        if config.get('protection'):
            raise ApiError(f"can't update CT {call.params['vmid']} drive '{key}' - protection mode enabled")
    elif key == 'unprivileged':
        raise ApiError(f"unable to modify read-only option: '{key}'")
    elif key == 'tags':
        value = qemu_options.unique_tags(call.cluster, value)
    elif key == 'description':
        value = container.description(value)
    elif key in ('nameserver', 'searchdomain'):
        value = ' '.join(part for part in value.replace(',', ' ').replace(';', ' ').split())
    elif container.NET_KEY.match(key):
        check_mtu(call, key, value)
    return container.stored(value)


def check_mtu(call: Call, key: str, value: str) -> None:
    net = container.parse(call.release, key, value)
    bridge = (call.node.network if call.node else {}).get(net.get('bridge', ''))
    limit = int((bridge or {}).get('mtu', 1500))
    if bridge is not None and int(net.get('mtu', 0)) > limit:
        raise ApiError(f"{key}: MTU size '{net['mtu']}' is bigger than bridge MTU '{limit}'")


def with_new_addresses(cluster: Cluster, config: dict) -> dict:
    """The configuration with a new hardware address for every network."""
    changed = dict(config)
    for key, text in config.items():
        if container.NET_KEY.match(key):
            values = container.parse(cluster.release, key, text)
            changed[key] = container.print_value(cluster.release, key, {**values, 'hwaddr': new_mac(cluster)})
    return changed


def update(call: Call, guest: Guest, given: dict[str, Any], delete: list[str], revert: list[str]) -> dict[str, str]:
    """Make the changes pending, then apply what can be applied now; returns errors by option."""
    for name in revert:
        guest.pending.pop(name, None)
        guest.pending_delete.pop(name, None)
    changed = delete_later(guest, delete)
    values = {key: wanted_value(call, guest.config, key, given[key]) for key in sorted(given)}
    for key, value in values.items():
        guest.pending[key] = value
        guest.pending_delete.pop(key, None)
        changed.add(key)
    drop_unchanged(guest)
    return Changes(site_of(call), guest, call.answer_after).apply(changed)


def delete_later(guest: Guest, delete: list[str]) -> set[str]:
    changed: set[str] = set()
    for name in delete:
        if name not in guest.config and name not in guest.pending:
            continue
        if name in REQUIRED:
            raise ApiError(f"unable to delete required option '{name}'")
        if container.UNUSED_KEY.match(name) or container.VOLUME_KEY.match(name):
            check_protection(guest, f"can't remove CT {guest.vmid} drive '{name}'")
        if name == 'unprivileged':
            raise ApiError(f"unable to delete read-only option: '{name}'")
        guest.pending.pop(name, None)
        guest.pending_delete[name] = 0
        changed.add(name)
    return changed


def drop_unchanged(guest: Guest) -> None:
    """Pending values that are in force already, and deletions of what is not there."""
    for key in [key for key, value in guest.pending.items() if guest.config.get(key) == value]:
        del guest.pending[key]
    for key in [key for key in guest.pending_delete if key not in guest.config]:
        del guest.pending_delete[key]


class Changes:
    """The pending changes of one container, and how each comes into force."""

    def __init__(self, site: Site, guest: Guest, wait: Callable[[float], None]):
        self.site, self.guest, self.wait, self.release = site, guest, wait, site.cluster.release

    def apply(self, chosen: set[str] | None = None) -> dict[str, str]:
        """Put what is pending (of those chosen) into force; returns what failed, by option."""
        errors: dict[str, str] = {}
        hot = self.guest.running
        word = 'unable to hotplug {}: {}\n' if hot else 'unable to apply pending change {} : {}\n'
        steps = [(key, self.remove) for key in sorted(self.guest.pending_delete) if not hot or self.deletes_hot(key)]
        steps += [(key, self.set) for key in sorted(self.guest.pending) if not hot or self.sets_hot(key)]
        for key, step in steps:
            if chosen is not None and key not in chosen:
                continue
            try:
                if hot and key in HOT:
                    check_cgroups(self.site)
                step(key)
            except ApiError as error:
                errors[key] = word.format(key, error.message)
        return errors

    def deletes_hot(self, key: str) -> bool:
        return (key in container.INSTANT or key in ('swap', 'cpulimit', 'cpuunits')
                or bool(container.NET_KEY.match(key) or container.UNUSED_KEY.match(key)))

    def sets_hot(self, key: str) -> bool:
        new_point = container.VOLUME_KEY.match(key) and key not in self.guest.config
        return key in container.INSTANT or key in HOT or bool(container.NET_KEY.match(key)) or bool(new_point)

    def remove(self, key: str) -> None:
        value = self.guest.config.pop(key, None)
        del self.guest.pending_delete[key]
        if container.VOLUME_KEY.match(key):
            self.keep_unused(key, value)
        elif container.UNUSED_KEY.match(key) and not used_in(self.site, self.guest, value):
            free_quietly(self.site, value)

    def set(self, key: str) -> None:
        value = self.guest.pending[key]
        if container.NET_KEY.match(key):
            old = container.parse(self.release, key, self.guest.config.get(key, ''))
            value = container.network(self.release, value, new_mac(self.site.cluster), key)
            self.check_bridge(key, value, old)
        elif container.VOLUME_KEY.match(key):
            value = self.run(self.mount_point(key, value))
            self.keep_unused(key, self.guest.config.get(key), besides=value)
        self.guest.config[key] = value
        del self.guest.pending[key]

    def check_bridge(self, key: str, value: str, old: dict) -> None:
        """A running container can only be joined to a bridge that the node has."""
        bridge = container.parse(self.release, key, value).get('bridge')
        if self.guest.running and bridge and bridge != old.get('bridge') and not bridge_exists(self.site, bridge):
            raise ApiError(f"bridge '{bridge}' does not exist")

    def mount_point(self, key: str, value: str) -> Generator:
        made: list[str] = []
        done = yield from create_disks(self.site, qemu_common.Silent(), self.guest.vmid, {key: value}, made)
        return done[key]

    def run(self, work: Generator) -> Any:
        while True:
            try:
                self.wait(next(work) or 0)
            except StopIteration as end:
                return end.value

    def keep_unused(self, key: str, value: str | None, besides: str | None = None) -> None:
        if not value:
            return
        volume = container.parse(self.release, key, value)['volume']
        if container.point_type(volume) != 'volume' or (besides or '').startswith(volume):
            return
        if not used_in(self.site, self.guest, volume, key):
            add_unused(self.guest.config, volume)


def used_in(site: Site, guest: Guest, volume: str, besides: str | None = None) -> bool:
    """Whether a volume is in use by the container (apart from one key) or one of its snapshots."""
    current = {key: value for key, value in guest.config.items() if key != besides}
    for config in (current, *guest.snapshots.values()):
        for key in container.volumes(config):
            if container.parse(site.cluster.release, key, config[key])['volume'] == volume:
                return True
    return False


def free_quietly(site: Site, volid: str) -> None:
    try:
        storage.free(site.cluster, site.node, volid)
    except ApiError:
        return
