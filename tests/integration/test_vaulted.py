# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets encrypted by Ansible Vault serve wherever a secret is wanted; texts that the API returns are never rendered as templates."""
from __future__ import annotations

import json
import textwrap

import pytest
import yaml
from guest_tasks import ROOT, Tasks, paired
from playbook import ansible

pytestmark = [pytest.mark.matrix, pytest.mark.oldest]
BOTH_WAYS = pytest.mark.parametrize('inside', ['true', 'false'])


class Vaulted(str):
    """A text that is written as !vault."""

    __slots__ = ()


class Dumper(yaml.SafeDumper):
    """YAML with such texts."""


Dumper.add_representer(Vaulted, lambda dumper, text: dumper.represent_scalar('!vault', str(text), style='|'))


@pytest.fixture
def pair():
    with paired() as simulator:
        yield simulator


@pytest.fixture
def vault(run_playbook, tmp_path):
    """The arguments that open the vault, and root's password in it."""
    opened = ['--vault-password-file', str(tmp_path / 'vault-password')]
    (tmp_path / 'vault-password').write_text('open sesame')
    done = ansible('vault', 'encrypt_string', *opened, ROOT['api_password'], environment=run_playbook.environment(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return opened, Vaulted(textwrap.dedent(done.stdout.partition('\n')[2]))


def written(file, content):
    file.write_text(yaml.dump(content, Dumper=Dumper, sort_keys=False))
    return file


def login(pair, password):
    return {**Tasks(pair).connection(), 'api_password': password}


@BOTH_WAYS
def test_a_secret_in_the_vault_logs_in(run_playbook, pair, vault, tmp_path, inside):
    opened, secret = vault
    tasks = [{'name': 'in the task', 'pve.fleet.pve_pool_info': login(pair, secret)},
             {'name': 'in a variable', 'pve.fleet.pve_pool_info': login(pair, '{{ secret }}')},
             {'name': 'within a list', 'pve.fleet.pve_cluster_registry': {
                 'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': pair.port}], 'ca_path': pair.ca_path, 'min_nodes': 2,
                 'credentials': [{'tier': 'admin', 'user': ROOT['api_user'], 'password': secret}]}}]
    play = written(tmp_path / 'play.yml', [{'hosts': 'localhost', 'gather_facts': False, 'vars': {'secret': secret}, 'tasks': tasks}])
    done = run_playbook(play, args=[*opened, '-e', f'pve_fleet_in_process={inside}', '-vvv']).ok()
    assert done.result('in the task')['pools'] == done.result('in a variable')['pools'] == []
    assert ROOT['api_password'] not in done.output


def test_a_secret_in_the_vault_opens_an_inventory(run_playbook, pair, vault, tmp_path):
    opened, secret = vault
    Tasks(pair).vm(name='web', node='pve1')
    entries = ({'clusters': [{'name': 'prod', **login(pair, secret)}]}, login(pair, secret))
    for number, options in enumerate(entries):
        source = written(tmp_path / f'{number}.pve.yml', {'plugin': 'pve.fleet.pve', 'on_error': 'fail', **options})
        done = ansible('inventory', '-i', str(source), '--list', *opened, environment=run_playbook.environment(), cwd=tmp_path)
        assert list(json.loads(done.stdout)['_meta']['hostvars']) == ['web'], done.stderr
        assert ROOT['api_password'] not in done.stdout + done.stderr


@BOTH_WAYS
def test_a_text_of_the_api_is_no_template(run_playbook, pair, inside):
    text = "{{ lookup('ansible.builtin.pipe', 'echo rendered') }}"
    tasks = Tasks(pair)
    tasks.vm(name='web', node='pve1')
    pair.control.edit_guest(100, set={'description': text})
    done = run_playbook([
        {'name': 'read', 'pve.fleet.pve_vm': {**tasks.connection(), 'name': 'web', 'cores': 2}, 'register': 'found'},
        {'name': 'keep', 'ansible.builtin.set_fact': {'kept': '{{ found.vm.config.description }}'}},
        {'name': 'show', 'ansible.builtin.debug': {'msg': '{{ kept }}'}},
    ], args=['-e', f'pve_fleet_in_process={inside}']).ok()
    assert done.result('show')['msg'] == text
