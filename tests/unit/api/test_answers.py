"""What PVE's answers mean."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.api import answers, errors


def parse(status, reason='', body=b'', content_type='application/json'):
    return answers.parse(status, reason, content_type, body, 'cluster prod: GET /nodes on pve1')


def test_data_is_returned_with_its_neighbours():
    assert parse(200, body=b'{"data":[1],"total":5}') == {'data': [1], 'total': 5}


@pytest.mark.parametrize(
    ('status', 'body', 'words'),
    [
        (200, b'<html><body>login</body></html>', 'an HTML page'),
        (200, b'', 'not JSON'),
        (200, b'{"success":1}', 'no "data"'),
        (200, b'[1,2]', 'no "data"'),
        (302, b'', 'redirects elsewhere'),
    ],
)
def test_what_is_no_answer_of_the_api_is_said_in_words(status, body, words):
    with pytest.raises(errors.BadGateway, match=words):
        parse(status, body=body)


@pytest.mark.parametrize(
    ('status', 'message', 'kind'),
    [
        (400, 'Parameter verification failed.', errors.BadRequest),
        (401, '', errors.Unauthorized),
        (403, 'Permission check failed (/vms/120, VM.Audit)', errors.Forbidden),
        (501, "Method 'GET /x' not implemented", errors.NotFound),
        (500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", errors.NotFound),
        (500, "hostname lookup 'nosuch' failed - failed to get address info", errors.NotFound),
        (500, 'unable to create VM 100 - VM 100 already exists on node', errors.Conflict),
        (500, 'checksum mismatch (file change by other user?)', errors.Conflict),
        (500, 'detected modified configuration - file changed by other user? Try again.', errors.Conflict),
        (500, 'VM is locked (backup)', errors.Locked),
        (500, "can't lock file '/var/lock/qemu-server/lock-1.conf' - got timeout", errors.Locked),
        (500, 'cluster not ready - no quorum?', errors.BadGateway),
        (500, '400 Parameter verification failed.\nzone: bad', errors.BadRequest),
        (500, 'something else', errors.Internal),
        (595, '', errors.BadGateway),
    ],
)
def test_errors_have_the_class_that_fits_their_words(status, message, kind):
    body = json.dumps({'data': None, 'message': message + '\n'}).encode() if message else b''
    with pytest.raises(kind) as caught:
        parse(status, message, body)
    assert caught.value.status == status
    assert caught.value.message.startswith('cluster prod: GET /nodes on pve1: ')
    assert '\n' not in caught.value.message


def test_texts_per_parameter_are_in_the_message_and_the_details():
    body = {'data': None, 'message': 'Parameter verification failed.\n', 'errors': {'vmid': 'VM 100 already exists\n'}}
    with pytest.raises(errors.BadRequest, match='vmid: VM 100 already exists') as caught:
        parse(400, 'Parameter verification failed.', json.dumps(body).encode())
    assert caught.value.details['errors'] == {'vmid': 'VM 100 already exists'}


def test_older_releases_have_their_message_in_the_reason_only():
    with pytest.raises(errors.NotFound, match="user 'x@pve' does not exist"):
        parse(500, "user 'x@pve' does not exist", b'{"data":null}')
