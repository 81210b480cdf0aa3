"""Jobs other than backups: the synchronisation of realms, and what a schedule means."""

from __future__ import annotations

from datetime import datetime, timezone

from ..call import ApiError, Call, ParameterError, operation
from ..model.calendar import next_run, parse
from ..model.sections import inside, settings, split_list
from ..schema.formats import FormatError, register
from .job_sections import jobs_of, known_job, with_next_run

TYPE = 'realm-sync'
NOT_KEPT = ('id', 'delete')


@register('pve-calendar-event')
def calendar_event(value: str) -> str:
    """A schedule that the calendar can read."""
    try:
        parse(value)
    except ValueError as error:
        raise FormatError(f"invalid calendar event '{value}' - {error}\n\n") from None
    return value


@operation('GET', '/cluster/jobs/realm-sync')
def index(call: Call) -> list[dict]:
    return [with_next_run(call, job, {**job, 'id': name, 'enabled': job.get('enabled', 1)}) for name, job in jobs_of(call, TYPE).items()]


@operation('GET', '/cluster/jobs/realm-sync/{id}')
def read(call: Call) -> dict:
    return {**known_job(call, TYPE), 'id': call.params['id']}


@operation('POST', '/cluster/jobs/realm-sync/{id}')
def create(call: Call) -> None:
    name, section = call.params['id'], call.cluster.section('jobs')
    values = settings(call.params, *NOT_KEPT)
    with inside(''):
        if name in section:
            raise ApiError(f"Job '{name}' already exists")
        if 'realm' not in values:
            raise ApiError("missing value for required option 'realm'")
        realm = call.cluster.access.domains.get(values['realm'])
        if realm is None:
            raise ParameterError({'realm': f"No such realm '{values['realm']}'"})
        if realm['type'] not in ('ldap', 'ad'):
            raise ApiError('Only LDAP/AD realms can be synced.')
        section[name] = {'type': TYPE, **values}


@operation('PUT', '/cluster/jobs/realm-sync/{id}')
def update(call: Call) -> None:
    with inside(''):
        job = known_job(call, TYPE)
        forget = split_list(call.params.get('delete'))
        for key in forget:
            if key not in call.operation.properties:
                raise ApiError(f"no such option '{key}'")
            if key == 'schedule':
                raise ApiError(f"unable to delete required option '{key}'")
        for key in forget:
            job.pop(key, None)
        job.update(settings(call.params, *NOT_KEPT))


@operation('DELETE', '/cluster/jobs/realm-sync/{id}')
def delete(call: Call) -> None:
    with inside(''):
        known_job(call, TYPE)
        del call.cluster.section('jobs')[call.params['id']]


@operation('GET', '/cluster/jobs/schedule-analyze')
def analyze(call: Call) -> list[dict]:
    """The next moments of a schedule."""
    event, found = parse(call.params['schedule']), []
    moment = call.params.get('starttime', call.clock.now())
    for dummy in range(call.params.get('iterations', 10)):
        moment = next_run(event, moment, call.here.timezone)
        if moment is None:
            break
        found.append({'timestamp': moment, 'utc': utc(moment)})
    return found


def utc(moment: int) -> str:
    """1795226400 -> 'Sat Nov 21 02:00:00 2026', as asctime."""
    time = datetime.fromtimestamp(moment, timezone.utc)
    return f'{time:%a %b} {time.day:>2} {time:%H:%M:%S %Y}'
