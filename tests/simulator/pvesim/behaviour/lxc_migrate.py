"""Moving containers to another node of the cluster, or to another cluster."""

from __future__ import annotations

import time
from collections.abc import Generator

from ..access.permissions import check
from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import container, firewall, guest_references, ha_motion, storage, volumes
from ..model.cluster import Cluster
from ..model.guest import Guest
from ..tasks import Task
from . import ha_manager, qemu_common, qemu_remote
from .lxc_common import check_lock, is_ha_managed, load, own_volumes, wait_for_file_lock
from .lxc_power import begin, shut_down
from .qemu_common import Site, site_of


@operation('GET', '/nodes/{node}/lxc/{vmid}/migrate')
def precheck(call: Call) -> dict:
    """Where the container could go, and which HA resources stand against it."""
    qemu_common.check_quorum(call.cluster)
    guest = load(site_of(call), call.params['vmid'])
    check_lock(guest)
    answer: dict = {'running': int(guest.running), 'allowed-nodes': [], 'not-allowed-nodes': {}}
    if (along := ha_motion.dependent(call.cluster, guest)) is not None:
        answer['dependent-ha-resources'] = along
    apart = ha_motion.blocking(call.cluster, guest)
    for name in call.cluster.nodes:
        if name in apart:
            answer['not-allowed-nodes'][name] = {'blocking-ha-resources': apart[name]}
        elif name != guest.node:
            answer['allowed-nodes'].append(name)
    answer['not-allowed-nodes'].pop(guest.node, None)
    return answer


@operation('POST', '/nodes/{node}/lxc/{vmid}/migrate')
def migrate(call: Call) -> str:
    params, site = call.params, site_of(call)
    target = params['target']
    if target == call.node.name:
        raise ParameterError({'target': 'target is local node.'})
    qemu_common.check_quorum(call.cluster)
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    guest = load(site, params['vmid'])
    restart = bool(params.get('restart'))
    if guest.running and not params.get('online') and not restart:
        raise ApiError("can't migrate running container without --online or --restart")
    if is_ha_managed(site, guest.vmid):
        return ha_manager.move_request(call, guest, target)
    mapping = storage_mapping(call, params.get('target-storage'), target)
    wait_for_file_lock(call, guest)
    timeout = float(params.get('timeout', 180))
    return call.task('vzmigrate', guest.vmid,
                     lambda task: Migration(site, task, guest.vmid, target, mapping, restart, timeout).run())


def storage_mapping(call: Call, text: str | None, target: str) -> dict[str, str]:
    """'a:b,c:d' or 'x' (for all: key '') as storages by source; checked on the target node."""
    mapping: dict[str, str] = {}
    for part in (text or '').split(','):
        source, colon, wanted = part.strip().partition(':')
        if not source:
            continue
        mapping[source if colon else ''] = wanted if colon else source
    if mapping == {'': '1'}:
        return {}
    for wanted in mapping.values():
        config = storage.check_enabled(call.cluster, wanted, target)
        call.require(f'/storage/{wanted}', 'Datastore.AllocateSpace')
        if 'rootdir' not in storage.contents(config):
            raise ApiError(f"content type 'rootdir' is not available on storage '{wanted}'")
    return mapping


class Migration:
    """One migration within the cluster."""

    def __init__(self, site: Site, task: Task, vmid: int, target: str, mapping: dict[str, str], restart: bool,
                 timeout: float):
        self.site, self.task, self.vmid, self.target, self.mapping = site, task, vmid, target, mapping
        self.restart, self.timeout = restart, timeout

    def say(self, text: str) -> None:
        self.task.log(f'{time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.site.now()))} {text}')

    def run(self) -> Generator:
        cluster, started = self.site.cluster, self.site.now()
        guest = load(self.site, self.vmid)
        check_lock(guest)
        node = cluster.nodes[self.target]
        if not node.online:
            raise TaskError(f"Can't connect to destination address using public key ({self.target})")
        restarted = guest.running
        if restarted and not self.restart:
            raise TaskError('lxc live migration is currently not implemented')
        self.check_storages(guest)
        self.say(f"starting migration of CT {self.vmid} to node '{self.target}' ({node.ip})")
        guest.config['lock'] = 'migrate'
        try:
            if restarted:
                self.say(f'shutdown CT {self.vmid}')
                yield from shut_down(self.site, self.task, guest, self.timeout, force=True)
            yield from self.copy_all(guest)
        finally:
            guest.config.pop('lock', None)
        yield 1.0
        guest.node = self.target
        self.say('start final cleanup')
        if restarted:
            self.say('start container on target node')
            yield from begin(self.site.other(self.target), self.task, guest)
        seconds = int(self.site.now() - started)
        self.say(f'migration finished successfully (duration {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02})')

    def check_storages(self, guest: Guest) -> None:
        for key in container.volumes(guest.config):
            values = container.parse(self.site.cluster.release, key, guest.config[key])
            kind = container.point_type(values['volume'])
            if kind != 'volume':
                if not int(values.get('shared', 0)):
                    raise TaskError(f"cannot migrate local {kind} mount point '{key}'")
                continue
            storeid = values['volume'].partition(':')[0]
            storage.check_enabled(self.site.cluster, self.wanted(storeid), self.target)

    def wanted(self, storeid: str) -> str:
        return self.mapping.get(storeid) or self.mapping.get('') or storeid

    def copy_all(self, guest: Guest) -> Generator:
        cluster = self.site.cluster
        for volid in own_volumes(guest, cluster.release):
            storeid = volid.partition(':')[0]
            if storage.is_shared(storage.section(cluster, storeid)) and self.wanted(storeid) == storeid:
                continue
            self.say(f"found local volume '{volid}' (in current VM config)")
            volume = volumes.exists(cluster, self.site.node, volid)
            line, copy = self.allocate(volume, self.wanted(storeid))
            if line:
                self.say(line)
            yield max(1.0, volume.size / self.site.setting('disk_rate'))
            self.say(f'{volume.size} bytes copied')
            self.say(f"successfully imported '{copy.volid}'")
            self.say(f"volume '{volid}' is '{copy.volid}' on the target")
            replace(cluster.release, guest, volid, copy.volid)
            storage.place(cluster, storeid, self.site.node).pop(volid, None)

    def allocate(self, volume: storage.Volume, storeid: str) -> tuple[str | None, storage.Volume]:
        """Make room for the copy on the target: under the same name where that is free."""
        cluster = self.site.cluster
        name = storage.parse(cluster, volume.volid)[1].name
        there = storage.place(cluster, storeid, self.target)
        config = storage.check_enabled(cluster, storeid, self.target)
        taken = f'{storeid}:{storage.volume_name(config, self.vmid, name)}' in there
        fmt = volume.format if volume.format in storage.formats_of(config, cluster.release)[1] else None
        same = storage.section(cluster, volume.volid.partition(':')[0])['type'] == config['type'] and not taken
        copy = storage.alloc(cluster, self.target, storeid, self.vmid, volume.size, fmt=fmt, now=self.site.now(),
                             name=name if same and name.startswith(('vm-', 'subvol-')) else None, used=volume.used)
        return volumes.created_line(cluster, copy), copy


def replace(release: str, guest: Guest, old: str, new: str) -> None:
    """Put another volume id wherever the container names the old one."""
    for config in (guest.config, guest.pending, *guest.snapshots.values()):
        for key, value in list(config.items()):
            if container.VOLUME_KEY.match(key) or container.UNUSED_KEY.match(key):
                first, comma, rest = str(value).partition(',')
                if first.removeprefix('volume=') == old:
                    config[key] = f'{new}{comma}{rest}'


@operation('POST', '/nodes/{node}/lxc/{vmid}/remote_migrate')
def remote_migrate(call: Call) -> str:
    site, params = site_of(call), call.params
    qemu_common.check_quorum(call.cluster)
    guest = load(site, params['vmid'])
    check_lock(guest)
    if guest.running and not params.get('online') and not params.get('restart'):
        raise ApiError("can't migrate running container without --online or --restart")
    if is_ha_managed(site, guest.vmid):
        raise ParameterError({'vmid': 'cannot migrate HA-managed CT to remote cluster'})
    endpoint = qemu_remote.endpoint_of(params['target-endpoint'])
    far, authid = qemu_remote.find_cluster(call, endpoint)
    stores, bridges = parse_map(params['target-storage']), parse_map(params['target-bridge'])
    if '1' in stores.values():
        raise ApiError('remote migration requires explicit storage mapping!')
    there = Site(call.fleet, far, qemu_remote.entry_node(far, endpoint.get('host', '')))
    plan = Departure(site, there, guest.vmid, params.get('target-vmid') or guest.vmid, stores, bridges, authid)
    plan.delete, plan.restart = bool(params.get('delete')), bool(params.get('restart'))
    plan.timeout = float(params.get('timeout', 180))
    return call.task('vzmigrate', guest.vmid, plan.work)


def parse_map(text: str) -> dict[str, str]:
    """'a:b,c:d' or 'x' (for all: key '') by source."""
    found = {}
    for part in text.split(','):
        source, colon, wanted = part.strip().partition(':')
        found[source if colon else ''] = wanted if colon else source
    return found


class Departure:
    """A migration to a node of another cluster: a copy is made there; the original stays, locked, or is removed."""

    def __init__(self, site: Site, there: Site, vmid: int, new_vmid: int, stores: dict, bridges: dict, authid: str):
        self.site, self.there, self.vmid, self.new_vmid = site, there, vmid, new_vmid
        self.stores, self.bridges, self.authid = stores, bridges, authid
        self.delete, self.restart, self.timeout = False, False, 180.0

    def work(self, task: Task) -> Generator:
        guest, far = load(self.site, self.vmid), self.there.cluster
        check_lock(guest)
        self.check_target(far)
        task.log(f"starting migration of CT {self.vmid} to node '{self.there.node}' (remote)")
        again = guest.running
        if again:
            if not self.restart:
                raise TaskError('lxc live migration is currently not implemented')
            yield from shut_down(self.site, task, guest, self.timeout, force=True)
        guest.config['lock'] = 'migrate'
        copy = Guest(self.new_vmid, 'lxc', self.there.node, dict(guest.config), created_at=self.site.now())
        far.guests[self.new_vmid] = copy
        try:
            yield from self.copy_all(task, guest, copy)
        except (ApiError, TaskError):
            far.guests.pop(self.new_vmid, None)
            guest.config.pop('lock', None)
            raise
        copy.config.pop('lock', None)
        if again:
            yield from begin(self.there, task, copy)
        if self.delete:
            self.forget(guest)
        task.log('migration finished successfully')

    def check_target(self, far: Cluster) -> None:
        if not check(far, self.authid, f'/vms/{self.new_vmid}', ['VM.Allocate'], False):
            raise TaskError(f'remote: Permission check failed (/vms/{self.new_vmid}, VM.Allocate)')
        if self.new_vmid in far.guests:
            raise TaskError(f"remote: Guest with ID '{self.new_vmid}' already exists on remote cluster")

    def copy_all(self, task: Task, guest: Guest, copy: Guest) -> Generator:
        release = self.site.cluster.release
        for key in container.volumes(guest.config):
            values = container.parse(release, key, guest.config[key])
            volume = volumes.exists(self.site.cluster, self.site.node, values['volume'])
            storeid = values['volume'].partition(':')[0]
            wanted = self.stores.get(storeid) or self.stores.get('') or storeid
            there = storage.alloc(self.there.cluster, self.there.node, wanted, self.new_vmid, volume.size,
                                  now=self.site.now(), used=volume.used)
            task.log(f"volume '{volume.volid}' is '{there.volid}' on the target")
            copy.config[key] = container.print_value(release, key, {**values, 'volume': there.volid})
            yield max(1.0, volume.size / self.site.setting('disk_rate'))
        for key in guest.config:
            if container.NET_KEY.match(key):
                net = container.parse(release, key, guest.config[key])
                bridge = net.get('bridge', '')
                net['bridge'] = self.bridges.get(bridge) or self.bridges.get('') or bridge
                copy.config[key] = container.print_value(release, key, net)

    def forget(self, guest: Guest) -> None:
        for volid in own_volumes(guest, self.site.cluster.release):
            storage.free(self.site.cluster, self.site.node, volid)
        guest_references.remove_access(self.site.cluster, guest.vmid)
        firewall.forget_guest(self.site.cluster, guest.vmid)
        del self.site.cluster.guests[guest.vmid]
