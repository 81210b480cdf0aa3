# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of one cluster: login, endpoints, retries, limits and strict answers behind five verbs."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api import answers, auth, errors, log, retry, tasks
from ansible_collections.pve.fleet.plugins.module_utils.api.breaker import Rotation
from ansible_collections.pve.fleet.plugins.module_utils.api.limits import Limits
from ansible_collections.pve.fleet.plugins.module_utils.api.transport import Transport, TransportError
from ansible_collections.pve.fleet.plugins.module_utils.api.upload import Bodies
from ansible_collections.pve.fleet.plugins.module_utils.schema import wire
from ansible_collections.pve.fleet.plugins.module_utils.schema.release import release_for
from ansible_collections.pve.fleet.plugins.module_utils.third_party import REQUIRED_PACKAGES, missing_package

BASE = '/api2/json'


class Client(Bodies):
    """Talks to one cluster. Safe for threads; to be made after a fork.

    connection: api.connection.Connection.
    write_log: function(record dict), None for what PVE_FLEET_LOG says.
    transport, sleep, clock: seams for tests.
    Every verb raises a FleetError: see api.answers for which.
    """

    def __init__(self, connection, write_log=None, transport=None, sleep=time.sleep, clock=time.monotonic):
        lost = missing_package(*REQUIRED_PACKAGES)
        if lost:
            raise errors.Internal(lost)
        if not connection.endpoints:
            raise errors.BadRequest(f'cluster {connection.name} has no endpoint. Give at least one host.')
        self.connection = connection
        self.write_log = write_log or log.log_from_environment()
        self.transport = transport or Transport(connection)
        self.sleep, self.clock = sleep, clock
        self.rotation = Rotation(list(connection.endpoints), connection.state_dir, clock)
        self.limits = Limits(connection.name, connection.max_in_flight, connection.state_dir)
        self.login = auth.make_login(connection, self.send_login)
        self.request_id = uuid.uuid4().hex
        self.request_count = 0
        self._count_lock = threading.Lock()
        self._version = None

    # --- verbs -------------------------------------------------------------------------------------------------

    def get(self, *segments, params=None, timeout=None):
        """`data` of GET /<segments>. Segments are quoted one by one; params: {name: value}.

        timeout: seconds to wait for the answer instead of the usual time; then errors.Timeout is raised, without another try.
        """
        return self.request('GET', segments, params, timeout)['data']

    def get_whole(self, *segments, params=None):
        """The whole body of GET: some answers have keys beside `data` (total, changes)."""
        return self.request('GET', segments, params)

    def post(self, *segments, params=None):
        return self.request('POST', segments, params)['data']

    def put(self, *segments, params=None):
        return self.request('PUT', segments, params)['data']

    def delete(self, *segments, params=None):
        """DELETE: its parameters travel in the query, since PVE refuses a body there."""
        return self.request('DELETE', segments, params)['data']

    def request(self, method, segments, params=None, read_timeout=None):
        """One request with login, retries and failover -> the decoded body."""
        path = '/'.join(wire.quote_segment(str(segment)) for segment in segments)
        encoded = urllib.parse.urlencode(wire.encode_params(params or {}))
        headers, body, target = {}, None, f'{BASE}/{path}'
        if method in ('POST', 'PUT'):
            headers['Content-Type'] = 'application/x-www-form-urlencoded'
            body = encoded
        elif encoded:
            target += '?' + encoded
        return self.exchange(method, target, body, headers, read_timeout)

    def exchange(self, method, target, body, headers, read_timeout=None):
        """Send with login; after a 401 once more with a fresh login."""
        login = self.login.headers(method)
        try:
            return self.send(method, target, body, {**headers, **login}, read_timeout)
        except errors.Unauthorized as error:
            if not self.login.can_renew:
                raise self.token_refused(error) from None
            self.login.rejected(login)
        return self.send(method, target, body, {**headers, **self.login.headers(method)}, read_timeout)

    def token_refused(self, error):
        identity = self.connection.credential.identity
        return error.with_message(
            f'cluster {self.connection.name}: the API token {identity} is refused (401). '
            'Check its id and secret, that it has not expired and that its user is enabled.'
        )

    # --- one request, several tries ----------------------------------------------------------------------------

    def send(self, method, target, body=None, headers=None, read_timeout=None):
        """Try the endpoints in turn until one answers or the deadline is over -> the decoded body.

        read_timeout: the time for one answer, which is then the deadline, too.
        """
        end = self.clock() + (read_timeout or self.connection.deadline)
        reads, attempt, tried = method == 'GET', 0, {}
        while True:
            attempt += 1
            endpoint = self.next_endpoint(tried)
            try:
                answer = self.send_once(endpoint, method, target, body, headers, read_timeout, attempt)
            except TransportError as error:
                if is_own_limit(error, read_timeout):
                    raise self.too_late(method, target, read_timeout) from None
                tried[endpoint] = error.fault
                others = any(one not in tried for one in self.connection.endpoints)
                unsent = reads or error.fault.sent is False
                if others and unsent and self.clock() < end:
                    continue
                if not self.pause(end, attempt, retry.again_after_fault(reads, error.fault, attempt)):
                    raise self.unreachable(method, target, tried, reads) from None
                continue
            message = answer_message(answer)
            again = answer.status >= 400 and retry.again_after_answer(reads, answer.status, message, attempt)
            if again and self.pause(end, attempt, True):
                continue
            return self.judge(method, target, answer, endpoint, reads)

    def next_endpoint(self, tried):
        """The best endpoint that this request has not tried yet; all tried: the best of all."""
        order = self.rotation.order()
        return next((one for one in order if one not in tried), order[0])

    def pause(self, end, attempt, wanted):
        """Wait before the next try. False when there shall be none or no time is left."""
        if not wanted:
            return False
        delay = retry.delay_before(attempt + 1)
        if self.clock() + delay >= end:
            return False
        self.sleep(delay)
        return True

    def send_once(self, endpoint, method, target, body, headers, read_timeout, attempt):
        """One exchange, counted, limited and logged. Raises TransportError."""
        started = self.clock()
        path = urllib.parse.urlsplit(target).path
        facts = {'endpoint': endpoint.label, 'attempt': attempt}
        with self._count_lock:
            self.request_count += 1
        self.rotation.starting(endpoint)
        try:
            with self.limits.place():
                answer = self.transport.send(endpoint, method, target, body, headers, read_timeout)
        except TransportError as error:
            if not is_own_limit(error, read_timeout):
                self.rotation.failed(endpoint)
            facts.update(fault=error.fault.kind, seconds=self.clock() - started)
            self.write_log(log.record(self.connection, self.request_id, method, path, **facts))
            raise
        self.rotation.succeeded(endpoint)
        facts.update(status=answer.status, seconds=self.clock() - started)
        self.write_log(log.record(self.connection, self.request_id, method, path, **facts))
        return answer

    def judge(self, method, target, answer, endpoint, reads):
        where = self.where(method, target, endpoint)
        try:
            return answers.parse(answer.status, answer.reason, answer.content_type, answer.body, where)
        except errors.FleetError as error:
            if retry.fate_unknown(reads, status=answer.status):
                error.details['fate'] = 'unknown'
            raise

    def where(self, method, target, endpoint):
        path = urllib.parse.unquote(urllib.parse.urlsplit(target).path[len(BASE) :])
        return f'cluster {self.connection.name}: {method} {path} on {endpoint.host}'

    def too_late(self, method, target, seconds):
        path = urllib.parse.unquote(urllib.parse.urlsplit(target).path[len(BASE) :])
        return errors.Timeout(f'cluster {self.connection.name}: {method} {path}: no answer within {seconds:g} s.')

    def unreachable(self, method, target, tried, reads):
        """BadGateway that says for each endpoint what was wrong."""
        each = '; '.join(f'{endpoint.label}: {fault.sentence}' for endpoint, fault in tried.items())
        kinds = sorted({fault.kind for fault in tried.values()})
        details = {'causes': kinds, 'endpoints': {one.label: fault.kind for one, fault in tried.items()}}
        message = f'cluster {self.connection.name} cannot be reached: {each}.'
        if any(retry.fate_unknown(reads, fault=fault) for fault in tried.values()):
            details['fate'] = 'unknown'
            message += ' The request may have been carried out: the next run looks before it acts.'
        kind = errors.Timeout if kinds == ['timeout'] and details.get('fate') else errors.BadGateway
        return kind(message, details=details)

    def send_login(self, form):
        """POST /access/ticket; the message of a refusal says who was refused."""
        body = urllib.parse.urlencode(form)
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        try:
            return self.send('POST', f'{BASE}/access/ticket', body, headers)['data']
        except errors.Unauthorized as error:
            raise error.with_message(
                f'cluster {self.connection.name}: the login of {form["username"]} is refused. '
                'Check user, realm and password, and that the user is enabled.'
            ) from None

    # --- tasks -------------------------------------------------------------------------------------------------

    def wait(self, upid, timeout=600, progress=None):
        """Wait for a task's end -> TaskResult. progress: function(last log line), called when it changes.

        Raises TaskFailed with its last log lines, Timeout when it runs on after `timeout` seconds.
        """
        node = tasks.node_of(upid)
        began, told = self.clock(), tasks.Told(progress)
        self.sleep(tasks.FIRST_PAUSE)  # no task ends at once: looking then would be one more request for nothing
        while True:
            status = self.get('nodes', node, 'tasks', upid, 'status')
            if status.get('status') == 'stopped':
                plain = status.get('exitstatus') == 'OK'
                return tasks.judge(upid, status, [] if plain else self.task_log(upid))
            elapsed = self.clock() - began
            if elapsed >= timeout:
                raise errors.Timeout(
                    f'the task {tasks.describe(upid)} still runs after {timeout:g} s; it was not stopped. '
                    'Raise timeout, or look at the task in the cluster.',
                    details={'upid': upid},
                )
            pause = tasks.next_pause(elapsed)
            if progress and pause >= tasks.LOG_WORTH:
                pause = tasks.next_pause(elapsed, told.tell(self.task_log(upid)))
            self.sleep(min(pause, timeout - elapsed))

    def task_log(self, upid, lines=50):
        """The last `lines` lines of a task's log."""
        path = ('nodes', tasks.node_of(upid), 'tasks', upid, 'log')
        whole = self.get_whole(*path, params={'limit': lines})
        total = int(whole.get('total') or 0)
        if total > lines:
            whole = self.get_whole(*path, params={'start': total - lines, 'limit': lines})
        return [entry.get('t') or '' for entry in whole['data'] if entry.get('t') != 'no content']

    def run_task(self, method, *segments, params=None, timeout=600, progress=None):
        """Send a request that starts a task and wait for its end -> TaskResult (None where PVE made no task).

        A task that failed only since a lock could not be had in time is started again.
        """
        end = self.clock() + timeout
        for attempt in range(1, retry.MOST_ATTEMPTS + 1):
            upid = self.request(method.upper(), segments, params)['data']
            if not tasks.is_upid(upid):
                return None
            try:
                return self.wait(upid, max(1.0, end - self.clock()), progress)
            except errors.TaskFailed as error:
                met_lock = answers.is_try_again(error.details.get('exitstatus'))
                if not (met_lock and self.pause(end, attempt, attempt < retry.MOST_ATTEMPTS)):
                    raise

    # --- facts about the server --------------------------------------------------------------------------------

    def version(self):
        """GET /version, asked once: {version, release, repoid}."""
        if self._version is None:
            self._version = self.get('version')
        return self._version

    @property
    def release(self):
        """Which official table fits: '7.4', '8.4' or '9'."""
        return release_for(self.version()['version'])

    @property
    def api(self):
        """proxmoxer's resource tree over this client: client.api.nodes('pve1').qemu(100).config.get()."""
        from ansible_collections.pve.fleet.plugins.module_utils.api.tree import resource_tree

        return resource_tree(self)

    def close(self):
        self.transport.close()


def is_own_limit(error, read_timeout):
    """Whether a fault is only that an answer took longer than its caller waits, which says nothing about the endpoint."""
    return read_timeout is not None and error.fault.kind == 'timeout' and error.fault.sent is not False


def answer_message(answer):
    """PVE's message of an answer: from the body where it has one, else the reason phrase."""
    if answer.status < 400:
        return ''
    try:
        body = json.loads(answer.body) if answer.body else {}
    except ValueError:
        body = {}
    return (body.get('message') if isinstance(body, dict) else None) or answer.reason
