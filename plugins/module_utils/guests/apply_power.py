# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps about where a guest is, whether it runs, and its end."""

from __future__ import annotations

import time

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import TaskFailed, Timeout
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import power_of


def migrate(session, target, power):
    desired, options = session.desired, session.desired.migration
    running = power in ('running', 'paused')
    mapped = options.get('storage')
    if isinstance(mapped, dict):
        mapped = ','.join(f'{source}:{goal}' for source, goal in sorted(mapped.items()))
    params = {'target': target, 'bwlimit': options.get('bwlimit')}
    if session.kind.name == 'qemu':
        params.update({'targetstorage': mapped, 'migration_network': options.get('network')})
        if running:
            params.update({'online': True, 'with-local-disks': True})
    else:
        params['target-storage'] = mapped
        if running:
            params.update({'restart': True, 'timeout': desired.shutdown_timeout})
    session.task('migrate', 'POST', *session.path('migrate'), params=params)
    if session.ha_managed:
        wait_for_node(session, target)
    session.node = target
    session.outdated()
    if power == 'paused':
        keep_paused(session)


def keep_paused(session):
    """Not every release leaves a paused guest paused when it moves."""
    if power_of(session.client.get(*session.path('status', 'current'))) == 'running':
        pause(session)


def wait_for_node(session, target):
    """HA only takes the order; the guest is moved afterwards."""
    def there():
        return any(int(row['vmid']) == session.vmid and row['node'] == target for row in guest_rows(session.client))

    wait_until(session, there, f'HA did not move it to {target}')


def wait_until(session, holds, failure, sleep=time.sleep, clock=time.monotonic):
    end, pause = clock() + session.desired.timeout, 0.2
    while not holds():
        if clock() + pause > end:
            raise Timeout(f'{failure} within {session.desired.timeout} s. Look at the cluster, or raise timeout.')
        sleep(pause)
        pause = min(2.0, pause * 1.5)


def power_call(session, action, params=None, timeout=None):
    session.task(action, 'POST', *session.path('status', action), params=params, timeout=timeout)


def wait_for_power(session, wanted):
    """HA only takes the order; the guest starts or stops afterwards."""
    if session.ha_managed:
        wait_until(
            session,
            lambda: power_of(session.client.get(*session.path('status', 'current'))) == wanted,
            f'HA did not bring it to {wanted}',
        )


def start(session):
    power_call(session, 'start')
    wait_for_power(session, 'running')


def stop(session):
    power_call(session, 'stop')
    wait_for_power(session, 'stopped')


def shutdown(session):
    desired = session.desired
    params = {'timeout': desired.shutdown_timeout, 'forceStop': True if desired.force else None}
    try:
        power_call(session, 'shutdown', params, desired.timeout + desired.shutdown_timeout)
    except TaskFailed as error:
        if desired.force:
            raise
        raise error.with_message(
            f'it did not shut down within {desired.shutdown_timeout} s ({error.details.get("exitstatus")}). '
            'Raise shutdown_timeout, or declare force: true to stop it hard after that time.'
        ) from None
    wait_for_power(session, 'stopped')


def restart(session):
    """Gracefully: PVE's own reboot, which applies what is pending; by force: shut down or stop, then start."""
    if session.desired.force:
        leave, session.leave = session.leave, False
        shutdown(session)
        session.leave = leave
        start(session)
        return
    limit = session.desired.shutdown_timeout
    try:
        power_call(session, 'reboot', {'timeout': limit}, session.desired.timeout + limit)
    except TaskFailed as error:
        raise error.with_message(
            f'it did not reboot within {limit} s ({error.details.get("exitstatus")}). '
            'Raise shutdown_timeout, or declare force: true.'
        ) from None


def pause(session):
    power_call(session, 'suspend')


def resume(session):
    power_call(session, 'resume')


def template(session):
    earlier = conversions(session) if session.kind.name == 'lxc' else ()
    done = session.task('convert to a template', 'POST', *session.path('template'))
    session.outdated()
    if done is None:
        wait_until(session, lambda: is_template(session) or has_failed(session, earlier), 'it did not become a template')


def conversions(session):
    """The tasks that convert the container: the answer does not tell which it started, and comes before that has begun."""
    params = {'vmid': session.vmid, 'typefilter': 'vztemplate', 'source': 'all'}
    return [row['upid'] for row in session.client.get('nodes', session.node, 'tasks', params=params)]


def has_failed(session, earlier):
    """False while the conversion goes on. Raises TaskFailed when it has ended in an error."""
    for upid in conversions(session):
        if upid not in earlier:
            session.client.wait(upid, session.desired.timeout)
    return False


def is_template(session):
    session.outdated()
    return str(session.read().get('template', '')) == '1'


def destroy(session):
    desired = session.desired
    params = {'purge': True if desired.purge else None, 'destroy-unreferenced-disks': desired.unreferenced}
    session.task('destroy', 'DELETE', *session.path(), params=params)
