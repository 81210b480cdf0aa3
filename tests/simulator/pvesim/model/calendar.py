"""Calendar events of PVE ("mon..fri 02:30", "*/15", "monthly", "2027-*-1 12:00"): parsing and the next time.

The grammar is that of the Proxmox VE administration guide (appendix Calendar Events). Times are those of a time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
LONG_DAYS = {name: name[:3] for name in (
    'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')}
ALIASES = {
    'minutely': '*-*-* *:*:00', 'hourly': '*-*-* *:00:00', 'daily': '*-*-* 00:00:00', 'weekly': 'mon *-*-* 00:00:00',
    'monthly': '*-*-01 00:00:00', 'yearly': '*-01-01 00:00:00', 'annually': '*-01-01 00:00:00',
    'quarterly': '*-01,04,07,10-01 00:00:00', 'semiannually': '*-01,07-01 00:00:00',
    'semi-annually': '*-01,07-01 00:00:00',
}
LIMIT_DAYS = 366 * 8


@dataclass(frozen=True)
class Event:
    """Allowed values of each part; None: any."""

    weekdays: frozenset[int] | None
    years: frozenset[int] | None
    months: frozenset[int] | None
    days: frozenset[int] | None
    hours: frozenset[int]
    minutes: frozenset[int]
    seconds: frozenset[int]


def parse(text: str) -> Event:
    """The event that `text` describes; ValueError('unable to parse calendar event') for anything else."""
    text = ALIASES.get(text.strip().lower(), text.strip())
    words = [word for word in text.split() if word.upper() != 'UTC']
    weekdays = days = time = None
    for word in words:
        if re.match(r'[A-Za-z]', word) and weekdays is None and days is None and time is None:
            weekdays = _weekdays(word)
        elif '-' in word and days is None and time is None:
            days = _date_parts(word)
        elif time is None:
            time = _time(word)
        else:
            raise ValueError('unable to parse calendar event')
    if not words:
        raise ValueError('unable to parse calendar event')
    years, months, month_days = days or (None, None, None)
    hours, minutes, seconds = time or (frozenset([0]), frozenset([0]), frozenset([0]))
    return Event(weekdays, years, months, month_days, hours, minutes, seconds)


def _weekdays(word: str) -> frozenset[int]:
    found: set[int] = set()
    for item in word.lower().split(','):
        first, dots, last = item.partition('..')
        if not dots and '-' in item:
            first, dots, last = item.partition('-')
        start = _weekday(first)
        end = _weekday(last) if dots else start
        if end < start:
            raise ValueError('unable to parse calendar event')
        found.update(range(start, end + 1))
    return frozenset(found)


def _weekday(name: str) -> int:
    name = LONG_DAYS.get(name, name)
    if name not in DAYS:
        raise ValueError('unable to parse calendar event')
    return DAYS.index(name)


def _date_parts(word: str) -> tuple[frozenset[int] | None, frozenset[int] | None, frozenset[int] | None]:
    parts = word.split('-')
    if len(parts) == 2:
        parts.insert(0, '*')
    if len(parts) != 3:
        raise ValueError('unable to parse calendar event')
    year, month, day = parts
    return (None if year == '*' else _values(year, 1970, 2200), None if month == '*' else _values(month, 1, 12),
            None if day == '*' else _values(day, 1, 31))


def _time(word: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    parts = word.split(':')
    if len(parts) == 1:
        parts = ['*', parts[0]]
    if len(parts) == 2:
        parts.append('0')
    if len(parts) != 3:
        raise ValueError('unable to parse calendar event')
    return _values(parts[0], 0, 23), _values(parts[1], 0, 59), _values(parts[2], 0, 59)


def _values(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(','):
        match = re.fullmatch(r'(\*|\d+(?:\.\.\d+)?)(?:/(\d+))?', item)
        if not match:
            raise ValueError('unable to parse calendar event')
        span, step = match[1], int(match[2] or 0)
        if span == '*':
            first, last = low, high
            step = step or 1
        else:
            first, _dots, end = span.partition('..')
            first = int(first)
            last = int(end) if end else (high if step else first)
            step = step or 1
        if not low <= first <= high or not first <= last <= high:
            raise ValueError('unable to parse calendar event')
        found.update(range(first, last + 1, step))
    return frozenset(found)


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.utc


def next_run(event: Event | str, after: float, zone: str = 'UTC') -> int | None:
    """The first second later than `after` (seconds since 1970) that the event names; None when none comes."""
    event = parse(event) if isinstance(event, str) else event
    place = zone_of(zone)
    moment = datetime.fromtimestamp(int(after) + 1, place)
    day, earliest = moment.date(), (moment.hour, moment.minute, moment.second)
    for dummy in range(LIMIT_DAYS):
        time = _first_time(event, earliest) if _day_fits(event, day) else None
        if time is not None:
            found = int(datetime(day.year, day.month, day.day, *time, tzinfo=place, fold=moment.fold).timestamp())
            if found > after:
                return found
        day, earliest = day + timedelta(days=1), (0, 0, 0)
    return None


def _day_fits(event: Event, day: date) -> bool:
    return ((event.weekdays is None or day.weekday() in event.weekdays)
            and (event.years is None or day.year in event.years)
            and (event.months is None or day.month in event.months)
            and (event.days is None or day.day in event.days))


def _first_time(event: Event, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
    for hour in sorted(value for value in event.hours if value >= earliest[0]):
        for minute in sorted(event.minutes):
            if (hour, minute) < earliest[:2]:
                continue
            for second in sorted(event.seconds):
                if (hour, minute, second) >= earliest:
                    return hour, minute, second
    return None
