"""Checked sections: kinds, deleting, digests and the errors of nested checks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.call import ApiError, ParameterError
from pvesim.model import sections

KIND = sections.kind('server port', 'mtu path', 'path')
values = st.dictionaries(st.text(min_size=1), st.one_of(st.integers(), st.text()), max_size=4)


@pytest.mark.parametrize(('entry', 'create', 'text'), [
    ({'server': 'h'}, True, "missing value for required option 'port'"),
    ({'server': 'h', 'port': 1, 'x': 1}, True, "unexpected property 'x'"),
    ({'path': 'p'}, False, "can't change value of fixed parameter 'path'"),
])
def test_values_are_checked(entry, create, text):
    with pytest.raises(ApiError, match=text):
        sections.check(KIND, entry, create)


@pytest.mark.parametrize(('names', 'new', 'text'), [
    (['x'], {}, "no such option 'x'"),
    (['port'], {}, "unable to delete required option 'port'"),
    (['path'], {}, "unable to delete fixed option 'path'"),
    (['mtu'], {'mtu': 1}, "cannot set and delete property 'mtu' at the same time!"),
])
def test_not_everything_can_be_deleted(names, new, text):
    with pytest.raises(ApiError, match=text):
        sections.delete_options(KIND, {'mtu': 1}, new, names)


def test_a_lock_turns_parameter_errors_into_text():
    with pytest.raises(ApiError) as caught, sections.inside('create failed'):
        raise ParameterError({'b': 'two\n', 'a': 'one'})
    assert (caught.value.status, caught.value.errors) == (500, None)
    assert caught.value.message == 'create failed: 400 Parameter verification failed.\na: one\nb: two'


@given(values, values)
def test_digests_tell_contents_apart(one, other):
    assert (sections.digest(one) == sections.digest(other)) == (one == other or not (one or other))


@given(st.lists(st.text('abc1', min_size=1)))
def test_lists_survive_every_separator(items):
    for separator in (',', ';', ' ', '\0', ', '):
        assert sections.split_list(separator.join(items)) == items
