"""Endpoints, credentials and options in their accepted and refused forms."""

from __future__ import annotations

import pytest

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.breaker import REST, Rotation
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import (
    Connection,
    Credential,
    Endpoint,
    parse_fingerprint,
)
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.limits import FileSlots

PRINT = ':'.join(['AB'] * 32)
LOGIN = {'api_user': 'root@pam', 'api_password': 'secret'}


@pytest.mark.parametrize('text', [PRINT, PRINT.lower(), PRINT.replace(':', ''), f'sha256:{PRINT}', f'SHA-256={PRINT}'])
def test_fingerprints_are_taken_in_any_usual_notation(text):
    assert parse_fingerprint(text) == PRINT


@pytest.mark.parametrize('text', ['AB:CD', 'x' * 64, PRINT + ':00'])
def test_what_is_no_fingerprint_is_told(text):
    with pytest.raises(BadRequest, match='not a SHA-256 certificate fingerprint'):
        parse_fingerprint(text)


@pytest.mark.parametrize('host', ['https://pve1', 'pve1/x', '', 'a b', 'pve1:8006'])
def test_a_host_is_only_a_host(host):
    with pytest.raises(BadRequest):
        Endpoint.from_dict({'host': host})


def test_ipv6_endpoints_are_shown_with_brackets():
    assert Endpoint.from_dict({'host': '[fd00::1]'}).label == '[fd00::1]:8006'


@pytest.mark.parametrize(
    ('credential', 'words'),
    [
        (Credential(token_id='root@pam', token_secret='x'), 'user@realm!name'),
        (Credential(token_id='root@pam!ci'), 'has no secret'),
        (Credential(user='root', password='x'), 'user@realm'),
        (Credential(user='root@pam'), 'has no password'),
        (Credential(), 'No login is given'),
    ],
)
def test_incomplete_logins_are_told(credential, words):
    with pytest.raises(BadRequest, match=words):
        credential.check()


def test_a_connection_survives_being_handed_over():
    connection = Connection('prod', (Endpoint('pve1', 8007, PRINT),), Credential(user='a@pve', password='b'), ca_path='/x')
    assert Connection.from_dict(connection.as_dict()) == connection


def test_the_environment_completes_what_a_task_leaves_out():
    environment = {'PVE_HOST': 'pve9:8443', 'PROXMOX_USER': 'root@pam', 'PVE_PASSWORD': 'x', 'PVE_VALIDATE_CERTS': 'no'}
    connection = options.direct_connection({}, environment)
    assert connection.endpoints == (Endpoint('pve9', 8443),)
    assert connection.validate_certs is False


def test_a_task_that_names_a_cluster_is_not_diverted_by_the_environment():
    assert options.effective({'cluster': 'prod'}, {'PVE_HOST': 'other'}) == {'cluster': 'prod'}
    assert 'cluster' not in options.effective({'api_host': 'a', **LOGIN}, {'PVE_CLUSTER': 'other'})


def test_a_host_and_a_cluster_together_are_refused():
    with pytest.raises(BadRequest, match='not both'):
        options.effective({'cluster': 'prod', 'api_host': 'pve1'}, {})


def test_nothing_at_all_says_what_to_give():
    with pytest.raises(BadRequest, match='Name a registered cluster'):
        options.direct_connection({}, {})


def test_community_proxmox_style_token_names_are_completed():
    found = options.credential_of({'api_user': 'a@pve', 'api_token_id': 'ci', 'api_token_secret': 's'})
    assert found.token_id == 'a@pve!ci'


def test_a_failed_endpoint_rests_and_is_then_tried_again():
    now = [0.0]
    first, second = Endpoint('a'), Endpoint('b')
    rotation = Rotation([first, second], clock=lambda: now[0])
    rotation.failed(first)
    assert rotation.order() == [second, first]
    rotation.failed(second)
    now[0] = REST
    assert rotation.breakers[first].state == 'half-open'
    rotation.starting(first)
    assert rotation.breakers[first].state == 'open'
    rotation.succeeded(first)
    assert rotation.order() == [first, second]


def test_other_processes_of_a_run_know_of_a_failed_endpoint(tmp_path):
    endpoints = [Endpoint('a'), Endpoint('b')]
    Rotation(endpoints, str(tmp_path)).failed(endpoints[0])
    assert Rotation(endpoints, str(tmp_path)).order() == [endpoints[1], endpoints[0]]


def test_slots_are_shared_through_files_and_freed_when_closed(tmp_path):
    import fcntl
    import os

    slots = FileSlots(str(tmp_path), 'prod', 1)
    held = slots.acquire()
    other = os.open(slots.paths[0], os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
