# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_info over several clusters."""
from __future__ import annotations

import pytest


def info(tasks, **given):
    result = tasks.run('pve_guest_info', **given)
    assert not result.get('failed'), result['msg']
    assert result['changed'] is False
    return result


def names(result):
    return [guest['name'] for guest in result['guests']]


def test_all_clusters_are_listed_with_one_request_each(tasks):
    result = info(tasks)
    assert names(result) == ['db-01', 'web-01', 'web-02', 'raw', 'dns', 'golden']
    assert result['clusters'] == ['lab', 'prod']
    assert tasks.requests() == ['GET /cluster/resources'] * 2


@pytest.mark.parametrize(('given', 'expected'), [
    ({'clusters': ['lab']}, ['db-01']),
    ({'cluster': 'lab'}, ['db-01']),
    ({'clusters': {'names': ['prod']}, 'type': 'lxc'}, ['dns']),
    ({'name': ['web-01', 'db-01']}, ['db-01', 'web-01']),
    ({'vmid': [101, 105]}, ['db-01', 'web-01']),
    ({'tag': ['infra', 'prod']}, ['web-01', 'dns']),
    ({'pool': ['shop'], 'status': ['stopped']}, ['web-02']),
    ({'node': ['pve2', 'lab1']}, ['db-01', 'web-02']),
    ({'pattern': '*-01'}, ['db-01', 'web-01']),
    ({'template': True}, ['golden']),
    ({'name': ['nobody']}, []),
])  # fmt: skip
def test_filters(still, given, expected):
    assert names(info(still, **given)) == expected


def test_only_guests_that_fit_are_asked_and_for_what_is_wanted(tasks):
    result = info(tasks, pattern='web-*', gather=['config', 'status', 'network', 'snapshots', 'pending'])
    first, second = result['guests']
    assert first['config']['disks']['scsi0']['storage'] == 'local-lvm'
    assert first['addresses']['net0'][0] == '10.0.0.11'
    assert (first['status'], second['status']) == ('running', 'stopped')
    assert (first['snapshots'], first['pending']) == ([], {})
    assert 'error' not in first
    assert not [path for path in tasks.requests('/nodes/') if '/101' not in path and '/102' not in path]


def test_a_cluster_that_is_down_hides_no_other(tasks):
    tasks.simulator.control.fault('refuse', cluster='lab', path='*', count=0)
    result = info(tasks, clusters='all', connect_timeout=1.0)
    assert 'web-01' in names(result)
    assert [(error['cluster'], error['code']) for error in result['errors']] == [('lab', 'BadGateway')]
    assert any('lab' in warning for warning in result['warnings'])


def test_one_cluster_that_is_down_fails_the_task(tasks):
    tasks.simulator.control.fault('refuse', cluster='lab', path='*', count=0)
    assert tasks.run('pve_guest_info', cluster='lab', connect_timeout=1.0)['error']['code'] == 'BadGateway'


def test_a_guest_that_fails_tells_so_in_its_own_entry(tasks):
    tasks.simulator.control.fault('status', status=500, message='disk on fire', path='/nodes/pve1/qemu/101/snapshot', count=0)
    first, second = info(tasks, pattern='web-*', gather=['config', 'snapshots'])['guests']
    assert first['error']['message'].startswith('cluster prod, VM web-01 (101): ')
    assert 'disk on fire' in first['error']['message']
    assert first['config']['disks']
    assert (second['snapshots'], 'error' in second) == ([], False)


def test_guests_of_an_offline_node_are_told_without_asking(tasks):
    tasks.simulator.control.node_down('pve2', cluster='prod')
    tasks.simulator.control.reset_log()
    result = info(tasks, cluster='prod', vmid=[102], gather=['config'])
    assert 'node pve2 is offline' in result['guests'][0]['error']['message']
    assert tasks.requests('/qemu/102') == []


def test_an_agent_that_is_off_is_no_failure(tasks):
    tasks.guest('prod', 101).config.pop('agent')
    guest = info(tasks, vmid=[101], gather=['network'])['guests'][0]
    assert guest['addresses'] == {'net0': ['10.0.0.11']}
    assert 'error' not in guest
    assert tasks.requests('/agent/') == []


def test_one_connection_without_a_registry(still):
    from pvesim.model.generate import token_secret

    host = still.simulator.urls['lab'][0].removeprefix('https://')
    result = info(still, api_host=host, ca_path=still.simulator.ca_path, api_token_id='fleet@pve!viewer',
                  api_token_secret=token_secret(7, 'lab', 'viewer'))
    assert names(result) == ['db-01']


@pytest.mark.parametrize(('given', 'words'), [
    ({'clusters': ['prd']}, 'Did you mean prod'),
    ({'clusters': 'all', 'cluster': 'prod'}, 'not both'),
])
def test_mistakes(still, given, words):
    assert words in still.run('pve_guest_info', **given)['msg']
