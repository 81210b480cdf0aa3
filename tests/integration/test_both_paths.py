"""In the worker or as a module of its own: the same task gives the same result, key by key."""

from __future__ import annotations

import re

import pytest
from playbook import LOCAL

pytestmark = [pytest.mark.matrix, pytest.mark.oldest]

# What differs from run to run on the same path, too.
VOLATILE = re.compile(
    r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:]+Z|registry-[0-9a-f]{8}'
    r'|\b[0-9a-f]{32,64}\b|/[^\s"\']*/registry-\w+'
)


def tasks(url, ca, registry):
    """Tasks that use every keyword which may influence how a task runs."""
    port = int(url.rsplit(':', 1)[1])
    module, info = 'pve.fleet.pve_cluster_registry', 'pve.fleet.pve_cluster_registry_info'
    place = {'registry_url': registry}
    login = {'api_user': 'root@pam', 'api_password': 'realpve1', 'ca_path': ca}
    prod = {'name': 'prod', 'endpoints': [{'host': '127.0.0.1', 'port': port}], 'min_nodes': 1, **login, **place}
    return [
        {'name': 'check', module: prod, 'check_mode': True, 'diff': True},
        {'name': 'register', module: prod, 'diff': True},
        {'name': 'again', module: prod},
        {'name': 'change', module: {**prod, 'labels': {'site': 'seoul'}}, 'diff': True},
        {'name': 'hidden', module: {**prod, 'labels': {'site': 'busan'}}, 'no_log': True},
        {'name': 'loop', info: {'name': '{{ item }}', **place}, 'loop': ['prod', 'missing'], 'ignore_errors': True},
        {'name': 'live', info: {'live': True, **place}},
        {'name': 'refused', module: {**prod, 'name': 'other', 'api_password': 'wrong-password'}, 'ignore_errors': True},
        {'name': 'conflict', module: {**prod, 'endpoints': [{'host': 'elsewhere'}]}, 'ignore_errors': True},
        {'name': 'unreachable', module: {**prod, 'name': 'o', 'endpoints': [{'host': '127.0.0.1', 'port': 1}]}, 'ignore_errors': True},
        {'name': 'unsupported', module: {**prod, 'nosuch': 1}, 'ignore_errors': True},
        {'name': 'missing', module: {'state': 'present', **place}, 'ignore_errors': True},
        {'name': 'wrong type', module: {**prod, 'min_nodes': 'many'}, 'ignore_errors': True},
        {'name': 'wrong choice', module: {**prod, 'state': 'gone'}, 'ignore_errors': True},
        {'name': 'both names', info: {'name': 'prod', 'cluster': 'prod', **place}},
        {'name': 'failed when', info: place, 'failed_when': True, 'ignore_errors': True},
        {'name': 'changed when', info: place, 'changed_when': True},
        {'name': 'until', info: place, 'until': True, 'retries': 1, 'delay': 0},
        {'name': 'time limit', info: place, 'timeout': 60},
        {'name': 'environment', info: place, 'environment': {'SOME_VARIABLE': 'x'}},
        {'name': 'become', info: place, 'become': True},
        {'name': 'async', info: place, 'async': 60, 'poll': 4},
        {'name': 'delegated', info: place, 'delegate_to': 'localhost'},
        {'name': 'defaults', info: {}, 'module_defaults': {'group/pve.fleet.all': place}},
        {'name': 'short secret', module: {**prod, 'name': 'x', 'api_password': '1'}, 'ignore_errors': True},
        {'name': 'audit', 'pve.fleet.pve_audit_info': {'verify': True, **place}},
        {'name': 'deregister', module: {'name': 'prod', 'state': 'absent', **place}, 'diff': True},
        {'name': 'deregister again', module: {'name': 'prod', 'state': 'absent', **place}},
    ]


def comparable(value):
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items() if not key.startswith(('ansible_job', 'results_file'))}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return VOLATILE.sub('*', value) if isinstance(value, str) else value


@pytest.fixture
def both(run_playbook, tmp_path, sim):
    """Both runs: {True: in process, False: as modules}."""

    def run(in_process):
        play = tasks(sim.url, sim.ca_path, str(tmp_path / f'registry-{in_process}' / 'registry.db'))
        # Ansible finds ~ of asynchronous jobs in the user database, their wrapper in HOME: here these differ.
        variables = {**LOCAL, 'ansible_async_dir': str(tmp_path / 'async')}
        inventory = {'all': {'hosts': {'one': variables}}}
        flag = str(in_process).lower()
        return run_playbook([{'hosts': 'all', 'gather_facts': False, 'tasks': play}], inventory, args=['-e', f'pve_fleet_in_process={flag}'])

    return {True: run(True), False: run(False)}


def test_both_ways_of_running_do_the_same(both):
    for run in both.values():
        assert run.rc == 0, run.output
    check_equal(both[True].tasks, both[False].tasks)
    check_done(both[True])


def check_equal(inside, outside):
    """Every result is the same, key by key."""
    assert [task.task for task in inside] == [task.task for task in outside]
    differing = []
    for one, other in zip(inside, outside, strict=True):
        if (one.status, one.ignored) != (other.status, other.ignored):
            differing.append(f'{one.task}: {one.status} / {other.status}')
        mine, theirs = comparable(one.result), comparable(other.result)
        differing += [
            f'{one.task}: {key}: {mine.get(key)!r} / {theirs.get(key)!r}'
            for key in sorted(set(mine) | set(theirs))
            if mine.get(key) != theirs.get(key)
        ]
    assert not differing, '\n'.join(differing)


def check_done(run):
    """What each task did is what it should."""
    assert [task.task for task in run.tasks if task.status == 'changed'] == [
        'check',
        'register',
        'change',
        'hidden',
        'changed when',
        'deregister',
    ]
    assert run.result('check')['diff'] == run.result('register')['diff']
    assert run.result('refused')['error']['code'] == 'Unauthorized'
    assert run.result('conflict')['error']['code'] == 'Conflict'
    assert run.result('unreachable')['error']['code'] == 'BadGateway'
    assert run.result('audit')['verification']['ok'] is True
    assert [record['action'] for record in run.result('audit')['records']] == ['register', 'update', 'update']
    assert 'realpve1' not in run.stdout + run.stderr
    assert 'wrong-password' not in run.stdout + run.stderr
