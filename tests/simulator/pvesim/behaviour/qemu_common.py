"""What all QEMU handlers share: where a worker acts, finding a guest, locks, quorum, HA, and how long work takes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..call import ApiError, Call, ParameterError, TaskError
from ..model.sections import nested

if TYPE_CHECKING:
    from ..model.cluster import Cluster
    from ..model.fleet import Fleet
    from ..model.guest import Guest
    from ..tasks import Task

MIB = 1 << 20
GIB = 1 << 30
# Workers that keep the lock file for longer than others wait for it.
LONG_TASKS = frozenset(('qmmove', 'qmigrate', 'qmshutdown', 'qmreboot', 'qmsuspend'))
MODIFIED = 'checksum mismatch (file change by other user?)'
QEMU_VERSIONS = {'9': '10.1.2', '8.4': '9.2.0', '7.4': '7.2.0'}
# Defaults of Fleet.settings: bytes per second of copies, and seconds that a guest's own actions take.
DEFAULTS = {'disk_rate': 200 * MIB, 'start_seconds': 1.5, 'boot_seconds': 8.0, 'shutdown_seconds': 4.0}


@dataclass(frozen=True)
class Site:
    """Where a worker acts: a node (by name) of a cluster."""

    fleet: Fleet
    cluster: Cluster
    node: str

    def now(self) -> float:
        return self.fleet.clock.now()

    def setting(self, name: str) -> float:
        """A rate or a number of seconds, quickened by the fleet's `speed` (2: everything takes half as long)."""
        value, speed = float(self.fleet.settings.get(name, DEFAULTS[name])), float(self.fleet.settings.get('speed', 1))
        return value * speed if name.endswith('_rate') else value / speed

    def other(self, node: str) -> Site:
        return Site(self.fleet, self.cluster, node)


class Silent:
    """Takes what a worker would log where there is no task."""

    warnings = 0

    def log(self, line: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass

    def progress(self, done: int, total: int, what: str = 'transferred') -> None:
        pass


def site_of(call: Call) -> Site:
    return Site(call.fleet, call.cluster, call.node.name)


def present(site: Site, vmid: int) -> Guest | None:
    """The VM of that id on the site's node."""
    guest = site.cluster.guests.get(vmid)
    if guest is None or guest.kind != 'qemu' or guest.node != site.node:
        return None
    return guest


def load(site: Site, vmid: int) -> Guest:
    """The VM, or 500 as reading its configuration gives it."""
    guest = present(site, vmid)
    if guest is None:
        raise ApiError(f"Configuration file 'nodes/{site.node}/qemu-server/{vmid}.conf' does not exist")
    return guest


def running(site: Site, vmid: int) -> bool:
    """Whether the VM runs here; 500 in other words than load() when it is not on this node."""
    guest = present(site, vmid)
    if guest is None:
        raise ApiError(f"unable to find configuration file for VM {vmid} on node '{site.node}'")
    return guest.running


def check_lock(guest: Guest) -> None:
    if guest.lock:
        raise ApiError(f'VM is locked ({guest.lock})')


def check_protection(guest: Guest, text: str) -> None:
    if guest.config.get('protection'):
        raise ApiError(f'{text} - protection mode enabled')


def check_quorum(cluster: Cluster) -> None:
    if not cluster.quorate:
        raise ApiError('cluster not ready - no quorum?')


def only_root(call: Call, *names: str) -> None:
    """400 for options that root@pam alone may set."""
    for name in names:
        if call.params.get(name) and not call.is_root:
            raise ParameterError({name: 'Only root may use this option.'})


def check_vm(call: Call, vmid: int, pool: str | None, *privileges: str, any: bool = False) -> None:
    """403 unless the caller holds the privileges on the VM, or on the pool that it is going to be in."""
    if pool and call.may(f'/pool/{pool}', *privileges, any=any):
        return
    call.require(f'/vms/{vmid}', *privileges, any=any)


def check_pool(call: Call, pool: str | None) -> None:
    if pool is not None and pool not in call.cluster.pools:
        raise ApiError(403, f"Permission check failed (pool '{pool}' does not exist)")


def add_to_pool(cluster: Cluster, vmid: int, pool: str | None) -> None:
    if pool:
        cluster.pools[pool].setdefault('vms', set()).add(vmid)
        cluster.access.touch()


def replication_jobs(cluster: Cluster, vmid: int) -> list[str]:
    jobs = cluster.section('replication')
    return [name for name, job in jobs.items() if str(job.get('guest', name.rpartition('-')[0])) == str(vmid)]


def check_digest(guest: Guest, digest: str | None, text: str = MODIFIED) -> None:
    if digest and digest != guest.digest():
        raise ApiError(text)


def lock_file(vmid: int) -> str:
    return f"can't lock file '/var/lock/qemu-server/lock-{vmid}.conf' - got timeout"


def holder(fleet: Fleet, guest: Guest) -> Task | None:
    """The running task that holds the guest's lock file; extra['flock'] is its UPID."""
    upid = guest.extra.get('flock')
    tasks = [cluster.tasks[upid] for cluster in fleet.clusters.values() if upid in cluster.tasks]
    return next((task for task in tasks if task.running), None)


def check_free(call: Call, guest: Guest | None) -> None:
    """A handler that needs the lock file waits ten seconds for it: in vain while a long task holds it."""
    task = holder(call.fleet, guest) if guest is not None else None
    if task is not None and task.type in LONG_TASKS:
        error = ApiError(lock_file(guest.vmid))
        error.delay = 10.0
        raise error


def check_unchanging(call: Call, guest: Guest, digest: str | None) -> None:
    """A task that writes the configuration has its lock from the request on; a digest is compared once that task has written."""
    task = holder(call.fleet, guest)
    if digest and task is not None and task.type == 'qmconfig':
        raise ApiError(MODIFIED)


def task_text(error: ApiError) -> str:
    """An API error as the last line of a task: with its code, where it has one of its own."""
    if error.errors is not None or error.status == 500:
        return nested(error)
    return f'{error.status} {error.message}'


def hold(guest: Guest, task: Task, work: Generator, seconds: int = 10) -> Generator:
    """Run a worker under the guest's lock file; wait for it as long as PVE does."""
    waited = 0
    if holder(task.fleet, guest) not in (None, task):
        task.log('trying to acquire lock...')
        while holder(task.fleet, guest) not in (None, task):
            if waited >= seconds:
                raise TaskError(lock_file(guest.vmid))
            waited += 1
            yield 1.0
        task.log(' OK')
    guest.extra['flock'] = task.upid
    try:
        return (yield from work)
    except ApiError as error:
        raise TaskError(task_text(error)) from None
    finally:
        guest.extra.pop('flock', None)


def run_now(call: Call, work: Generator) -> Any:
    """Run a worker's generator at once; the answer takes as long as its work would."""
    while True:
        try:
            call.answer_after(next(work) or 0)
        except StopIteration as end:
            return end.value


def copying(site: Site, task: Task, size: int, rate: float | None = None) -> Generator:
    """Seconds of copying so many bytes, with PVE's lines of progress."""
    seconds = size / (rate or site.setting('disk_rate'))
    steps = max(1, min(100, int(seconds)))
    task.progress(0, size)
    for step in range(1, steps + 1):
        yield seconds / steps
        task.progress(size * step // steps, size)


def bytes_per_second(call: Call, kib: int | None) -> float | None:
    """The rate that a bwlimit in KiB/s leaves; None: not limited."""
    return min(kib * 1024, call.fleet.settings.get('disk_rate', DEFAULTS['disk_rate'])) if kib else None


def add_unused(config: dict, volid: str) -> None:
    """Keep a detached volume as the lowest free unused<n>, once."""
    taken = {key: value for key, value in config.items() if key.startswith('unused')}
    if volid in taken.values():
        return
    index = next(number for number in range(256) if f'unused{number}' not in taken)
    config[f'unused{index}'] = volid
