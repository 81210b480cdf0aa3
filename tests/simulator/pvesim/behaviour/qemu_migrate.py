"""Moving VMs to another node: what stands against it, offline and online, with local disks."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import ha, ha_motion, storage, volumes
from ..model.guest import Guest
from . import ha_manager
from .qemu_common import GIB, MIB, Site, check_free, check_lock, check_quorum, check_vm, hold, load, only_root, site_of
from .qemu_disks import is_volume
from .qemu_drive import drives_of, is_cdrom, is_cloudinit, parse_drive, print_drive, volumes_of
from .qemu_net import nets_of
from .qemu_options import memory_mib, properties_of
from .qemu_pending import bridge_exists

VM = '/nodes/{node}/qemu/{vmid}'
LOCAL_TYPES = ('dir', 'btrfs', 'zfspool', 'lvmthin', 'lvm')
DEVICE = re.compile(r'^(?:usb|hostpci|serial|parallel|virtiofs)\d+$')
Mapping = dict[str, str]


class Blocked(Exception):
    """The migration is given up; the task says "migration aborted"."""


def local_volumes(site: Site, guest: Guest, remote: bool = False) -> dict[str, dict]:
    """What a VM keeps on storage that is not shared, by volume id: how it is used, and its size."""
    found: dict[str, dict] = {}
    note(site, found, guest.config, remote, attached=True)
    note(site, found, guest.pending, remote)
    for name, snapshot in guest.snapshots.items():
        note(site, found, snapshot, remote, snapshot=name)
    return found


def note(site: Site, found: dict, config: dict, remote: bool, attached: bool = False, snapshot: str | None = None) -> None:
    entries = list(drives_of(config, unused=True))
    if config.get('vmstate'):
        entries.append(('vmstate', {'file': config['vmstate']}))
    for name, drive in entries:
        volid = drive.get('file', '')
        if not volid or volid == 'none' or str(drive.get('shared')) == '1':
            continue
        if not remote and is_volume(volid) and storage.is_shared(storage.section(site.cluster, volumes.storage_of(volid))):
            continue
        unused = name.startswith('unused')
        row = found.setdefault(volid, {
            'volid': volid, 'cdrom': 1, 'replicate': 0, 'shared': 0, 'is_unused': 0, 'is_attached': 0, 'is_vmstate': 0,
            'is_tpmstate': 0, 'is_cloudinit': 0})
        row['cdrom'] = row['cdrom'] if is_cdrom(drive) else 0
        row['replicate'] = 1 if str(drive.get('replicate', '1')) != '0' else row['replicate']
        row['is_unused'] |= int(unused)
        row['is_attached'] |= int(attached and not unused)
        row['is_vmstate'] |= int(name == 'vmstate')
        row['is_tpmstate'] |= int(name == 'tpmstate0')
        row['is_cloudinit'] |= int(is_cloudinit(drive))
        if drive.get('size'):
            row.setdefault('size', int(drive['size']))
        if not unused and name != 'vmstate':
            row['drivename'] = name
        if snapshot:
            row.setdefault('referenced_in_snapshot', {})[snapshot] = 1


def local_resources(config: dict) -> tuple[list[str], dict[str, dict]]:
    """(devices of the node that the VM uses, mapped ones with their names)."""
    blocking, mapped = [], {}
    for key in sorted(config):
        if not DEVICE.match(key) or (key.startswith('serial') and config[key] == 'socket'):
            continue
        device = properties_of(str(config[key]), 'host')
        if str(device.get('host', '')).lower() == 'spice':
            continue
        if device.get('mapping'):
            mapped[key] = {'name': device['mapping'], **({'live-migration': 1} if key.startswith('virtiofs') else {})}
        blocking.append(key)
    return blocking, mapped


def fixed_clipboard(site: Site, guest: Guest) -> bool:
    """Whether the VM's clipboard keeps it from moving while it runs; machines from 10.1 on take theirs along."""
    if properties_of(str(guest.config.get('vga', '')), 'type').get('clipboard') != 'vnc':
        return False
    found = re.search(r'-(\d+)\.(\d+)', str(guest.config.get('machine', '')))
    return site.cluster.release != '9' or (found is not None and (int(found[1]), int(found[2])) < (10, 1))


def missing_mappings(site: Site, mapped: dict, target: str) -> list[str]:
    missing = []
    for key, device in mapped.items():
        kind = 'pci' if key.startswith('hostpci') else 'usb'
        entry = site.cluster.section(f'mapping-{kind}').get(device['name'], {})
        if f'node={target}' not in str(entry.get('map', '')):
            missing.append(f'{key}:{device["name"]}')
    return missing


def unavailable(site: Site, guest: Guest, target: str) -> list[str]:
    """The storages of the VM's volumes that the target node does not have."""
    names = {volumes.storage_of(volid) for _name, volid in volumes_of(guest.config)}
    return sorted(name for name in names if not storage.is_enabled(storage.section(site.cluster, name), target))


@operation('GET', f'{VM}/migrate')
def precondition(call: Call) -> dict:
    site = site_of(call)
    check_quorum(call.cluster)
    guest = load(site, call.params['vmid'])
    check_lock(guest)
    blocking, mapped = local_resources(guest.config)
    apart = ha_motion.blocking(call.cluster, guest) if call.release == '9' else {}
    allowed, refused = [], {}
    for name in call.cluster.nodes:
        if name == site.node:
            continue
        info: dict[str, Any] = {}
        if found := unavailable(site, guest, name):
            info['unavailable_storages'] = found
        if found := missing_mappings(site, mapped, name):
            info['unavailable-resources'] = found
        if name in apart:
            info['blocking-ha-resources'] = apart[name]
        refused[name] = info
        if not info:
            allowed.append(name)
    if guest.running and fixed_clipboard(site, guest):
        blocking.append('clipboard=vnc')
    answer = {
        'running': int(guest.running), 'allowed_nodes': allowed, 'not_allowed_nodes': refused,
        'local_disks': list(local_volumes(site, guest).values()), 'local_resources': blocking,
        'mapped-resources': sorted(mapped),
    }
    if call.release == '9':
        along = ha_motion.dependent(call.cluster, guest)
        if along is not None:
            answer['dependent-ha-resources'] = along
        return {**answer, 'mapped-resource-info': mapped, 'has-dbus-vmstate': 1}
    for row in answer['local_disks']:
        row.pop('is_cloudinit')
    if call.release == '7.4':
        del answer['mapped-resources']
        return answer
    return {**answer, 'mapped-resource-info': mapped}


def parse_mapping(text: str | None) -> Mapping:
    """'local:fast,ceph' -> {'local': 'fast', '': 'ceph'}; '1' (each to itself) -> {'1': '1'}."""
    result: Mapping = {}
    for item in (text or '').split(','):
        source, colon, target = item.strip().partition(':')
        if item.strip() == '1':
            result['1'] = '1'
        elif source:
            result[source if colon else ''] = target if colon else source
    return result


def mapped_storage(mapping: Mapping, storeid: str) -> str:
    return mapping.get(storeid) or mapping.get('') or storeid


def check_mapping(call: Call, guest: Guest, mapping: Mapping, target: str) -> None:
    site = site_of(call)
    if '1' not in mapping and mapping:
        check_vm(call, guest.vmid, None, 'VM.Config.Disk')
    for name, wanted in mapping.items():
        if name == '1':
            continue
        section = storage.check_enabled(call.cluster, wanted, target)
        call.require(f'/storage/{wanted}', 'Datastore.AllocateSpace')
        if 'images' not in storage.contents(section):
            raise ApiError(f"storage '{wanted}' does not support vm images")
    if not mapping or '1' in mapping:
        check_available(site, guest, target)


def check_available(site: Site, guest: Guest, target: str) -> None:
    """Every storage must be usable here and there."""
    for _name, volid in volumes_of(guest.config):
        storeid = volumes.storage_of(volid)
        storage.check_enabled(site.cluster, storeid, site.node)
        storage.check_enabled(site.cluster, storeid, target)


@operation('POST', f'{VM}/migrate')
def migrate(call: Call) -> str:
    params, site = call.params, site_of(call)
    target = params['target']
    if target == site.node:
        raise ParameterError({'target': 'target is local node.'})
    check_quorum(call.cluster)
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    only_root(call, 'force', 'migration_type', 'migration_network')
    guest = load(site, params['vmid'])
    check_lock(guest)
    if guest.running and not params.get('online'):
        raise ApiError("can't migrate running VM without --online")
    mapping = parse_mapping(params.get('targetstorage'))
    check_mapping(call, guest, mapping, target)
    if ha.is_managed(call.cluster, guest):
        return ha_manager.move_request(call, guest, target)
    check_free(call, guest)
    local_disks, force = bool(params.get('with-local-disks')), bool(params.get('force'))

    def worker(task: Any) -> Generator:
        yield from Migration(site, task, guest.vmid, target, mapping, local_disks, force).run()

    return call.task('qmigrate', guest.vmid, worker)


class Migration:
    """One migration within the cluster. run() is the worker of a qmigrate task."""

    def __init__(self, site: Site, task: Any, vmid: int, target: str, mapping: Mapping | None = None,
                 local_disks: bool = True, force: bool = False):
        self.site, self.task, self.vmid, self.target = site, task, vmid, target
        self.mapping = {key: value for key, value in (mapping or {}).items() if key != '1'}
        self.local_disks, self.force = local_disks, force
        self.copied: dict[str, str] = {}

    def say(self, text: str) -> None:
        stamp = time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(self.site.now()))
        self.task.log(f'{stamp} {text}')

    def run(self) -> Generator:
        guest = load(self.site, self.vmid)
        yield from hold(guest, self.task, self.moved(guest))

    def moved(self, guest: Guest) -> Generator:
        began = self.site.now()
        try:
            self.check(guest)
            yield from self.phases(guest)
        except GeneratorExit:  # the task was stopped
            self.undo(guest)
            raise
        except (Blocked, ApiError) as error:
            self.undo(guest)
            seconds = duration(self.site.now() - began)
            self.say(f'ERROR: migration aborted (duration {seconds}): {error}')
            raise TaskError('migration aborted') from None
        self.say(f'migration finished successfully (duration {duration(self.site.now() - began)})')

    def check(self, guest: Guest) -> None:
        """What is looked at before anything is touched."""
        check_lock(guest)
        blocking, mapped = local_resources(guest.config)
        hard = [key for key in blocking if key not in mapped]
        if hard and (guest.running or not self.force):
            raise Blocked(f"can't migrate VM which uses local devices: {', '.join(hard)}")
        if missing := missing_mappings(self.site, mapped, self.target):
            raise Blocked(f"can't migrate to '{self.target}': missing mapped devices {', '.join(missing)}")
        if guest.running:
            self.check_live(guest, mapped)
        if not self.site.cluster.nodes[self.target].online:
            raise Blocked("Can't connect to destination address using public key")

    def check_live(self, guest: Guest, mapped: dict[str, dict]) -> None:
        """What only stands against moving a VM that runs."""
        if self.site.cluster.release == '9':
            self.say('conntrack state migration not supported or disabled, active connections might get dropped')
        fixed = [f'{key}:{device["name"]}' for key, device in mapped.items() if not device.get('live-migration')]
        if fixed:
            raise Blocked(f"can't live migrate running VM which uses following mapped devices: {', '.join(fixed)}")
        if fixed_clipboard(self.site, guest):
            raise Blocked("VMs with 'clipboard' set to 'vnc' are not live migratable!")

    def phases(self, guest: Guest) -> Generator:
        node = self.site.cluster.nodes[self.target]
        self.say(f"starting migration of VM {self.vmid} to node '{self.target}' ({node.ip})")
        guest.config['lock'] = 'migrate'
        local = self.scan(guest)
        live = [volid for volid, row in local.items() if guest.running and row['is_attached'] and not row['cdrom']]
        offline = [volid for volid in sorted(local) if volid not in live]
        if offline:
            self.say('copying local disk images')
            for volid in offline:
                yield from self.copy_offline(guest, volid)
        if guest.running:
            yield from self.go_live(guest, live)
        yield 1.0
        self.hand_over(guest)

    def scan(self, guest: Guest) -> dict[str, dict]:
        """The local volumes that move along; Blocked where one cannot."""
        local, problems = {}, []
        for volid, row in sorted(local_volumes(self.site, guest).items()):
            problem = self.problem_of(guest, volid, row)
            if problem:
                problems.append((volid, problem))
            elif ':' in volid:
                local[volid] = row
                self.say(f'found {describe(volid, row)}')
        for volid, problem in problems:
            self.say(f"can't migrate local disk '{volid}': {problem}")
        if problems:
            raise Blocked("Problem found while scanning volumes - can't migrate VM - check log")
        for volid in local:
            storeid, parsed = storage.parse(self.site.cluster, volid)
            kind = storage.section(self.site.cluster, storeid)['type']
            if kind not in LOCAL_TYPES:
                raise Blocked(f"can't migrate '{volid}' - storage type '{kind}' not supported")
            if parsed.base:
                raise Blocked(f"Problem found while scanning volumes - can't migrate '{volid}' as it's a clone of "
                              f"'{parsed.base}'")
        return local

    def problem_of(self, guest: Guest, volid: str, row: dict) -> str | None:
        if volid.startswith('/') or volid == 'cdrom':
            return 'local file/device' if volid != 'cdrom' else "can't migrate local cdrom drive"
        storeid, parsed = storage.parse(self.site.cluster, volid)
        storage.check_enabled(self.site.cluster, mapped_storage(self.mapping, storeid), self.target)
        if row['cdrom'] and not row['is_cloudinit']:
            return 'local cdrom image'
        if parsed.vmid != guest.vmid:
            return f'owned by other VM (owner = VM {parsed.vmid})'
        if row.get('referenced_in_snapshot') and not row['is_vmstate']:
            if guest.running:
                return 'online storage migration not possible if non-replicated snapshot exists'
            if not carries_snapshots(storage.section(self.site.cluster, storeid), parsed.format):
                return 'non-migratable snapshot exists'
        if storage.linked_clones(self.site.cluster, self.site.node, volid):
            return 'referenced by linked clone(s)'
        if guest.running and row['is_attached'] and not row['cdrom'] and not self.local_disks:
            return "can't live migrate attached local disks without with-local-disks option"
        return None

    def allocate(self, volume: storage.Volume) -> storage.Volume:
        """The copy's place on the target: under the same name where that is free."""
        storeid, parsed = storage.parse(self.site.cluster, volume.volid)
        return place_copy(self.site.other(self.target), mapped_storage(self.mapping, storeid), volume, self.vmid,
                          parsed.name)

    def copy_offline(self, guest: Guest, volid: str) -> Generator:
        volume = volumes.exists(self.site.cluster, self.site.node, volid)
        copy = self.allocate(volume)
        self.copied[volid] = copy.volid
        if line := volumes.created_line(self.site.cluster, copy):
            self.say(line)
        rate = self.site.setting('disk_rate')
        seconds = max(0.5, volume.size / rate)
        steps = max(1, min(60, int(seconds / 3)))
        for step in range(1, steps + 1):
            yield seconds / steps
            done = volume.size * step // steps
            if step < steps:
                self.say(f'{done} bytes ({done / 1e6:.0f} MB, {done / MIB:.0f} MiB) copied, {int(seconds * step / steps)} s, '
                         f'{rate / 1e6:.0f} MB/s')
        self.say(f'{volume.size} bytes ({volume.size / 1e9:.1f} GB, {volume.size / GIB:.1f} GiB) copied, '
                 f'{seconds:.4f} s, {rate / 1e6:.0f} MB/s')
        self.say(f"successfully imported '{copy.volid}'")
        self.say(f"volume '{volid}' is '{copy.volid}' on the target")

    def go_live(self, guest: Guest, live: list[str]) -> Generator:
        """Start the VM on the other node, mirror its disks, and send its memory."""
        self.say(f"starting VM {self.vmid} on remote node '{self.target}'")
        there = self.site.other(self.target)
        for _number, net in nets_of(guest.config):
            if net.get('bridge') and not bridge_exists(there, net['bridge']):
                self.say(f"[{self.target}] bridge '{net['bridge']}' does not exist")
                raise Blocked('online migrate failure - remote command failed with exit code 255')
        yield self.site.setting('start_seconds')
        self.say('start remote tunnel')
        self.say('ssh tunnel ver 1')
        for volid in live:
            yield from self.mirror(guest, volid)
        yield from self.send_memory(guest)

    def mirror(self, guest: Guest, volid: str) -> Generator:
        volume = volumes.exists(self.site.cluster, self.site.node, volid)
        copy = self.allocate(volume)
        self.copied[volid] = copy.volid
        name = next((name for name, used in volumes_of(guest.config) if used == volid), volid)
        self.say(f"volume '{volid}' is '{copy.volid}' on the target")
        self.say(f'{name}: start migration to nbd:unix:/run/qemu-server/{self.vmid}_nbd.migrate:exportname=drive-{name}')
        seconds = max(1.0, volume.size / self.site.setting('disk_rate'))
        steps = max(1, min(100, int(seconds)))
        for step in range(1, steps + 1):
            yield seconds / steps
            done, whole = volume.size * step // steps, volume.size
            self.say(f'mirror-{name}: transferred {done / GIB:.1f} GiB of {whole / GIB:.1f} GiB ({100 * step / steps:.2f}%) '
                     f'in {int(seconds * step / steps)}s')
        self.say(f'mirror-{name}: ready')

    def send_memory(self, guest: Guest) -> Generator:
        memory = memory_mib(guest.config.get('memory'))
        rate = self.site.setting('disk_rate') / MIB
        seconds = max(1.0, memory * 0.4 / rate)
        self.say(f'starting online/live migration on unix:/run/qemu-server/{self.vmid}.migrate')
        self.say('set migration capabilities')
        self.say(f'migration downtime limit: {float(guest.config.get("migrate_downtime", 0.1)) * 1000:.0f} ms')
        self.say(f'start migrate command to unix:/run/qemu-server/{self.vmid}.migrate')
        for step in range(1, min(30, int(seconds)) + 1):
            yield seconds / min(30, int(seconds))
            done = memory * 0.4 * step / min(30, int(seconds))
            self.say(f'migration active, transferred {done:.1f} MiB of {memory / 1024:.1f} GiB VM-state, {rate:.1f} MiB/s')
        self.say(f'average migration speed: {rate:.1f} MiB/s - downtime 42 ms')
        self.say(f'migration completed, transferred {memory * 0.4:.1f} MiB VM-state')
        self.say('migration status: completed')

    def hand_over(self, guest: Guest) -> None:
        """The configuration moves; what was copied is gone here."""
        rename_volumes(guest, self.copied)
        for volid in self.copied:
            storage.place(self.site.cluster, volumes.storage_of(volid), self.site.node).pop(volid, None)
        guest.config.pop('lock', None)
        guest.node = self.target
        if guest.running:
            guest.begin_running(self.site.now(), guest.qmpstatus)
            guest.extra['resumed'] = True

    def undo(self, guest: Guest) -> None:
        """Free what was made on the target, and the lock."""
        if guest.lock == 'migrate':
            self.say('aborting phase 1 - cleanup resources')
            del guest.config['lock']
        for volid in self.copied.values():
            storage.place(self.site.cluster, volumes.storage_of(volid), self.target).pop(volid, None)


def carries_snapshots(section: dict, fmt: str | None) -> bool:
    """Whether a volume is copied together with its snapshots."""
    if section['type'] == 'btrfs' and fmt == 'raw':
        return True
    return section['type'] == 'zfspool' or (fmt == 'qcow2' and not section.get('snapshot-as-volume-chain'))


def describe(volid: str, row: dict) -> str:
    if row['is_cloudinit'] or row['is_tpmstate']:
        return f"generated disk '{volid}' (in current VM config)"
    if row['is_attached']:
        return f"local disk '{volid}' (attached)"
    if row['is_unused']:
        return f"local disk '{volid}' (unused)"
    if row.get('referenced_in_snapshot'):
        return f"local disk '{volid}' (referenced by snapshot(s))"
    return f"local disk '{volid}'"


def place_copy(site: Site, storeid: str, volume: storage.Volume, vmid: int, name: str) -> storage.Volume:
    """Make room for a copy of a volume on that site; the given bare name is used where it is free and fits."""
    cluster = site.cluster
    section = storage.check_enabled(cluster, storeid, site.node)
    fmt = volumes.target_format(cluster, storeid, None, volume.format)
    bare = re.sub(r'\.(raw|qcow2|vmdk)$', '', name)
    bare += f'.{fmt}' if storage.type_of(section).file_based else ''
    taken = f'{storeid}:{storage.volume_name(section, vmid, bare)}' in storage.place(cluster, storeid, site.node)
    wanted = bare if not taken and bare.startswith('vm-') else None
    copy = storage.alloc(cluster, site.node, storeid, vmid, volume.size, fmt=fmt, name=wanted, now=site.now(),
                         used=volume.used)
    copy.extra.update(volume.extra)
    if name.startswith('base-'):
        copy.volid = volumes.make_base(cluster, site.node, copy.volid)
    return copy


def rename_volumes(guest: Guest, names: dict[str, str]) -> None:
    """Put other volume ids wherever the VM names the old ones."""
    for config in (guest.config, guest.pending, *guest.snapshots.values()):
        for key, volid in list(volumes_of(config, unused=True)):
            if volid in names:
                drive = parse_drive(config[key])
                drive['file'] = names[volid]
                config[key] = print_drive(drive)
        if config.get('vmstate') in names:
            config['vmstate'] = names[config['vmstate']]


def duration(seconds: float) -> str:
    whole = int(seconds)
    return f'{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}'


def move_machine(site: Site, task: Any, guest: Guest, target: str) -> Generator:
    """How HA and bulk actions move a VM."""
    yield from Migration(site, task, guest.vmid, target).run()


ha_manager.MOVERS['qemu'] = move_machine
