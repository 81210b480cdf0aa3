"""Actions on many guests of the cluster at once (release 9)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from ..call import ApiError, Call, TaskError, operation
from ..model import ha
from ..model.guest import Guest
from ..tasks import Task
from .internal import finished, invoke, succeeded
from .nodes_bulk import LAST, check_rights, kind_of, startup

NINE = ('9',)


@dataclass(frozen=True)
class Action:
    """How a bulk action speaks of itself, and what it does to one guest.

    begin: starts the guest's task and gives its UPID; None where there is nothing to do (it has said why).
    after: what follows a guest's task that ended well.
    """

    type: str
    opening: str
    failing: str
    end: str
    begin: Callable[[Task, Guest], str | None]
    after: Callable[[Task, Guest], Generator] | None = None


def named(call: Call) -> list[int]:
    return [int(vmid) for vmid in call.params.get('vms') or []]


def chosen(call: Call, every: bool = False) -> list[Guest]:
    """The named guests that there are, by id; without names all but those that HA looks after. every: templates, too."""
    wanted = named(call)
    return [guest for vmid, guest in sorted(call.cluster.guests.items())
            if (not wanted or vmid in wanted) and (every or not guest.template)
            and (every or wanted or not ha.is_managed(call.cluster, guest))]


def in_order(guests: list[Guest], sign: int) -> list[Guest]:
    """By the order of their startup option, forwards (1) or backwards (-1)."""
    return sorted(guests, key=lambda guest: (sign * startup(guest).get('order', LAST), guest.vmid))


def title(guest: Guest) -> str:
    return f'{kind_of(guest)} {guest.vmid}'


def launch(call: Call, action: Action, guests: Callable[[], list[Guest]], suffix: str = '') -> str:
    """One task that acts on the guests one after another; it fails where any of them does."""

    def work(task: Task) -> Generator:
        found, wanted = guests(), named(call)
        task.log(f'{action.opening} guests{suffix}: {", ".join(map(str, wanted))}' if wanted
                 else f'{action.opening} all guests{suffix}')
        failed = ''
        for guest in found:
            if not (yield from one(call, task, action, guest)):
                failed += f', {guest.vmid}'
        if failed:
            raise TaskError(f'Some guests failed to {action.end} {failed[2:]}')

    return call.task(action.type, None, work, node=call.here.name)


def one(call: Call, task: Task, action: Action, guest: Guest) -> Generator:
    """Act on one guest and wait for its task; gives whether that went well."""
    try:
        upid = action.begin(task, guest)
    except ApiError as error:
        task.warn(error.message)
        return False
    if upid is None:
        return True
    status = yield from finished(call.cluster, upid)
    if not succeeded(status):
        task.warn(f'{action.failing} {title(guest)} failed: {status}')
        return False
    if action.after:
        yield from action.after(task, guest)
    return True


@operation('POST', '/cluster/bulk-action/guest/start', NINE)
def start(call: Call) -> str:
    check_rights(call, 'VM.PowerMgmt', named(call))

    def begin(task: Task, guest: Guest) -> str | None:
        paused = guest.running and (guest.kind == 'lxc' or guest.qmpstatus == 'paused')
        if guest.running and not paused:
            task.warn(f'Skipping {title(guest)}, already running.')
            return None
        options = {'timeout': call.params['timeout']} if 'timeout' in call.given and guest.kind == 'qemu' and not paused else {}
        task.log(f'Starting {title(guest)}')
        return invoke(call, guest, 'POST', '/status/resume' if paused else '/status/start', **options)

    def delay(task: Task, guest: Guest) -> Generator:
        if seconds := startup(guest).get('up', 0):
            task.log(f'Waiting for {seconds} seconds (startup delay)')
            yield float(seconds)

    action = Action('bulk-start', 'Starting', 'Starting', 'start:', begin, delay)
    return launch(call, action, lambda: in_order(chosen(call), 1))


@operation('POST', '/cluster/bulk-action/guest/shutdown', NINE)
def shutdown(call: Call) -> str:
    check_rights(call, 'VM.PowerMgmt', named(call))
    force = bool(call.params.get('force-stop', True))

    def begin(task: Task, guest: Guest) -> str | None:
        if not guest.running:
            task.warn(f'Skipping {title(guest)}, not running.')
            return None
        if guest.qmpstatus == 'paused' and not force:
            task.warn(f'Skipping {title(guest)}, resume paused VM before shutdown.')
            return None
        limit = startup(guest).get('down', int(call.params.get('timeout', 180)))
        task.log(f'Shutting down {title(guest)} (Timeout = {limit} seconds)')
        return invoke(call, guest, 'POST', '/status/shutdown', timeout=limit, forceStop=force)

    action = Action('bulk-shutdown', 'Shutting down', 'Stopping', 'shutdown', begin)
    return launch(call, action, lambda: in_order(chosen(call), -1))


@operation('POST', '/cluster/bulk-action/guest/suspend', NINE)
def suspend(call: Call) -> str:
    check_rights(call, 'VM.PowerMgmt', named(call))
    options: dict = {'todisk': bool(call.params.get('to-disk'))}
    if options['todisk']:
        check_rights(call, 'VM.Config.Disk', named(call))
        if state := call.params.get('statestorage'):
            call.require(f'/storage/{state}', 'Datastore.AllocateSpace')
            options['statestorage'] = state

    def begin(task: Task, guest: Guest) -> str | None:
        if guest.kind != 'qemu':
            task.warn(f'skipping {guest.vmid}, only VMs can be suspended')
            return None
        if not guest.running:
            task.warn(f'Skipping {title(guest)}, not running.')
            return None
        task.log(f'Suspending {title(guest)}')
        return invoke(call, guest, 'POST', '/status/suspend', **options)

    action = Action('bulk-suspend', 'Suspending', 'Stopping', 'suspend', begin)
    return launch(call, action, lambda: in_order(chosen(call), -1))


@operation('POST', '/cluster/bulk-action/guest/migrate', NINE)
def migrate(call: Call) -> str:
    check_rights(call, 'VM.Migrate', named(call))
    target = call.params['target']

    def options(guest: Guest) -> dict:
        names = {'online': 'restart'} if guest.kind == 'lxc' else {'online': 'online', 'with-local-disks': 'with-local-disks'}
        return {theirs: call.params[ours] for ours, theirs in names.items() if ours in call.given}

    def begin(task: Task, guest: Guest) -> str | None:
        if guest.node == target:
            task.warn(f'{title(guest)} already on {target}, skipping.')
            return None
        task.log(f'Migrating {title(guest)}')
        return invoke(call, guest, 'POST', '/migrate', target=target, **options(guest))

    action = Action('bulk-migrate', 'Migrating', 'Migrating', 'migrate', begin)
    return launch(call, action, lambda: chosen(call, every=True), f' to {target}')
