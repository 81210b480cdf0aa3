"""Starting and stopping containers."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, TaskError, operation
from ..model import container, volumes
from ..model.guest import Guest
from ..model.ha import request_state
from ..tasks import Task
from . import ha_manager
from .lxc_common import check_lock, is_ha_managed, load, running
from .lxc_options import Changes
from .qemu_common import Site, check_quorum, only_root, site_of
from .qemu_pending import bridge_exists

NOT_LOCKING = frozenset(['mounted'])
SHUTDOWN_SECONDS, START_SECONDS = 2.0, 1.0


def begin(site: Site, task: Task, guest: Guest, skiplock: bool = False) -> Generator:
    """Start a container: its pending changes come into force, its volumes and bridges must be there."""
    if not skiplock and guest.lock not in NOT_LOCKING:
        check_lock(guest)
    if guest.template:
        raise TaskError("you can't start a CT if it's a template")
    Changes(site, guest, lambda _seconds: None).apply()
    missing = what_is_missing(site, guest)
    if missing:
        task.log(f'run_buffer: 571 Script exited with status 255\n{missing}\nlxc_init: 845 Failed to run '
                 f'lxc.hook.pre-start for container "{guest.vmid}"\n__lxc_start: 2034 Failed to initialize container '
                 f'"{guest.vmid}"')
        raise TaskError(f"startup for container '{guest.vmid}' failed")
    yield START_SECONDS
    guest.begin_running(site.now())


def what_is_missing(site: Site, guest: Guest) -> str | None:
    """Why the container cannot start on this node, in one line."""
    release = site.cluster.release
    for key in container.volumes(guest.config):
        volume = container.parse(release, key, guest.config[key])['volume']
        if container.point_type(volume) == 'volume':
            try:
                volumes.exists(site.cluster, site.node, volume)
            except ApiError as error:
                return error.message
    for key in guest.config:
        if container.NET_KEY.match(key):
            bridge = container.parse(release, key, guest.config[key]).get('bridge')
            if bridge and not bridge_exists(site, bridge):
                return f"bridge '{bridge}' does not exist"
    return None


def finish(site: Site, guest: Guest) -> None:
    """The container's processes are gone."""
    guest.end_running()
    guest.extra['stopped_at'] = site.now()


def halt(site: Site, task: Task, guest: Guest) -> Generator:
    yield 0.5
    finish(site, guest)


def shut_down(site: Site, task: Task, guest: Guest, timeout: float, force: bool) -> Generator:
    """Ask what runs inside to end; kill it after `timeout` seconds if that was asked for."""
    if not guest.extra.get('ignores_shutdown'):
        yield min(timeout, SHUTDOWN_SECONDS)
    else:
        yield timeout
        if not force:
            raise TaskError('container did not stop')
    finish(site, guest)


def ha_request(call: Call, type: str, word: str, state: str) -> str:
    """Ask the HA manager instead of doing it here."""
    vmid, cluster, fleet = call.params['vmid'], call.cluster, call.fleet

    def work(task: Task) -> Generator:
        task.log(f'Requesting HA {word} for CT {vmid}')
        yield 0.2
        request_state(cluster, cluster.guests[vmid], state)
        ha_manager.schedule(fleet, cluster)

    return call.task(type, vmid, work)


def managed(call: Call) -> bool:
    return is_ha_managed(site_of(call), call.params['vmid']) and not call.params.get('skiplock')


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/start')
def start(call: Call) -> str:
    only_root(call, 'skiplock')
    site, vmid = site_of(call), call.params['vmid']
    if running(site, vmid):
        raise ApiError(f'CT {vmid} already running')
    check_quorum(call.cluster)
    if managed(call):
        return ha_request(call, 'hastart', 'start', 'started')
    skiplock = bool(call.params.get('skiplock'))

    def work(task: Task) -> Generator:
        guest = load(site, vmid)
        if guest.running:
            raise TaskError(f'CT {vmid} already running')
        yield from begin(site, task, guest, skiplock)

    return call.task('vzstart', vmid, work)


def must_run(call: Call, word: str = 'CT') -> Site:
    """500 unless the container runs on this node."""
    site, vmid = site_of(call), call.params['vmid']
    if not running(site, vmid):
        raise ApiError(f'{word} {vmid} not running')
    return site


def unlocked(site: Site, vmid: int, skiplock: bool = False) -> Guest:
    guest = load(site, vmid)
    if not skiplock and guest.lock not in NOT_LOCKING:
        check_lock(guest)
    return guest


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/stop')
def stop(call: Call) -> str:
    only_root(call, 'skiplock')
    site, vmid, skiplock = must_run(call), call.params['vmid'], bool(call.params.get('skiplock'))
    if managed(call):
        return ha_request(call, 'hastop', 'stop', 'stopped')
    return call.task('vzstop', vmid, lambda task: halt(site, task, unlocked(site, vmid, skiplock)))


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/shutdown')
def shutdown(call: Call) -> str:
    site, vmid = must_run(call), call.params['vmid']
    if managed(call):
        return ha_request(call, 'hashutdown' if call.release == '7.4' else 'hastop', 'stop', 'stopped')
    timeout = float(call.params.get('timeout', 60))
    force = bool(call.params.get('forceStop'))
    return call.task('vzshutdown', vmid, lambda task: shut_down(site, task, unlocked(site, vmid), timeout, force))


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/reboot')
def reboot(call: Call) -> str:
    site, vmid = must_run(call, 'VM'), call.params['vmid']
    timeout = float(call.params.get('timeout', 60))

    def work(task: Task) -> Generator:
        guest = unlocked(site, vmid)
        yield from shut_down(site, task, guest, timeout, force=False)
        yield from begin(site, task, guest)

    return call.task('vzreboot', vmid, work)


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/suspend')
def suspend(call: Call) -> str:
    site, vmid = must_run(call), call.params['vmid']

    def work(task: Task) -> Generator:
        guest = unlocked(site, vmid)
        yield 1.0
        guest.extra['checkpoint'] = True
        finish(site, guest)

    return call.task('vzsuspend', vmid, work)


@operation('POST', '/nodes/{node}/lxc/{vmid}/status/resume')
def resume(call: Call) -> str:
    site, vmid = site_of(call), call.params['vmid']
    if running(site, vmid):
        raise ApiError(f'CT {vmid} already running')

    def work(task: Task) -> Generator:
        guest = unlocked(site, vmid)
        if not guest.extra.pop('checkpoint', None):
            raise TaskError(f"command 'lxc-checkpoint -n {vmid} -r --foreground -D /var/lib/vz/dump' failed: exit code 1")
        yield from begin(site, task, guest)

    return call.task('vzresume', vmid, work)
