# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: one function for each kind of step."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import time
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, FleetError, TaskFailed, Timeout
from ansible_collections.pve.fleet.plugins.module_utils.guests import disks, ha, in_the_making
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST, schemas
from ansible_collections.pve.fleet.plugins.module_utils.guests.desired import Desired
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.guests.gather import next_id
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import LeftRunning, is_left, start_task
from ansible_collections.pve.fleet.plugins.module_utils.guests.progress import watcher
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import State, power_of, read_state
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import merged_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import format_size, parse_size
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import has_parameter

MOST_IDS = 60


class Replan(Exception):
    """What is there is no longer what the plan was made for: look again and plan anew."""


@dataclasses.dataclass
class Session:
    """One run on one guest. vmid and node follow it; config and digest are what was read last, None when outdated.

    existing: whether the guest was there when the plan was made. power: how it runs now, None when that is not known.
    leave: whether the task of this step is not waited for; left: that task, once it was started.
    """

    context: typing.Any
    client: typing.Any
    desired: Desired
    vmid: int
    node: str
    source: State | None = None
    config: dict | None = None
    digest: str | None = None
    ha_managed: bool = False
    existing: bool = False
    power: str | None = None
    release: str = NEWEST
    planned_vmid: int | None = None
    upids: list = dataclasses.field(default_factory=list)
    leave: bool = False
    left: str | None = None

    @property
    def kind(self):
        return self.desired.kind

    @property
    def row(self):
        """The guest as the reading functions want it."""
        return {'vmid': self.vmid, 'node': self.node, 'type': self.kind.name, 'name': self.desired.final_name}

    @property
    def label(self):
        return self.desired.final_name or str(self.vmid)

    def path(self, *rest):
        return ('nodes', self.node, self.kind.name, self.vmid, *rest)

    def task(self, what, method, *segments, params=None, timeout=None):
        """Send a request that starts a task and wait for it; its warnings are handed on. Raises LeftRunning for one that is not waited for."""
        if self.leave:
            return self.start(method, segments, params)
        watch = watcher(self.context.progress, self.label, what)
        limit = timeout or self.desired.timeout
        done = self.client.run_task(method, *segments, params=params or {}, timeout=limit, progress=watch)
        if done is not None:
            self.upids.append(done.upid)
            for warning in done.warnings:
                self.context.warn(f'{self.label} {what}: {warning}')
        return done

    def start(self, method, segments, params):
        started = start_task(self.client, method, segments, params)
        if started is not None:
            self.upids.append(started.upid)
            raise LeftRunning(started.upid)

    def read(self):
        """The configuration as it is now, read at most once between two changes."""
        if self.config is None:
            state = read_state(self.client, self.kind, {**self.row, 'status': 'asked'})
            self.config, self.digest = state.config, state.digest
        return self.config

    def outdated(self):
        self.config = self.digest = None

    def words(self, step):
        """A step's words with the id that the guest really got."""
        if self.planned_vmid in (None, self.vmid):
            return step.words
        return [word.replace(f' {self.planned_vmid} on ', f' {self.vmid} on ') for word in step.words]


def apply_plan(session, plan):
    """Carry out all steps in order. What is done is told to the context, also when a later step fails."""
    for step in plan.steps:
        session.leave = is_left(session.desired, plan, step)
        try:
            STEPS[step.name](session, **step.data)
            session.power = POWER_AFTER.get(step.name, session.power)
        except LeftRunning as left:
            session.left, session.power = left.upid, None
        for word in session.words(step):
            session.context.did(word)


# --- making a guest ------------------------------------------------------------------------------------------------


def create(session, texts, disks):
    params = {**texts, **{key: text for key, (text, _size) in disks.items()}, 'pool': session.desired.pool or None}
    params.update(session.desired.once)
    if session.desired.ostemplate:
        params['ostemplate'] = session.desired.ostemplate
    if session.kind.root_disk and session.kind.root_disk not in disks:
        params['storage'] = session.desired.storage
    with_free_id(session, lambda vmid: session.task(
        'create', 'POST', 'nodes', session.node, session.kind.name, params={'vmid': vmid, **params}))  # fmt: skip
    grow_imported(session, disks)


def clone(session, full, description=None):
    desired, source, wanted = session.desired, session.source, session.desired.clone
    params = {
        session.kind.name_key: desired.final_name,
        'description': description,
        'full': full if source.template else None,
        'storage': wanted.get('storage'),
        'format': wanted.get('format'),
        'snapname': wanted.get('snapshot'),
        'pool': desired.pool or None,
        'target': session.node if session.node != source.node else None,
    }
    where = ('nodes', source.node, session.kind.name, source.vmid, 'clone')
    with_free_id(session, lambda vmid: session.task('clone', 'POST', *where, params={'newid': vmid, **params}))


def restore(session, storage, options):
    desired = session.desired
    wanted = desired.restore
    params = {'storage': storage, 'unique': wanted['unique'] or None, 'pool': desired.pool or None, **options}
    archive = {'archive': wanted['archive']} if session.kind.name == 'qemu' else {'ostemplate': wanted['archive'], 'restore': True}
    with_free_id(session, lambda vmid: session.task(
        'restore', 'POST', 'nodes', session.node, session.kind.name, params={'vmid': vmid, **archive, **params}))  # fmt: skip


def with_free_id(session, send):
    """send(vmid) with the planned id; when another took it meanwhile, with the next free one.

    The first collision may come from the same task run twice: then the guest is there already. Raises Replan for that.
    """
    session.planned_vmid = session.vmid
    for attempt in range(MOST_IDS):
        try:
            in_the_making.note(session.client, session.vmid, session.desired.final_name)
            send(session.vmid)
        except FleetError as error:
            if session.desired.vmid is not None or not is_taken(error, session.vmid):
                raise
            if attempt == 0:
                look_again(session)
            session.vmid = next_id(session.client) + random.randrange(0, min(64, 2 ** attempt * 4))
            continue
        session.outdated()
        return
    raise Conflict(f'no free id was got in {MOST_IDS} tries: others take each one first. Give a vmid.')


def is_taken(error, vmid):
    """Whether a creation failed since the id is in use."""
    return f'{vmid} already exists' in error.message or f'{vmid}: config file already exists' in error.message


def look_again(session):
    names = session.desired.names
    if any(row.get('name') in names for row in guest_rows(session.client)):
        raise Replan


def grow_imported(session, disks):
    """A disk made from an image has the image's size at first."""
    for key, (_text, size) in disks.items():
        if size is None:
            continue
        session.outdated()
        if 0 < size_of(session, key) < size:
            resize(session, key, size)


# --- changing a guest ----------------------------------------------------------------------------------------------


def configure(session, wishes, texts, delete, disks, changed_disks):
    if session.existing and any(key in disks for key in session.read()):
        raise Replan
    params = {key: text for key, (text, _size) in disks.items()}
    params.update({key: option_text(session, key, wishes[key], texts[key]) for key in texts})
    params.update({key: drive_text(session, key, wish) for key, wish in changed_disks.items()})
    if delete:
        params['delete'] = ','.join(delete)
    allocates = any(not text.startswith('none,') for text, _size in disks.values())
    method = 'POST' if allocates and session.kind.name == 'qemu' else 'PUT'
    digest = session.digest
    session.outdated()
    session.task('configure', method, *session.path('config'), params={**params, 'digest': digest})
    grow_imported(session, disks)


def option_text(session, key, wish, planned):
    """The text to send: merged with what is there when that was read, as planned otherwise."""
    if session.config is None or key not in session.config or wish.secret:
        return planned
    return merged_text(key, wish, session.config.get(key), schema_of(session, key))


def drive_text(session, key, wish):
    return disks.changed_disk_text(session.kind, key, wish, session.read()[key], schema_of(session, key))


def schema_of(session, key):
    return find_parameter(schemas(session.kind.name, session.release), key)


def destroy_disk(session, key, wish):
    """Detach with the volume; a container's volume becomes unused first and is removed then."""
    by_force = has_parameter(session.release, 'PUT', session.kind.config_path, 'force')
    if by_force or key.startswith('unused'):
        delete_option(session, key, force=True if by_force else None)
        return
    volume = str(session.read()[key]).partition(',')[0].rpartition('=')[2]
    delete_option(session, key)
    left = [name for name, value in session.read().items() if name.startswith('unused') and str(value) == volume]
    if left:
        delete_option(session, left[0])


def delete_option(session, key, **params):
    """Delete an option of the configuration as it was read last."""
    digest = session.digest
    session.outdated()
    session.client.put(*session.path('config'), params={'delete': key, 'digest': digest, **params})


def move_disk(session, key, wish):
    params = {session.kind.move_key: key, 'storage': wish.storage, 'delete': not wish.keep_old}
    if session.kind.name == 'qemu':
        params['format'] = wish.format
    session.task(f'move {key}', 'POST', *session.path(session.kind.move_path), params=params)
    session.outdated()


def grow_disk(session, key, wish):
    """To a size; or by an amount, which PVE adds to what is there, so that two tasks at once both count, and which is added once."""
    if not wish.grow:
        resize(session, key, wish.size)
        return
    try:
        resize(session, key, wish.grow, sign='+')
    except FleetError as error:
        if error.details.get('fate') != 'unknown':
            raise
        let_resizes_end(session)
        if size_of(session, key) < wish.size:
            raise
    session.desired.disks[key] = dataclasses.replace(wish, grow=None, size=None)


def let_resizes_end(session):
    """Wait for what a request may have started whose answer was lost."""
    for row in session.client.get('nodes', session.node, 'tasks', params={'vmid': session.vmid, 'typefilter': 'resize', 'source': 'active'}):
        with contextlib.suppress(TaskFailed):
            session.client.wait(row['upid'], session.desired.timeout)
    session.outdated()


def resize(session, key, size, sign=''):
    session.outdated()
    session.task(f'grow {key}', 'PUT', *session.path('resize'), params={'disk': key, 'size': sign + format_size(size)})


def size_of(session, key):
    """The size of a disk as it is now, 0 where PVE does not tell it."""
    text = str(session.read().get(key, '')).rpartition('size=')[2].partition(',')[0]
    return parse_size(text) if text else 0


def regenerate(session):
    session.client.put(*session.path('cloudinit'))


def pool(session, old, new):
    """Into a pool, out of one, or from one to another."""
    whole = has_parameter(session.release, 'PUT', '/pools/{poolid}', 'allow-move')
    if old and not (new and whole):
        session.client.put('pools', old, params={'vms': session.vmid, 'delete': True})
    if new:
        session.client.put('pools', new, params={'vms': session.vmid, 'allow-move': True if whole and old else None})


def change_ha(session, method, settings):
    ha.apply_ha(session.client, session.desired, session.vmid, method, settings)
    session.ha_managed = method != 'delete'


# --- place and power -----------------------------------------------------------------------------------------------


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


# How a guest runs after a step that has something to do with it.
POWER_AFTER = {
    'create': 'stopped',
    'clone': 'stopped',
    'restore': 'stopped',
    'start': 'running',
    'resume': 'running',
    'restart': 'running',
    'reboot': 'running',
    'stop': 'stopped',
    'shutdown': 'stopped',
    'template': 'stopped',
    'pause': 'paused',
}
STEPS = {
    'create': create,
    'clone': clone,
    'restore': restore,
    'configure': configure,
    'destroy_disk': destroy_disk,
    'move_disk': move_disk,
    'grow_disk': grow_disk,
    'regenerate': regenerate,
    'pool': pool,
    'ha': change_ha,
    'migrate': migrate,
    'start': start,
    'stop': stop,
    'shutdown': shutdown,
    'restart': restart,
    'reboot': restart,
    'pause': pause,
    'resume': resume,
    'template': template,
    'destroy': destroy,
}
