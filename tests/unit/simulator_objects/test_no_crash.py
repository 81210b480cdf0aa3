"""Whatever the tables allow: an answer or an error in PVE's form, never a fault of the simulator."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pvesim.call import HANDLERS, ApiError
from pvesim.request import prepare
from pvesim.tables import tables

from .conftest import Api

prepare()
MINE = re.compile(r'/access/(?!ticket|vncticket)|/pools|/cluster/(?:options|firewall|sdn|mapping|metrics|notifications|acme|backup|'
                  r'backup-info|jobs|log|config)(?:/|$)|/nodes/\{node\}/(?:firewall|sdn)|/nodes/\{node\}/qemu/\{vmid\}/firewall')
OPERATIONS = {release: [operation for (method, path), operation in sorted(tables(release).operations.items())
                        if MINE.match(path) and (release, method, path) in HANDLERS] for release in ('7.4', '8.4', '9')}
WORDS = st.sampled_from([
    'a1', 'b2', 'z1', 'v1', 'z1-10.0.0.0-24', '10.0.0.0/24', '10.0.0.1', '10.0.0.5/24', 'fd00::1', 'pve1', 'local', '100', '101',
    'root@pam', 'ann@pve', 'ann@pve!t1', 'pve', 'pam', 'PVEAuditor', '/', '/vms/100', 'web', '+web', 'ACCEPT', 'SSH', 'in',
    'group', '80', 'tcp', 'sat 02:00', '*/5', 'keep-last=1', 'node=pve1,path=0000:00:00.0,id=8086:0d57', 'simple', 'vlan', 'evpn',
    'vxlan', 'ldap', 'ad', 'openid', 'influxdb', 'graphite', 'dns', 'comment', 'alias,comment', '', '-', 'x=y', 'secret123',
    'https://example.test', 'a@b.co', 'name=k,value=c2VjcmV0', 'subnet', 'openfabric'])


def value(schema: dict) -> st.SearchStrategy[str]:
    """Mostly what the schema allows."""
    if schema.get('enum'):
        return st.sampled_from([str(item) for item in schema['enum']])
    kind = schema.get('type')
    if kind == 'boolean':
        return st.sampled_from(['0', '1'])
    if kind in ('integer', 'number'):
        low = int(float(schema.get('minimum', 0)))
        return st.sampled_from([str(low), str(low + 1), str(int(float(schema.get('maximum', low + 100))))])
    return WORDS


@st.composite
def requests(draw: st.DrawFn, release: str) -> tuple[str, str, dict[str, str]]:
    operation = draw(st.sampled_from(OPERATIONS[release]))
    names = [name for name in operation.properties if '[n]' not in name]
    needed = [name for name in names if not operation.properties[name].get('optional')]
    chosen = set(needed) | set(draw(st.lists(st.sampled_from(names), max_size=5))) if names else set()
    params = {name: draw(value(operation.properties[name])) for name in sorted(chosen)}
    path = re.sub(r'\{(\w+)\}', lambda match: params.pop(match[1], None) or 'a1', operation.path)
    return operation.method, path, params


def answered(api: Api, method: str, path: str, params: dict[str, str]) -> bool:
    """Whether a request got data as PVE writes it or an error that PVE could give."""
    try:
        return no_booleans(api.send(method, path, 'root@pam', params))
    except ApiError as error:
        return 400 <= error.status < 600 and bool(error.message)


def no_booleans(found: Any) -> bool:
    """PVE writes 1 and 0 for yes and no."""
    if isinstance(found, dict):
        return all(map(no_booleans, found.values()))
    if isinstance(found, list):
        return all(map(no_booleans, found))
    return not isinstance(found, bool)


@pytest.mark.parametrize('release', sorted(OPERATIONS))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_every_sequence_of_requests_is_answered(release, data):
    api = Api(release=release)
    api.guest(100, tags='web', scsi0='local:100/a.qcow2,size=1G')
    for method, path, params in data.draw(st.lists(requests(release), min_size=1, max_size=25)):
        assert answered(api, method, path, params), f'{method} {path} {params}'
