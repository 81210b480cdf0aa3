"""Replication jobs, and what a node tells about those of its guests."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, operation
from ..model import storage
from ..model.cluster import Cluster
from ..model.guest import Guest
from ..model.sections import assert_unmodified, digest, kind, settings, update
from ..tasks import Task
from ..tasks import start as start_task
from .lxc_common import own_volumes
from .qemu_drive import volumes_of

KIND = kind(optional='comment disable rate remove_job schedule source')
REQUEST = ('id', 'digest', 'delete', 'type', 'target')
ABLE = frozenset(['zfspool'])


def jobs(cluster: Cluster) -> dict[str, dict]:
    return cluster.section('replication')


def guest_of(cluster: Cluster, job: str) -> Guest | None:
    return cluster.guests.get(int(job.rpartition('-')[0]))


def row(cluster: Cluster, job: str) -> dict:
    entry = jobs(cluster).get(job)
    if entry is None:
        raise ApiError(f"no such replication job '{job}'")
    guest, dummy, number = job.rpartition('-')
    shown = {**entry, 'id': job, 'guest': int(guest), 'jobnum': int(number), 'type': 'local'}
    if (owner := guest_of(cluster, job)) is not None:
        shown['source'] = owner.node
    return shown


def visible(call: Call, job: str) -> bool:
    return call.may(f'/vms/{job.rpartition("-")[0]}', 'VM.Audit')


@operation('GET', '/cluster/replication')
def index(call: Call) -> list[dict]:
    return [row(call.cluster, job) for job in jobs(call.cluster) if visible(call, job)]


@operation('GET', '/cluster/replication/{id}')
def read(call: Call) -> dict:
    job = call.params['id']
    if not visible(call, job):
        raise ApiError(403, 'Permission check failed')
    return {**row(call.cluster, job), 'digest': digest(jobs(call.cluster))}


@operation('POST', '/cluster/replication')
def create(call: Call) -> None:
    job, target = call.params['id'], call.params['target']
    guest = guest_of(call.cluster, job)
    if guest is None:
        raise ApiError(f"Guest '{job.rpartition('-')[0]}' does not exist.")
    if target not in call.cluster.nodes or call.cluster.standalone:
        raise ApiError(f"Target '{target}' does not exist.")
    source = call.params.get('source', guest.node)
    if source != guest.node:
        raise ApiError(f"Source '{source}' does not match current node of guest '{guest.vmid}' ({guest.node})")
    if target == source:
        raise ApiError('Source and target must not be identical')
    check_replicatable(call.cluster, guest)
    if job in jobs(call.cluster):
        raise ApiError(f"replication job '{job}' already exists")
    values = settings({key: call.params[key] for key in call.given if key in call.params}, *REQUEST)
    jobs(call.cluster)[job] = {'type': 'local', 'target': target, 'schedule': '*/15', 'source': source, **values}


def check_replicatable(cluster: Cluster, guest: Guest) -> None:
    """Every volume of the guest must lie on a storage that can send its snapshots."""
    volids = [volid for _name, volid in volumes_of(guest.config)] if guest.kind == 'qemu' else own_volumes(
        guest, cluster.release)
    found = False
    for volid in volids:
        config = storage.section(cluster, volid.partition(':')[0])
        if storage.is_shared(config):
            continue
        if config['type'] not in ABLE:
            raise ApiError(f"missing replicate feature on volume '{volid}'")
        found = True
    if not found:
        raise ApiError('No replicatable volumes found')


@operation('PUT', '/cluster/replication/{id}')
def change(call: Call) -> None:
    job = call.params['id']
    assert_unmodified(digest(jobs(call.cluster)), call.params.get('digest'))
    row(call.cluster, job)
    update(KIND, jobs(call.cluster)[job], settings(call.params, *REQUEST), call.params.get('delete'))


@operation('DELETE', '/cluster/replication/{id}')
def delete(call: Call) -> None:
    """A job is marked and removed by the scheduler's next turn, once the copies are gone; `force` removes it at once."""
    job, cluster = call.params['id'], call.cluster
    row(cluster, job)
    guest = guest_of(cluster, job)
    if call.params.get('force') or guest is None:
        del jobs(cluster)[job]
        return
    jobs(cluster)[job]['remove_job'] = 'local' if call.params.get('keep') else 'full'
    call.clock.call_after(60.0, lambda: jobs(cluster).pop(job, None))


@operation('GET', '/nodes/{node}/replication')
def node_jobs(call: Call) -> list[dict]:
    wanted = call.params.get('guest')
    return [node_row(call, job) for job in jobs(call.cluster)
            if (guest := guest_of(call.cluster, job)) is not None and guest.node == call.node.name
            and wanted in (None, guest.vmid) and visible(call, job)]


def node_row(call: Call, job: str) -> dict:
    entry = jobs(call.cluster)[job]
    state = call.cluster.extra.setdefault('replication_state', {}).get(job, {})
    guest: Any = guest_of(call.cluster, job)
    now = int(call.clock.now())
    shown = {**row(call.cluster, job), 'last_sync': 0, 'last_try': 0, 'fail_count': 0, 'duration': 0, **state}
    shown['vmtype'] = guest.kind
    if not entry.get('disable'):
        shown['next_sync'] = (now // 900 + 1) * 900
    return shown


@operation('GET', '/nodes/{node}/replication/{id}/status')
def node_status(call: Call) -> dict:
    job = call.params['id']
    row(call.cluster, job)
    return node_row(call, job)


@operation('GET', '/nodes/{node}/replication/{id}/log')
def node_log(call: Call) -> list[dict]:
    row(call.cluster, call.params['id'])
    lines = call.cluster.extra.get('replication_log', {}).get(call.params['id'], [])
    return [{'n': number, 't': text} for number, text in enumerate(lines or ['no content'], 1)]


@operation('POST', '/nodes/{node}/replication/{id}/schedule_now')
def run_now(call: Call) -> str:
    job, cluster, clock = call.params['id'], call.cluster, call.clock
    row(cluster, job)
    guest: Any = guest_of(cluster, job)

    def work(task: Task) -> Generator:
        began = clock.now()
        lines = [f'{stamp(began)} {job}: start replication job']
        yield 3.0
        lines.append(f'{stamp(clock.now())} {job}: end replication job')
        for line in lines:
            task.log(line)
        cluster.extra.setdefault('replication_log', {})[job] = lines
        cluster.extra.setdefault('replication_state', {})[job] = {
            'last_sync': int(began), 'last_try': int(began), 'duration': round(clock.now() - began, 3)}

    start_task(call.fleet, cluster, guest.node, 'vzreplicate' if guest.kind == 'lxc' else 'qmreplicate', guest.vmid,
               call.authid, work)
    return job


def stamp(moment: float) -> str:
    return time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(moment))
