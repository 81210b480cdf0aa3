"""Snapshots of containers: list, take, roll back, delete, describe."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, TaskError, operation
from ..model import container
from ..model.guest import Guest
from ..tasks import Task
from .lxc_common import check_lock, load
from .lxc_config import has_feature, snapshot
from .lxc_power import begin, finish
from .qemu_common import Site, site_of

RESERVED = ('current', 'vzdump')
NOT_COPIED = frozenset(['lock', 'parent', 'snaptime', 'snapstate', 'description', 'digest', 'template'])


@operation('GET', '/nodes/{node}/lxc/{vmid}/snapshot')
def index(call: Call) -> list[dict]:
    guest = load(site_of(call), call.params['vmid'])
    rows = []
    for name, saved in guest.snapshots.items():
        row = {'name': name, 'snaptime': saved.get('snaptime', 0), 'description': saved.get('description', '')}
        if saved.get('parent'):
            row['parent'] = saved['parent']
        if saved.get('snapstate'):
            row['snapstate'] = saved['snapstate']
        rows.append(row)
    current = {'name': 'current', 'digest': guest.digest(), 'running': int(guest.running), 'description': 'You are here!'}
    if guest.config.get('parent'):
        current['parent'] = guest.config['parent']
    return [*rows, current]


@operation('POST', '/nodes/{node}/lxc/{vmid}/snapshot')
def create(call: Call) -> str:
    name, vmid, site = call.params['snapname'], call.params['vmid'], site_of(call)
    if name in RESERVED:
        raise ApiError(f"unable to use snapshot name '{name}' (reserved name)")
    text = call.params.get('description')
    return call.task('vzsnapshot', vmid, lambda task: take(site, task, vmid, name, text))


def take(site: Site, task: Task, vmid: int, name: str, text: str | None) -> Generator:
    guest = load(site, vmid)
    if guest.template:
        raise TaskError("you can't take a snapshot if it's a template")
    check_lock(guest)
    if name in guest.snapshots:
        raise TaskError(f"snapshot name '{name}' already used")
    if not has_feature(site.cluster, guest.config, 'snapshot'):
        raise TaskError('snapshot feature is not available')
    saved = {key: value for key, value in guest.config.items()
             if key not in NOT_COPIED and not container.UNUSED_KEY.match(key)}
    saved['snaptime'] = int(site.now())
    if text is not None:
        saved['description'] = container.description(text)
    if guest.config.get('parent'):
        saved['parent'] = guest.config['parent']
    guest.config['lock'] = 'snapshot'
    yield 0.5
    for key in container.volumes(guest.config):
        volume = container.parse(site.cluster.release, key, guest.config[key])['volume']
        if site.cluster.storages[volume.partition(':')[0]]['type'] == 'lvmthin':
            task.log(f'  Logical volume "snap_{volume.partition(":")[2]}_{name}" created.')
    guest.config.pop('lock', None)
    guest.snapshots[name] = saved
    guest.config['parent'] = name


@operation('GET', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}')
def one(call: Call) -> list[dict]:
    return [{'cmd': name} for name in ('rollback', 'config')]


@operation('GET', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config')
def read(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    return dict(snapshot(guest, call.params['snapname']))


@operation('PUT', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config')
def describe(call: Call) -> None:
    guest = load(site_of(call), call.params['vmid'])
    check_lock(guest)
    saved = snapshot(guest, call.params['snapname'])
    if 'description' in call.params:
        saved['description'] = container.description(call.params['description'])


@operation('POST', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback')
def rollback(call: Call) -> str:
    name, vmid, site = call.params['snapname'], call.params['vmid'], site_of(call)
    start = bool(call.params.get('start'))

    def work(task: Task) -> Generator:
        yield from roll_back(site, task, vmid, name)
        if start:
            yield from begin(site, task, load(site, vmid))

    return call.task('vzrollback', vmid, work)


def roll_back(site: Site, task: Task, vmid: int, name: str) -> Generator:
    guest = load(site, vmid)
    if guest.template:
        raise TaskError('unable to rollback a template')
    saved = snapshot(guest, name)
    check_newest(site, guest, name)
    check_lock(guest)
    if guest.running:
        yield 0.5
        finish(site, guest)
    guest.config['lock'] = 'rollback'
    yield 0.5
    unused = {key: value for key, value in guest.config.items() if container.UNUSED_KEY.match(key)}
    restored = {key: value for key, value in saved.items() if key not in ('snaptime', 'description', 'parent', 'snapstate')}
    if 'description' in guest.config:
        restored['description'] = guest.config['description']
    guest.config = {**restored, **unused, 'parent': name}
    guest.pending, guest.pending_delete = {}, {}


def check_newest(site: Site, guest: Guest, name: str) -> None:
    """Storages with snapshots in a row can go back to the newest alone."""
    newest = max(guest.snapshots, key=lambda other: guest.snapshots[other].get('snaptime', 0))
    for key in container.volumes(guest.config):
        volume = container.parse(site.cluster.release, key, guest.config[key])['volume']
        kind = site.cluster.storages[volume.partition(':')[0]]['type']
        if kind == 'zfspool' and newest != name:
            raise TaskError(f"can't rollback, '{name}' is not most recent snapshot on '{volume}'")


@operation('DELETE', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}')
def delete(call: Call) -> str:
    name, vmid, site = call.params['snapname'], call.params['vmid'], site_of(call)
    force = bool(call.params.get('force'))

    def work(task: Task) -> Generator:
        guest = load(site, vmid)
        saved = snapshot(guest, name)
        if not force or guest.lock != 'snapshot':
            check_lock(guest)
        guest.config['lock'] = 'snapshot-delete'
        yield 0.5
        guest.config.pop('lock', None)
        for other in (guest.config, *guest.snapshots.values()):
            if other.get('parent') == name:
                other.pop('parent')
                if saved.get('parent'):
                    other['parent'] = saved['parent']
        del guest.snapshots[name]

    return call.task('vzdelsnapshot', vmid, work)
