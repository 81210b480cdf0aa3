"""Calendar events: what they mean and what is none."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.model.calendar import DAYS, next_run, parse

SATURDAY = datetime(2026, 11, 21, 0, 48, tzinfo=timezone.utc).timestamp()


def after(text: str, moment: float = SATURDAY) -> str:
    return datetime.fromtimestamp(next_run(text, moment), timezone.utc).strftime('%a %Y-%m-%d %H:%M:%S')


@pytest.mark.parametrize(('text', 'expected'), [
    ('sat 02:00', 'Sat 2026-11-21 02:00:00'),
    ('02:00', 'Sat 2026-11-21 02:00:00'),
    ('00:30', 'Sun 2026-11-22 00:30:00'),
    ('*/15', 'Sat 2026-11-21 01:00:00'),
    ('*:0/15', 'Sat 2026-11-21 01:00:00'),
    ('mon..fri 8..17,22:0/15', 'Mon 2026-11-23 08:00:00'),
    ('fri 12:00/20', 'Fri 2026-11-27 12:00:00'),
    ('monthly', 'Tue 2026-12-01 00:00:00'),
    ('yearly', 'Fri 2027-01-01 00:00:00'),
    ('weekly', 'Mon 2026-11-23 00:00:00'),
    ('quarterly', 'Fri 2027-01-01 00:00:00'),
    ('hourly', 'Sat 2026-11-21 01:00:00'),
    ('sun', 'Sun 2026-11-22 00:00:00'),
    ('2028-2-29', 'Tue 2028-02-29 00:00:00'),
    ('sat *-1..7 15:00', 'Sat 2026-12-05 15:00:00'),
    ('1-1', 'Fri 2027-01-01 00:00:00'),
    ('saturday 02:00', 'Sat 2026-11-21 02:00:00'),
    ('03:30:20', 'Sat 2026-11-21 03:30:20'),
])
def test_the_next_time_is_the_one_the_event_names(text, expected):
    assert after(text) == expected


@pytest.mark.parametrize('text', ['', 'nonsense', '25:00', 'mon..nope', '12:60', 'fri..mon', '1-2-3-4', '0/0/0', '10 20 30'])
def test_what_is_no_event_is_refused(text):
    with pytest.raises(ValueError, match='unable to parse calendar event'):
        parse(text)


def test_a_time_that_never_comes_has_no_next():
    assert next_run('2001-1-1', SATURDAY) is None


@given(day=st.sampled_from(DAYS), hour=st.integers(0, 23), minute=st.integers(0, 59),
       moment=st.integers(0, 4_000_000_000))
def test_a_weekly_event_is_later_than_now_within_a_week_and_on_its_day(day, hour, minute, moment):
    found = next_run(f'{day} {hour}:{minute}', moment)
    assert moment < found <= moment + 7 * 86400
    time = datetime.fromtimestamp(found, timezone.utc)
    assert (DAYS[time.weekday()], time.hour, time.minute, time.second) == (day, hour, minute, 0)


@given(step=st.integers(1, 59), moment=st.integers(0, 4_000_000_000))
def test_next_runs_follow_each_other_without_a_gap(step, moment):
    first = next_run(f'*/{step}', moment)
    assert next_run(f'*/{step}', first - 1) == first
    assert next_run(f'*/{step}', first) - first <= step * 60


@pytest.mark.parametrize(('zone', 'expected'), [
    ('UTC', '2026-11-21 02:00'), ('Europe/Vienna', '2026-11-22 01:00'), ('Asia/Seoul', '2026-11-21 17:00'),
    ('No/Where', '2026-11-21 02:00'),
])
def test_times_are_those_of_the_node(zone, expected):
    found = next_run('02:00', SATURDAY + 1200, zone)
    assert datetime.fromtimestamp(found, timezone.utc).strftime('%Y-%m-%d %H:%M') == expected


def test_nothing_is_late_or_repeated_when_the_clocks_change():
    moment, runs = datetime(2026, 10, 24, 12, tzinfo=timezone.utc).timestamp(), []
    for dummy in range(60):
        moment = next_run('*:0', moment, 'Europe/Vienna')
        runs.append(moment)
    assert all(0 < later - earlier <= 7200 for earlier, later in itertools.pairwise(runs))
