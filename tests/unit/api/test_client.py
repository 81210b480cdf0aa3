"""The client, call by call, against a scripted wire."""

from __future__ import annotations

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api import errors, tasks, tickets

from .scripted import LOGIN, TOKEN, fault, make_client, ok, refused


@pytest.fixture(autouse=True)
def no_tickets_of_other_tests():
    tickets._process_tickets.clear()


CANARY = 'c4n4ry'
UPID = 'UPID:pve2:0000054F:00092002:6B00EA7D:qmstart:100:root@pam:'
TICKET = {'ticket': 'PVE:root@pam:AAAA::sig', 'CSRFPreventionToken': '6B00:csrf', 'username': 'root@pam'}


def test_a_token_travels_in_the_header_and_parameters_are_encoded():
    client, script, dummy = make_client(ok(None))
    client.put('nodes', 'pve1', 'qemu', 100, 'config', params={'onboot': True, 'cores': 4, 'name': None})
    sent = script.sent[0]
    assert sent.target == '/api2/json/nodes/pve1/qemu/100/config'
    assert sent.headers['Authorization'] == 'PVEAPIToken=fleet@pve!one=c4n4ry-t0ken-secret'
    assert sent.form == {'onboot': '1', 'cores': '4'}


def test_ids_are_quoted_segment_by_segment():
    client, script, dummy = make_client(ok([]))
    client.delete('pools', 'a/b#c?d', params={'force': True})
    assert script.sent[0].target == '/api2/json/pools/a%2Fb%23c%3Fd?force=1'
    assert script.sent[0].body is None


def test_a_password_logs_in_once_and_writes_carry_the_csrf_token():
    client, script, dummy = make_client(ok(TICKET), ok([]), ok(None), credential=LOGIN)
    client.get('nodes')
    client.post('pools', params={'poolid': 'p'})
    login, read, write = script.sent
    assert login.form == {'username': 'root@pam', 'password': 'c4n4ry-passw0rd'}
    assert 'CSRFPreventionToken' not in read.headers
    assert write.headers['CSRFPreventionToken'] == '6B00:csrf'
    assert read.headers['Cookie'].startswith('PVEAuthCookie=PVE%3Aroot%40pam')


def test_an_expired_ticket_is_replaced_once():
    client, script, dummy = make_client(ok(TICKET), refused(401), ok({**TICKET, 'ticket': 'PVE:new'}), ok(['x']), credential=LOGIN)
    assert client.get('nodes') == ['x']
    assert [sent.target.rpartition('/')[2] for sent in script.sent] == ['ticket', 'nodes', 'ticket', 'nodes']


def test_a_ticket_is_renewed_with_itself_before_two_hours():
    client, script, dummy = make_client(ok(TICKET), ok([]), ok({**TICKET, 'ticket': 'PVE:second'}), ok([]), credential=LOGIN)
    now = [0.0]
    client.login.clock = lambda: now[0]
    client.get('nodes')
    now[0] = 100 * 60
    client.get('nodes')
    assert script.sent[2].form == {'username': 'root@pam', 'password': TICKET['ticket']}


def test_a_second_factor_is_told():
    client, dummy, dummy = make_client(ok({**TICKET, 'NeedTFA': 1}), credential=LOGIN)
    with pytest.raises(errors.Unauthorized, match='second factor'):
        client.get('nodes')


def test_a_refused_token_is_not_tried_again():
    client, script, dummy = make_client(refused(401))
    with pytest.raises(errors.Unauthorized, match='API token fleet@pve!one is refused'):
        client.get('nodes')
    assert len(script.sent) == 1


@pytest.mark.parametrize('status', [502, 503, 504, 595, 596, 597, 599])
def test_reads_are_repeated_when_something_on_the_way_failed(status):
    client, script, clock = make_client(refused(status), ok(['x']))
    assert client.get('nodes') == ['x']
    assert len(clock.slept) == 1
    assert len(script.sent) == 2


@pytest.mark.parametrize('status', [502, 595, 599])
def test_writes_whose_fate_is_unknown_are_not_repeated(status):
    client, script, dummy = make_client(refused(status))
    with pytest.raises(errors.BadGateway) as caught:
        client.post('pools', params={'poolid': 'p'})
    assert len(script.sent) == 1
    assert caught.value.details['fate'] == 'unknown'


def test_a_write_that_was_never_sent_is_repeated():
    client, script, dummy = make_client(fault('refused', sent=False), ok(None))
    client.post('pools', params={'poolid': 'p'})
    assert len(script.sent) == 2


def test_a_write_that_may_have_been_sent_is_not_repeated():
    client, script, dummy = make_client(fault('closed', sent=None))
    with pytest.raises(errors.BadGateway, match='may have been carried out'):
        client.post('pools', params={'poolid': 'p'})
    assert len(script.sent) == 1


def test_a_permanent_500_is_not_repeated():
    client, script, dummy = make_client(refused(500, "storage 'x' does not exist"))
    with pytest.raises(errors.NotFound, match="storage 'x' does not exist"):
        client.get('storage', 'x')
    assert len(script.sent) == 1


def test_a_write_is_repeated_when_pve_says_that_a_lock_was_in_the_way():
    busy = refused(500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout")
    client, script, dummy = make_client(busy, busy, ok(None))
    client.put('nodes', 'pve1', 'qemu', 100, 'config', params={'cores': 2})
    assert len(script.sent) == 3


def test_the_deadline_ends_the_tries():
    client, dummy, clock = make_client(*[refused(503)] * 20, deadline=1.0)
    with pytest.raises(errors.BadGateway):
        client.get('nodes')
    assert clock.now - 1000 <= 1.0


def test_the_next_endpoint_answers_when_one_is_down_and_stays_preferred():
    client, script, clock = make_client(fault('refused'), ok([1]), ok([2]), hosts=('pve1', 'pve2'))
    assert client.get('nodes') == [1]
    assert client.get('nodes') == [2]
    assert [sent.endpoint for sent in script.sent] == ['pve1:8006', 'pve2:8006', 'pve2:8006']
    assert clock.slept == []


def test_all_endpoints_down_says_what_is_wrong_with_each():
    down = [fault('refused'), fault('dns')]
    client, dummy, dummy = make_client(*down * 5, hosts=('pve1', 'pve2'))
    with pytest.raises(errors.BadGateway) as caught:
        client.get('nodes')
    assert 'pve1:8006: connection refused' in caught.value.message
    assert 'pve2:8006: the name cannot be resolved' in caught.value.message
    assert caught.value.details['causes'] == ['dns', 'refused']


@pytest.mark.parametrize('kind', ['certificate', 'fingerprint', 'tls'])
def test_a_server_that_is_not_trusted_is_not_asked_again(kind):
    client, script, dummy = make_client(fault(kind))
    with pytest.raises(errors.BadGateway):
        client.get('nodes')
    assert len(script.sent) == 1


def test_a_task_is_awaited_on_the_node_that_it_names():
    running, done = ok({'status': 'running'}), ok({'status': 'stopped', 'exitstatus': 'OK'})
    client, script, dummy = make_client(ok(UPID), running, done)
    result = client.run_task('POST', 'nodes', 'pve2', 'qemu', 100, 'status', 'start')
    assert result.exitstatus == 'OK'
    assert script.sent[1].target.startswith('/api2/json/nodes/pve2/tasks/UPID:pve2')


def test_warnings_of_a_task_are_success_and_handed_on():
    log = ok([{'n': 1, 't': 'starting'}, {'n': 2, 't': 'WARN: iothread is ignored'}, {'n': 3, 't': 'TASK WARNINGS: 1'}], total=3)
    client, dummy, dummy = make_client(ok({'status': 'stopped', 'exitstatus': 'WARNINGS: 1'}), log)
    assert client.wait(UPID).warnings == ['iothread is ignored']


def test_a_failed_task_shows_the_end_of_its_log():
    log = ok([{'n': 1, 't': 'allocating'}, {'n': 2, 't': 'no space left'}, {'n': 3, 't': 'TASK ERROR: start failed'}], total=3)
    client, dummy, dummy = make_client(ok({'status': 'stopped', 'exitstatus': 'start failed'}), log)
    with pytest.raises(errors.TaskFailed) as caught:
        client.wait(UPID)
    assert caught.value.message == (
        'the task qmstart 100 on pve2 failed: start failed. Its last lines: allocating | no space left'
    )


def test_a_task_that_came_too_late_is_a_conflict():
    text = 'checksum mismatch (file change by other user?)'
    client, dummy, dummy = make_client(ok({'status': 'stopped', 'exitstatus': text}), ok([{'n': 1, 't': f'TASK ERROR: {text}'}], total=1))
    with pytest.raises(errors.Conflict):
        client.wait(UPID)


def test_a_task_that_met_a_lock_is_started_again():
    locked = "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    failed = [ok({'status': 'stopped', 'exitstatus': locked}), ok([{'n': 1, 't': f'TASK ERROR: {locked}'}], total=1)]
    client, script, dummy = make_client(ok(UPID), *failed, ok(UPID), ok({'status': 'stopped', 'exitstatus': 'OK'}))
    assert client.run_task('POST', 'nodes', 'pve2', 'qemu', 100, 'status', 'start').exitstatus == 'OK'
    assert [sent.method for sent in script.sent].count('POST') == 2


def test_a_task_that_runs_on_is_a_time_out_and_is_not_stopped():
    client, script, dummy = make_client(*[ok({'status': 'running'})] * 100)
    client.task_log = lambda upid: []
    with pytest.raises(errors.Timeout, match='still runs after 5 s; it was not stopped'):
        client.wait(UPID, timeout=5)
    assert all(sent.method == 'GET' for sent in script.sent)


def test_the_looks_at_a_task_follow_what_its_log_says_is_done():
    client, dummy, clock = make_client()
    began, looks = clock(), []

    def get(*segments):
        looks.append(clock() - began)
        return {'status': 'stopped', 'exitstatus': 'OK'} if looks[-1] >= 10 else {'status': 'running'}

    client.get = get
    client.task_log = lambda upid: [f'transferred {looks[-1]:.1f} GiB of 10.0 GiB ({looks[-1] * 10:.2f}%)']
    told = []
    client.wait(UPID, progress=told.append)
    assert looks[-1] < 10.6
    assert len(looks) < 20
    assert len(set(told)) == len(told) > 3


@given(elapsed=st.floats(0, 1e6), done=st.none() | st.floats(0, 1))
def test_the_pause_between_two_looks_has_bounds(elapsed, done):
    assert tasks.FIRST_PAUSE <= tasks.next_pause(elapsed, done) <= tasks.LONGEST_PAUSE


def test_the_resource_tree_has_proxmoxers_notation_and_our_answers():
    client, script, dummy = make_client(ok({'cores': 2}), ok(None), refused(403, 'Permission check failed (/vms/100, VM.Audit)'))
    assert client.api.nodes('pve1').qemu(100).config.get(current=1) == {'cores': 2}
    client.api.access.users('a@pve').token('t#1').post(privsep=False)
    assert script.sent[0].target == '/api2/json/nodes/pve1/qemu/100/config?current=1'
    assert script.sent[1].target == '/api2/json/access/users/a%40pve/token/t%231'
    assert script.sent[1].form == {'privsep': '0'}
    with pytest.raises(errors.Forbidden, match=r'VM\.Audit'):
        client.api('nodes/pve1/qemu/100/config').get()


def test_the_resource_tree_writes_no_parameters_to_pythons_log(caplog):
    client, dummy, dummy = make_client(ok(None))
    tree = client.api
    with caplog.at_level('DEBUG', logger='proxmoxer.core'):
        tree.access.users.post(userid='a@pve', password=f'{CANARY}-parameter')
    assert CANARY not in caplog.text


def test_log_records_say_what_happened_without_parameters_and_secrets():
    records = []
    client, dummy, dummy = make_client(refused(503), ok(None), log=records.append)
    client.get('nodes', params={'password': 'c4n4ry-parameter'})
    assert [(one['status'], one['attempt'], one['path']) for one in records] == [
        (503, 1, '/api2/json/nodes'),
        (200, 2, '/api2/json/nodes'),
    ]
    assert len({one['request_id'] for one in records}) == 1
    assert 'c4n4ry' not in json.dumps(records)


@pytest.mark.parametrize('credential', [TOKEN, LOGIN])
@pytest.mark.parametrize('answer', [refused(500, 'boom'), refused(401), fault('closed', None), fault('certificate')])
def test_no_secret_is_in_any_error_or_traceback(credential, answer):
    answers = ([ok(TICKET), answer] if credential is LOGIN else [answer]) * 4
    client, dummy, dummy = make_client(*answers, credential=credential)
    secret = {'userid': 'a@pve', 'password': f'{CANARY}-parameter'}
    with pytest.raises(errors.FleetError) as caught:
        client.post('access', 'users', params=secret)
    shown = ''.join(traceback.format_exception(caught.value)) + repr(caught.value.as_dict()) + repr(client.connection)
    assert f'{CANARY}-' not in shown
