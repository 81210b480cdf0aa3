"""Starting, stopping and pausing VMs. The workers take a Site, so that HA and bulk actions use them too."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import ha, storage, volumes
from ..model.guest import Guest
from ..model.sections import split_list
from ..tasks import stop as interrupt
from . import ha_manager
from .qemu_cloudinit import regenerate
from .qemu_common import (
    MIB,
    Site,
    check_lock,
    check_vm,
    hold,
    load,
    only_root,
    present,
    running,
    site_of,
)
from .qemu_config import normalise
from .qemu_drive import volumes_of
from .qemu_net import nets_of
from .qemu_options import agent_enabled, memory_mib, properties_of
from .qemu_pending import apply_pending, bridge_exists
from .qemu_status import running_machine
from .qemu_volumes import allocate, free

STATUS = '/nodes/{node}/qemu/{vmid}/status'
STOP_LIMIT = 60


def ha_task(call: Call, guest: Guest, type: str, text: str, state: str | None) -> str:
    """Ask the HA manager for it instead of doing it."""

    def worker(task: Any) -> Generator:
        task.log(text)
        if state:
            ha.request_state(call.cluster, guest, state)
            ha_manager.schedule(call.fleet, call.cluster)
        yield 0.1

    return call.task(type, guest.vmid, worker)


def managed(call: Call) -> Guest | None:
    """The VM where HA looks after it."""
    guest = present(site_of(call), call.params['vmid'])
    return guest if guest is not None and ha.is_managed(call.cluster, guest) else None


@operation('POST', f'{STATUS}/start')
def start(call: Call) -> str:
    only_root(call, 'stateuri', 'skiplock', 'migratedfrom', 'migration_type', 'migration_network', 'targetstorage',
              'force-cpu', 'nets-host-mtu')
    if call.params.get('targetstorage') and not call.params.get('migratedfrom'):
        raise ParameterError({'targetstorage': 'targetstorage can only by used with migratedfrom.'})
    site, vmid = site_of(call), call.params['vmid']
    if guest := managed(call):
        return ha_task(call, guest, 'hastart', f'Requesting HA start for VM {vmid}', 'started')
    skiplock = bool(call.params.get('skiplock'))
    return call.task('qmstart', vmid, lambda task: start_worker(site, task, vmid, skiplock))


def start_worker(site: Site, task: Any, vmid: int, skiplock: bool = False) -> Generator:
    """The worker of a qmstart task."""
    guest = load(site, vmid)
    yield from hold(guest, task, boot(site, task, vmid, skiplock))


def boot(site: Site, task: Any, vmid: int, skiplock: bool = False) -> Generator:
    """Start a VM whose lock file is held."""
    guest = load(site, vmid)
    if guest.template:
        raise TaskError("you can't start a vm if it's a template")
    suspended = guest.lock == 'suspended'
    if guest.lock == 'backup' and guest.running:
        guest.qmpstatus = 'running'
        return
    if not skiplock and not suspended:
        check_lock(guest)
    if guest.running:
        raise TaskError(f'VM {vmid} already running')
    resume = suspended or bool(guest.config.get('vmstate'))
    for key in ('resumed', 'frozen', 'reset_at'):
        guest.extra.pop(key, None)
    if guest.pending or guest.pending_delete:
        apply_pending(site, guest)
        normalise(guest)
    regenerate(guest, task)
    if resume:
        task.log('Resuming suspended VM')
    check_start(site, task, guest)
    yield site.setting('start_seconds')
    guest.begin_running(site.now())
    if resume:
        forget_state(site, task, guest)


def forget_state(site: Site, task: Any, guest: Guest) -> None:
    """A VM that was suspended to disk runs again."""
    task.log('Resumed VM, removing state')
    if guest.config.get('vmstate'):
        free(site, guest.config['vmstate'])
    for key in ('lock', 'vmstate', 'runningmachine', 'runningcpu', 'running-nets-host-mtu'):
        guest.config.pop(key, None)


def check_start(site: Site, task: Any, guest: Guest) -> None:
    """What keeps a VM from starting: volumes, processors, bridges."""
    for _name, volid in volumes_of(guest.config):
        volumes.exists(site.cluster, site.node, volid)
    node = site.cluster.nodes[site.node]
    cores = int(guest.config.get('sockets') or 1) * int(guest.config.get('cores') or 1)
    if cores > node.cpus:
        raise TaskError(f'MAX {node.cpus} vcpus allowed per VM on this node')
    nets = nets_of(guest.config)
    for _number, net in nets:
        if net.get('bridge') and net['model'] == 'virtio' and not bridge_exists(site, net['bridge']):
            raise TaskError(f"bridge '{net['bridge']}' does not exist")
    for number, net in nets:
        if net.get('bridge') and (problem := tap_problem(site, net)):
            script = '/usr/libexec/qemu-server/pve-bridge'
            task.log(problem)
            task.log(f'kvm: -netdev type=tap,id=net{number},ifname=tap{guest.vmid}i{number},script={script},'
                     f'downscript={script}down: network script {script} failed with status 65280')
            raise TaskError('start failed: QEMU exited with code 1')


def tap_problem(site: Site, net: dict) -> str | None:
    """Why a card cannot be plugged into its bridge; None where it can."""
    bridge = net['bridge']
    if not bridge_exists(site, bridge):
        return f"bridge '{bridge}' does not exist"
    node = site.cluster.nodes[site.node]
    interface = node.network.get(bridge)
    if not net.get('tag') or interface is None or interface.get('type') != 'bridge':
        return None
    if interface.get('bridge_vlan_aware'):
        return None
    if split_list(interface.get('bridge_ports')) and not node.extra.get('container'):
        return None
    return f"no physical interface on bridge '{bridge}'"


@operation('POST', f'{STATUS}/stop')
def stop(call: Call) -> str:
    only_root(call, 'skiplock', 'keepActive', 'migratedfrom')
    site, vmid = site_of(call), call.params['vmid']
    overrule = bool(call.params.get('overrule-shutdown'))
    if guest := managed(call):
        if overrule:
            raise ParameterError({'overrule-shutdown': 'Not applicable for HA resources.'})
        return ha_task(call, guest, 'hastop', f'Requesting HA stop for VM {vmid}', 'stopped')

    def worker(task: Any) -> Generator:
        if overrule:
            abort_shutdowns(call, task, vmid)
        yield from stop_worker(site, task, vmid, skiplock=bool(call.params.get('skiplock')))

    return call.task('qmstop', vmid, worker)


def abort_shutdowns(call: Call, task: Any, vmid: int) -> None:
    found = [other for other in call.cluster.tasks.values()
             if other.running and other.type == 'qmshutdown' and other.id == str(vmid)]
    for other in found:
        interrupt(other)
    if found:
        task.log(f'overruled qmshutdown tasks: {", ".join(other.upid for other in found)}')


def stop_worker(site: Site, task: Any, vmid: int, *, shutdown: bool = False, timeout: int | None = None,
                force: bool | None = None, skiplock: bool = False) -> Generator:
    """The worker of a qmstop or qmshutdown task."""
    running(site, vmid)
    guest = load(site, vmid)
    force = not shutdown if force is None else force
    yield from hold(guest, task, halt(site, task, guest, shutdown, timeout, force, skiplock))


def halt(site: Site, task: Any, guest: Guest, shutdown: bool = False, timeout: int | None = None, force: bool = True,
         skiplock: bool = False) -> Generator:
    """Stop a VM whose lock file is held; a guest without an operating system ignores a shutdown."""
    if not guest.running:
        return
    if not skiplock:
        check_lock(guest)
    if shutdown:
        yield from ask_to_stop(site, task, guest, timeout, force)
    else:
        yield 0.5
    stopped(site, guest)


def ask_to_stop(site: Site, task: Any, guest: Guest, timeout: int | None, force: bool) -> Generator:
    if timeout is None:
        down = properties_of(str(guest.config.get('startup', '')), 'order').get('down')
        timeout = int(down) if down and down.isdigit() else STOP_LIMIT
    wish = site.setting('shutdown_seconds')
    if obeys(guest) and wish <= timeout:
        yield wish
        return
    if agent_enabled(guest.config) and not guest.installed and guest.agent is None:
        task.log(f"QEMU Guest Agent is not running - VM {guest.vmid} qga command 'guest-ping' failed - got timeout")
    yield float(timeout)
    if not force:
        raise TaskError('VM quit/powerdown failed - got timeout')
    task.log('VM still running - terminating now with SIGTERM')
    yield 1.0


def obeys(guest: Guest) -> bool:
    """Whether an operating system is there to shut itself down."""
    return guest.installed or guest.agent is not None


def stopped(site: Site, guest: Guest) -> None:
    """The process is gone: pending changes apply."""
    guest.end_running()
    if guest.pending or guest.pending_delete:
        apply_pending(site, guest)
        normalise(guest)


@operation('POST', f'{STATUS}/shutdown')
def shutdown(call: Call) -> str:
    only_root(call, 'skiplock', 'keepActive')
    site, vmid, params = site_of(call), call.params['vmid'], call.params
    guest = present(site, vmid)
    graceful = True
    if guest is not None and is_paused(guest):
        if not params.get('forceStop'):
            raise ApiError('VM is paused - cannot shutdown')
        graceful = False
    if guest := managed(call):
        return ha_task(call, guest, 'hastop', f'Requesting HA stop for VM {vmid}', 'stopped')

    def worker(task: Any) -> Generator:
        if not graceful:
            task.log('VM is paused - stop instead of shutdown')
        yield from stop_worker(site, task, vmid, shutdown=graceful, timeout=params.get('timeout'),
                               force=bool(params.get('forceStop')), skiplock=bool(params.get('skiplock')))

    return call.task('qmshutdown', vmid, worker)


def is_paused(guest: Guest) -> bool:
    return guest.running and guest.qmpstatus in ('paused', 'prelaunch', 'suspended')


def check_running(site: Site, vmid: int) -> Guest:
    if not running(site, vmid):
        raise ApiError(f'VM {vmid} not running')
    return load(site, vmid)


@operation('POST', f'{STATUS}/reboot')
def reboot(call: Call) -> str:
    site, vmid = site_of(call), call.params['vmid']
    guest = present(site, vmid)
    if guest is not None and is_paused(guest):
        raise ApiError('VM is paused - cannot shutdown')
    check_running(site, vmid)
    return call.task('qmreboot', vmid, lambda task: reboot_worker(site, task, vmid, call.params.get('timeout')))


def reboot_worker(site: Site, task: Any, vmid: int, timeout: int | None) -> Generator:
    """Shut down; the VM comes up again by itself, with its pending changes."""
    guest = load(site, vmid)
    was_running = guest.running
    yield from hold(guest, task, halt(site, task, guest, shutdown=True, timeout=timeout, force=False))
    if was_running:
        yield from hold(guest, task, boot(site, task, vmid))


@operation('POST', f'{STATUS}/reset')
def reset(call: Call) -> str:
    only_root(call, 'skiplock')
    site, vmid = site_of(call), call.params['vmid']
    check_running(site, vmid)

    def work(guest: Guest) -> Generator:
        if not call.params.get('skiplock'):
            check_lock(guest)
        yield 0.1
        guest.extra['reset_at'] = site.now()

    def worker(task: Any) -> Generator:
        guest = load(site, vmid)
        yield from hold(guest, task, work(guest))

    return call.task('qmreset', vmid, worker)


@operation('POST', f'{STATUS}/suspend')
def suspend(call: Call) -> str:
    only_root(call, 'skiplock')
    site, vmid, params = site_of(call), call.params['vmid'], call.params
    guest = check_running(site, vmid)
    todisk, place = bool(params.get('todisk')), params.get('statestorage')
    if todisk:
        if ha.is_managed(call.cluster, guest):
            raise ApiError('Cannot suspend HA managed VM to disk')
        check_vm(call, vmid, None, 'VM.Config.Disk')
        if any(key.startswith('hostpci') for key in guest.config):
            raise ApiError('cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility '
                           'to save/restore their internal state')
        place = place or state_storage(site, guest)
        call.require(f'/storage/{place}', 'Datastore.AllocateSpace')
    work = suspend_to_disk if todisk else pause

    def worker(task: Any) -> Generator:
        guest = load(site, vmid)
        yield from hold(guest, task, work(site, task, guest, place, bool(params.get('skiplock'))))

    return call.task('qmsuspend' if todisk else 'qmpause', vmid, worker)


def pause(site: Site, task: Any, guest: Guest, _place: str | None, skiplock: bool) -> Generator:
    if not skiplock:
        check_lock(guest)
    yield 0.1
    if guest.running:
        guest.qmpstatus = 'paused'


def state_storage(site: Site, guest: Guest) -> str:
    """Where the memory goes: vmstatestorage, else the storage of a disk, shared ones first, else local."""
    if guest.config.get('vmstatestorage'):
        return guest.config['vmstatestorage']
    local = None
    for _name, volid in volumes_of(guest.config):
        name = volumes.storage_of(volid)
        section = storage.section(site.cluster, name)
        if 'images' in storage.contents(section):
            if storage.is_shared(section):
                return name
            local = local or name
    return local or 'local'


def save_state(site: Site, task: Any, guest: Guest, name: str, place: str | None = None) -> Generator:
    """Write the memory of a running VM into a new volume; returns the keys that go with it."""
    place = place or state_storage(site, guest)
    memory = memory_mib(guest.config.get('memory'))
    section = storage.section(site.cluster, place)
    bare = f'vm-{guest.vmid}-state-{name}' + ('.raw' if storage.type_of(section).file_based else '')
    volume = allocate(site, task, place, guest.vmid, (memory * 2 + 500) * MIB, 'raw', bare)
    seconds = memory * MIB / site.setting('disk_rate')
    task.log(f"saving VM state and RAM using storage '{place}'")
    yield max(1.0, seconds)
    task.log(f'completed saving the VM state in {int(max(1, seconds))}s, saved {memory * 0.37:.2f} MiB')
    keys = {'vmstate': volume.volid, 'runningmachine': running_machine(site.cluster, guest),
            'runningcpu': 'kvm64,+lahf_lm,+sep'}
    mtus = ','.join(f'net{number}=1500' for number, net in nets_of(guest.config) if net['model'] == 'virtio')
    if mtus and site.cluster.release == '9':
        keys['running-nets-host-mtu'] = mtus
    return keys


def suspend_to_disk(site: Site, task: Any, guest: Guest, place: str | None, skiplock: bool) -> Generator:
    if not skiplock:
        check_lock(guest)
    guest.config['lock'] = 'suspending'
    day = time.strftime('%Y-%m-%d', time.gmtime(site.now()))
    try:
        keys = yield from save_state(site, task, guest, f'suspend-{day}', place)
    except ApiError:
        guest.config.pop('lock', None)
        raise
    guest.config.update(keys, lock='suspended')
    guest.end_running()


@operation('POST', f'{STATUS}/resume')
def resume(call: Call) -> str:
    only_root(call, 'skiplock', 'nocheck')
    site, vmid = site_of(call), call.params['vmid']
    guest = present(site, vmid)
    on_disk = guest is not None and guest.lock == 'suspended'
    if not on_disk:
        check_running(site, vmid)
    skiplock = bool(call.params.get('skiplock'))

    def go_on(guest: Guest) -> Generator:
        if not skiplock and guest.lock != 'backup':
            check_lock(guest)
        yield 0.1
        if guest.running:
            guest.qmpstatus = 'running'

    def worker(task: Any) -> Generator:
        guest = load(site, vmid)
        yield from hold(guest, task, boot(site, task, vmid, skiplock) if on_disk else go_on(guest))

    return call.task('qmresume', vmid, worker)
