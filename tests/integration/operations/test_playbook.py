# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guest operations in a playbook, in the worker and as modules of their own."""
from __future__ import annotations

import pytest
from playbook import LOCAL

pytestmark = pytest.mark.matrix

TASKS = {
    'info': ('pve_guest_info', {'clusters': 'all', 'gather': ['config', 'network', 'snapshots']}),
    'one': ('pve_guest_info', {'cluster': 'lab'}),
    'snapshot': ('pve_snapshot', {'cluster': 'prod', 'name': 'web-01', 'snapshot': 's1'}),
    'backups': ('pve_backup', {'action': 'list', 'cluster': 'prod'}),
    'command': ('pve_guest_exec', {'cluster': 'prod', 'name': 'web-01', 'command': ['echo', 'a, b'], 'input_data': 'topsecret'}),
    'failing': ('pve_guest_exec', {'cluster': 'prod', 'name': 'web-01', 'command': 'cat /nosuch'}),
    'refused': ('pve_guest_migrate', {'cluster': 'prod', 'name': 'raw', 'target_cluster': 'lab', 'target_storage': 'nosuch'}),
}


def play(registry, in_process):
    tasks = [
        {'name': name, f'pve.fleet.{module}': {'registry_url': registry, **options}, 'ignore_errors': True, 'check_mode': name == 'snapshot'}
        for name, (module, options) in TASKS.items()
    ]
    return [{'hosts': 'all', 'gather_facts': False, 'tasks': tasks, 'vars': {'pve_fleet_in_process': in_process}}]


def comparable(result):
    """A result without the invocation and the figures that move."""
    guests = [{key: value for key, value in guest.items() if key not in ('uptime', 'cpu', 'mem', 'disk')} for guest in result.get('guests', [])]
    return {**{key: value for key, value in result.items() if key != 'invocation'}, 'guests': guests}


def test_both_ways_give_the_same_and_show_no_secret(tasks, run_playbook):
    role = tasks.cluster('lab').access.roles
    role['FleetOperator'] = type(role['FleetOperator'])([*role['FleetOperator'], 'Sys.Incoming'])
    inventory = {'all': {'hosts': {'one': LOCAL}}}
    inside, outside = (run_playbook(play(tasks.registry, way), inventory, args=['-vvv']) for way in (True, False))
    for name in TASKS:
        assert comparable(inside.result(name)) == comparable(outside.result(name)), name
    assert len(inside.result('info')['guests']) == 6
    assert inside.result('command')['stdout'] == 'a, b\n'
    assert inside.result('failing')['rc'] == 1
    assert "storage 'nosuch'" in inside.result('refused')['msg']
    secrets = [secret for name in ('prod', 'lab') for secret in tasks.cluster(name).access.secrets.values()]
    assert not [secret for secret in [*secrets, 'topsecret'] if secret in inside.output + outside.output]


def test_a_migration_shows_no_secret_however_much_is_printed(tasks, run_playbook, tmp_path):
    log = tmp_path / 'requests.log'
    options = {'registry_url': tasks.registry, 'cluster': 'prod', 'name': 'web-01', 'target_cluster': 'lab'}
    run = run_playbook(
        [{'hosts': 'all', 'gather_facts': False, 'tasks': [{'name': 'move', 'pve.fleet.pve_guest_migrate': options, 'diff': True}]}],
        {'all': {'hosts': {'one': LOCAL}}}, args=['-vvvv'], extra_env={'PVE_FLEET_LOG': str(log)})
    assert run.ok().result('move')['changes'] == ['migrate web-01 (101) from prod to lab']
    assert 'remote_migrate' in log.read_text()
    shown = run.output + log.read_text()
    assert 'PVEAPIToken' not in shown
    assert not [secret for secret in tasks.cluster('lab').access.secrets.values() if secret in shown]
