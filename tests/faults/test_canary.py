"""A secret that is given anywhere appears nowhere: not at the highest verbosity, not in files, not in the process list."""

from __future__ import annotations

import pathlib
import re
import threading

import pytest
from playbook import LOCAL

pytestmark = pytest.mark.matrix

CANARY = 'c4n4ry'
WORDS = ('listed-token', 'password', 'wrong', 'token', 'unsupported', 'key')


class ProcessList(threading.Thread):
    """Looks at the command lines of all processes until it is stopped, as `ps` would."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = set()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            for file in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
                try:
                    self.seen.add(file.read_bytes())
                except OSError:
                    continue

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.ended.set()
        self.join()


def variable(word):
    return 'SECRET_' + word.replace('-', '_').upper()


def secret(word):
    """How the playbook names a secret: Ansible itself shows lines of playbooks when a task fails."""
    return f"{{{{ lookup('ansible.builtin.env', '{variable(word)}') }}}}"


def plays(port, ca, registry):
    """Tasks with a secret in every option that takes one; some succeed, most fail."""
    module = 'pve.fleet.pve_cluster_registry'
    place = {'registry_url': registry}
    prod = {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': port}], 'ca_path': ca, **place}
    token = {'token_id': 'root@pam!ci', 'token_secret': secret('listed-token')}
    return [
        {
            'name': 'make a user with a secret',
            module: {**prod, 'api_user': 'canary@pve', 'api_password': secret('password')},
        },
        {'name': 'again', module: {**prod, 'api_user': 'canary@pve', 'api_password': secret('password')}},
        {'name': 'wrong password', module: {**prod, 'name': 'a', 'api_user': 'x@pve', 'api_password': secret('wrong')}},
        {'name': 'wrong token', module: {**prod, 'name': 'b', 'api_token_id': 'x@pve!ci', 'api_token_secret': secret('token')}},
        {'name': 'listed token', module: {**prod, 'name': 'c', 'credentials': [token]}},
        {'name': 'unsupported', module: {**prod, 'nosuch': 1, 'credentials': [token], 'api_password': secret('unsupported')}},
        {'name': 'bad key', module: {**prod, 'name': 'd', 'registry_key': secret('key'), 'api_user': 'canary@pve',
                                     'api_password': secret('password')}},
        {'name': 'bad lookup', module: {**prod, 'name': 'e', 'credentials': [
            {'token_id': 'x@pve!ci', 'secret_lookup': {'plugin': 'ansible.builtin.env', 'terms': ['THE_SECRET']}}]}},
        {'name': 'list', 'pve.fleet.pve_cluster_registry_info': {'live': True, **place}},
        {'name': 'audit', 'pve.fleet.pve_audit_info': place},
    ]  # fmt: skip


@pytest.mark.parametrize('in_process', [True, False])
def test_no_secret_is_shown_or_kept_in_clear(in_process, run_playbook, tmp_path, sim):
    cluster = next(iter(sim.fleet.clusters.values()))
    cluster.access.users['canary@pve'] = {'enable': 1, 'expire': 0}
    cluster.access.passwords['canary@pve'] = f'{CANARY}-password'
    cluster.access.acl.setdefault('/', {}).setdefault('users', {}).setdefault('canary@pve', {})['Administrator'] = 1
    registry = tmp_path / 'registry' / 'registry.db'
    inventory = {'all': {'hosts': {'one': LOCAL}}}
    tasks = [{**task, 'ignore_errors': True} for task in plays(sim.port, sim.ca_path, str(registry))]
    environment = {variable(word): f'{CANARY}-{word}' for word in WORDS}
    environment |= {'THE_SECRET': f'{CANARY}-looked-up', 'PVE_FLEET_LOG': str(tmp_path / 'requests.jsonl')}
    with ProcessList() as processes:
        run = run_playbook(
            [{'hosts': 'all', 'gather_facts': False, 'tasks': tasks}],
            inventory,
            extra_env=environment,
            args=['-vvvvv', '-e', f'pve_fleet_in_process={str(in_process).lower()}'],
        )
    assert run.task('make a user with a secret').status == 'changed', run.output[-4000:]
    assert run.task('again').status == 'ok'
    check_text(run.stdout + run.stderr)
    kept = [file for file in tmp_path.rglob('*') if file.is_file() and not re.match(r'(playbook|inventory)-', file.name)]
    assert registry in kept
    for file in kept:
        assert CANARY.encode() not in file.read_bytes(), file
    # The canary's own environment variable and playbook are where the user put them.
    assert not [line for line in processes.seen if CANARY.encode() in line]


def check_text(text):
    """Every secret of the playbook has this word in it."""
    at = text.find(CANARY)
    assert at < 0, text[max(0, at - 300) : at + 100]
