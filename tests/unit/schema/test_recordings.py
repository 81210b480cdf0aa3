# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was sent to a real server is the same, by meaning, as what it showed afterwards."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import same

FOLDER = Path(__file__).resolve().parents[4] / 'shared' / 'recordings' / 'single'
GUEST = re.compile(r'/nodes/[^/]+/(qemu|lxc)(?:/(\d+))?(?:/(.*))?')
CREATION = re.compile(r'/nodes/[^/]+/(?:qemu|lxc)')
# The server is newer than the table of its release.
NEWER_THAN_TABLE = ('token-regenerate',)
# What the table alone decides: unknown or missing names, types, limits, enumerations, patterns, common formats. Left out
# are lists that only a server knows, and booleans and keys in spellings that are put right before they are sent.
FORMAL = re.compile(
    r'property is|type check \(.(?!boolean)|value '
    r'|invalid format - (?!.*(privilege|content type|cputype|calendar event|urlencoded))')
# Sent with a request, but no part of a configuration.
NOT_CONFIG = ('vmid', 'digest', 'delete', 'revert', 'skiplock', 'force', 'node')


def exchanges():
    for path in sorted(FOLDER.glob('[0-9]*.json')):
        record = json.loads(path.read_text(encoding='utf-8'))
        request, response = record['request'], record.get('response') or {}
        path, _question, query = request['path'].removeprefix('/api2/json').partition('?')
        task = (record.get('task') or {}).get('status', {}).get('exitstatus', 'OK')
        good = response.get('status_code') == 200 and task == 'OK'
        body = response.get('body')
        yield record['name'], request['method'], path, query, request.get('form') or {}, good, body


def guest_pairs():
    """(test id, kind, parameter, value sent, value shown): each parameter with the first read after it was sent."""
    sent: dict[tuple[str, str], dict[str, tuple[str, object]]] = {}
    for name, method, path, query, form, good, body in exchanges():
        match = GUEST.fullmatch(path)
        if not match:
            continue
        kind, vmid, rest = match.groups()
        if method == 'GET':
            if rest == 'config' and not query and good:
                shown = body['data']
                for key, (origin, value) in sent.pop((kind, vmid), {}).items():
                    yield f'{origin}-{key}', kind, key, value, shown.get(key)
        elif CREATION.fullmatch(path) and good:
            sent[kind, str(form['vmid'])] = {key: (name, value) for key, value in form.items()}
        elif rest == 'config' and good:
            known = sent.setdefault((kind, vmid), {})
            known.update({key: (name, value) for key, value in form.items()})
            for key in str(form.get('delete', '')).split(','):
                known.pop(key, None)
        elif vmid:
            sent.pop((kind, vmid), None)


def configuration_pairs():
    for origin, kind, key, value, shown in guest_pairs():
        schema = tables('9').parameter('PUT', f'/nodes/{{node}}/{kind}/{{vmid}}/config', key)
        if schema is not None and key not in NOT_CONFIG:
            yield pytest.param(key, value, shown, schema, id=origin)


def object_pairs():
    """The same for every other object: a PUT, or a POST to the folder above, followed by a GET of its path."""
    sent: dict[str, dict[str, tuple[str, object, dict]]] = {}
    for name, method, path, query, form, good, body in exchanges():
        if GUEST.fullmatch(path) or not good:
            continue
        if method in ('PUT', 'POST'):
            operation = tables('9').operation(method, path)
            values = {key: (name, value, operation.parameter(key)) for key, value in form.items()}
            for target in [path] if method == 'PUT' else [f'{path}/{value}' for value in form.values()]:
                sent.setdefault(target, {}).update(values)
        elif method == 'GET' and not query and isinstance(body, dict) and isinstance(body.get('data'), dict):
            for key, (origin, value, schema) in sent.pop(path, {}).items():
                if schema is not None and key in body['data'] and key != 'digest':
                    yield pytest.param(key, value, body['data'][key], schema, id=f'{origin}-{key}')


ABSENT = f'{FOLDER} is absent, so there is nothing recorded to compare with.'
if FOLDER.is_dir():
    GUEST_PAIRS, OBJECT_PAIRS = list(configuration_pairs()), list(object_pairs())
else:
    GUEST_PAIRS = OBJECT_PAIRS = [pytest.param('', None, None, None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize(('name', 'sent', 'shown', 'schema'), GUEST_PAIRS)
def test_guest_configuration_reads_back_the_same(name, sent, shown, schema):
    assert same(name, sent, shown, schema)


@pytest.mark.parametrize(('name', 'sent', 'shown', 'schema'), OBJECT_PAIRS)
def test_objects_read_back_the_same(name, sent, shown, schema):
    assert same(name, sent, shown, schema)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
def test_there_are_enough_pairs_to_mean_something():
    assert len(GUEST_PAIRS) > 60
    assert len(OBJECT_PAIRS) > 20


@pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
def test_accepted_requests_pass_the_check():
    """No request that the server accepted is refused by the tables."""
    refused = {}
    for name, method, path, _query, form, good, _body in exchanges():
        if good and form and name not in NEWER_THAN_TABLE:
            problems = tables('9').check(method, path, form)
            if problems:
                refused[name] = problems
    assert refused == {}


@pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
def test_requests_that_the_server_refused_for_their_form_are_refused_by_the_check():
    missed = {}
    for name, method, path, _query, form, _good, body in exchanges():
        errors = body.get('errors') if isinstance(body, dict) else None
        formal = {key for key, text in (errors or {}).items() if FORMAL.match(text)}
        unnoticed = formal - set(tables('9').check(method, path, form) if formal else ())
        if unnoticed:
            missed[name] = sorted(unnoticed)
    assert missed == {}
