"""jobs.cfg: what the jobs of all types have in common."""

from __future__ import annotations

from ..call import Call, ParameterError
from ..model.calendar import next_run


def jobs_of(call: Call, type: str) -> dict[str, dict]:
    """The jobs of one type, by id."""
    return {name: job for name, job in call.cluster.section('jobs').items() if job['type'] == type}


def known_job(call: Call, type: str) -> dict:
    """The job that the request names. Raises ParameterError when there is none of that type."""
    job = jobs_of(call, type).get(call.params['id'])
    if job is None:
        raise ParameterError({'id': f"No such job '{call.params['id']}'"})
    return job


def with_next_run(call: Call, job: dict, entry: dict) -> dict:
    """An entry of a list, with the moment at which the job runs next where it has one."""
    moment = next_run(job['schedule'], call.clock.now(), call.here.timezone) if job.get('schedule') else None
    return entry if moment is None else {**entry, 'next-run': moment}
