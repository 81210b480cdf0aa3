# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module keeps: it is documented, listed, exact in check mode, idempotent, discreet and clear.

A new module needs an entry in module_examples.yml, no test of its own.
"""
from __future__ import annotations

import json
import os
import re

import make_runtime
import pytest
import yaml
from checkout import ROOT
from module_walk import FILE, Walk, documentation, examples, filled, spec_of, two_clusters
from playbook import LOCAL

NAMES = make_runtime.modules()
EXAMPLES = examples()
# Both ways of running are compared on some modules, on all of them with FULL=1: a process each is slow.
SAMPLE = NAMES if os.environ.get('FULL') else NAMES[::9]
STEPS = ('create', 'change', 'again', 'remove')
USUAL_RESULT = {'changed', 'failed', 'msg', 'warnings', 'requests', 'error', 'diff', 'changes', 'ansible_facts', 'fleet_audit'}
VOLATILE = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:]+Z|\b[0-9a-f]{32,64}\b')


def entry_of(name: str) -> dict:
    """The entry of a module. The test fails without one."""
    if name not in EXAMPLES:
        pytest.fail(f'plugins/modules/{name}.py has no entry in {FILE.relative_to(ROOT)}: add one, so that it is tested.')
    return EXAMPLES[name]


@pytest.fixture
def walk(tmp_path):
    from pvesim.fixtures import running

    with running(fleet=two_clusters()) as simulator:
        yield Walk(simulator, tmp_path)


def prepare(walk: Walk, entry: dict) -> None:
    """Carry out what an entry needs first."""
    for step in entry.get('setup', []):
        walk.prepare(step)


def discreet(result: dict, entry: dict) -> None:
    """No secret stands in a result."""
    text = json.dumps({key: value for key, value in result.items() if key not in entry.get('told', [])}, default=str)
    found = [secret for secret in entry.get('secrets', []) if secret in text]
    assert not found, text


@pytest.mark.parametrize('name', NAMES)
def test_documentation_is_complete(name):
    found, spec = documentation(name), spec_of(name)
    assert (found['module'], spec.name) == (name, name)
    assert set(found['options']) == set(spec.argument_spec)
    for option, text in found['options'].items():
        assert text.get('description'), option
        assert text.get('type', 'str') == spec.argument_spec[option].get('type', 'str'), option
    used = [step for step in found['examples'] if f'pve.fleet.{name}' in step]
    assert used, 'no example uses it'
    assert all(step.get('name') for step in found['examples'])
    unknown = {key for step in used for key in step[f'pve.fleet.{name}'] or {}} - known_options(spec)
    assert not unknown, f'examples use {sorted(unknown)}'


def known_options(spec) -> set[str]:
    return {one for name, option in spec.argument_spec.items() for one in (name, *option.get('aliases', []))}


def test_every_module_is_in_the_action_group_and_routed():
    runtime = yaml.safe_load((ROOT / 'meta' / 'runtime.yml').read_text(encoding='utf-8'))
    assert runtime['action_groups']['all'] == NAMES
    assert {name: route['action_plugin'] for name, route in runtime['plugin_routing']['modules'].items()} == dict.fromkeys(NAMES, 'pve.fleet.in_process')


def test_no_entry_is_left_over():
    assert sorted(set(EXAMPLES) - set(NAMES)) == []


@pytest.mark.parametrize('name', NAMES)
def test_life_of_a_module(name, walk):
    entry = entry_of(name)
    assert {'read', 'create'} & set(entry), 'neither create nor read'
    prepare(walk, entry)
    for step in STEPS:
        if step in entry:
            check_step(name, entry, walk, step)
    if 'read' in entry:
        check_reading(name, entry, walk)
    if 'wrong' in entry:
        check_wrong(name, entry, walk)
    if 'missing' in entry:
        check_missing(name, entry, walk)


def check_reading(name, entry, walk):
    """Check mode makes no difference, nothing changes, and what is returned is documented."""
    login = entry.get('login', True)
    first, second = (walk.run(name, entry['read'], check, login) for check in (True, False))
    for result in (first, second):
        assert not result.get('failed'), result.get('msg')
        assert result['changed'] is False
        discreet(result, entry)
    assert set(first) == set(second)
    undocumented = set(second) - USUAL_RESULT - set(documentation(name)['return'])
    assert not undocumented, undocumented


def check_step(name, entry, walk, step):
    """Check mode predicts the run; the same again has nothing to do."""
    options, login = entry[step], entry.get('login', True)
    predicted = walk.run(name, options, check=True, login=login)
    done = walk.run(name, options, login=login)
    for result in (predicted, done):
        assert not result.get('failed'), result.get('msg')
        assert result['warnings'] == []
        discreet(result, entry)
    assert [predicted.get(key) for key in ('changed', 'changes', 'diff')] == [done.get(key) for key in ('changed', 'changes', 'diff')]
    undocumented = set(done) - USUAL_RESULT - set(documentation(name)['return'])
    assert not undocumented, undocumented
    assert done['changed'] is True
    if step in entry.get('once', []):
        return
    again = walk.run(name, options, login=login)
    assert not again.get('failed'), again.get('msg')
    assert again['changed'] is False, again
    assert again['diff'] == {'before': {}, 'after': {}}
    assert again['requests'] <= entry.get('idle', 2), walk.requests()


def check_wrong(name, entry, walk):
    """One clear line, with a code for programs, the same in check mode."""
    for check in (True, False):
        result = walk.run(name, entry['wrong'], check, entry.get('login', True))
        assert result.get('failed'), result
        assert '\n' not in result['msg']
        assert 'Traceback' not in result['msg']
        assert len(result['msg']) > len('short')
        if 'code' in entry:
            assert result['error']['code'] == entry['code'], result['msg']
            assert result['error']['message'] == result['msg']
        discreet(result, entry)


def check_missing(name, entry, walk):
    """Check mode warns of what an earlier task of the play would have to make; the run fails, and clearly."""
    login = entry.get('login', True)
    predicted, done = (walk.run(name, entry['missing'], check, login) for check in (True, False))
    assert not predicted.get('failed'), predicted.get('msg')
    assert predicted['changed'] is True
    assert done['error']['code'] == 'NotFound', done
    assert predicted['warnings'] == [f'{done["msg"]} This is check mode: the real run fails unless an earlier task makes it.']


@pytest.mark.matrix
def test_both_ways_of_running_give_the_same(walk, run_playbook):
    """One play: every sampled module in the worker and as a module of its own, in check mode and with wrong input."""
    plays = []
    for name in SAMPLE:
        entry = entry_of(name)
        prepare(walk, entry)
        for what in ('read', 'create', 'wrong'):
            if what in entry:
                options = walk.options(name, entry[what], entry.get('login', True))
                plays += [task(name, what, options, way) for way in (True, False)]
    run = run_playbook([{'hosts': 'all', 'gather_facts': False, 'tasks': plays}], {'all': {'hosts': {'one': LOCAL}}})
    results = {one.task: comparable(one.result, EXAMPLES[one.task.split()[0]].get('moves', False)) for one in run.tasks}
    assert run.rc == 0, run.output
    titles = sorted({one.task.rpartition(' ')[0] for one in run.tasks})
    different = {title: (results[f'{title} True'], results[f'{title} False']) for title in titles if results[f'{title} True'] != results[f'{title} False']}
    assert different == {}
    for name in SAMPLE:
        for secret in entry_of(name).get('secrets', []):
            assert secret not in run.stdout + run.stderr


def task(name, what, options, way) -> dict:
    return {'name': f'{name} {what} {way}', f'pve.fleet.{name}': filled(options, {}), 'check_mode': True, 'diff': True, 'ignore_errors': True,
            'vars': {'pve_fleet_in_process': way}}


def comparable(value, moves=False):
    """A result without what is never the same twice: moments and identifiers, and where it moves all numbers."""
    if isinstance(value, dict):
        return {key: comparable(item, moves) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item, moves) for item in value]
    if moves and isinstance(value, (int, float)) and not isinstance(value, bool):
        return '*'
    return VOLATILE.sub('*', value) if isinstance(value, str) else value
