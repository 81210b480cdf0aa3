"""Actions on many guests of the cluster at once (release 9)."""

from __future__ import annotations

from collections.abc import Callable, Generator

from ..call import ApiError, Call, operation
from ..model.guest import Guest
from ..tasks import Task
from .internal import run, succeeded
from .nodes_bulk import kind_of, move, startup

NINE = ('9',)


def chosen(call: Call, privilege: str) -> list[Guest]:
    """The named guests (all without a name) that the caller may do this to, in order of their ids."""
    wanted = call.params.get('vms')
    found = []
    for vmid in sorted({int(vmid) for vmid in wanted} if wanted else call.cluster.guests):
        guest = call.cluster.guests.get(vmid)
        if wanted:
            call.require(f'/vms/{vmid}', privilege)
        elif not call.may(f'/vms/{vmid}', privilege):
            continue
        if guest is None:
            raise ApiError(f"guest '{vmid}' does not exist")
        if not guest.template:
            found.append(guest)
    return found


def bulk(call: Call, type: str, words: tuple[str, str], guests: list[Guest], act: Callable[[Guest], Generator]) -> str:
    """One task that acts on the guests one after another."""
    plain, doing = words

    def work(task: Task) -> Generator:
        task.log(f'{plain} guests: {", ".join(str(guest.vmid) for guest in guests)}')
        for guest in guests:
            task.log(f'{doing} {kind_of(guest)} {guest.vmid}')
            status = yield from act(guest)
            if not succeeded(status):
                task.warn(f'{doing} {kind_of(guest)} {guest.vmid} failed: {status}')

    return call.task(type, None, work, node=call.here.name)


@operation('POST', '/cluster/bulk-action/guest/start', NINE)
def start(call: Call) -> str:
    guests = [guest for guest in chosen(call, 'VM.PowerMgmt') if not guest.running]
    guests.sort(key=lambda guest: (startup(guest).get('order', 1 << 30), guest.vmid))
    return bulk(call, 'bulk-start', ('Starting', 'Starting'), guests, lambda guest: run(call, guest, '/status/start'))


@operation('POST', '/cluster/bulk-action/guest/shutdown', NINE)
def shutdown(call: Call) -> str:
    guests = [guest for guest in chosen(call, 'VM.PowerMgmt') if guest.running]
    timeout, force = int(call.params.get('timeout', 180)), bool(call.params.get('force-stop', True))
    return bulk(call, 'bulk-shutdown', ('Shutting down', 'Shutting down'), guests,
                lambda guest: run(call, guest, '/status/shutdown', timeout=timeout, forceStop=force))


@operation('POST', '/cluster/bulk-action/guest/suspend', NINE)
def suspend(call: Call) -> str:
    guests = [guest for guest in chosen(call, 'VM.PowerMgmt') if guest.running and guest.kind == 'qemu']
    options = {}
    if call.params.get('to-disk'):
        options['todisk'] = True
        if call.params.get('statestorage'):
            options['statestorage'] = call.params['statestorage']
    return bulk(call, 'bulk-suspend', ('Suspending', 'Suspending'), guests,
                lambda guest: run(call, guest, '/status/suspend', **options))


@operation('POST', '/cluster/bulk-action/guest/migrate', NINE)
def migrate(call: Call) -> str:
    target = call.params['target']
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    guests = [guest for guest in chosen(call, 'VM.Migrate') if guest.node != target]
    online, disks = bool(call.params.get('online')), bool(call.params.get('with-local-disks'))
    return bulk(call, 'bulk-migrate', ('Migrating', 'Migrating'), guests,
                lambda guest: move(call, guest, target, disks, online))
