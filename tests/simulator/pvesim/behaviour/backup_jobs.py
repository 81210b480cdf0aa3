"""Backup jobs of the cluster and the guests that no job takes."""

from __future__ import annotations

import uuid

from ..call import ROOT, ApiError, Call, ParameterError, operation
from ..model import backup
from ..model.sections import inside, settings, split_list
from .job_sections import jobs_of, known_job, with_next_run

NOT_KEPT = ('id', 'delete', 'dow', 'starttime')
ROOT_ONLY = ('tmpdir', 'dumpdir', 'script')
TYPE = 'vzdump'


@operation('GET', '/cluster/backup')
def index(call: Call) -> list[dict]:
    return [with_next_run(call, job, backup.shown(name, job)) for name, job in jobs_of(call, TYPE).items()]


@operation('GET', '/cluster/backup/{id}')
def read(call: Call) -> dict:
    return backup.shown(call.params['id'], known_job(call, TYPE))


def assert_allowed(call: Call, values: dict) -> None:
    """What only root may set, and the rights on the storage and the pool that a job names."""
    if call.user != ROOT:
        for key in ROOT_ONLY:
            if key in values:
                raise ParameterError({key: 'Only root may set this option.'})
        if any(key in values for key in ('bwlimit', 'ionice', 'performance')):
            call.require('/', 'Sys.Modify')
    if values.get('pool'):
        if values['pool'] not in call.cluster.pools:
            raise ApiError(403, f"Permission check failed (pool '{values['pool']}' does not exist)")
        call.require(f'/pool/{values["pool"]}', 'VM.Backup')


def schedule_of(values: dict, params: dict, required: bool) -> None:
    """`starttime` and `dow` of old clients become a schedule."""
    if 'schedule' in params:
        if 'starttime' in params:
            raise ParameterError({'starttime': "'starttime' and 'schedule' cannot both be set"})
    elif 'starttime' in params:
        values['schedule'] = f'{params.get("dow", "")} {params["starttime"]}'.strip()
    elif required:
        raise ParameterError({'schedule': "neither 'starttime' nor 'schedule' were set"})


@operation('POST', '/cluster/backup')
def create(call: Call) -> None:
    params = call.params
    values = settings(params, *NOT_KEPT)
    assert_allowed(call, values)
    if not values.get('dumpdir'):
        call.require(f'/storage/{values.get("storage", "local")}', 'Datastore.Allocate')
    schedule_of(values, params, required=True)
    name, section = params.get('id') or str(uuid.uuid4()), call.cluster.section('jobs')
    with inside(''):
        if name in section:
            raise ApiError(f"Job '{name}' already exists")
        backup.verify(values, complete=True)
        values.setdefault('enabled', 1)
        section[name] = {'type': TYPE, **values}


@operation('PUT', '/cluster/backup/{id}')
def update(call: Call) -> None:
    params, section = call.params, call.cluster.section('jobs')
    values = settings(params, *NOT_KEPT)
    assert_allowed(call, values)
    schedule_of(values, params, required=False)
    with inside(''):
        job = dict(known_job(call, TYPE))
        backup.verify(values, complete=False)
        for key in split_list(params.get('delete')):
            if key not in call.operation.properties:
                raise ParameterError({'delete': f"unknown option '{key}'"})
            job.pop(key, None)
        job.update(values)
        choose(job, values)
        backup.verify(job, complete=True)
        section[params['id']] = job


def choose(job: dict, values: dict) -> None:
    """One way of naming guests takes the place of the others."""
    if 'vmid' in values:
        gone = ('all', 'exclude', 'pool')
    elif values.get('all'):
        gone = ('vmid', 'pool')
    elif job.get('pool'):
        gone = ('vmid', 'all', 'exclude')
    else:
        gone = ()
    for key in gone:
        job.pop(key, None)


@operation('DELETE', '/cluster/backup/{id}')
def delete(call: Call) -> None:
    with inside(''):
        known_job(call, TYPE)
        del call.cluster.section('jobs')[call.params['id']]


@operation('GET', '/cluster/backup/{id}/included_volumes')
def included_volumes(call: Call) -> dict:
    job, children = known_job(call, TYPE), []
    for vmid in backup.included(call.cluster, job):
        guest = call.cluster.guests.get(vmid)
        if guest is None:
            children.append({'id': vmid, 'type': 'unknown', 'leaf': 1})
            continue
        if not call.may(f'/vms/{vmid}', 'VM.Audit'):
            continue
        volumes = backup.volumes(guest)
        children.append({'id': vmid, 'type': guest.kind, 'name': own_name(guest), 'children': volumes,
                         'leaf': 0 if volumes else 1})
    return {'children': children}


def own_name(guest) -> str | None:
    return guest.config.get('hostname' if guest.kind == 'lxc' else 'name')


@operation('GET', '/cluster/backup-info/not-backed-up')
def not_backed_up(call: Call) -> list[dict]:
    taken: set[int] = set()
    for job in jobs_of(call, TYPE).values():
        taken.update(backup.included(call.cluster, job))
    found = []
    for vmid, guest in sorted(call.cluster.guests.items()):
        if vmid not in taken and call.may(f'/vms/{vmid}', 'VM.Audit'):
            name = own_name(guest)
            found.append({'vmid': vmid, 'type': guest.kind, **({'name': name} if name else {})})
    return found
