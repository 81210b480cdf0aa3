# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds with modules of their own, in every release: what is special about each."""
from __future__ import annotations

import threading

import pytest

RELEASES = ('7.4', '8.4', '9')


def in_releases(*releases):
    return pytest.mark.parametrize('release', [pytest.param(one, marks=pytest.mark.sim(start_state='pair', release=one)) for one in releases])


def guest(walk, vmid, name):
    done = walk.run('pve_api', {'path': '/nodes/pve1/qemu', 'method': 'POST', 'params': {'vmid': vmid, 'name': name, 'memory': 64}})
    assert not done.get('failed'), done['msg']


@in_releases(*RELEASES)
def test_pool_members_by_name_vmid_and_storage(walk, exact, release):
    guest(walk, 101, 'web')
    guest(walk, 102, 'db')
    made = exact('pve_pool', poolid='shop', comment='Shop', vms=['web'], storages=['local'])
    assert (made['pool']['vms'], made['pool']['storages']) == (['101'], ['local'])
    assert exact('pve_pool', poolid='shop', vms=['102'])['pool']['vms'] == ['101', '102']
    assert exact('pve_pool', poolid='shop', vms=['web'], membership='absent')['pool']['vms'] == ['102']
    full = walk.run('pve_pool', {'poolid': 'shop', 'state': 'absent'}, check=True)
    assert (full['error']['code'], 'guest 102' in full['msg']) == ('Conflict', True)
    exact('pve_pool', poolid='shop', vms=[], storages=[], membership='exact')
    exact('pve_pool', poolid='shop', state='absent')


@in_releases('8.4', '9')
def test_nested_pools_and_moving_between_pools(walk, exact, release):
    guest(walk, 101, 'web')
    exact('pve_pool', poolid='shop', vms=['web'])
    exact('pve_pool', poolid='shop/inner')
    refused = walk.run('pve_pool', {'poolid': 'shop/inner', 'vms': ['web']}, check=True)
    assert 'allow_move' in refused['msg']
    exact('pve_pool', poolid='shop/inner', vms=['web'], allow_move=True)
    assert walk.run('pve_pool_info', {'poolid': 'shop'})['pools'][0]['vms'] == []
    assert 'shop/inner' in walk.run('pve_pool', {'poolid': 'shop', 'state': 'absent'})['msg']


@pytest.mark.sim(start_state='pair')
def test_members_that_do_not_exist_are_refused(walk):
    for options in ({'vms': ['999']}, {'vms': ['nosuch']}, {'storages': ['nosuch']}):
        assert walk.run('pve_pool', {'poolid': 'shop', **options})['error']['code'] == 'NotFound'
    assert not [one for one in walk.requests() if not one.startswith('GET')]


@in_releases(*RELEASES)
def test_where_ha_resources_run_by_rules_or_groups(walk, exact, release):
    guest(walk, 101, 'web')
    exact('pve_ha_resource', sid='vm:101', hastate='stopped')
    exact('pve_ha_rule', rule='here', type='node-affinity', resources=['vm:101'], nodes=['pve1:2', 'pve2'], strict=True)
    changed = exact('pve_ha_rule', rule='here', nodes=['pve1'], strict=False)
    assert changed['ha_rule']['resources'] == ['vm:101']
    assert [one['rule'] for one in walk.run('pve_ha_rule_info', {})['ha_rules']] == ['here']
    exact('pve_ha_rule', rule='here', state='absent')
    exact('pve_ha_resource', sid='vm:101', state='absent')


@pytest.mark.sim(start_state='pair')
def test_a_rule_becomes_one_of_another_type_only_when_it_is_said(walk, exact):
    for vmid, name in ((101, 'web'), (102, 'db')):
        guest(walk, vmid, name)
        exact('pve_ha_resource', sid=f'vm:{vmid}', hastate='stopped')
    exact('pve_ha_rule', rule='here', type='node-affinity', resources=['vm:101', 'vm:102'], nodes=['pve1'], strict=True, comment='x')
    other = {'rule': 'here', 'type': 'resource-affinity', 'affinity': 'positive'}
    for check in (True, False):
        assert 'force: true' in walk.run('pve_ha_rule', other, check=check)['msg']
    made = exact('pve_ha_rule', **other, force=True)
    assert made['changes'] == ['delete HA rule here', 'create HA rule here']
    assert made['diff'] == {
        'before': {'type': 'node-affinity', 'affinity': None, 'nodes': ['pve1'], 'strict': True},
        'after': {'type': 'resource-affinity', 'affinity': 'positive', 'nodes': '', 'strict': ''}}
    assert (made['ha_rule']['resources'], made['ha_rule']['comment']) == (['vm:101', 'vm:102'], 'x')


@pytest.mark.sim(start_state='pair')
def test_an_ha_resource_that_rules_name_is_kept(walk, exact):
    guest(walk, 101, 'web')
    exact('pve_ha_resource', sid='vm:101', hastate='stopped')
    exact('pve_ha_rule', rule='here', type='node-affinity', resources=['vm:101'], nodes=['pve1'])
    refused = walk.run('pve_ha_resource', {'sid': 'vm:101', 'state': 'absent'})
    assert 'here' in refused['msg']
    exact('pve_ha_resource', sid='vm:101', state='absent', force=True)


@in_releases(*RELEASES)
def test_guests_are_added_to_a_backup_job_and_taken_out_by_name(walk, exact, release):
    for vmid, name in ((101, 'web'), (102, 'db'), (103, 'mail')):
        guest(walk, vmid, name)
    exact('pve_backup_job', id='nightly', schedule='02:00', storage='local', vmid=['web'])
    assert exact('pve_backup_job', id='nightly', vmid=['db', '103'], membership='present')['backup_job']['vmid'] == ['101', '102', '103']
    exact('pve_backup_job', id='nightly', vmid=['web', '102'], membership='absent')
    last = walk.run('pve_backup_job', {'id': 'nightly', 'vmid': ['mail'], 'membership': 'absent'}, check=True)
    assert (last['error']['code'], 'no guest left' in last['msg']) == ('BadRequest', True)
    exact('pve_backup_job', id='all', schedule='02:00', storage='local', all=True)
    narrowed = walk.run('pve_backup_job', {'id': 'all', 'vmid': ['web'], 'membership': 'present'}, check=True)
    assert 'would be narrowed' in narrowed['msg']


@pytest.mark.parametrize(('options', 'words'), [({'all': True}, 'schedule is missing'), ({'schedule': '02:00'}, 'say what it shall back up')])
def test_half_a_backup_job_is_refused_in_check_mode_too(walk, options, words):
    for check in (True, False):
        assert words in walk.run('pve_backup_job', {'id': 'nightly', 'storage': 'local', **options}, check=check)['msg']


@in_releases(*RELEASES)
def test_a_template_comes_from_the_list_of_appliances(walk, exact, release):
    next(iter(walk.simulator.fleet.clusters.values())).extra['appliances'] = True
    name = 'alpine-3.20-default_20240908_amd64.tar.xz'
    made = exact('pve_storage_content', storage='local', node='pve1', template=name)
    assert (made['volume']['volid'], made['changes']) == (f'local:vztmpl/{name}', [f'download template local:vztmpl/{name}'])
    exact('pve_storage_content', storage='local', node='pve1', template=name, state='absent')


@in_releases(*RELEASES)
def test_what_pve_deletes_too_lightly_is_looked_at_first(walk, exact, release):
    exact('pve_group', groupid='ops')
    exact('pve_user', userid='ann@pve', groups=['ops'])
    exact('pve_role', roleid='Ops', privs=['VM.Audit'])
    exact('pve_acl', path='/vms', ugid='ann@pve', roleid='Ops')
    for module, options in (('pve_group', {'groupid': 'ops'}), ('pve_role', {'roleid': 'Ops'}), ('pve_user', {'userid': 'root@pam'})):
        refused = walk.run(module, {**options, 'state': 'absent'})
        assert refused.get('failed'), module
        assert not [one for one in walk.requests() if one.startswith('DELETE')]
    exact('pve_group', groupid='ops', state='absent', force=True)


@pytest.mark.sim(start_state='pair')
def test_a_storage_with_volumes_of_guests_is_kept(walk, exact):
    exact('pve_storage', storage='more', type='dir', path='/srv/more', content=['images'])
    done = walk.run('pve_vm', {'vmid': 101, 'name': 'web', 'node': 'pve1', 'memory': 64, 'disks': {'scsi0': {'storage': 'more', 'size': '1G'}}})
    assert not done.get('failed'), done['msg']
    refused = walk.run('pve_storage', {'storage': 'more', 'state': 'absent'})
    assert (refused['error']['code'], '101' in refused['msg']) == ('Conflict', True)
    assert walk.run('pve_storage', {'storage': 'more', 'state': 'absent', 'force': True})['changed'] is True


@in_releases(*RELEASES)
def test_access_of_a_path_alone(walk, exact, release):
    exact('pve_group', groupid='ops')
    group = {'type': 'group', 'ugid': 'ops', 'roleid': 'PVEVMUser', 'propagate': False}
    exact('pve_acl', path='/vms', entries=[{'ugid': 'tester@pve', 'roleid': 'PVEAuditor'}, group])
    only = exact('pve_acl', path='/vms', ugid='tester@pve', roleid='PVEVMUser', exclusive=True)
    assert [(one['ugid'], one['roleid']) for one in only['acl']['entries']] == [('tester@pve', 'PVEVMUser')]
    exact('pve_acl', path='/vms', exclusive=True, state='absent')


def test_privileges_of_other_releases_are_explained(walk):
    said = walk.run('pve_role', {'roleid': 'Ops', 'privs': ['VM.Monitor']})['msg']
    assert 'VM.GuestAgent' in said
    assert 'VM.Audit' in walk.run('pve_role', {'roleid': 'Ops', 'privs': ['VM.Audti']})['msg']


@in_releases(*RELEASES)
def test_a_new_secret_of_a_token_keeps_its_roles(walk, exact, release):
    made = exact('pve_token', userid='tester@pve', tokenid='ci', comment='c')
    exact('pve_acl', path='/vms', type='token', ugid='tester@pve!ci', roleid='PVEAuditor', propagate=False)
    new = walk.run('pve_token', {'userid': 'tester@pve', 'tokenid': 'ci', 'update_secret': 'always'})
    assert (new['changed'], new['warnings'], new['token']['comment']) == (True, [], 'c')
    assert new['token_secret'] != made['token_secret']
    login = {'api_user': None, 'api_password': None, 'api_token_id': new['token_id'], 'api_token_secret': new['token_secret']}
    assert not walk.run('pve_api_info', {'path': '/pools', **login}).get('failed')
    entries = walk.run('pve_acl_info', {'path': '/vms'})['acls'][0]['entries']
    assert [one for one in entries if one['type'] == 'token'] == [{'type': 'token', 'ugid': 'tester@pve!ci', 'roleid': 'PVEAuditor', 'propagate': False}]


def test_a_new_secret_is_one_request_where_the_server_can(walk, exact):
    exact('pve_token', userid='tester@pve', tokenid='ci')
    new = walk.run('pve_token', {'userid': 'tester@pve', 'tokenid': 'ci', 'comment': 'new', 'update_secret': 'always'})
    assert new['changes'] == ['make a new secret for token tester@pve/ci']
    assert (len(new['token_secret']), new['token']['comment'], new['warnings']) == (36, 'new', [])
    assert len([one for one in walk.requests() if not one.startswith('GET')]) == 1


class Killed(BaseException):
    """The end of the process, as no code can catch it."""


ROLES = [
    {'type': 'token', 'ugid': 'tester@pve!ci', 'roleid': 'PVEAuditor', 'propagate': False},
    {'type': 'token', 'ugid': 'tester@pve!ci', 'roleid': 'PVEVMUser', 'propagate': True},
]


def dying_after(count, send):
    """send, which raises Killed once it was called `count` times."""
    left = iter(range(count))

    def dying(context, change):
        if next(left, None) is None:
            raise Killed
        return send(context, change)

    return dying


@pytest.mark.parametrize('update_secret', ['always', 'on_create'])
@in_releases(*RELEASES)
def test_a_token_has_its_roles_again_wherever_a_run_for_a_new_secret_was_killed(walk, monkeypatch, release, update_secret):
    from ansible_collections.pve.fleet.plugins.module_utils.engine import reconcile
    from ansible_collections.pve.fleet.plugins.module_utils.resources import token as token_kind

    monkeypatch.setattr(token_kind, 'REGENERATES', (10, 0))
    token, send = {'userid': 'tester@pve', 'tokenid': 'ci'}, reconcile.send
    for place in range(8):
        assert not walk.run('pve_token', {**token, 'comment': 'mine', 'expire': 4_000_000_000}).get('failed')
        assert not walk.run('pve_acl', {'path': '/vms', 'entries': ROLES, 'exclusive': True}).get('failed')
        monkeypatch.setattr(reconcile, 'send', dying_after(place, send))
        with pytest.raises(Killed):
            walk.run('pve_token', {**token, 'update_secret': 'always'})
        monkeypatch.setattr(reconcile, 'send', send)
        again = {**token, 'update_secret': update_secret}
        predicted, done = walk.run('pve_token', again, check=True), walk.run('pve_token', again)
        assert predicted['changes'] == done['changes']
        assert (done['warnings'], done['token']['comment'], done['token']['expire']) == ([], 'mine', 4_000_000_000)
        assert walk.run('pve_acl_info', {'path': '/vms'})['acls'][0]['entries'] == ROLES
        assert [one['tokenid'] for one in walk.run('pve_token_info', {'userid': 'tester@pve'})['tokens']] == ['ci']
        assert walk.run('pve_token', token)['changed'] is False


@pytest.mark.sim(release='8.4')
def test_a_token_is_deleted_with_what_a_killed_run_left(walk, exact, monkeypatch):
    from ansible_collections.pve.fleet.plugins.module_utils.engine import reconcile

    exact('pve_token', userid='tester@pve', tokenid='ci')
    send, deleted = reconcile.send, []

    def dying(context, change):
        if deleted:
            raise Killed
        deleted.extend([1] if change.method == 'DELETE' else [])
        return send(context, change)

    monkeypatch.setattr(reconcile, 'send', dying)
    with pytest.raises(Killed):
        walk.run('pve_token', {'userid': 'tester@pve', 'tokenid': 'ci', 'update_secret': 'always'})
    monkeypatch.setattr(reconcile, 'send', send)
    exact('pve_token', userid='tester@pve', tokenid='ci', state='absent')
    assert walk.run('pve_token_info', {'userid': 'tester@pve'})['tokens'] == []


def test_a_login_does_not_take_itself_away(walk, exact):
    made = exact('pve_token', userid='root@pam', tokenid='own', privsep=False)
    login = {'api_user': None, 'api_password': None, 'api_token_id': made['token_id'], 'api_token_secret': made['token_secret']}
    for options in ({'update_secret': 'always'}, {'state': 'absent'}):
        refused = walk.run('pve_token', {'userid': 'root@pam', 'tokenid': 'own', **options, **login})
        assert (refused['error']['code'], 'another login' in refused['msg']) == ('BadRequest', True)


def test_a_token_goes_straight_into_the_registry(walk):
    registry = {'registry_url': str(walk.folder / 'registry.db')}
    cluster = {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': walk.simulator.port}], 'min_nodes': 1, 'ca_path': walk.simulator.ca_path}
    login = {'api_user': 'root@pam', 'api_password': 'realpve1'}
    assert not walk.run('pve_cluster_registry', {**cluster, **login, **registry}, login=False).get('failed')
    options = {'cluster': 'prod', 'userid': 'root@pam', 'tokenid': 'viewer', 'privsep': False, 'store': {'name': 'prod', 'tier': 'viewer'}, **registry}
    unknown = walk.run('pve_token', {**options, 'store': {'name': 'nosuch'}}, login=False)
    assert unknown['error']['code'] == 'NotFound'
    assert not [one for one in walk.requests() if one.startswith('POST')]
    made = walk.run('pve_token', options, login=False)
    assert (made['changed'], 'token_secret' in made) == (True, False)
    again = walk.run('pve_token', options, login=False)
    assert (again['changed'], again['warnings']) == (False, [])
    elsewhere = walk.run('pve_token', {**options, 'store': {'name': 'prod', 'tier': 'operator'}}, login=False)
    assert (elsewhere['changed'], 'update_secret: always' in elsewhere['warnings'][0]) == (False, True)
    assert not walk.run('pve_pool_info', {'cluster': 'prod', **registry}, login=False).get('failed')


# A play on a cluster that has nothing of it yet, each step on what the ones before make.
PLAY = [
    ('pve_group', {'groupid': 'ops'}),
    ('pve_role', {'roleid': 'Ops', 'privs': ['VM.Audit']}),
    ('pve_user', {'userid': 'ann@pve', 'groups': ['ops']}),
    ('pve_token', {'userid': 'ann@pve', 'tokenid': 'ci'}),
    ('pve_storage', {'storage': 'more', 'type': 'dir', 'path': '/srv/more', 'content': ['iso', 'backup']}),
    ('pve_storage_content', {'storage': 'more', 'node': 'pve1', 'content': 'iso', 'src': '<folder>/walk.iso'}),
    ('pve_vm', {'vmid': 101, 'name': 'web', 'node': 'pve1', 'memory': 64}),
    ('pve_pool', {'poolid': 'shop', 'vms': ['web'], 'storages': ['more']}),
    ('pve_acl', {'path': '/pool/shop', 'entries': [
        {'type': 'group', 'ugid': 'ops', 'roleid': 'Ops'}, {'type': 'token', 'ugid': 'ann@pve!ci', 'roleid': 'Ops'},
    ]}),
    ('pve_ha_resource', {'sid': 'vm:101', 'hastate': 'stopped'}),
    ('pve_ha_rule', {'rule': 'here', 'type': 'node-affinity', 'resources': ['vm:101'], 'nodes': ['pve1']}),
    ('pve_backup_job', {'id': 'nightly', 'schedule': '02:00', 'storage': 'more', 'vmid': ['web']}),
    ('pve_object', {'path': '/cluster/firewall/ipset/web'}),
    ('pve_object', {'path': '/cluster/firewall/ipset/web/10.0.0.0%2F24', 'values': {'comment': 'office'}}),
]


@in_releases(*RELEASES)
def test_a_play_that_builds_upon_itself_goes_through_check_mode(walk, release):
    predicted = [walk.run(module, options, check=True) for module, options in PLAY]
    assert [(one['msg'], module) for one, (module, _options) in zip(predicted, PLAY, strict=True) if one.get('failed')] == []
    warned = [module for one, (module, _options) in zip(predicted, PLAY, strict=True) if one['warnings']]
    assert warned == ['pve_user', 'pve_token', 'pve_storage_content', 'pve_pool', 'pve_acl', 'pve_ha_resource', 'pve_ha_rule', 'pve_backup_job']
    for module, options in PLAY:
        done = walk.run(module, options)
        assert (done.get('failed'), done['warnings'], done['changed']) == (None, [], True), done
    for module, options in PLAY:
        assert walk.run(module, options)['changed'] is False


def test_a_password_is_sent_once_unless_asked(walk, exact):
    exact('pve_user', userid='ann@pve', password='first-secret')
    assert walk.run('pve_user', {'userid': 'ann@pve', 'password': 'second-secret'})['changed'] is False
    again = walk.run('pve_user', {'userid': 'ann@pve', 'password': 'second-secret', 'update_secret': 'always'})
    assert again['changes'] == ['set the password of user ann@pve']
    assert 'second-secret' not in str(again)
    login = {'api_user': 'ann@pve', 'api_password': 'second-secret'}
    assert not walk.run('pve_user_info', login).get('failed')


def test_a_user_keeps_its_tokens_when_it_is_changed(walk, exact):
    exact('pve_token', userid='tester@pve', tokenid='ci')
    exact('pve_user', userid='tester@pve', comment='changed')
    assert [one['tokenid'] for one in walk.run('pve_token_info', {'userid': 'tester@pve'})['tokens']] == ['ci']


@pytest.mark.sim(start_state='pair')
def test_two_tasks_at_once_lose_nothing(walk, exact):
    exact('pve_storage', storage='nas', type='nfs', server='10.0.0.5', export='/x', content=['iso'])
    results = {}

    def change(name, options):
        results[name] = walk.run('pve_storage', {'storage': 'nas', **options})

    for number in range(5):
        wishes = {'content': {'content': ['iso', 'backup'] if number % 2 else ['iso']}, 'nodes': {'nodes': ['pve1'] if number % 2 else ['pve1', 'pve2']}}
        threads = [threading.Thread(target=change, args=pair) for pair in wishes.items()]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        now = walk.run('pve_storage_info', {'storage': 'nas'})['storages'][0]
        for name, wish in wishes.items():
            kept = sorted(now[name]) == sorted(wish[name])
            assert kept or results[name]['error']['code'] == 'Conflict'


@pytest.mark.parametrize(('module', 'options', 'path'), [
    ('pve_group', {'groupid': 'ops'}, '/access/groups'),
    ('pve_object', {'path': '/cluster/firewall/aliases/office', 'values': {'cidr': '10.0.0.0/24'}}, '/cluster/firewall/aliases'),
])
def test_a_write_whose_fate_is_unknown_is_looked_at_before_it_is_sent_again(walk, sim, module, options, path):
    sim.control.fault('reset-after', method='POST', path=path)
    done = walk.run(module, options)
    assert not done.get('failed'), done['msg']
    assert (done['changed'], len(done['changes'])) == (True, 1)
    assert [one for one in walk.requests() if one.startswith('POST')] == [f'POST {path}']
    assert walk.run(module, options)['changed'] is False


def test_what_was_done_before_and_after_a_lost_answer_is_told_together(walk, sim):
    sim.control.fault('reset-after', method='POST', path='/pools')
    done = walk.run('pve_pool', {'poolid': 'shop', 'storages': ['local']})
    assert done['changes'] == ['create pool shop', 'add storage local to pool shop']
    assert done['pool']['storages'] == ['local']


def test_a_lost_answer_with_a_secret_is_told(walk, sim):
    sim.control.fault('reset-after', method='POST', path='/access/users/*')
    lost = walk.run('pve_token', {'userid': 'tester@pve', 'tokenid': 'ci'})
    assert (lost['error']['code'], 'update_secret: always' in lost['msg']) == ('Conflict', True)


def test_uploads_show_progress_and_replace_what_differs(walk, sim):
    from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
    from ansible_collections.pve.fleet.plugins.module_utils.options import direct_connection

    file = walk.folder / 'large.iso'
    file.write_bytes(b'x' * 3_000_000)
    lines = []
    client = Client(direct_connection(walk.options('pve_api', {'path': '/'}), {}))
    fields = [('content', 'iso')]
    upid = client.upload('nodes', 'pve1', 'storage', 'local', 'upload', fields=fields, file_path=str(file), progress=lines.append)
    assert client.wait(upid).exitstatus == 'OK'
    assert lines[-1] == 'upload 100 % (2/2 MiB)'
    client.close()
    options = {'storage': 'local', 'node': 'pve1', 'content': 'iso', 'src': str(file)}
    assert walk.run('pve_storage_content', options)['changed'] is False
    file.write_bytes(b'x' * 3_000_001)
    assert walk.run('pve_storage_content', options)['volume']['size'] == 3_000_001
    wrong = walk.run('pve_storage_content', {**options, 'checksum': '0' * 64, 'replace': True})
    assert (wrong['error']['code'], 'checksum mismatch' in wrong['msg']) == ('TaskFailed', True)


def test_tasks_are_waited_for_and_stopped(walk):
    guest(walk, 101, 'web')
    done = walk.run('pve_api', {'path': '/nodes/pve1/qemu/101/status/start', 'method': 'POST', 'wait': False})
    waited = walk.run('pve_task', {'upids': [done['upid']]})
    assert (waited['changed'], waited['tasks'][0]['exitstatus']) == (False, 'OK')
    assert walk.run('pve_task', {'upids': [done['upid']], 'state': 'stopped'})['changed'] is False
    found = walk.run('pve_task_info', {'type': 'qmstart', 'vmid': 101})['tasks']
    assert [one['upid'] for one in found] == [done['upid']]
    assert walk.run('pve_task_info', {'upids': [done['upid']]})['tasks'][0]['log']


@pytest.mark.sim(time='manual')
def test_a_running_task_is_stopped(walk, sim):
    guest_made = walk.run('pve_api', {'path': '/nodes/pve1/vzdump', 'method': 'POST', 'params': {'all': 1, 'storage': 'local'}, 'wait': False})
    options = {'upids': [guest_made['upid']], 'state': 'stopped'}
    assert walk.run('pve_task', options, check=True)['changed'] == walk.run('pve_task', options)['changed']


@pytest.mark.parametrize(('module', 'options'), [
    ('pve_group', {'groupid': '..'}), ('pve_user', {'userid': ''}), ('pve_pool', {'poolid': '.'}), ('pve_storage', {'storage': '', 'type': 'dir'}),
    ('pve_object', {'path': '/cluster/metrics/server/..'}), ('pve_api', {'path': '/access/%2E%2E/x'}), ('pve_group_info', {'groupid': '..'}),
    ('pve_storage_content', {'storage': '..', 'node': 'pve1', 'content': 'iso', 'filename': 'x.iso'}),
])
def test_names_that_lead_elsewhere_are_refused(walk, module, options):
    result = walk.run(module, options)
    assert (result['error']['code'], 'names nothing' in result['msg']) == ('BadRequest', True)
    assert set(walk.requests()) <= {'GET /version'}
