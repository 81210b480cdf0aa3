"""A running backup job: guest by guest, with the log lines of vzdump."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass

from ..call import ApiError, Call, TaskError
from ..model import backups, prune, storage
from ..model.guest import Guest
from ..model.web import clock_text
from ..tasks import Task

READ_RATE = 400e6
GIB = 1 << 30


def gib(size: float) -> str:
    """'1.5 GiB', '12.0 MiB', as the progress lines have it."""
    for unit, name in ((1 << 40, 'TiB'), (GIB, 'GiB'), (1 << 20, 'MiB'), (1 << 10, 'KiB')):
        if size >= unit:
            return f'{size / unit:.1f} {name}'
    return f'{size:.1f} B'


def archive_size_text(size: int) -> str:
    return f'{size / GIB:.2f}GB' if size >= GIB else f'{size // (1 << 20)}MB' if size >= 1 << 20 else f'{size // 1024}KB'


@dataclass(slots=True)
class Job:
    """One call of vzdump: its parameters, the guests here and those left to other nodes, and the command line."""

    call: Call
    params: dict
    vmids: list[int]
    skipped: list[int]
    command: str

    def worker(self, task: Task) -> Generator:
        config = self.target()
        yield from self.wait_for_others(task)
        task.log(f'INFO: starting new backup job: {self.command}')
        if self.skipped:
            task.log(f'INFO: skip external VMs: {", ".join(map(str, self.skipped))}')
        failed = 0
        for vmid in self.vmids:
            failed += yield from self.one(task, config, vmid)
        if failed:
            task.log('INFO: Backup job finished with errors')
            raise TaskError('job errors')
        task.log('INFO: Backup job finished successfully')

    def target(self) -> dict:
        """The section of the storage; a directory given by root is taken as one."""
        if 'storage' not in self.params:
            return {'type': 'dir', 'path': self.params['dumpdir'], 'content-dirs': 'backup=.'}
        from .vzdump import backup_storage

        storeid, errors = self.params['storage'], []
        checks = {
            f"could not activate storage '{storeid}'": lambda: storage.check_enabled(self.call.cluster, storeid, self.call.node.name),
            f"could not get storage information for '{storeid}'": lambda: backup_storage(self.call, storeid),
        }
        for what, check in checks.items():
            try:
                check()
            except ApiError as error:
                errors.append(f'{what}: {error.message}')
        if errors:
            raise TaskError('\n'.join(errors))
        return storage.section(self.call.cluster, storeid)

    def wait_for_others(self, task: Task) -> Generator:
        """One job per node at a time."""
        waiting = False
        while self.older_job(task):
            if not waiting:
                task.log('INFO: trying to get global lock - waiting...')
            waiting = True
            yield 1.0
        if waiting:
            task.log('INFO: got global lock')

    def older_job(self, task: Task) -> bool:
        for other in self.call.cluster.tasks.values():
            if other is task:
                return False
            if other.type == 'vzdump' and other.node == task.node and other.running:
                return True
        return False

    def one(self, task: Task, config: dict, vmid: int) -> Generator:
        """Back up one guest; returns 1 where that failed, 0 where it went well."""
        started = task.now()
        guest = self.call.cluster.guests.get(vmid)
        try:
            if guest is None or guest.node != self.call.node.name:
                raise ApiError(f"unable to find VM '{vmid}'")
            task.log(f'INFO: Starting Backup of VM {vmid} ({guest.kind})')
            task.log(f'INFO: Backup started at {clock_text(started)}')
            yield from self.back_up(task, config, guest, started)
        except (ApiError, TaskError) as error:
            task.log(f'ERROR: Backup of VM {vmid} failed - {error}')
            task.log(f'INFO: Failed at {clock_text(task.now())}')
            return 1
        spent = time.strftime('%H:%M:%S', time.gmtime(max(0, task.now() - started)))
        task.log(f'INFO: Finished Backup of VM {vmid} ({spent})')
        task.log(f'INFO: Backup finished at {clock_text(task.now())}')
        return 0

    def back_up(self, task: Task, config: dict, guest: Guest, started: float) -> Generator:
        task.log(f'INFO: status = {"running" if guest.running else "stopped"}')
        if guest.lock:
            raise ApiError(f'VM is locked ({guest.lock})')
        self.check_limits(config, guest)
        disks = backups.disks_of(guest)
        self.describe(task, guest, disks)
        mode = self.mode_of(task, guest, disks)
        task.log(f'INFO: backup mode: {mode}')
        task.log(f'INFO: ionice priority: {self.params.get("ionice", 7)}')
        guest.config['lock'] = 'backup'
        try:
            volume = yield from self.write(task, config, guest, disks, mode, started)
        finally:
            guest.config.pop('lock', None)
        self.annotate(task, guest, volume)
        self.prune(task, config, guest)

    def check_limits(self, config: dict, guest: Guest) -> None:
        """Limits that count before a backup is made: protected ones, and the retention where nothing is removed."""
        storeid = self.params.get('storage')
        if storeid is None:
            return
        there = [volume for volume in storage.place(self.call.cluster, storeid, guest.node).values()
                 if volume.content == 'backup' and volume.vmid == guest.vmid]
        limit = int(config.get('max-protected-backups', -1 if self.call.may(f'/storage/{storeid}', 'Datastore.Allocate') else 5))
        if self.params.get('protected') and 0 <= limit <= sum(volume.protected for volume in there):
            raise ApiError(f"The number of protected backups per guest is limited to {limit} on storage '{storeid}'")
        keep = self.keep(config)
        if not self.params.get('remove', True) and not prune.keeps_all(keep):
            total = sum(keep.values())
            if sum(not volume.protected for volume in there) >= total:
                raise ApiError(f'There is a max backup limit of ({total}) enforced by the target storage or the vzdump '
                               'parameters. Either increase the limit or delete old backup(s).')

    def describe(self, task: Task, guest: Guest, disks: list[backups.Disk]) -> None:
        if guest.kind == 'qemu':
            task.log(f'INFO: VM Name: {backups.guest_name(guest)}')
        else:
            task.log(f'INFO: CT Name: {backups.guest_name(guest)}')
        for disk in disks:
            if guest.kind == 'qemu':
                size = disk.options.get('size', '')
                if disk.included:
                    task.log(f"INFO: include disk '{disk.key}' '{disk.volid}' {size}".rstrip())
                else:
                    task.log(f"INFO: exclude disk '{disk.key}' '{disk.volid}' ({disk.reason})")
                continue
            where = '/' if disk.key == 'rootfs' else disk.options.get('mp', '')
            if disk.included:
                task.log(f"INFO: including mount point {disk.key} ('{where}') in backup")
            else:
                sort = 'bind mount point' if disk.volid.startswith('/') else 'volume mount point'
                task.log(f"INFO: excluding {sort} {disk.key} ('{where}') from backup ({disk.reason})")

    def mode_of(self, task: Task, guest: Guest, disks: list[backups.Disk]) -> str:
        if not guest.running:
            return 'stop'
        mode = self.params.get('mode', 'snapshot')
        if guest.kind == 'lxc' and mode == 'snapshot' and not self.can_snapshot(guest, disks):
            task.log('INFO: mode failure - some volumes do not support snapshots')
            task.log("INFO: trying 'suspend' mode instead")
            return 'suspend'
        return mode

    def can_snapshot(self, guest: Guest, disks: list[backups.Disk]) -> bool:
        for disk in disks:
            volume = storage.find(self.call.cluster, guest.node, disk.volid) if disk.included else None
            if volume is not None:
                config = storage.section(self.call.cluster, disk.volid.partition(':')[0])
                if not storage.has_feature(config, 'snapshot', volume.format):
                    return False
        return True

    def write(self, task: Task, config: dict, guest: Guest, disks: list, mode: str, started: float) -> Generator:
        """Write the archive; returns it as a volume."""
        for disk in disks:
            if disk.included and storage.find(self.call.cluster, guest.node, disk.volid) is None:
                raise ApiError(f"volume '{disk.volid}' does not exist")
        compress = str(self.params.get('compress', '0'))
        name = backups.archive_name(config, guest, compress, started)
        rows = backups.data_of(self.call.cluster, guest, disks)
        size = backups.archive_size(rows, compress)
        if config['type'] == 'pbs':
            task.log(f"INFO: creating Proxmox Backup Server archive '{name.partition('/')[2]}'")
        else:
            folder = self.params.get('dumpdir') or storage.volume_names.content_folder(config, 'backup')
            task.log(f"INFO: creating vzdump archive '{folder}/{name.partition('/')[2]}'")
        yield from self.copy_machine(task, guest, rows, mode) if guest.kind == 'qemu' else self.copy_container(task, rows, mode)
        volume = backups.make_archive(guest, f'{self.params.get("storage", "")}:{name}', rows, size, started)
        if 'storage' in self.params:
            room = storage.space(self.call.cluster, guest.node, self.params['storage'])
            if size > room.avail:
                task.log('ERROR: vma_queue_write: write error - No space left on device')
                task.log('INFO: aborting backup job')
                raise ApiError('vma_queue_write: write error - No space left on device')
            storage.add(self.call.cluster, guest.node, volume)
        if config['type'] != 'pbs':
            task.log(f'INFO: archive file size: {archive_size_text(size)}')
        return volume

    def copy_machine(self, task: Task, guest: Guest, rows: list[dict], mode: str) -> Generator:
        running = guest.running
        if not running:
            task.log('INFO: starting kvm to execute backup task')
        elif mode == 'snapshot' and has_agent(guest):
            task.log("INFO: issuing guest-agent 'fs-freeze' command")
            task.log("INFO: issuing guest-agent 'fs-thaw' command")
        task.log(f"INFO: started backup task '{uuid.uuid4()}'")
        if running:
            task.log('INFO: resuming VM again')
        total = sum(row['size'] for row in rows)
        used = sum(row['used'] for row in rows)
        seconds = yield from progress(task, total, used)
        if total > used:
            task.log(f'INFO: backup is sparse: {(total - used) / GIB:.2f} GiB ({100 * (total - used) // total}%) total zero data')
        task.log(f'INFO: transferred {total / GIB:.2f} GiB in {int(seconds)} seconds ({gib(total / max(1.0, seconds))}/s)')
        if not running:
            task.log('INFO: stopping kvm after backup task')

    def copy_container(self, task: Task, rows: list[dict], mode: str) -> Generator:
        if mode == 'snapshot':
            task.log("INFO: create storage snapshot 'vzdump'")
        elif mode == 'suspend':
            task.log('INFO: starting first sync')
            task.log('INFO: suspending guest')
        used = sum(row['used'] for row in rows)
        yield 0.5 + used / READ_RATE
        task.log(f'INFO: Total bytes written: {used} ({gib(used).replace(" ", "")}, {gib(READ_RATE).replace(" ", "")}/s)')
        if mode == 'suspend':
            task.log('INFO: resume vm')
            task.log('INFO: guest is online again after <1 seconds')
        if mode == 'snapshot':
            task.log("INFO: cleanup temporary 'vzdump' snapshot")

    def annotate(self, task: Task, guest: Guest, volume: storage.Volume) -> None:
        if template := self.params.get('notes-template'):
            task.log('INFO: adding notes to backup')
            volume.notes = backups.fill_notes(template, self.call.cluster, guest)
        if self.params.get('protected'):
            task.log('INFO: marking backup as protected')
            volume.protected = True

    def keep(self, config: dict) -> dict[str, int]:
        text = self.params.get('prune-backups') or config.get('prune-backups') or 'keep-all=1'
        if 'maxfiles' in self.params:
            text = f'keep-last={self.params["maxfiles"]}'
        return prune.parse_keep(text)

    def prune(self, task: Task, config: dict, guest: Guest) -> None:
        keep = self.keep(config)
        if not self.params.get('remove', True) or prune.keeps_all(keep) or 'storage' not in self.params:
            return
        task.log(f'INFO: prune older backups with retention: {prune.print_keep(keep).replace(",", ", ")}')
        storeid = self.params['storage']
        volumes = [volume for volume in storage.volume_list(self.call.cluster, guest.node, storeid, guest.vmid, 'backup')
                   if prune.archive_kind(volume) == guest.kind]
        removed = [volid for volid, mark in prune.mark(volumes, keep).items() if mark == 'remove']
        for volid in sorted(removed):
            task.log(f"INFO: removing backup '{volid}'")
            storage.free(self.call.cluster, guest.node, volid)
        task.log(f'INFO: pruned {len(removed)} backup(s) not covered by keep-retention policy')


def has_agent(guest: Guest) -> bool:
    """Whether a guest agent is switched on and there to answer."""
    switched_on = str(guest.config.get('agent', '0')).removeprefix('enabled=')[:1] == '1'
    return switched_on and (guest.installed or guest.agent is not None)


def progress(task: Task, total: int, used: int) -> Generator:
    """The progress lines of a machine's backup, at most ten; returns the seconds that it took."""
    seconds = 1.0 + used / READ_RATE
    steps = min(10, max(1, int(seconds)))
    for step in range(1, steps + 1):
        yield seconds / steps
        done = total * step // steps
        task.log(f'INFO: {100 * step // steps:>3}% ({gib(done)} of {gib(total)}) in {int(seconds * step / steps)}s, '
                 f'read: {gib(total / seconds)}/s, write: {gib(used / seconds)}/s')
    return seconds
