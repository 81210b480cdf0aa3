# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses, expressions, views and lean reads, without Ansible's command line."""
from __future__ import annotations

import contextlib
import dataclasses
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.fixtures import running
from pvesim.model.generate import generate, token_secret

from ansible_collections.pve.fleet.plugins.module_utils.api import bulk, errors
from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.fleet import shape, snapshot, targets, views
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory import hosts
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.expressions import ExpressionError, Expressions


def entry(cluster='prod', vmid=100, **more):
    return {'cluster': cluster, 'vmid': vmid, 'type': 'qemu', 'node': 'pve1', **more}


# --- names -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from('ab'), st.integers(100, 103), st.lists(st.sampled_from(['x', 'y', 'x.a', 'x-100.a']), min_size=1, max_size=3)),
                unique_by=lambda one: one[:2], max_size=8))
def test_no_two_hosts_share_a_name(found):
    entries = [entry(cluster, vmid) for cluster, vmid, _names in found]
    names, clashes = hosts.host_names(entries, [names for _cluster, _vmid, names in found])
    assert len(set(names)) == len(names) == len(found)
    wanted = [names[0] for _cluster, _vmid, names in found]
    assert bool(clashes) >= (len(set(wanted)) < len(wanted))


def test_names_do_not_depend_on_the_order():
    entries = [entry('prod'), entry('lab'), entry('lab', 101)]
    names = [['web'], ['web'], ['db']]
    forth, dummy = hosts.host_names(entries, names)
    back, dummy = hosts.host_names(entries[::-1], names[::-1])
    assert forth == back[::-1] == ['web.prod', 'web.lab', 'db']


@pytest.mark.parametrize(('pool', 'groups'), [('a', ['a']), ('a/b/c', ['a', 'a_b', 'a_b_c'])])
def test_pools_are_nested_groups(pool, groups):
    assert hosts.pool_groups(pool) == groups


@given(st.text(min_size=1))
def test_group_names_are_variables_names(text):
    assert hosts.group_name(text).isidentifier()


# --- addresses ---------------------------------------------------------------------------------------------------------

ADDRESSES = {'docker0': ['172.17.0.1'], 'net0': ['fe80::1', '10.0.0.5', '2001:db8::5'], 'net1': ['192.168.1.5']}


@pytest.mark.parametrize(('preferences', 'address'), [
    (hosts.DEFAULT_ADDRESSES, '10.0.0.5'),
    ([{'family': 'ipv6'}], '2001:db8::5'),
    ([{'cidr': '192.168.0.0/16'}], '192.168.1.5'),
    ([{'interface': 'net9'}, {'interface': 'docker*'}], '172.17.0.1'),
    ([{'interface': 'net1', 'family': 'ipv6'}], None),
    ([], None),
])
def test_the_first_preference_that_any_address_meets_decides(preferences, address):
    assert hosts.preferred_address(ADDRESSES, hosts.check_preferences(preferences)) == address


@pytest.mark.parametrize('wrong', [{'network': '10.0.0.0/8'}, {'family': 'ipx'}, {'cidr': '10.0.0'}, 'ipv4'])
def test_a_preference_that_is_none_is_refused(wrong):
    with pytest.raises(errors.BadRequest, match='address_preference'):
        hosts.check_preferences([wrong])


# --- expressions -------------------------------------------------------------------------------------------------------


def asked(text, _variables):
    return f'ansible: {text}'


SCOPE = {'name': 'web-01', 'status': 'running', 'tags': ['web', 'prod'], 'memory': 2 * 1024**3, 'pool': None}


@pytest.mark.parametrize(('text', 'value'), [
    ("status == 'running' and 'web' in tags", True),
    ('memory / 1024 ** 3 >= 2', True),
    ("name | regex_replace('-.*', '')", 'web'),
    ("name is match('web-')", True),
    ("pool | default('none', true)", 'none'),
    ("tags | join('.')", 'web.prod'),
    ('{{', None),
    ("lookup('env', 'HOME')", "ansible: lookup('env', 'HOME')"),
    ('name | ansible.utils.ipaddr', 'ansible: name | ansible.utils.ipaddr'),
])
def test_expressions_are_evaluated_here_or_by_ansible(text, value):
    expressions = Expressions(asked, asked)
    if value is None:
        with pytest.raises(ExpressionError):
            expressions.expression(text)
    else:
        assert expressions.expression(text)(SCOPE) == value


@pytest.mark.parametrize('text', ['nosuch', 'nosuch == 1', 'pool.name', 'memory / 0', "''.__class__.__mro__"])
def test_what_fails_says_so(text):
    with pytest.raises(ExpressionError):
        Expressions(asked, asked).expression(text)(SCOPE)


def test_values_are_data_and_never_rendered():
    template = Expressions(asked, asked).template('{{ name }}')
    assert template({'name': '{{ 6 * 7 }}'}) == '{{ 6 * 7 }}'


# --- shapes ------------------------------------------------------------------------------------------------------------


def test_a_guest_without_name_on_an_offline_node_is_kept():
    found = shape.guest({'vmid': 100, 'type': 'qemu', 'node': 'pve2', 'status': 'running', 'cpu': 0.5}, 'prod', frozenset({'pve2'}))
    assert (found['name'], found['status'], found['cpu'], found['tags']) == ('', 'unknown', None, [])
    assert hosts.own_name(found) == 'qemu-100'


@pytest.mark.parametrize(('agent', 'enabled'), [(None, False), ('0', False), ('1', True), ('enabled=1,fstrim_cloned_disks=1', True),
                                                ('1,type=virtio', True), ('enabled=0', False), ('type=isa', False)])
def test_an_agent_is_asked_only_where_it_is_enabled(agent, enabled):
    assert snapshot.agent_enabled({'agent': agent} if agent else {}) is enabled


# --- targets -----------------------------------------------------------------------------------------------------------

LOGIN = {'api_token_id': 'fleet@pve!viewer', 'api_token_secret': 'c4n4ry'}


def test_inline_clusters_need_no_registry(tmp_path):
    access = Access({'registry_url': f'sqlite:///{tmp_path}/none.db'}, environment={})
    one, two = targets.targets(access, [{'name': 'lab', 'endpoints': [{'host': 'a'}, {'host': 'b', 'port': 8007}], **LOGIN}, {'api_host': 'c', **LOGIN}])
    assert [endpoint.label for endpoint in one.connect().endpoints] == ['a:8006', 'b:8007']
    assert (one.name, two.name) == ('lab', 'c')
    assert 'c4n4ry' not in repr(one) + one.identity
    for wrong in ([{'name': 'x', **LOGIN}], [{'api_hots': 'x'}], [{'api_host': 'c', **LOGIN}, {'api_host': 'c', **LOGIN}]):
        with pytest.raises(errors.BadRequest):
            targets.targets(access, wrong)


def test_the_environment_names_the_cluster_when_nothing_else_does(tmp_path):
    environment = {'PVE_HOST': 'pve1,pve2', 'PVE_TOKEN_ID': 'fleet@pve!viewer', 'PVE_TOKEN_SECRET': 'x'}
    found, = targets.targets(Access({'registry_url': f'sqlite:///{tmp_path}/none.db'}, environment=environment))
    assert [endpoint.host for endpoint in found.connect().endpoints] == ['pve1', 'pve2']
    assert targets.targets(Access({'registry_url': f'sqlite:///{tmp_path}/none.db'}, environment={})) == []


# --- reading -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def fleet():
    with running(generate(clusters=1, nodes=3, guests=20, seed=7)) as sim:
        yield sim


@pytest.fixture
def connection(fleet):
    fleet.control.clear_faults()
    fleet.control.reset_log()
    name = next(iter(fleet.urls))
    login = Credential(token_id='fleet@pve!admin', token_secret=token_secret(7, name, 'admin'))
    return Connection(name, (Endpoint('127.0.0.1', fleet.port),), login, ca_path=fleet.ca_path)


def reader(connection):
    return contextlib.closing(bulk.Reader(Client(connection)))


def test_many_reads_come_in_their_order_over_few_connections(fleet, connection):
    rows = Client(connection).get('cluster', 'resources')
    paths = [('nodes', row['node'], row['type'], row['vmid'], 'config') for row in rows if row['type'] in ('qemu', 'lxc')]
    before = fleet.control.log(limit=1)['connections']
    with reader(connection) as lean:
        found = fan_out(lambda path: lean.get(*path), [*paths, ('nodes', f'{connection.name}-pve1', 'qemu', 99999, 'config')], 4)
    assert [one.item for one in found[:-1]] == paths
    assert all(one.value['digest'] for one in found[:-1])
    assert isinstance(found[-1].error, errors.FleetError)
    assert fleet.control.log(limit=1)['connections'] - before <= 6


def test_a_fault_of_the_way_is_overcome_as_by_the_client(fleet, connection):
    with reader(connection) as lean:
        assert lean.get('version')['version']
        for action in ('reset', 'garbage', 'truncated'):
            fleet.control.fault(action, method='GET', path='/version', count=1)
            if action == 'reset':
                assert lean.get('version')['version']
            else:
                with contextlib.suppress(errors.BadGateway):
                    lean.get('version')
            assert lean.get('version')['version']
        fleet.control.fault('status', method='GET', path='/version', status=503, message='busy', count=1)
        assert lean.get('version')['version']


def test_what_is_refused_raises_as_by_the_client(fleet, connection):
    refused = dataclasses.replace(connection, credential=Credential(token_id='fleet@pve!nosuch', token_secret='x'))
    with reader(refused) as lean, pytest.raises(errors.Unauthorized, match='API token'):
        lean.get('version')
    pinned = dataclasses.replace(connection, endpoints=(Endpoint('127.0.0.1', fleet.port, ':'.join(['AB'] * 32)),))
    with reader(pinned) as lean, pytest.raises(errors.BadGateway, match='pinned'):
        lean.get('version')
    with reader(dataclasses.replace(connection, ca_path=None)) as lean, pytest.raises(errors.BadGateway, match='not trusted'):
        lean.get('version')


def test_a_password_login_is_renewed_when_its_ticket_ends(fleet, connection):
    login = Credential(user='root@pam', password='pvesim-password')
    with reader(dataclasses.replace(connection, credential=login)) as lean:
        assert lean.get('version')
        fleet.control.expire_tickets()
        assert lean.get('cluster', 'resources', params={'type': 'node'})


def test_a_view_names_what_single_guests_lack(fleet, connection):
    fleet.control.fault('status', method='GET', path='/nodes/*/qemu/9000/config', status=500, message='unable to parse', count=0)
    view = snapshot.read_view(Client(connection), snapshot.Wanted(config=True))
    assert [one['vmid'] for one in view['problems']] == [9000]
    assert 'unable to parse' in views.told(view)[0]


# --- what is kept ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Down:
    """A target that cannot be asked."""

    name: str = 'prod'
    record: object = None
    release: str | None = None

    def connect(self):
        raise errors.BadGateway('cluster prod cannot be reached.')


def view_at(time):
    return {'cluster': 'prod', 'taken_at': time, 'guests': [], 'nodes': [], 'problems': []}


def test_a_fresh_view_is_used_without_asking():
    found, = views.views([Down()], views.Policy(max_age=60), {'prod': views.Kept(view_at(950))}, now=lambda: 1000)
    assert (found.view, found.warnings) == (view_at(950), [])


def test_an_old_view_is_shown_with_its_age_when_the_cluster_is_down():
    found, = views.views([Down()], views.Policy(max_age=60), {'prod': views.Kept(view_at(1000 - 7200))}, now=lambda: 1000)
    assert found.view is not None
    assert '2 h ago' in found.warnings[0]
    assert found.kept.failed_at == 1000


def test_without_anything_kept_the_cluster_is_left_out_or_fails():
    found, = views.views([Down()], views.Policy())
    assert (found.view, len(found.warnings)) == (None, 1)
    with pytest.raises(errors.BadGateway):
        views.views([Down()], views.Policy(on_error='fail'))


def test_a_snapshot_serves_one_thread_at_a_time():
    inside = threading.Lock()

    def snapshot_of(_target):
        assert inside.acquire(blocking=False)
        inside.release()

    assert len(views.views([Down(f'c{number}') for number in range(8)], views.Policy(), {}, snapshot_of)) == 8
