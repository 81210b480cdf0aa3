# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_cluster_info: health, capacity and use of clusters, for a report and for monitoring."""

from __future__ import annotations

import dataclasses
import fnmatch
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.facts import health, samples, sources
from ansible_collections.pve.fleet.plugins.module_utils.facts.capacity import capacity
from ansible_collections.pve.fleet.plugins.module_utils.fleet import members, shape
from ansible_collections.pve.fleet.plugins.module_utils.fleet.snapshot import Wanted, read_view
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

ARGUMENTS = {
    **members.ARGUMENTS,
    'checks': {'type': 'list', 'elements': 'str', 'default': ['default']},
    'ignore': {'type': 'list', 'elements': 'str', 'default': []},
    'thresholds': {'type': 'dict', 'default': {}},
    'min_nodes': {'type': 'int'},
    'store_sample': {'type': 'bool', 'default': False},
    'keep_days': {'type': 'int', 'default': 30},
    'history_hours': {'type': 'int', 'default': 0},
    'history_objects': {'type': 'list', 'elements': 'str', 'default': ['node/*', 'storage/*']},
    'prometheus_file': {'type': 'path'},
    'file_sd_file': {'type': 'path'},
    'file_sd_port': {'type': 'int', 'default': 9100},
    'file_sd_addresses': {'type': 'bool', 'default': False},
}
ORDER = {'healthy': 0, 'degraded': 1, 'unknown': 2, 'unhealthy': 3}


@dataclasses.dataclass(frozen=True)
class Reading:
    """What was read of one cluster. answers, missing: see facts.sources; view: for the list of targets, or None."""

    answers: dict
    missing: dict
    version: str | None
    view: dict | None


def run(context):
    """The module's logic. A cluster that does not answer is unknown; it does not fail the others."""
    params = context.params
    checks, thresholds = chosen_checks(params['checks']), chosen_thresholds(params['thresholds'])
    check_ignored(params['ignore'])
    if params['keep_days'] < 1:
        raise BadRequest(f'keep_days: {params["keep_days"]} would delete what is stored now; it is 1 at least.')
    found = members.members(context, records=True)
    results = members.on_all(found, lambda member: read(member, checks, params))
    now = time.time()
    clusters = [report(result, checks, thresholds, params, now) for result in results]
    if params['history_hours']:
        add_history(context, clusters, results, now)
    changes = write_files(context, clusters, results)
    if params['store_sample'] and not context.check_mode:
        store(context, results, clusters, int(now))
    return {'changed': bool(changes), 'changes': changes, 'clusters': clusters, 'summary': summary(clusters)}


def chosen_checks(wanted):
    """The option checks -> list of Check; '!code' leaves one out. Raises BadRequest for an unknown code."""
    names = {'all': set(health.CODES), 'default': set(health.CODES) - health.ON_REQUEST}
    found = set() if any(not one.startswith('!') for one in wanted) else set(names['default'])
    for one in sorted(wanted, key=lambda one: one.startswith('!')):
        name = one.lstrip('!')
        if name not in names and name not in health.CODES:
            raise BadRequest(f'checks: there is no check {name!r}. {suggestion(name, health.CODES)}'.rstrip())
        change = names.get(name, {name})
        found = found - change if one.startswith('!') else found | change
    return [check for check in health.CHECKS if check.code in found]


def chosen_thresholds(given):
    """The default thresholds with those that are given. Raises BadRequest."""
    for name, value in given.items():
        if name not in health.THRESHOLDS:
            raise BadRequest(f'thresholds: there is no threshold {name!r}. There are {joined(sorted(health.THRESHOLDS), "and")}.')
        try:
            float(value)
        except (TypeError, ValueError):
            raise BadRequest(f'thresholds: {name} is a number, not {value!r}.') from None
    return {**health.THRESHOLDS, **{name: float(value) for name, value in given.items()}}


def check_ignored(ignored):
    for one in ignored:
        code = one.partition(':')[0]
        if code not in (*health.CODES, health.UNREACHABLE):
            raise BadRequest(f'ignore: there is no code {code!r}. {suggestion(code, health.CODES)}'.rstrip())


def read(member, checks, params):
    """Read all sources of one cluster. Raises FleetError when it does not answer."""
    wanted = {source for check in checks for source in check.needs} | {'tasks'}
    answers, missing = sources.read(member.client, wanted)
    view = None
    if params['file_sd_file']:
        network = params['file_sd_addresses']
        view = read_view(member.client, Wanted(network=network, nodes=True), cluster=member.name)
    return Reading(answers, missing, member.client.version()['version'], view)


def report(result, checks, thresholds, params, now):
    """One cluster's entry of the result."""
    record = result.item.record
    labels = {'name': result.item.name, 'labels': record.labels if record else {}}
    if result.error is not None:
        judgement = health.unreachable(result.error, frozenset(params['ignore']))
        return {**labels, **judgement, 'error': result.error.as_dict(), 'failed_tasks': []}
    reading = result.value
    min_nodes = params['min_nodes'] or (record.min_nodes if record else 3)
    seen = health.Seen(reading.answers, min_nodes, now)
    state = seen.state
    return {
        **labels,
        **health.judge(seen, checks, thresholds, frozenset(params['ignore']), reading.missing),
        'version': reading.version,
        'versions': {node: found.get('version') for node, found in sorted(reading.answers.get('versions', {}).items())},
        'quorate': state.quorate,
        'nodes': list(state.nodes),
        'capacity': capacity(reading.answers['resources']),
        'failed_tasks': [failed_task(one) for one in last_failed(seen, reading, thresholds)],
    }


def last_failed(seen, reading, thresholds):
    return health.recent_failures(seen, thresholds)[:20] if 'tasks' not in reading.missing else []


def failed_task(task):
    kept = ('upid', 'node', 'type', 'id', 'user', 'starttime', 'endtime', 'status')
    return {key: task.get(key) for key in kept}


def summary(clusters):
    """{status: the worst, clusters: {status: how many}, reasons: {code: how many}}."""
    counts, codes = {}, {}
    for cluster in clusters:
        counts[cluster['status']] = counts.get(cluster['status'], 0) + 1
        for reason in cluster['reasons']:
            codes[reason['code']] = codes.get(reason['code'], 0) + 1
    worst = max(counts, key=ORDER.get) if counts else 'unknown'
    return {'status': worst, 'clusters': dict(sorted(counts.items())), 'reasons': dict(sorted(codes.items()))}


def write_files(context, clusters, results):
    """Write the files that are wanted -> what changed, in words."""
    params, changes = context.params, []
    if params['prometheus_file']:
        rows = [result.value.answers['resources'] if result.error is None else None for result in results]
        entries = [(one['name'], one, found) for one, found in zip(clusters, rows, strict=True)]
        if samples.write_file(params['prometheus_file'], samples.prometheus(entries), context.check_mode):
            changes.append(f'write {params["prometheus_file"]}')
    if params['file_sd_file']:
        lost = [result.item.name for result in results if result.error is not None]
        if lost:
            context.warn(f'{joined(lost, "and")} did not answer: {params["file_sd_file"]} keeps what it lists of them.')
        seen = samples.targets([result.value.view for result in results if result.error is None], params['file_sd_port'])
        text = samples.as_json(samples.in_order([*seen, *samples.targets_of(params['file_sd_file'], lost)]))
        if samples.write_file(params['file_sd_file'], text, context.check_mode):
            changes.append(f'write {params["file_sd_file"]}')
    for change in changes:
        context.did(change)
    return changes


def add_history(context, clusters, results, now):
    """What is stored of each registered cluster, by object: [{time, figures}], oldest first."""
    since, patterns = now - context.params['history_hours'] * 3600, context.params['history_objects']
    for result, cluster in zip(results, clusters, strict=True):
        record, found = result.item.record, {}
        for sample in context.registry.metrics(record.id, since=since) if record else ():
            if any(fnmatch.fnmatchcase(sample.object, pattern) for pattern in patterns):
                found.setdefault(sample.object, []).append({'time': sample.time, **sample.values})
        cluster['history'] = dict(sorted(found.items()))


def store(context, results, clusters, now):
    """Keep a sample, the last seen guests and the health of each registered cluster in the registry."""
    from ansible_collections.pve.fleet.plugins.module_utils.registry.records import MetricSample

    notes = []
    for result, cluster in zip(results, clusters, strict=True):
        record = result.item.record
        if record is None:
            context.warn(f'cluster {result.item.name} is not registered: no sample of it is stored.')
            continue
        reasons = [{'code': one['code'], 'message': one['message']} for one in cluster['reasons']]
        note = {'cluster_id': record.id, 'status': cluster['status'], 'reasons': reasons, 'seen': result.error is None}
        if result.error is None:
            rows = result.value.answers['resources']
            kept = [MetricSample(name, now, values) for name, values in samples.samples(rows).items()]
            context.registry.add_metrics(record.id, kept, keep=context.params['keep_days'] * 86400)
            parts = shape.split(rows)
            context.registry.save_snapshot(record.id, parts['nodes'], parts['guests'])
            note |= {'version': cluster['version'], 'node_count': len(cluster['nodes'])}
        notes.append(note)
    context.registry.touch_all(notes)
