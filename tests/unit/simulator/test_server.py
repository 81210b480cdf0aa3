# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server over HTTPS: answers of the proxy, faults, the control interface."""
from __future__ import annotations

import http.client
import json
import ssl
import threading

import pytest
import requests
from pvesim.fixtures import running


@pytest.fixture(scope='module')
def simulator():
    with running(start_state='pair') as made:
        yield made


@pytest.fixture
def session(simulator):
    simulator.control.clear_faults()
    made = requests.Session()
    made.trust_env = False
    made.verify = simulator.ca_path
    answer = made.post(f'{simulator.url}/api2/json/access/ticket',
                       data={'username': 'root@pam', 'password': 'realpve1'}, timeout=20).json()['data']
    made.cookies.set('PVEAuthCookie', answer['ticket'])
    made.headers['CSRFPreventionToken'] = answer['CSRFPreventionToken']
    simulator.control.reset_log()
    yield made
    made.close()
    simulator.control.clear_faults()


def get(simulator, session, path, **options):
    return session.get(f'{simulator.url}/api2/json{path}', timeout=20, **options)


def raw(simulator, method, path, body=None, headers=None):
    connection = http.client.HTTPSConnection('127.0.0.1', simulator.port, timeout=20,
                                             context=ssl.create_default_context(cafile=simulator.ca_path))
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_reason_and_body_carry_the_message(simulator, session):
    answer = get(simulator, session, '/nodes/pve1/qemu/99999/config')
    text = "Configuration file 'nodes/pve1/qemu-server/99999.conf' does not exist"
    assert (answer.status_code, answer.reason) == (500, text)
    assert answer.json() == {'data': None, 'message': f'{text}\n'}
    assert answer.headers['Connection'] == 'close'


def test_the_proxy_refuses_without_a_body(simulator):
    answer, content = raw(simulator, 'GET', '/api2/json/version')
    assert (answer.status, answer.reason, content) == (401, 'No ticket', b'')
    assert answer.getheader('Content-Type') is None


def test_extjs_always_answers_200(simulator, session):
    answer = session.get(f'{simulator.url}/api2/extjs/nodes/pve1/qemu/99999/config', timeout=20)
    assert answer.status_code == 200
    assert answer.json()['success'] == 0
    assert answer.json()['status'] == 500


@pytest.mark.parametrize(('method', 'path', 'status', 'reason'), [
    ('GET', '/api2/json/nope', 501, "Method 'GET /nope' not implemented"),
    ('PUT', '/api2/json/version', 501, "Method 'PUT /version' not implemented"),
    ('GET', '/api2/bogus/version', 501, 'no formatter for uri /version, bogus')])
def test_what_is_not_implemented(simulator, session, method, path, status, reason):
    answer = session.request(method, simulator.url + path, timeout=20)
    assert (answer.status_code, answer.reason) == (status, reason)


def test_a_body_with_delete_is_refused(simulator, session):
    answer = session.delete(f'{simulator.url}/api2/json/pools', data={'poolid': 'x'}, timeout=20)
    assert (answer.status_code, answer.reason) == (501, "Unexpected content for method 'DELETE'")


def test_json_and_form_bodies_mean_the_same(simulator, session):
    url = f'{simulator.url}/api2/json/pools'
    assert session.post(url, data={'poolid': 'a', 'comment': 'c'}, timeout=20).status_code == 200
    assert session.post(url, json={'poolid': 'b', 'comment': 'c'}, timeout=20).status_code == 200
    rows = {row['poolid']: row['comment'] for row in session.get(url, timeout=20).json()['data']}
    assert rows == {'a': 'c', 'b': 'c'}


def test_an_unknown_and_a_dead_node(simulator, session):
    answer = get(simulator, session, '/nodes/nosuch/status')
    assert answer.status_code == 500
    assert answer.reason.startswith("hostname lookup 'nosuch' failed")
    simulator.control.node_down('pve2')
    try:
        answer = get(simulator, session, '/nodes/pve2/version')
        assert (answer.status_code, answer.content) == (595, b'')
        answer = session.post(f'{simulator.url}/api2/json/pools', data={'poolid': 'c'}, timeout=20)
        assert answer.status_code == 500
        assert 'no quorum' in answer.reason
    finally:
        simulator.control.node_up('pve2')
    assert get(simulator, session, '/nodes/pve2/version').status_code == 200


def test_expired_tickets(simulator, session):
    simulator.control.expire_tickets()
    assert get(simulator, session, '/version').reason == 'permission denied - invalid PVE ticket'


def test_faults_hit_as_many_requests_as_told(simulator, session):
    simulator.control.fault('status', path='/version', status=503, message='busy', count=2, skip=1)
    statuses = [get(simulator, session, '/version').status_code for _time in range(5)]
    assert statuses == [200, 503, 503, 200, 200]


def test_a_reset_before_leaves_no_effect_and_one_after_does(simulator, session):
    url = f'{simulator.url}/api2/json/pools'
    for action, pool, exists in (('reset', 'before', False), ('reset-after', 'after', True)):
        simulator.control.fault(action, method='POST', path='/pools')
        with pytest.raises(requests.ConnectionError):
            session.post(url, data={'poolid': pool}, timeout=20)
        assert (pool in [row['poolid'] for row in session.get(url, timeout=20).json()['data']]) is exists


def test_broken_answers(simulator, session):
    simulator.control.fault('html', path='/version', status=502)
    assert get(simulator, session, '/version').headers['Content-Type'].startswith('text/html')
    simulator.control.fault('garbage', path='/version')
    with pytest.raises(requests.JSONDecodeError):
        get(simulator, session, '/version').json()
    simulator.control.fault('truncated', path='/version', effect=True)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(simulator, session, '/version')


def test_the_log_counts_requests_and_concurrency(simulator, session):
    simulator.control.fault('delay', path='/version', count=0, seconds=0.001)
    threads = [threading.Thread(target=get, args=(simulator, session, '/version')) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = simulator.control.log()
    assert log['counts'] == {'GET /version': 4}
    assert 1 <= log['max_concurrency'] <= 4
    assert log['requests'][0]['authid'] == 'root@pam'


def test_tasks_fail_hang_and_warn_when_told(simulator, session):
    url = f'{simulator.url}/api2/json/nodes/pve1/qemu'
    simulator.control.task_fault('fail', type='qmcreate', text='disk is full')
    upid = session.post(url, data={'vmid': 300}, timeout=20).json()['data']
    state = get(simulator, session, f'/nodes/pve1/tasks/{upid}/status').json()['data']
    assert state['exitstatus'] == 'disk is full'
    log = get(simulator, session, f'/nodes/pve1/tasks/{upid}/log').json()['data']
    assert log[-1]['t'] == 'TASK ERROR: disk is full'


def test_a_hanging_task_runs_until_it_is_stopped(simulator, session):
    simulator.control.task_fault('hang', type='qmcreate')
    upid = session.post(f'{simulator.url}/api2/json/nodes/pve1/qemu', data={'vmid': 301}, timeout=20).json()['data']
    path = f'/nodes/pve1/tasks/{upid}'
    assert get(simulator, session, f'{path}/status').json()['data']['status'] == 'running'
    session.delete(f'{simulator.url}/api2/json{path}', timeout=20)
    assert get(simulator, session, f'{path}/status').json()['data']['exitstatus'] == 'received interrupt'


def test_a_refusal_of_the_control_interface_is_a_sentence(simulator):
    with pytest.raises(RuntimeError, match='not one of pve1, pve2'):
        simulator.control.node_down('nosuch')
    with pytest.raises(RuntimeError, match='not one of refuse'):
        simulator.control.fault('nonsense')


@pytest.mark.parametrize('path', ['/', '/api2', '/api2/json/%ff%fe', '/api2/json//version', '/api2/json/version/%2e%2e',
                                  '/api2/json/nodes/pve1/%00', '/pvesim/none', '/api2/json/version?%zz=%'])
@pytest.mark.parametrize('body', [None, b'\xff\x00', b'{"a":', b'[1]', b'a=%'])
def test_malformed_requests_leave_no_traceback(simulator, session, path, body):
    cookie = f'PVEAuthCookie={session.cookies["PVEAuthCookie"]}'
    headers = {'Cookie': cookie, 'CSRFPreventionToken': session.headers['CSRFPreventionToken']}
    for content_type in ('application/json', 'application/x-www-form-urlencoded', 'text/odd'):
        answer, content = raw(simulator, 'POST' if body else 'GET', path, body,
                              {**headers, 'Content-Type': content_type})
        assert b'Traceback' not in content
        assert answer.status in (200, 400, 401, 404, 501, 506)
    assert simulator.server.errors == []


def test_the_control_interface_lists_its_commands(simulator):
    answer, content = raw(simulator, 'GET', '/pvesim/')
    assert answer.status == 200
    assert 'GET /pvesim/log' in json.dumps(json.loads(content))
