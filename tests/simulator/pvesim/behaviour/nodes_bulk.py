"""Starting, stopping, suspending and migrating all guests of a node."""

from __future__ import annotations

import re
from collections.abc import Generator

from ..call import ApiError, Call, ParameterError, operation
from ..model import ha
from ..model.cluster import Cluster
from ..model.fleet import Fleet
from ..model.guest import Guest
from ..model.node import Node
from ..tasks import Task
from .internal import root_call, run, succeeded
from .qemu_common import check_quorum

LAST = 1 << 30


def listed(text: object) -> list[int]:
    return [int(part) for part in re.split(r'[,;\s]+', str(text or '')) if part]


def check_rights(call: Call, privilege: str, vms: list[int]) -> None:
    """403 unless the caller may do it to all guests, or to each that is named."""
    if call.may('/', privilege):
        return
    if not vms:
        raise ApiError(403, f'Permission check failed (/, {privilege})')
    for vmid in vms:
        call.require(f'/vms/{vmid}', privilege)


def startup(guest: Guest) -> dict[str, int]:
    """order, up and down of a guest's startup option."""
    found = {}
    for part in str(guest.config.get('startup', '')).split(','):
        key, equals, value = part.strip().partition('=')
        if not equals:
            key, value = 'order', key
        if value.isdigit():
            found[key] = int(value)
    return found


def in_order(cluster: Cluster, node: str, vms: list[int], backwards: bool = False) -> list[Guest]:
    """The guests of a node (of those named) in the order of their startup option, templates left out."""
    guests = [guest for vmid, guest in cluster.guests.items()
              if guest.node == node and not guest.template and (not vms or vmid in vms)]
    return sorted(guests, key=lambda guest: (startup(guest).get('order', LAST), guest.vmid), reverse=backwards)


def kind_of(guest: Guest) -> str:
    return 'CT' if guest.kind == 'lxc' else 'VM'


@operation('POST', '/nodes/{node}/startall')
def startall(call: Call) -> str:
    vms, force = listed(call.params.get('vms')), bool(call.params.get('force'))
    check_rights(call, 'VM.PowerMgmt', vms)
    return call.task('startall', None, lambda task: start_guests(call, task, call.node.name, vms, force))


def start_guests(call: Call, task: Task, node: str, vms: list[int], force: bool) -> Generator:
    check_quorum(call.cluster)
    for guest in in_order(call.cluster, node, vms):
        if guest.running or not (force or guest.config.get('onboot')):
            continue
        if not vms and not force and ha.is_managed(call.cluster, guest):
            continue
        task.log(f'Starting {kind_of(guest)} {guest.vmid}')
        status = yield from run(call, guest, '/status/start')
        delay = startup(guest).get('up', 0)
        if not succeeded(status):
            task.log(f'Starting {kind_of(guest)} {guest.vmid} failed: {status}')
        elif delay:
            task.log(f'Waiting for {delay} seconds (startup delay)')
            yield float(delay)


def start_on_boot(fleet: Fleet, cluster: Cluster, node: Node) -> None:
    """What a node does once it is up: start its guests that have onboot set."""
    call = root_call(fleet, cluster, node)
    if any(guest.node == node.name and guest.config.get('onboot') for guest in cluster.guests.values()):
        call.task('startall', None, lambda task: start_guests(call, task, node.name, [], force=False))


@operation('POST', '/nodes/{node}/stopall')
def stopall(call: Call) -> str:
    vms = listed(call.params.get('vms'))
    check_rights(call, 'VM.PowerMgmt', vms)
    return call.task('stopall', None, lambda task: stop_guests(call, task, call.node.name, vms))


def stop_guests(call: Call, task: Task, node: str, vms: list[int]) -> Generator:
    timeout, force = int(call.params.get('timeout', 180)), bool(call.params.get('force-stop', True))
    for guest in in_order(call.cluster, node, vms, backwards=True):
        if not guest.running:
            continue
        limit = startup(guest).get('down', timeout)
        task.log(f'Stopping {kind_of(guest)} {guest.vmid} (timeout = {limit} seconds)')
        status = yield from run(call, guest, '/status/shutdown', timeout=limit, forceStop=force)
        if not succeeded(status):
            task.log(f'Stopping {kind_of(guest)} {guest.vmid} failed: {status}')
    task.log('All VMs and CTs stopped')


@operation('POST', '/nodes/{node}/suspendall')
def suspendall(call: Call) -> str:
    vms = listed(call.params.get('vms'))
    check_rights(call, 'VM.PowerMgmt', vms)

    def work(task: Task) -> Generator:
        for guest in in_order(call.cluster, call.node.name, vms, backwards=True):
            if not guest.running:
                continue
            if guest.kind == 'lxc':
                task.log(f'Skipping CT {guest.vmid}, suspend not supported')
                continue
            task.log(f'Suspending VM {guest.vmid}')
            status = yield from run(call, guest, '/status/suspend')
            if not succeeded(status):
                task.log(f'Suspending VM {guest.vmid} failed: {status}')
        task.log('All VMs suspended')

    return call.task('suspendall', None, work)


@operation('POST', '/nodes/{node}/migrateall')
def migrateall(call: Call) -> str:
    vms, target = listed(call.params.get('vms')), call.params['target']
    check_rights(call, 'VM.Migrate', vms)
    if target == call.node.name:
        raise ParameterError({'target': 'target is local node.'})
    check_quorum(call.cluster)
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    return call.task('migrateall', None, lambda task: migrate_guests(call, task, vms, target))


def migrate_guests(call: Call, task: Task, vms: list[int], target: str) -> Generator:
    disks = bool(call.params.get('with-local-disks'))
    guests = in_order(call.cluster, call.node.name, vms)
    for guest in guests:
        task.log(f'Check {kind_of(guest)} {guest.vmid}: precondition check passed')
        task.log(f'Migrating {kind_of(guest)} {guest.vmid}')
        status = yield from move(call, guest, target, disks)
        if not succeeded(status):
            task.log(f'Migrating {kind_of(guest)} {guest.vmid} failed: {status}')
    used = min(len(guests), int(call.params.get('max-workers') or call.params.get('maxworkers') or 1))
    task.log(f'All jobs finished, used {max(1, used)} workers in total.')


def move(call: Call, guest: Guest, target: str, disks: bool = False, online: bool | None = None) -> Generator:
    """Migrate one guest, running ones online (containers with a restart)."""
    running = guest.running if online is None else online and guest.running
    if guest.kind == 'lxc':
        return (yield from run(call, guest, '/migrate', target=target, restart=running))
    options = {'with-local-disks': True} if disks else {}
    return (yield from run(call, guest, '/migrate', target=target, online=running, **options))
