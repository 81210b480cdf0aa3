# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a cluster's health. Pure: each looks at what was read and tells what is wrong.

CHECKS is the whole list: docs/health.md documents every code with its remedy. A finding of severity critical makes a
cluster unhealthy, a warning degraded.
"""

from __future__ import annotations

import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils.facts import cluster_status
from ansible_collections.pve.fleet.plugins.module_utils.facts.node_parts import share

WARNING, CRITICAL = 'warning', 'critical'
# In percent, days, seconds or hours as their names say.
THRESHOLDS = {
    'storage_percent': 85,
    'storage_critical_percent': 95,
    'root_disk_percent': 90,
    'memory_percent': 90,
    'memory_allocated_percent': 150,
    'certificate_days': 21,
    'clock_seconds': 5,
    'task_hours': 24,
    'lock_hours': 24,
    'updates': 0,
}
GUEST_TASKS = ('vzdump',)
# The list of a cluster shows what its nodes told up to about ten seconds ago: a lock may be gone with the task just ended.
LATE_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Check:
    """code: stable. needs: the sources (see facts.sources) it looks at. find: function(Seen, thresholds) -> (object, message)s."""

    code: str
    severity: str
    needs: tuple
    find: typing.Callable


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was read of a cluster: answers by source; per-node sources are {node: answer}. now: seconds since 1970."""

    answers: dict
    min_nodes: int
    now: float

    def rows(self, kind):
        return [row for row in self.answers['resources'] if row.get('type') == kind]

    @property
    def guests(self):
        return [row for row in self.answers['resources'] if row.get('type') in ('qemu', 'lxc')]

    @property
    def state(self):
        return cluster_status.judge(self.answers['status'], self.min_nodes)


def from_status(code):
    """A finding that facts.cluster_status makes."""

    def find(seen, _limits):
        return [('cluster', reason['message']) for reason in seen.state.reasons if reason['code'] == code]

    return find


def node_unresponsive(seen, _limits):
    for node, why in sorted(seen.answers['silent'].items()):
        yield node, f'The cluster counts {node} as online, but it does not answer: {why}'.rstrip('.') + '.'


def used_storages(seen):
    """(label, row, percent) of each storage; a shared one once."""
    found = {}
    for row in seen.rows('storage'):
        shared = str(row.get('shared') or 0) == '1'
        label = row['storage'] if shared else f'{row["storage"]} on {row["node"]}'
        part = share(row.get('disk'), row.get('maxdisk'))
        if row.get('status') == 'available' and part is not None:
            found[label] = (row['storage'] if shared else f'{row["node"]}/{row["storage"]}', part * 100)
    return [(label, name, percent) for label, (name, percent) in sorted(found.items())]


def storage_full(seen, limits):
    for label, name, percent in used_storages(seen):
        if percent >= limits['storage_critical_percent']:
            yield name, f'Storage {label} is {percent:.0f} % full.'


def storage_nearly_full(seen, limits):
    for label, name, percent in used_storages(seen):
        if limits['storage_percent'] <= percent < limits['storage_critical_percent']:
            yield name, f'Storage {label} is {percent:.0f} % full.'


def storage_inactive(seen, _limits):
    online = {row['node'] for row in seen.rows('node') if row.get('status') == 'online'}
    for row in seen.rows('storage'):
        if row.get('status') not in ('available', None) and row.get('node') in online:
            yield f'{row["node"]}/{row["storage"]}', f'Storage {row["storage"]} is not available on {row["node"]}.'


def node_shares(seen, used, whole, limit, what):
    for row in seen.rows('node'):
        part = share(row.get(used), row.get(whole))
        if row.get('status') == 'online' and part is not None and part * 100 >= limit:
            yield row['node'], f'{what} of {row["node"]} is {part * 100:.0f} % full.'


def root_disk_full(seen, limits):
    return node_shares(seen, 'disk', 'maxdisk', limits['root_disk_percent'], 'The root disk')


def memory_full(seen, limits):
    return node_shares(seen, 'mem', 'maxmem', limits['memory_percent'], 'The memory')


def memory_overcommitted(seen, limits):
    for row in seen.rows('node'):
        running = [one for one in seen.guests if one.get('node') == row['node'] and one.get('status') == 'running']
        part = share(sum(one.get('maxmem') or 0 for one in running), row.get('maxmem'))
        if part is not None and part * 100 >= limits['memory_allocated_percent']:
            yield row['node'], f'Running guests on {row["node"]} may use {part * 100:.0f} % of its memory.'


def certificates(seen):
    """(node, file, days left) of the certificates that the nodes serve."""
    for node, found in sorted(seen.answers['certificates'].items()):
        for one in found:
            if one.get('notafter') and one.get('filename') != 'pve-root-ca.pem':
                yield node, one['filename'], (one['notafter'] - seen.now) / 86400


def certificate_expired(seen, _limits):
    for node, name, days in certificates(seen):
        if days <= 0:
            yield node, f'The certificate {name} of {node} has expired.'


def certificate_expiring(seen, limits):
    for node, name, days in certificates(seen):
        if 0 < days <= limits['certificate_days']:
            yield node, f'The certificate {name} of {node} expires in {days:.0f} days.'


def clock_skew(seen, limits):
    for node, skew in sorted(seen.answers['time'].items()):
        if abs(skew) > limits['clock_seconds']:
            yield node, f'The clock of {node} is {abs(skew):.0f} s {"ahead of" if skew > 0 else "behind"} this machine.'


def replication_failed(seen, _limits):
    for _node, found in sorted(seen.answers['replication'].items()):
        for one in found:
            if int(one.get('fail_count') or 0) or one.get('error'):
                why = f': {one["error"]}' if one.get('error') else ''
                yield one['id'], f'Replication {one["id"]} has failed {int(one.get("fail_count") or 0)} times{why}.'.replace('..', '.')


def ha_error(seen, _limits):
    for one in seen.answers['ha']:
        state = one.get('crm_state') or one.get('state')
        if one.get('type') == 'service' and state in ('error', 'fence', 'recovery'):
            yield one.get('sid'), f'HA has {one.get("sid")} in state {state} on {one.get("node")}.'


def not_backed_up(seen, _limits):
    for one in seen.answers['backups']:
        yield f'{one.get("type")}/{one["vmid"]}', f'No backup job covers {one.get("name") or ""} ({one["vmid"]}).'.replace('  ', ' ')


def recent_failures(seen, limits):
    """Failed tasks of late, newest first."""
    since = seen.now - limits['task_hours'] * 3600
    found = [one for one in seen.answers['tasks'] if is_failed(one) and (one.get('starttime') or 0) >= since]
    return sorted(found, key=lambda one: -(one.get('starttime') or 0))


def is_failed(task):
    """Whether an entry of GET cluster/tasks has ended in an error."""
    status = str(task.get('status') or '')
    return bool(task.get('endtime')) and status not in ('', 'OK', 'RUNNING') and not status.startswith('WARNINGS')


def failures(seen, limits, wanted):
    found = {}
    for one in recent_failures(seen, limits):
        if wanted(one.get('type')):
            found.setdefault((one.get('type'), one.get('id'), one.get('node')), []).append(one)
    for (kind, what, node), tasks in found.items():
        times = f' ({len(tasks)} times)' if len(tasks) > 1 else ''
        yield f'{kind}/{what or node}', f'Task {kind} of {what or node} on {node} failed{times}: {tasks[0].get("status")}'.rstrip('.') + '.'


def backup_failed(seen, limits):
    return failures(seen, limits, lambda kind: kind in GUEST_TASKS)


def task_failed(seen, limits):
    return failures(seen, limits, lambda kind: kind not in GUEST_TASKS)


def guest_tasks(seen):
    """{vmid as text: its tasks that run, or ended just now}."""
    found = {}
    for one in seen.answers['tasks']:
        if not one.get('endtime') or one['endtime'] > seen.now - LATE_SECONDS:
            found.setdefault(str(one.get('id') or ''), []).append(one)
    return found


def locked(seen):
    """(row, the tasks that work on it) of the guests that are locked; a suspended machine's lock is its normal state."""
    tasks = guest_tasks(seen)
    whole_backups = [one for one in tasks.get('', ()) if one.get('type') in GUEST_TASKS]
    for row in seen.guests:
        if row.get('lock') and row['lock'] != 'suspended':
            yield row, tasks.get(str(row['vmid']), []) + (whole_backups if row['lock'] == 'backup' else [])


def lock_left(seen, _limits):
    for row, tasks in locked(seen):
        if not tasks:
            yield row['id'], f'{guest_label(row)} is locked ({row["lock"]}), and no task works on it.'


def lock_held_long(seen, limits):
    for row, tasks in locked(seen):
        own = [one for one in tasks if one.get('id') and not one.get('endtime')]
        hours = max(((seen.now - one['starttime']) / 3600 for one in own), default=0)
        if hours > limits['lock_hours']:
            yield row['id'], f'{guest_label(row)} is locked ({row["lock"]}) by a task that has run for {hours:.0f} hours.'


def guest_label(row):
    return f'{row.get("name") or row["vmid"]} ({row["vmid"]})'


def ceph_state(wanted):
    def find(seen, _limits):
        found = seen.answers['ceph'] or {}
        health = (found.get('health') or {}).get('status')
        if health == wanted:
            checks = ', '.join(sorted((found.get('health') or {}).get('checks') or {}))
            yield 'ceph', f'Ceph reports {health}' + (f' ({checks}).' if checks else '.')

    return find


def updates_pending(seen, limits):
    for node, found in sorted(seen.answers['updates'].items()):
        if len(found) > limits['updates']:
            yield node, f'{len(found)} package updates wait on {node}.'


def versions_differ(seen, _limits):
    versions = {}
    for node, found in sorted(seen.answers['versions'].items()):
        versions.setdefault(found.get('version'), []).append(node)
    if len(versions) > 1:
        each = '; '.join(f'{version} on {", ".join(nodes)}' for version, nodes in sorted(versions.items(), key=lambda pair: str(pair[0])))
        yield 'cluster', f'The nodes run different versions: {each}.'


CHECKS = (
    Check('no_quorum', CRITICAL, ('status',), from_status('no_quorum')),
    Check('nodes_offline', WARNING, ('status',), from_status('nodes_offline')),
    Check('node_unresponsive', WARNING, ('versions',), node_unresponsive),
    Check('too_few_nodes', WARNING, ('status',), from_status('too_few_nodes')),
    Check('storage_full', CRITICAL, ('resources',), storage_full),
    Check('storage_nearly_full', WARNING, ('resources',), storage_nearly_full),
    Check('storage_inactive', WARNING, ('resources',), storage_inactive),
    Check('root_disk_full', WARNING, ('resources',), root_disk_full),
    Check('memory_full', WARNING, ('resources',), memory_full),
    Check('memory_overcommitted', WARNING, ('resources',), memory_overcommitted),
    Check('certificate_expired', CRITICAL, ('certificates',), certificate_expired),
    Check('certificate_expiring', WARNING, ('certificates',), certificate_expiring),
    Check('clock_skew', WARNING, ('time',), clock_skew),
    Check('replication_failed', WARNING, ('replication',), replication_failed),
    Check('ha_error', WARNING, ('ha',), ha_error),
    Check('not_backed_up', WARNING, ('backups',), not_backed_up),
    Check('backup_failed', WARNING, ('tasks',), backup_failed),
    Check('task_failed', WARNING, ('tasks',), task_failed),
    Check('lock_left', WARNING, ('resources', 'tasks'), lock_left),
    Check('lock_held_long', WARNING, ('resources', 'tasks'), lock_held_long),
    Check('ceph_error', CRITICAL, ('ceph',), ceph_state('HEALTH_ERR')),
    Check('ceph_warning', WARNING, ('ceph',), ceph_state('HEALTH_WARN')),
    Check('updates_pending', WARNING, ('updates',), updates_pending),
    Check('versions_differ', WARNING, ('versions',), versions_differ),
)
CODES = tuple(check.code for check in CHECKS)
UNREACHABLE = 'unreachable'
# Not part of a run unless asked for: it needs the privilege Sys.Modify.
ON_REQUEST = frozenset({'updates_pending'})


def judge(seen, checks, thresholds, ignore, missing):
    """Run checks -> {status, reasons, ignored, skipped}.

    checks: those to run. ignore: codes, or 'code:object'. missing: {source: why it could not be read}, wholly or of some nodes.
    reasons, ignored: [{code, severity, object, message}]; skipped: [{code, message}] of checks that were not made, or not of
    all nodes.
    """
    reasons, ignored, skipped = [], [], []
    for check in checks:
        lost = [missing[source] for source in check.needs if source in missing]
        if lost:
            skipped.append({'code': check.code, 'message': lost[0]})
        if all(source in seen.answers for source in check.needs):
            for name, message in check.find(seen, thresholds):
                finding = {'code': check.code, 'severity': check.severity, 'object': name, 'message': message}
                (ignored if is_ignored(finding, ignore) else reasons).append(finding)
    severities = {one['severity'] for one in reasons}
    status = 'unhealthy' if CRITICAL in severities else 'degraded' if reasons else 'healthy'
    return {'status': status, 'reasons': reasons, 'ignored': ignored, 'skipped': skipped}


def is_ignored(finding, ignore):
    return finding['code'] in ignore or f'{finding["code"]}:{finding["object"]}' in ignore


def unreachable(error, ignore=frozenset()):
    """The judgement of a cluster that could not be asked: unknown, also where that is ignored."""
    reason = {'code': UNREACHABLE, 'severity': CRITICAL, 'object': 'cluster', 'message': error.message}
    known = is_ignored(reason, ignore)
    return {'status': 'unknown', 'reasons': [] if known else [reason], 'ignored': [reason] if known else [], 'skipped': []}
