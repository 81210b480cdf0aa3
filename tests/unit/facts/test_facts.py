# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health, facts and metrics from answers, without a server."""
from __future__ import annotations

import re

import pytest
from checkout import ROOT

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadGateway, BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.facts import cluster_info, health, samples
from ansible_collections.pve.fleet.plugins.module_utils.facts.capacity import capacity
from ansible_collections.pve.fleet.plugins.module_utils.facts.node_parts import clock
from ansible_collections.pve.fleet.plugins.module_utils.facts.nodes import DEFAULT, SUBSETS, chosen_subsets

GIB = 1024**3
NOW = 1_800_000_000
DAY = 86400


def node(name, status='online', **more):
    return {'id': f'node/{name}', 'type': 'node', 'node': name, 'status': status, 'maxcpu': 8, 'maxmem': 64 * GIB, 'mem': 8 * GIB,
            'maxdisk': 100 * GIB, 'disk': 10 * GIB, 'cpu': 0.25, **more}


def guest(vmid, where='pve1', **more):
    return {'id': f'qemu/{vmid}', 'type': 'qemu', 'vmid': vmid, 'node': where, 'name': f'vm{vmid}', 'status': 'running', 'maxcpu': 2,
            'maxmem': 4 * GIB, 'maxdisk': 20 * GIB, 'template': 0, **more}


def storage(name, used, where='pve1', **more):
    return {'id': f'storage/{where}/{name}', 'type': 'storage', 'storage': name, 'node': where, 'status': 'available', 'plugintype': 'dir',
            'disk': used, 'maxdisk': 100, 'shared': 0, 'content': 'iso,images', **more}


def seen(**answers):
    nodes = [{'type': 'node', 'name': f'pve{number}', 'online': 1, 'ip': f'10.0.0.{number}'} for number in (1, 2, 3)]
    well = {
        'status': [{'type': 'cluster', 'name': 'prod', 'quorate': 1}, *nodes],
        'resources': [node('pve1'), node('pve2'), node('pve3')],
        'ha': [], 'backups': [], 'tasks': [], 'ceph': None, 'certificates': {}, 'time': {}, 'replication': {}, 'updates': {}, 'versions': {},
        'silent': {},
    }
    return health.Seen({**well, **answers}, 3, NOW)


def judged(**answers):
    return health.judge(seen(**answers), health.CHECKS, health.THRESHOLDS, frozenset(), {})


def certificate(days, name='pve-ssl.pem'):
    return {'certificates': {'pve1': [{'filename': name, 'notafter': NOW + days * DAY}]}}


def failed_task(kind='qmstart', **more):
    return {'tasks': [{'type': kind, 'id': '104', 'node': 'pve1', 'starttime': NOW - 60, 'endtime': NOW, 'status': 'got timeout', **more}]}


def task(kind):
    return {'type': kind, 'id': '104', 'node': 'pve1', 'starttime': NOW - 60}


def rows(*more):
    return {'resources': [node('pve1'), node('pve2'), node('pve3'), *more]}


ILL = [
    ({'status': [{'type': 'cluster', 'name': 'prod', 'quorate': 0}]}, {'no_quorum', 'too_few_nodes'}, 'unhealthy'),
    ({'status': [{'type': 'cluster', 'name': 'p', 'quorate': 1}, *({'type': 'node', 'name': f'n{one}', 'online': one > 1} for one in (1, 2, 3))]},
     {'nodes_offline'}, 'degraded'),
    (rows(storage('local', 96)), {'storage_full'}, 'unhealthy'),
    (rows(storage('local', 86)), {'storage_nearly_full'}, 'degraded'),
    (rows(storage('local', 84)), set(), 'healthy'),
    (rows(storage('local', 0, status='unknown')), {'storage_inactive'}, 'degraded'),
    ({'resources': [node('pve1', disk=95 * GIB)]}, {'root_disk_full'}, 'degraded'),
    ({'resources': [node('pve1', mem=60 * GIB)]}, {'memory_full'}, 'degraded'),
    (rows(guest(100, maxmem=97 * GIB)), {'memory_overcommitted'}, 'degraded'),
    (rows(guest(100, maxmem=97 * GIB, status='stopped')), set(), 'healthy'),
    (certificate(-1), {'certificate_expired'}, 'unhealthy'),
    (certificate(20), {'certificate_expiring'}, 'degraded'),
    (certificate(22), set(), 'healthy'),
    (certificate(-1, 'pve-root-ca.pem'), set(), 'healthy'),
    ({'time': {'pve1': -6.0}}, {'clock_skew'}, 'degraded'),
    ({'replication': {'pve1': [{'id': '104-0', 'fail_count': 3, 'error': 'no route'}]}}, {'replication_failed'}, 'degraded'),
    ({'ha': [{'type': 'service', 'sid': 'vm:104', 'crm_state': 'error', 'node': 'pve1'}]}, {'ha_error'}, 'degraded'),
    ({'ha': [{'type': 'service', 'sid': 'vm:104', 'crm_state': 'started', 'node': 'pve1'}]}, set(), 'healthy'),
    ({'backups': [{'type': 'qemu', 'vmid': 104, 'name': 'web'}]}, {'not_backed_up'}, 'degraded'),
    (failed_task('vzdump'), {'backup_failed'}, 'degraded'),
    (failed_task(), {'task_failed'}, 'degraded'),
    (failed_task(status='WARNINGS: 1'), set(), 'healthy'),
    (failed_task(starttime=NOW - 2 * DAY), set(), 'healthy'),
    ({'silent': {'pve2': 'no answer (595)'}}, {'node_unresponsive'}, 'degraded'),
    (rows(guest(104, lock='backup')), {'lock_left'}, 'degraded'),
    (rows(guest(104, lock='suspended')), set(), 'healthy'),
    ({**rows(guest(104, lock='snapshot')), 'tasks': [{**task('qmsnapshot'), 'endtime': NOW - 5, 'status': 'OK'}]}, set(), 'healthy'),
    ({**rows(guest(104, lock='snapshot')), 'tasks': [{**task('qmsnapshot'), 'endtime': NOW - 90, 'status': 'OK'}]}, {'lock_left'}, 'degraded'),
    ({**rows(guest(104, lock='backup')), 'tasks': [{**task('vzdump'), 'id': '', 'starttime': NOW - 3 * DAY}]}, set(), 'healthy'),
    ({**rows(guest(104, lock='migrate')), 'tasks': [{**task('qmigrate'), 'starttime': NOW - 2 * DAY}]}, {'lock_held_long'}, 'degraded'),
    ({**rows(guest(104, lock='migrate')), 'tasks': [{'type': 'qmigrate', 'id': '104', 'node': 'pve1', 'starttime': NOW}]}, set(), 'healthy'),
    ({'ceph': {'health': {'status': 'HEALTH_ERR', 'checks': {'OSD_DOWN': {}}}}}, {'ceph_error'}, 'unhealthy'),
    ({'ceph': {'health': {'status': 'HEALTH_WARN'}}}, {'ceph_warning'}, 'degraded'),
    ({'updates': {'pve1': [{'Package': 'pve-manager'}]}}, {'updates_pending'}, 'degraded'),
    ({'versions': {'pve1': {'version': '9.2.11'}, 'pve2': {'version': '9.1.0'}}}, {'versions_differ'}, 'degraded'),
]


@pytest.mark.parametrize(('answers', 'codes', 'status'), ILL, ids=lambda value: ','.join(sorted(value)) if isinstance(value, set) else None)
def test_each_check_finds_what_it_is_for_and_nothing_else(answers, codes, status):
    found = judged(**answers)
    assert {one['code'] for one in found['reasons']} == codes
    assert found['status'] == status
    assert all(one['message'].endswith('.') and one['object'] for one in found['reasons'])


def test_every_code_is_found_by_a_case():
    assert {code for _answers, codes, _status in ILL for code in codes} == set(health.CODES)


def test_every_code_is_documented_with_severity_and_remedy():
    text = (ROOT / 'docs' / 'health.md').read_text(encoding='utf-8')
    table = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if re.fullmatch(r'`\w+`', cells[0]) and len(cells) == 5:
            table[cells[0].strip('`')] = cells
    assert list(table) == [*health.CODES, health.UNREACHABLE]
    for check in health.CHECKS:
        assert table[check.code][1] == check.severity
    assert all(cells[3] and cells[4] for cells in table.values())
    named = dict(re.findall(r'`(\w+)` \((\d+)\)', text))
    assert {name: int(value) for name, value in named.items()} == health.THRESHOLDS


def test_ignored_findings_are_shown_but_do_not_count():
    answers = rows(storage('backup', 90), storage('local', 90))
    found = health.judge(seen(**answers), health.CHECKS, health.THRESHOLDS, frozenset({'storage_nearly_full:pve1/backup'}), {})
    assert [one['object'] for one in found['reasons']] == ['pve1/local']
    assert [one['object'] for one in found['ignored']] == ['pve1/backup']


def test_a_shared_storage_is_told_once():
    answers = rows(*(storage('ceph', 90, where, shared=1) for where in ('pve1', 'pve2', 'pve3')))
    assert [one['object'] for one in judged(**answers)['reasons']] == ['ceph']


def test_a_check_without_its_data_is_skipped():
    lacking = seen()
    del lacking.answers['ha']
    found = health.judge(lacking, health.CHECKS, health.THRESHOLDS, frozenset(), {'ha': 'Permission check failed'})
    assert found['skipped'] == [{'code': 'ha_error', 'message': 'Permission check failed'}]
    assert found['status'] == 'healthy'


def test_what_one_node_refuses_does_not_hide_the_findings_of_the_others():
    found = health.judge(seen(**certificate(-1)), health.CHECKS, health.THRESHOLDS, frozenset(), {'certificates': 'pve2: cannot open file'})
    assert [one['code'] for one in found['reasons']] == ['certificate_expired']
    assert {one['code'] for one in found['skipped']} == {'certificate_expired', 'certificate_expiring'}


def test_a_cluster_that_cannot_be_asked_is_unknown_also_where_that_is_ignored():
    error = BadGateway('cluster prod cannot be reached.')
    assert health.unreachable(error)['reasons'][0]['code'] == 'unreachable'
    known = health.unreachable(error, frozenset({'unreachable'}))
    assert (known['status'], known['reasons'], len(known['ignored'])) == ('unknown', [], 1)


def test_checks_are_chosen_by_code():
    assert {check.code for check in cluster_info.chosen_checks(['default'])} == set(health.CODES) - {'updates_pending'}
    assert {check.code for check in cluster_info.chosen_checks(['all', '!ha_error'])} == set(health.CODES) - {'ha_error'}
    assert [check.code for check in cluster_info.chosen_checks(['ha_error'])] == ['ha_error']
    for refused in (lambda: cluster_info.chosen_checks(['ha_eror']), lambda: cluster_info.chosen_thresholds({'storage': 1}),
                    lambda: cluster_info.chosen_thresholds({'storage_percent': 'much'})):
        with pytest.raises(BadRequest):
            refused()


def test_subsets_are_added_and_taken_away():
    assert chosen_subsets(['default']) == chosen_subsets([]) == DEFAULT
    assert chosen_subsets(['!network']) == DEFAULT - {'network'}
    assert chosen_subsets(['!hardware', 'all']) == set(SUBSETS) - {'hardware'}
    assert chosen_subsets(['min', 'time']) == {'time'}
    with pytest.raises(BadRequest, match='network'):
        chosen_subsets(['networks'])


@pytest.mark.parametrize(('told', 'skew'), [(1000, 0), (1001, 0), (1010, 9.0), (990, -9.0), (999, 0)])
def test_a_clock_is_wrong_only_beyond_what_the_request_took(told, skew):
    assert clock({'time': told}, (1000.0, 1001.0))['time']['skew'] == skew


def test_capacity_counts_running_guests_and_shared_storages_once():
    found = capacity([node('pve1'), node('pve2', 'offline'), guest(100), guest(101, status='stopped'), guest(102, 'pve2'),
                      guest(9000, template=1), storage('ceph', 50, shared=1), storage('ceph', 50, 'pve2', shared=1), storage('local', 1)])
    assert found['cpus'] == {'total': 8, 'used': 2.0, 'allocated': 2}
    assert found['memory']['allocated'] == 4 * GIB
    assert found['guests'] == {'total': 3, 'running': 1, 'templates': 1, 'unknown': 1}
    assert [(one['storage'], one['node']) for one in found['storages']] == [('ceph', None), ('local', 'pve1')]


def test_metrics_are_escaped_and_described():
    text = samples.prometheus([('prod', judged(), [node('pve1'), guest(100, name='a"b\\c\nd')]), ('lab', health.unreachable(BadGateway('x')), None)])
    assert 'name="a\\"b\\\\c\\nd"' in text
    assert 'pve_up{cluster="lab"} 0' in text
    assert 'pve_cluster_status{cluster="lab",status="unknown"} 1' in text
    assert set(re.findall(r'^(\w+)\{', text, re.M)) == set(re.findall(r'^# TYPE (\w+) ', text, re.M))


def test_targets_are_addresses_or_names():
    view = {'nodes': [], 'guests': [
        {'cluster': 'prod', 'node': 'pve1', 'name': 'web', 'type': 'qemu', 'status': 'running', 'vmid': 1, 'pool': None, 'tags': ['a', 'b'], 'template': False,
         'addresses': {'net0': ['fe80::1', '2001:db8::1']}},
        {'cluster': 'prod', 'node': 'pve1', 'name': '', 'type': 'lxc', 'status': 'running', 'vmid': 2, 'pool': 'p', 'tags': [], 'template': False},
        {'cluster': 'prod', 'node': 'pve1', 'name': 't', 'type': 'qemu', 'status': 'stopped', 'vmid': 3, 'pool': None, 'tags': [], 'template': True},
    ]}
    found = samples.targets([view], 9100)
    assert [one['targets'] for one in found] == [['[2001:db8::1]:9100'], ['2:9100']]
    assert found[0]['labels']['__meta_pve_tags'] == ',a,b,'


def test_a_file_is_written_only_when_it_differs(tmp_path):
    file = tmp_path / 'x.prom'
    assert samples.write_file(str(file), 'a\n', True)
    assert not file.exists()
    assert samples.write_file(str(file), 'a\n', False)
    assert not samples.write_file(str(file), 'a\n', False)
    assert [one.name for one in tmp_path.iterdir()] == ['x.prom']
    with pytest.raises(BadRequest):
        samples.write_file(str(tmp_path / 'nosuch' / 'x'), 'a', False)
