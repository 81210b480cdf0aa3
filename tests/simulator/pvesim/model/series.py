"""Answers of rrddata: the moments of a time frame, each with the figures of that moment."""

from __future__ import annotations

from collections.abc import Callable

# seconds between two points, points
FRAMES = {'hour': (60, 60), 'day': (60, 1440), 'week': (1800, 336), 'month': (1800, 1440), 'year': (21600, 1460),
          'decade': (604800, 521)}
OLD_FRAMES = {'hour': (60, 70), 'day': (1800, 70), 'week': (10800, 70), 'month': (43200, 70), 'year': (604800, 70)}


def guest_series(timeframe: str, now: float, release: str, at: Callable[[float], dict | None]) -> list[dict]:
    """Points up to the last whole step before now. at: the figures of a moment, or None where there were none."""
    step, count = (FRAMES if release == '9' else OLD_FRAMES)[timeframe]
    last = int(now) // step * step
    points = []
    for index in range(count):
        moment = last - (count - 1 - index) * step
        points.append({'time': moment, **(at(moment) or {})})
    return points
