"""Options in, result out: failures, masking, audit records, the choice of the way to run."""

from __future__ import annotations

import collections
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils import masking, runner
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, TaskFailed
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import canonical
from ansible_collections.pve.fleet.plugins.plugin_utils import in_process, inherited
from ansible_collections.pve.fleet.plugins.plugin_utils.plain import plain


class NoAccess:
    writes_audit = False
    resolve = None


def execute(run, **options):
    spec = runner.ModuleSpec('pve_test', run, {}, connection='none')
    return runner.execute(spec, {}, NoAccess(), **options)


def test_a_fleet_error_becomes_a_failure_with_its_code():
    def run(context):
        raise Conflict('the name is taken', details={'name': 'prod'})

    assert execute(run) == {
        'failed': True,
        'changed': False,
        'msg': 'the name is taken',
        'error': {'code': 'Conflict', 'status': 409, 'message': 'the name is taken', 'details': {'name': 'prod'}},
        'warnings': [],
    }


def test_what_was_done_before_a_failure_is_told():
    def run(context):
        context.did('create pool shop')
        raise TaskFailed('the task failed')

    result = execute(run)
    assert (result['changed'], result['changes']) == (True, ['create pool shop'])


def test_an_unforeseen_exception_is_one_sentence_with_its_place_and_without_traceback():
    def run(context):
        return {}['secret-value']

    result = execute(run)
    assert result['error']['code'] == 'Internal'
    assert 'test_runner.py:' in result['msg']
    assert 'Traceback' not in str(result)
    assert 'secret-value' not in str(result)


def test_no_base_exception_is_swallowed():
    class TimeOut(BaseException):
        pass

    def run(context):
        raise TimeOut

    with pytest.raises(TimeOut):
        execute(run)


def test_secrets_are_masked_wherever_they_stand():
    def run(context):
        context.secret('resolved-later')
        context.warn('seen: given-secret')
        return {'changed': False, 'list': [{'a': 'x resolved-later y'}], 'same': 'given-secret', 'number': 12}

    result = execute(run, secrets={'given-secret', '1'})
    assert result['list'] == [{'a': 'x ******** y'}]
    assert result['same'] == masking.PLACEHOLDER
    assert result['warnings'] == ['seen: ********']
    assert result['number'] == 12


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.text(min_size=4))
def test_masking_leaves_no_secret_in_values(value, secret):
    def texts(found):
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            for item in found:
                yield from texts(item)
        elif isinstance(found, dict):
            for item in found.values():
                yield from texts(item)

    stars = any(secret in text for text in (masking.STARS, masking.PLACEHOLDER))
    assert stars or not any(secret in text for text in texts(masking.masked([value, f'<{secret}>'], {secret})))


def test_the_invocation_hides_secret_options_at_any_depth():
    spec = {'a': {'no_log': True}, 'b': {'options': {'c': {'no_log': True}, 'd': {}}}}
    shown = masking.invocation({'a': '1', 'b': [{'c': 'x', 'd': 'y'}], 'fleet_context': '{}'}, spec)
    assert shown == {'a': masking.PLACEHOLDER, 'b': [{'c': masking.PLACEHOLDER, 'd': 'y'}]}


@pytest.mark.parametrize(
    ('facts', 'reason'),
    [
        ({}, None),
        ({'local': False}, 'connection'),
        ({'local': False, 'registry_module': True}, None),
        ({'wanted': False}, 'switch'),
        ({'is_async': True}, 'async'),
        ({'become': True}, 'become'),
        ({'environment': True}, 'environment'),
    ],
)
def test_the_choice_of_the_way_to_run(facts, reason):
    usual = {'local': True, 'registry_module': False, 'wanted': True, 'is_async': False, 'become': False, 'environment': False}
    assert in_process.reason_against(**{**usual, **facts}) == reason


@pytest.mark.parametrize(
    ('variables', 'environment', 'on'),
    [
        ({}, {}, True),
        ({'pve_fleet_in_process': False}, {}, False),
        ({'pve_fleet_in_process': 'no'}, {}, False),
        ({}, {'PVE_FLEET_IN_PROCESS': '0'}, False),
        ({'pve_fleet_in_process': True}, {'PVE_FLEET_IN_PROCESS': '0'}, True),
    ],
)
def test_the_switch(variables, environment, on):
    assert in_process.switched_on(variables, environment) is on


def test_plain_values_have_exactly_pythons_own_types():
    class Tagged(str):
        __slots__ = ()

    found = plain({Tagged('a'): [Tagged('b'), (1, True, None), {2.5}]})
    assert found == {'a': ['b', [1, True, None], [2.5]]}
    assert {key.__class__ for key in found} == {str}
    assert [item.__class__ for item in found['a'][:1]] == [str]


def test_a_vaulted_text_of_older_versions_of_ansible_is_one_text():
    class Vaulted(collections.UserString):
        __ENCRYPTED__ = True

    assert plain([Vaulted('secret')]) == ['secret']


def test_a_secret_lookup_is_the_same_with_and_without_options_that_are_not_given():
    assert canonical({'plugin': 'x', 'field': None}) == canonical({'plugin': 'x'})


def test_every_module_says_what_it_needs():
    inherited.import_modules()
    spec = in_process.spec_of('pve.fleet.pve_cluster_registry')
    assert dataclasses.asdict(spec)['name'] == 'pve_cluster_registry'
