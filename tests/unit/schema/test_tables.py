# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations found by method and path, and requests checked against them."""
from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.schema.release import (
    RELEASES,
    UnsupportedRelease,
    release_for,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import pattern
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import Tables, UnknownOperation, tables

CONFIG = '/nodes/pve1/qemu/100/config'


@pytest.mark.parametrize(('version', 'release'), [
    ('7.0-8', '7.4'), ('7.4-16', '7.4'), ('8.0.3', '8.4'), ('8.4.1', '8.4'), ('9', '9'), ('9.2.11', '9'), ('10.1', '9'),
    ('pve-manager/8.4.1/2a5fa54a8503f96d', '8.4')])
def test_release_is_the_nearest_table(version, release):
    assert release_for(version) == release


@pytest.mark.parametrize(('version', 'part'), [('6.4-15', 'upgrade the cluster to 7.0'), ('bookworm', 'not a version')])
def test_release_refuses_what_has_no_table(version, part):
    with pytest.raises(UnsupportedRelease, match=part):
        release_for(version)


def test_tables_exist_for_three_releases_only():
    with pytest.raises(UnsupportedRelease, match=r'7.4, 8.4 and 9'):
        Tables('6')
    assert tables('9') is tables('9')


def test_importing_does_not_decode():
    code = ('import sys\n'
            'import ansible_collections.pve.fleet.plugins.module_utils.schema.tables as t\n'
            'import ansible_collections.pve.fleet.plugins.module_utils.schema.wire\n'
            'assert not any(".schema.data.pve" in name for name in sys.modules)\n'
            't.tables("9")\n'
            'assert len([name for name in sys.modules if ".schema.data.pve" in name]) == 1\n')
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)


@pytest.mark.parametrize('path', [CONFIG, CONFIG[1:], CONFIG + '/'])
def test_concrete_path_finds_template_and_values(path):
    operation = tables('9').operation('put', path)
    assert operation.template == '/nodes/{node}/qemu/{vmid}/config'
    assert operation.path_params == {'node': 'pve1', 'vmid': '100'}
    assert operation.path_names == operation.required == ('node', 'vmid')
    assert operation.proxyto == 'node'
    assert operation.protected
    assert operation.permissions['check'][1] == '/vms/{vmid}'
    assert operation.returns == {'type': 'null'}


@pytest.mark.parametrize('release', RELEASES)
def test_every_template_is_found_by_itself_and_by_a_concrete_path(release):
    table = tables(release)
    for template in table.paths():
        concrete = template.replace('{', '').replace('}', '%21')
        for method in table.methods(template):
            assert table.operation(method, template).path_params == {}
            operation = table.operation(method, concrete)
            assert operation.template == template
            assert operation.path_params == {name: f'{name}!' for name in operation.path_names}


def test_volume_ids_may_hold_slashes():
    operation = tables('9').operation('GET', '/nodes/pve1/storage/local/content/local:iso/tiny.iso')
    assert operation.path_params == {'node': 'pve1', 'storage': 'local', 'volume': 'local:iso/tiny.iso'}


@pytest.mark.parametrize(('method', 'path', 'parts'), [
    ('PATCH', CONFIG, ['no PATCH', 'GET, POST and PUT']),
    ('GET', '/nodes/pve1/qemuu', ['no path /nodes/pve1/qemuu']),
    ('GET', '/pool', ['Did you mean /pools?'])])
def test_unknown_operations_name_what_there_is(method, path, parts):
    with pytest.raises(UnknownOperation) as caught:
        tables('9').operation(method, path)
    for part in parts:
        assert part in str(caught.value)


def test_methods_of_a_path():
    assert tables('9').methods('/pools') == ['DELETE', 'GET', 'POST', 'PUT']
    assert tables('9').methods('/nosuch') == []


def test_indexed_parameters_are_found_by_their_real_names():
    table = tables('9')
    assert table.parameter('PUT', CONFIG, 'net17') is table.parameter('PUT', CONFIG, 'net0')
    assert table.parameter('PUT', CONFIG, 'net[n]') is None
    assert table.parameter('PUT', CONFIG, 'numa')['type'] == 'boolean'
    assert 'cpus' in table.parameter('PUT', CONFIG, 'numa0')['format']


GOOD = {
    'net0': 'virtio,bridge=vmbr0', 'net1': {'model': 'virtio', 'bridge': 'vmbr1', 'tag': 12, 'firewall': True},
    'scsi0': {'file': 'local:8', 'discard': True, 'ssd': 'on'}, 'memory': '8G', 'balloon': 0, 'agent': True, 'cores': '4',
    'boot': ['scsi0', 'net0'], 'cpu': 'host,flags=+aes', 'tags': ['web', 'prod'], 'ipconfig0': {'ip': 'dhcp'},
    'onboot': False, 'cpulimit': 1.5, 'nameserver': '192.0.2.1 192.0.2.2', 'startup': {'order': 2, 'up': 30},
    'description': None, 'serial0': 'socket', 'vmgenid': '1',
}


@pytest.mark.parametrize('release', RELEASES)
def test_good_requests_have_no_problems(release):
    assert tables(release).check('PUT', CONFIG, GOOD) == {}


@pytest.mark.parametrize(('name', 'value', 'parts'), [
    ('nett0', 'virtio', ['not a parameter of Proxmox VE 9', 'did you mean net0?']),
    ('cores', 0, ['at least 1']),
    ('cores', 'two', ['whole number']),
    ('cpulimit', 129, ['at most 128']),
    ('onboot', 'maybe', ['true or false']),
    ('ostype', 'l27', ['win11', "not 'l27'", 'Did you mean l26']),
    ('serial0', 'sockett', ['must be written like']),
    ('description', 'x' * 9000, ['at most 8192 characters']),
    ('name', 'bad_name!', ['DNS name']),
    ('memory', '1.5M', ['whole number of MiB']),
    ('memory', 8, ['current must be at least 16']),
    ('net0', 'virtio,bridgee=vmbr0', ['bridgee is not an option', 'Did you mean bridge?']),
    ('net0', {'bridge': 'vmbr0'}, ['model must be given']),
    ('net0', 'virtio,tag=5000', ['tag must be at most 4094']),
    ('net0', 'virtio=01:00:5e:00:00:01', ['unicast MAC address']),
    ('ipconfig0', ['dhcp'], ['not a list']),
    ('name', {'a': 1}, ['not a dictionary']),
    ('tags', 'a;b!', ["not 'b!'"]),
    ('force', 1, ['needs delete']),
    ('scsi31', 'local:1', ['too high', 'scsi30']),
    ('ide4', 'local:1', ['too high', 'ide3']),
])
def test_bad_values_get_a_sentence(name, value, parts):
    problems = tables('9').check('PUT', CONFIG, {name: value})
    assert list(problems) == [name]
    assert problems[name].startswith(f'{name} ')
    assert problems[name].endswith(('.', '?'))
    for part in parts:
        assert part in problems[name]


def test_parameter_of_another_release_is_named_as_such():
    problems = tables('7.4').check('PUT', CONFIG, {'allow-ksm': 1})
    assert problems == {'allow-ksm': 'allow-ksm is not a parameter of Proxmox VE 7.4, only of 9.'}


def test_required_parameters_are_asked_for_unless_the_request_is_partial():
    table = tables('9')
    assert table.check('POST', '/nodes/{node}/lxc', {'vmid': 100}) == {'ostemplate': 'ostemplate is required.'}
    assert table.check('POST', '/nodes/{node}/lxc', {}, complete=False) == {}
    assert table.check('POST', '/nodes/pve1/qemu', {'vmid': 99}) == {'vmid': 'vmid must be at least 100, not 99.'}


def test_values_in_the_path_are_checked_too():
    assert 'vmid' in tables('9').check('GET', '/nodes/pve1/qemu/abc/config', {})


def test_arrays_are_checked_item_by_item():
    table = tables('9')
    assert table.check('POST', '/cluster/bulk-action/guest/start', {'vms': [100, 101]}) == {}
    assert 'vms' in table.check('POST', '/cluster/bulk-action/guest/start', {'vms': [100, 'x']})


def test_parameter_for_another_kind_is_refused():
    values = {'rule': 'r1', 'type': 'node-affinity', 'resources': 'vm:100', 'affinity': 'positive'}
    assert 'resource-affinity only' in tables('9').check('POST', '/cluster/ha/rules', values, complete=False)['affinity']


@pytest.mark.parametrize('release', RELEASES)
def test_all_patterns_of_the_tables_can_be_used(release):
    table = tables(release)
    for template in table.paths():
        for method in table.methods(template):
            for schema in table.operation(method, template).parameters.values():
                inner = schema.get('format') if isinstance(schema.get('format'), dict) else {}
                for one in (schema, *inner.values()):
                    if 'pattern' in one:
                        pattern(one['pattern'])
