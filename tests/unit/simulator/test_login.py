# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets, CSRF tokens and API tokens."""
from __future__ import annotations

import pytest
from driver import Driver
from pvesim.access import tickets
from pvesim.call import ApiError


@pytest.fixture
def driver():
    return Driver()


def refused(driver, method, headers):
    with pytest.raises(ApiError) as caught:
        driver.dispatcher.caller(method, '/version', headers)
    assert caught.value.status == 401
    assert not caught.value.body
    return caught.value.message


def test_login_gives_a_ticket_that_is_accepted(driver):
    data = driver.login('tester@pve', 'tester12345')
    headers = {'Cookie': f'PVEAuthCookie={data["ticket"]}', 'CSRFPreventionToken': data['CSRFPreventionToken']}
    assert driver.dispatcher.caller('POST', '/pools', headers) == 'tester@pve'
    assert 'Sys.Modify' not in data['cap']['nodes']


@pytest.mark.parametrize(('user', 'password'), [
    ('tester@pve', 'wrong'), ('ghost@pve', 'tester12345'), ('tester@nowhere', 'tester12345'), ('tester', 'tester12345')])
def test_every_failed_login_reads_the_same(driver, user, password):
    status, message, _errors = driver.send('POST', '/access/ticket', None, username=user, password=password)
    assert (status, message) == (401, 'authentication failure')


def test_a_ticket_serves_as_password(driver):
    data = driver.login('tester@pve', 'tester12345')
    assert driver.login('tester@pve', data['ticket'])['username'] == 'tester@pve'
    assert driver.login('admin@pve', data['ticket']) is None


def test_a_ticket_ends_after_two_hours(driver):
    ticket = tickets.make_ticket(driver.cluster, 'root@pam', driver.fleet.clock.now() - 7201)
    assert refused(driver, 'GET', {'Cookie': f'PVEAuthCookie={ticket}'}) == 'permission denied - invalid PVE ticket'


def test_expired_tickets_are_refused_at_once(driver):
    headers = driver.headers('root@pam')
    tickets.expire_all(driver.cluster)
    assert refused(driver, 'GET', headers) == 'permission denied - invalid PVE ticket'
    assert driver.dispatcher.caller('GET', '/version', driver.headers('root@pam')) == 'root@pam'


def test_writes_need_the_csrf_token_of_the_same_user(driver):
    headers = driver.headers('root@pam', csrf=False)
    assert driver.dispatcher.caller('GET', '/version', headers) == 'root@pam'
    assert refused(driver, 'POST', headers) == 'Permission denied - invalid csrf token'
    headers['CSRFPreventionToken'] = driver.headers('tester@pve')['CSRFPreventionToken']
    assert refused(driver, 'POST', headers) == 'Permission denied - invalid csrf token'


def test_tokens_need_no_csrf_and_can_expire(driver):
    access = driver.cluster.access
    access.tokens['tester@pve'] = {'ci': {'privsep': 0, 'expire': 0}, 'old': {'privsep': 0, 'expire': 1000}}
    access.secrets.update({'tester@pve!ci': 'aaa', 'tester@pve!old': 'bbb'})
    header = {'Authorization': 'PVEAPIToken=tester@pve!ci=aaa'}
    assert driver.dispatcher.caller('POST', '/pools', header) == 'tester@pve!ci'
    for wrong in ('tester@pve!ci=x', 'tester@pve!old=bbb', 'tester@pve!none=aaa', 'garbage'):
        assert refused(driver, 'GET', {'Authorization': f'PVEAPIToken={wrong}'}) == 'Authentication failed!'


def test_a_token_cannot_do_what_the_tables_forbid_tokens(driver):
    driver.cluster.access.tokens['root@pam'] = {'t': {'privsep': 0}}
    status, message, _errors = driver.send('PUT', '/access/password', 'root@pam!t', userid='tester@pve')
    assert status == 403
    assert 'not available with API token' in message
