"""Moving a VM to another cluster of the fleet."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..access.permissions import check
from ..access.tickets import verify_token
from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import firewall, guest_references, ha, storage, volumes
from ..model.cluster import Cluster
from ..model.guest import Guest
from .qemu_common import Site, check_free, check_lock, check_quorum, load, replication_jobs, site_of
from .qemu_drive import drives_of, is_cdrom
from .qemu_migrate import (
    Blocked,
    Migration,
    duration,
    local_volumes,
    mapped_storage,
    parse_mapping,
    place_copy,
    rename_volumes,
)
from .qemu_net import parse_net, print_net
from .qemu_options import properties_of
from .qemu_pending import bridge_exists

TOKEN = 'PVEAPIToken='


def find_cluster(call: Call, endpoint: dict) -> tuple[Cluster, str]:
    """(the cluster of the fleet that knows the endpoint's token, its authid)."""
    text = endpoint.get('apitoken', '').removeprefix(TOKEN)
    for cluster in call.fleet.clusters.values():
        if cluster is call.cluster:
            continue
        try:
            return cluster, verify_token(cluster, text, call.clock.now())
        except ApiError:
            continue
    raise ApiError('401 Authentication failed!')


@operation('POST', '/nodes/{node}/qemu/{vmid}/remote_migrate')
def remote_migrate(call: Call) -> str:
    params, site = call.params, site_of(call)
    check_quorum(call.cluster)
    guest = load(site, params['vmid'])
    check_lock(guest)
    if ha.is_managed(call.cluster, guest):
        raise ParameterError({'vmid': 'cannot migrate HA-managed VM to remote cluster'})
    endpoint = endpoint_of(params['target-endpoint'])
    cluster, authid = find_cluster(call, endpoint)
    if replication_jobs(call.cluster, guest.vmid):
        raise ApiError('cannot remote-migrate replicated VM')
    if guest.running and not params.get('online'):
        raise ApiError("can't migrate running VM without --online")
    stores, bridges = parse_mapping(params['target-storage']), parse_mapping(params['target-bridge'])
    if '1' in stores:
        raise ApiError('remote migration requires explicit storage mapping!')
    node = entry_node(cluster, endpoint.get('host', ''))
    check_free(call, guest)
    vmid = params.get('target-vmid') or guest.vmid
    there = Site(call.fleet, cluster, node)

    def worker(task: Any) -> Generator:
        move = RemoteMigration(site, task, guest.vmid, there, vmid, stores, bridges, authid)
        move.delete = bool(params.get('delete'))
        yield from move.run()

    return call.task('qmigrate', guest.vmid, worker)


def endpoint_of(text: str) -> dict[str, str]:
    """'apitoken=PVEAPIToken=user@realm!name=secret,host=...,port=...' taken apart."""
    return properties_of(text, 'host')


def entry_node(cluster: Cluster, host: str) -> str:
    """The node that answers at that address; by another name, the first that is online."""
    for node in cluster.nodes.values():
        if host in (node.ip, node.name) and node.online:
            return node.name
    found = next((node.name for node in cluster.nodes.values() if node.online), None)
    if found is None:
        raise ApiError(f"500 Can't connect to {host}:8006 (Connection refused)")
    return found


class RemoteMigration(Migration):
    """A migration whose target is a node of another cluster."""

    def __init__(self, site: Site, task: Any, vmid: int, there: Site, new_vmid: int, stores: dict, bridges: dict,
                 authid: str):
        super().__init__(site, task, vmid, there.node, stores)
        self.there, self.new_vmid, self.bridges, self.authid, self.delete = there, new_vmid, bridges, authid, False
        self.placed: list[str] = []

    def may(self, path: str, privilege: str) -> bool:
        return check(self.there.cluster, self.authid, path, [privilege], False)

    def moved(self, guest: Guest) -> Generator:
        began, new = self.site.now(), None
        try:
            self.prepare(guest)
            new = Guest(self.new_vmid, 'qemu', self.there.node, config={'lock': 'create'}, created_at=began)
            self.there.cluster.guests[self.new_vmid] = new
            yield from self.transfer(guest, new)
        except GeneratorExit:  # the task was stopped
            self.abort(guest, new)
            raise
        except (Blocked, ApiError) as error:
            self.abort(guest, new)
            self.say(f'ERROR: migration aborted (duration {duration(self.site.now() - began)}): {error}')
            raise TaskError('migration aborted') from None
        self.say(f'migration finished successfully (duration {duration(self.site.now() - began)})')

    def prepare(self, guest: Guest) -> None:
        check_lock(guest)
        cluster = self.there.cluster
        if not self.may(f'/vms/{self.new_vmid}', 'VM.Allocate') or not self.may('/', 'Sys.Incoming'):
            raise Blocked(f'failed to open migration tunnel - Permission check failed (/vms/{self.new_vmid}, VM.Allocate)')
        if other := cluster.guests.get(self.new_vmid):
            kind = 'CT' if other.kind == 'lxc' else 'VM'
            raise Blocked(f"failed to open migration tunnel - unable to create empty VM config - {kind} {self.new_vmid} "
                          f"already exists on node '{other.node}'")
        for storeid in self.mapping.values():
            section = storage.check_enabled(cluster, storeid, self.there.node)
            if 'images' not in storage.contents(section):
                raise Blocked(f"storage '{storeid}' does not support vm images")
        for name, text in guest.config.items():
            if name.startswith('net') and name[3:].isdigit():
                bridge = mapped_storage(self.bridges, parse_net(text).get('bridge', ''))
                if bridge and not bridge_exists(self.there, bridge):
                    raise Blocked(f"bridge '{bridge}' does not exist")
        if guest.snapshots:
            raise Blocked('Problem found while scanning volumes - remote migration with snapshots not supported yet')

    def transfer(self, guest: Guest, new: Guest) -> Generator:
        self.say('websocket tunnel started')
        self.say(f"starting migration of VM {self.vmid} to node '{self.target}' "
                 f"({self.there.cluster.nodes[self.target].ip})")
        guest.config['lock'] = 'migrate'
        for volid, row in sorted(local_volumes(self.site, guest, remote=True).items()):
            if ':' in volid and not (row['cdrom'] and not row['is_cloudinit']):
                self.say(f'found {describe_remote(volid, row)}')
                yield from self.copy_offline(guest, volid)
        if guest.running:
            yield from self.send_memory(guest)
        yield 1.0
        self.arrive(guest, new)

    def allocate(self, volume: storage.Volume) -> storage.Volume:
        storeid, parsed = storage.parse(self.site.cluster, volume.volid)
        name = parsed.name.replace(f'-{self.vmid}-', f'-{self.new_vmid}-', 1)
        copy = place_copy(self.there, mapped_storage(self.mapping, storeid), volume, self.new_vmid, name)
        self.placed.append(copy.volid)
        return copy

    def arrive(self, guest: Guest, new: Guest) -> None:
        """The VM lives on over there; here it is gone or stays stopped."""
        new.config = {key: value for key, value in guest.merged().items() if key not in ('lock', 'parent')}
        rename_volumes(new, self.copied)
        for key in list(new.config):
            if key.startswith('net') and key[3:].isdigit():
                net = parse_net(new.config[key])
                if net.get('bridge'):
                    target = mapped_storage(self.bridges, net['bridge'])
                    self.say(f'mapped: {key} from {net["bridge"]} to {target}')
                    new.config[key] = print_net({**net, 'bridge': target})
        for name, drive in drives_of(new.config):
            if is_cdrom(drive, besides_cloudinit=True) and ':' in drive['file']:
                new.config[name] = 'none,media=cdrom'
        new.agent, new.installed = guest.agent, guest.installed
        if guest.running:
            new.begin_running(self.site.now(), guest.qmpstatus)
            new.extra['resumed'] = True
        guest.end_running()
        guest.config.pop('lock', None)
        if self.delete:
            self.remove_source(guest)

    def remove_source(self, guest: Guest) -> None:
        cluster = self.site.cluster
        for volid in self.copied:
            storage.place(cluster, volumes.storage_of(volid), self.site.node).pop(volid, None)
        guest_references.remove_access(cluster, guest.vmid)
        guest_references.purge(cluster, guest)
        firewall.forget_guest(cluster, guest.vmid)
        cluster.guests.pop(guest.vmid, None)

    def abort(self, guest: Guest, new: Guest | None) -> None:
        if guest.lock == 'migrate':
            del guest.config['lock']
        for volid in self.placed:
            storage.place(self.there.cluster, volumes.storage_of(volid), self.there.node).pop(volid, None)
        if new is not None and self.there.cluster.guests.get(new.vmid) is new:
            del self.there.cluster.guests[new.vmid]


def describe_remote(volid: str, row: dict) -> str:
    return f"generated disk '{volid}' (in current VM config)" if row['is_cloudinit'] else f"local disk '{volid}' (attached)"
