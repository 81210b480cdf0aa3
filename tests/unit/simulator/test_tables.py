# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests made up from the official tables: whatever is asked, the answer is one that PVE could give."""
from __future__ import annotations

import asyncio
import re

import pytest
from driver import Driver
from hypothesis import given, settings
from hypothesis import strategies as st
from pvesim.call import RELEASES
from pvesim.tables import tables

# Statuses that PVE's own code answers with.
STATUSES = {200, 400, 401, 403, 404, 424, 500, 501, 595, 596}
SAMPLES = {
    'node': ['pve1', 'pve2', 'localhost', 'nosuch'], 'target': ['pve1', 'pve2'], 'vmid': ['100', '101', '200', '999'],
    'newid': ['100', '300', '301'], 'storage': ['local', 'none'], 'userid': ['root@pam', 'tester@pve', 'x@pve', 'x'],
    'tokenid': ['t', 'u'], 'poolid': ['p', 'q/r'], 'snapname': ['s1', 'current'], 'disk': ['scsi0', 'rootfs', 'ide2'],
    'volume': ['local:iso/tiny.iso', 'local:100/vm-100-disk-0.qcow2', 'x'], 'sid': ['vm:100', 'ct:200', 'vm:5'],
    'upid': ['UPID:pve1:00000001:00000001:6B000000:qmstart:1:root@pam:', 'x'], 'iface': ['vmbr0', 'vmbr7', 'eth0'],
    'command': ['ls', 'ping', 'start'], 'delete': ['name', 'net0', 'comment', 'scsi0', '1'], 'roleid': ['PVEAdmin', 'R'],
    'path': ['/', '/vms/100', '/odd/x', '/var/tmp'], 'zone': ['z1', 'z2'], 'vnet': ['v1'], 'group': ['g', 'h'],
    'ostemplate': ['local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', 'local:none'], 'volid': ['local:iso/tiny.iso', 'none'],
    'archive': ['local:backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst', '-'], 'realm': ['pve', 'pam', 'ldap1'],
}
PLAIN = st.one_of(st.sampled_from(['', '0', '1', 'a', 'x,y', 'a=b', 'pve1', 'local:1', 'local:0', '10.0.0.1', '10.0.0.0/24',
                                   'vmbr0', 'order=scsi0', '+1G', 'daily', 'a;b', 'none', '100', 'vm:100']),
                  st.text(max_size=12))
UNTEMPLATED = re.compile(r'\{([^}]+)\}')


def number_text(schema):
    low, high = int(schema.get('minimum', -3)), int(schema.get('maximum', 2000))
    return st.integers(min(low, high), high).map(str)


def property_text(shape):
    parts = {key: value_text(key, schema) for key, schema in shape.items() if 'alias' not in schema}
    needed = {key: parts[key] for key, schema in shape.items() if key in parts and not schema.get('optional')}
    others = {key: text for key, text in parts.items() if key not in needed}
    return st.fixed_dictionaries(needed, optional=others).map(
        lambda values: ','.join(f'{key}={value}' for key, value in list(values.items())[:6]))


def value_text(name, schema):
    """Mostly what fits the schema, now and then what does not."""
    known = st.sampled_from(SAMPLES[name]) if name in SAMPLES else None
    if schema.get('type') == 'boolean':
        fitting = st.sampled_from(['0', '1'])
    elif schema.get('enum'):
        fitting = st.sampled_from([str(item) for item in schema['enum']])
    elif schema.get('type') in ('integer', 'number'):
        fitting = number_text(schema) if known is None else known
    elif isinstance(schema.get('format'), dict):
        fitting = st.deferred(lambda: property_text(schema['format']))
    else:
        fitting = PLAIN if known is None else known
    return st.one_of(fitting, fitting, fitting, PLAIN)


@st.composite
def requests_of(draw, release):
    operation = draw(st.sampled_from(sorted(tables(release).operations.values(), key=repr)))
    path = UNTEMPLATED.sub(lambda match: draw(st.sampled_from(SAMPLES.get(match[1], ['a', 'x1', '0']))), operation.path)
    params = {}
    inside = set(UNTEMPLATED.findall(operation.path))
    for name, schema in operation.properties.items():
        if name in inside or (name.endswith('[n]') and draw(st.booleans())):
            continue
        wanted = not schema.get('optional') or draw(st.integers(0, 5)) == 0
        if wanted and draw(st.integers(0, 19)) > 0:
            params[name.replace('[n]', '0')] = draw(value_text(name, schema))
    if draw(st.integers(0, 19)) == 0:
        params['no-such-parameter'] = '1'
    return operation.method, path, draw(st.sampled_from(['root@pam', 'root@pam', 'tester@pve', 'root@pam!t'])), params


async def play(state, release, sequence):
    driver = Driver(state, release)
    driver.cluster.access.tokens['root@pam'] = {'t': {'privsep': 1, 'expire': 0}}
    driver.send('POST', '/nodes/pve1/qemu', vmid=100, scsi0='local:1,format=qcow2', net0='virtio,bridge=vmbr0')
    driver.send('POST', '/nodes/pve1/lxc', vmid=200, rootfs='local:1',
                ostemplate='local:vztmpl/fake-rootfs_1.0_amd64.tar.zst')
    await driver.settle()
    for method, path, authid, params in sequence:
        status, answer, errors = driver.send(method, path, authid, **params)
        assert status in STATUSES, (method, path, params, status, answer)
        if status != 200:
            assert answer, (method, path, params, status)
            assert 'internal error' not in answer
        if errors:
            assert status in (400, 500)
        await driver.settle()
    for task in driver.cluster.tasks.values():
        assert 'pvesim: internal error' not in (task.exitstatus or ''), (task.upid, task.exitstatus)


@pytest.mark.parametrize('state', ['single', 'pair'])
@pytest.mark.parametrize('release', RELEASES)
@given(data=st.data())
@settings(max_examples=60)
def test_no_request_makes_it_stumble(state, release, data):
    asyncio.run(play(state, release, data.draw(st.lists(requests_of(release), min_size=1, max_size=8))))


@pytest.mark.parametrize('release', RELEASES)
def test_what_has_no_behaviour_says_so(release):
    driver = Driver('single', release)
    for operation in driver.dispatcher.tables.operations.values():
        if operation.handler is not None or '{' in operation.path or operation.method != 'GET':
            continue
        status, message, _errors = driver.send('GET', operation.path)
        assert status in (400, 501)
        if status == 501:
            assert message == f'pvesim: no behaviour for GET {operation.path}'


@pytest.mark.parametrize('release', RELEASES)
def test_every_operation_is_found_by_its_path(release):
    for (method, path), operation in tables(release).operations.items():
        branch, values = tables(release).find(UNTEMPLATED.sub('x', path))
        assert branch.methods[method] is operation
        assert set(values) == set(UNTEMPLATED.findall(path))


@pytest.mark.parametrize('release', RELEASES)
def test_every_format_of_the_tables_is_known(release):
    from pvesim.schema.formats import FORMATS
    from pvesim.schema.named import named

    unknown = set()

    def look(schema):
        for inner in (schema.get('format') if isinstance(schema.get('format'), dict) else {}).values():
            look(inner)
        name = schema.get('format')
        if isinstance(name, str) and named(name, release) is None:
            stem = re.sub(r'-(?:a?list|opt)$', '', name)
            if name not in FORMATS and stem not in FORMATS and named(stem, release) is None:
                unknown.add(name)

    for operation in tables(release).operations.values():
        for schema in operation.properties.values():
            look(schema)
    assert unknown == set()
