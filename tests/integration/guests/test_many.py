# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of guests at once: the same as one after another, only sooner."""
from __future__ import annotations

import json

from guest_tasks import golden_vm, named

TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
SECRET = 'very-secret-word'


def machines(count, **options):
    return [{'name': f'web-{number}', 'node': 'pve1', 'memory': '64M', **options} for number in range(count)]


def test_a_list_is_as_check_mode_foretells_and_then_left_alone(tasks):
    golden_vm(tasks)
    guests = [
        *machines(6, state='started'),
        *({'name': f'copy-{number}', 'clone': {'template': 'golden'}, 'memory': '1G', 'tags': ['copy']} for number in range(6)),
        *({'kind': 'container', 'name': f'box-{number}', 'node': 'pve1', 'ostemplate': TEMPLATE, 'storage': 'local'} for number in range(4)),
    ]
    result = tasks.exact('pve_guests', guests=guests)
    assert [one['name'] for one in result['guests']] == [guest['name'] for guest in guests]
    assert len({one['guest']['vmid'] for one in result['guests']}) == 16
    assert all(one['guest']['status'] == 'running' for one in result['guests'][:6])
    assert any(text.endswith('/web-0: start') for text in result['changes'])


def test_guests_that_are_placed_at_once_spread_as_if_placed_one_after_another(tasks):
    guests = [{'name': f'web-{number}', 'memory': '512M', 'tags': ['web'], 'placement': {'avoid': 'web'}, 'state': 'started'} for number in range(6)]
    result = tasks.exact('pve_guests', guests=guests)
    nodes = [one['guest']['node'] for one in result['guests']]
    assert sorted(nodes) == ['pve1'] * 3 + ['pve2'] * 3
    assert nodes[0] != nodes[1]


def test_a_template_of_the_list_is_there_for_the_clones_of_the_list(tasks):
    clone = {'name': 'copy', 'clone': {'template': 'base', 'full': False}}
    source = {'name': 'base', 'node': 'pve1', 'state': 'template', 'disks': {'scsi0': {'storage': 'local', 'size': '1G'}}}
    result = tasks.run('pve_guests', guests=[clone, source])
    assert not result.get('failed'), result['msg']
    assert len(named(tasks, 'copy')) == 1


def test_a_guest_that_fails_hinders_no_other_and_is_named(tasks):
    guests = [*machines(3), {'name': 'lost', 'clone': {'template': 'nosuch'}}, {'name': 'far', 'node': 'pve9'}]
    result = tasks.run('pve_guests', guests=guests)
    assert result['failed']
    assert result['msg'].startswith('2 of 5 guests failed. cluster ')
    assert 'VM lost' in result['msg']
    assert 'VM far' in result['msg']
    assert result['error']['code'] == 'NotFound'
    assert [bool(one.get('failed')) for one in result['guests']] == [False, False, False, True, True]
    assert all(named(tasks, f'web-{number}') for number in range(3))


def test_a_list_with_mistakes_is_refused_as_a_whole(tasks):
    mistakes = [
        {'name': 'box', 'kind': 'drawer'}, {'name': 'typo', 'memroy': '1G'}, {'memory': '1G'}, {'name': 'two', 'api_host': 'pve1'},
        {'name': 'many', 'cores': 'lots'},
    ]
    result = tasks.run('pve_guests', guests=[*machines(1), *mistakes])
    for part in ("entry 2 (box): kind is 'drawer'", 'entry 3 (typo): ', 'memroy', 'entry 4: one of the following is required: name, vmid',
                 'entry 5 (two): api_host is an option of the task', 'entry 6 (many): '):
        assert part in result['msg']
    assert named(tasks, 'web-0') == []
    twice = tasks.run('pve_guests', guests=[*machines(1), *machines(1)])
    assert twice['msg'] == 'guests: entries 1 and 2 are both about web-0. Keep one of them.'


def test_a_cluster_that_nobody_knows_is_the_failure_of_its_guests_only(tasks, tmp_path):
    result = tasks.run('pve_guests', registry_url=str(tmp_path / 'registry.db'), registry_key_file=str(tmp_path / 'registry.key'), guests=[
        *machines(1), {'cluster': 'nosuch', 'name': 'lost'}])
    assert result['msg'].startswith('1 of 2 guests failed. ')
    assert result['guests'][1]['error']['code'] == 'NotFound'
    assert named(tasks, 'web-0')


def test_secrets_of_the_list_are_shown_nowhere(run_playbook, tasks):
    guests = [{**machines(1)[0], 'cloud_init': {'storage': 'local', 'password': SECRET}},
              {'kind': 'container', 'name': 'box', 'node': 'pve1', 'ostemplate': TEMPLATE, 'storage': 'local', 'password': SECRET},
              {'name': 'typo', 'memroy': '1G', 'cloud_init': {'password': SECRET}}]
    for inside in (True, False):
        for wanted in (guests, guests[:2]):
            play = {'name': 'list', 'pve.fleet.pve_guests': {**tasks.connection(), 'guests': wanted}, 'vars': {'pve_fleet_in_process': inside}}
            done = run_playbook([{**play, 'ignore_errors': True}], args=['-vvv'])
            assert done.result('list')['invocation']['module_args']['guests'][0]['name'] == 'web-0'
            assert SECRET not in json.dumps(done.result('list'))
            assert wanted is guests or SECRET not in done.output
