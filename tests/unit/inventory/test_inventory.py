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
from ansible_collections.pve.fleet.plugins.module_utils.guests import addresses
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord, StoredCredential
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory import checks, hosts
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


def test_groups_of_clusters_and_nodes_are_never_shared():
    wanted = [('cluster', 'prod-eu'), ('cluster', 'prod_eu'), ('cluster', 'prod'), ('node', 'prod', 'eu-pve1'), ('node', 'prod-eu', 'pve1')]
    names = hosts.distinct_groups('pve_', wanted)
    assert len(set(names.values())) == len(wanted)
    assert names == hosts.distinct_groups('pve_', wanted[::-1])
    assert names['cluster', 'prod'] == 'pve_cluster_prod'
    assert all(name.isidentifier() for name in names.values())


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


GOOD = {'concurrency': 5, 'failure_timeout': 60, 'cache_timeout': 0, 'agent_timeout': 5.0, 'connect_timeout': 5.0, 'read_timeout': 35.0, 'prefix': 'pve_',
        'keyed_groups': [{'key': 'tags'}]}


def test_options_that_cannot_be_meant_are_refused():
    checks.check_options(GOOD)
    for name, wrong in (('concurrency', 0), ('agent_timeout', 0), ('read_timeout', -1.0), ('cache_timeout', -1), ('prefix', 'my-'), ('keyed_groups', ['tags'])):
        with pytest.raises(errors.BadRequest, match=name):
            checks.check_options({**GOOD, name: wrong})


def test_an_unknown_option_is_told_with_the_one_that_may_be_meant():
    text, = checks.unknown_options(['gather', 'includes'], ['include', 'gather'])
    assert 'Did you mean include?' in text


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


def test_the_short_forms_of_an_inline_cluster_mean_the_same(tmp_path):
    access = Access({'registry_url': f'sqlite:///{tmp_path}/none.db'}, environment={})
    places = ('a:8007', ['a:8007'], [{'host': 'a', 'port': 8007}])
    for form in (*([{'name': 5, 'endpoints': one, **LOGIN}] for one in places), {'name': '5', 'endpoints': {'host': 'a', 'port': 8007}, **LOGIN}):
        one, = targets.targets(access, form)
        assert (one.name, [endpoint.label for endpoint in one.connect().endpoints]) == ('5', ['a:8007'])


FIFTY = 50


@pytest.fixture
def fifty(tmp_path):
    """Access to a registry of fifty clusters, and the statements that it executes."""
    sqlalchemy = pytest.importorskip('sqlalchemy')
    access = Access({'registry_url': f'sqlite:///{tmp_path}/registry.db'}, environment={})
    for number in range(FIFTY):
        record = ClusterRecord(name=f'c{number:02}', endpoints=[Endpoint(f'10.0.0.{number}')], labels={'half': str(number % 2)})
        access.registry.save_cluster(record, [StoredCredential('viewer', 'token', 'fleet@pve!viewer', f'secret-{number}')])
    statements = []

    def note(_connection, _cursor, statement, *_more):
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, 'before_cursor_execute', note)
    yield access, statements
    sqlalchemy.event.remove(sqlalchemy.Engine, 'before_cursor_execute', note)


def reads(statements):
    return [one for one in statements if one.startswith('SELECT')]


def test_the_registry_is_read_once_for_all_clusters(fifty):
    access, statements = fifty
    found = access.many('all', 'viewer')
    assert [one.credential.token_secret for one in found.values()] == [f'secret-{number}' for number in range(FIFTY)]
    assert len(reads(statements)) == 2
    statements.clear()
    assert len(access.many({'labels': {'half': '1'}}, 'viewer')) == FIFTY / 2
    assert len(reads(statements)) == 2


def test_targets_read_the_registry_once_however_many_are_asked(fifty):
    access, statements = fifty
    found = targets.targets(access, 'all')
    assert len(reads(statements)) == 1
    connections = [result.value for result in fan_out(lambda target: target.connect(), found)]
    assert [one.credential.token_secret for one in connections] == [f'secret-{number}' for number in range(FIFTY)]
    assert len(reads(statements)) == 3


def test_a_login_that_is_missing_does_not_hide_the_others(fifty):
    access, _statements = fifty
    found = access.many(['c00', 'c01'], 'admin')
    assert all(isinstance(one, errors.Forbidden) for one in found.values())
    access.registry.remove_cluster('c01')
    with pytest.raises(errors.NotFound, match='c01'):
        access.many(['c00', 'c01'], 'viewer')


def test_a_login_is_read_anew_when_the_key_was_changed_in_between(fifty):
    access, _statements = fifty
    connectors = access.connectors(['c00'], 'viewer')
    access.registry.rotate_key()
    assert connectors['c00']().credential.token_secret == 'secret-0'


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


class Listing:
    """A reader that knows the lists of nodes."""

    def __init__(self, **lists):
        self.lists, self.asked = lists, []

    def get(self, *segments, params=None):
        self.asked.append(segments)
        if segments[1] not in self.lists:
            raise errors.BadGateway('no answer', status=595)
        return self.lists[segments[1]]


def nameless(vmid, node):
    return {'vmid': vmid, 'type': 'qemu', 'node': node, 'status': 'unknown'}


def test_names_that_the_list_lacks_come_from_the_node_or_from_memory():
    rows = [{**nameless(100, 'pve1'), 'name': 'web'}, nameless(101, 'pve1'), nameless(102, 'pve2'), nameless(103, 'pve2'), nameless(104, 'pve3')]
    reader_ = Listing(pve1=[{'vmid': 101, 'name': 'new', 'status': 'running'}])
    found = snapshot.with_names(reader_, rows, frozenset({'pve2'}), lambda: {102: 'old', 104: 'older', 9: 'gone'}, [])
    assert [row.get('name') for row in found] == ['web', 'new', 'old', None, 'older']
    assert {segments[1] for segments in reader_.asked} == {'pve1', 'pve3'}


def test_no_memory_is_needed_where_the_list_has_all_names():
    def remembered():
        raise AssertionError

    rows = [{**nameless(100, 'pve1'), 'name': 'web'}]
    assert snapshot.with_names(Listing(), rows, frozenset(), remembered, []) == rows


def test_a_node_that_died_just_now_is_not_asked_for_each_of_its_guests(fleet, connection):
    dead = f'{connection.name}-pve2'
    fleet.control.fault('status', path=f'/nodes/{dead}/*', status=595, message='', count=0)
    view = snapshot.read_view(Client(connection), snapshot.Wanted(config=True))
    own = [one for one in view['guests'] if one['node'] == dead]
    asked = {path for path in fleet.control.log()['counts'] if dead in path}
    assert len(own) > len(asked) > 0
    assert all(one['problems'] for one in own)
    assert all('config' in one for one in view['guests'] if one['node'] != dead)


def test_one_guest_that_hangs_is_not_taken_for_its_node(fleet, connection):
    quick = dataclasses.replace(connection, read_timeout=0.3, deadline=0.5)
    with contextlib.closing(Client(quick)) as client:
        slow = next(one for one in snapshot.read_view(client, snapshot.Wanted())['guests'] if one['type'] == 'qemu')
        fleet.control.fault('delay', path=f'/nodes/{slow["node"]}/qemu/{slow["vmid"]}/config', seconds=3, count=0)
        view = snapshot.read_view(client, snapshot.Wanted(config=True))
    assert [one['vmid'] for one in view['problems']] == [slow['vmid']]


def test_an_agent_that_hangs_is_waited_for_once_also_where_a_connection_broke(fleet, connection):
    path = '/nodes/*/qemu/*/agent/network-get-interfaces'
    fleet.control.fault('reset', path=path, count=1)
    fleet.control.fault('delay', path=path, seconds=30, count=0)
    with reader(connection) as lean:
        row = next(row for row in lean.get('cluster', 'resources') if row['type'] == 'qemu' and row['status'] == 'running')
        with pytest.raises(errors.FleetError):
            lean.get('nodes', row['node'], 'qemu', row['vmid'], 'agent', 'network-get-interfaces', timeout=0.3)
    counts = fleet.control.log()['counts']
    assert sum(count for path, count in counts.items() if path.endswith('network-get-interfaces')) <= 2


def test_whoever_waits_less_asks_once_and_blames_no_endpoint(fleet, connection):
    with contextlib.closing(Client(connection)) as client:
        row = next(row for row in client.get('cluster', 'resources') if row['type'] == 'qemu' and row['status'] == 'running')
        fleet.control.fault('delay', path='/nodes/*/qemu/*/agent/network-get-interfaces', seconds=3, count=0)
        fleet.control.reset_log()
        with pytest.raises(errors.Timeout, match='no answer within'):
            addresses.read_addresses(addresses.Timed(client, 0.3), 'qemu', row, {})
        assert client.get('version')
    counts = fleet.control.log()['counts']
    assert sum(count for path, count in counts.items() if path.endswith('network-get-interfaces')) <= 1
    assert counts['GET /version'] == 1


# --- what is kept ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Down:
    """A target that cannot be asked."""

    name: str = 'prod'
    record: object = None

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
