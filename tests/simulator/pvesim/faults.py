"""The request log, and faults that the control interface puts on the next requests that match."""

from __future__ import annotations

import fnmatch
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

ACTIONS = ('refuse', 'reset', 'reset-after', 'delay', 'status', 'garbage', 'truncated', 'html')
HTML = b'<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n'
GARBAGE = b'\x00\x8f{"data": [unfinished'


@dataclass(slots=True)
class Fault:
    """action: one of ACTIONS; method and path ('*' patterns on the path below /api2/json) choose the requests.

    count: how many requests (0: all until removed); skip: so many matching ones are left alone first.
    status, reason, message: for 'status'; seconds: for 'delay'; effect: whether the handler still runs for status,
    garbage, truncated and html.
    """

    action: str
    method: str = '*'
    path: str = '*'
    count: int = 1
    skip: int = 0
    cluster: str = '*'
    status: int = 500
    reason: str = ''
    message: str = ''
    seconds: float = 1.0
    effect: bool = False
    id: int = 0

    def fits(self, cluster: str, method: str, path: str) -> bool:
        return (self.method in ('*', method) and self.cluster in ('*', cluster)
                and fnmatch.fnmatchcase(path, self.path))


@dataclass(slots=True)
class Faults:
    """The faults that wait for their requests."""

    waiting: list[Fault] = field(default_factory=list)
    made: int = 0

    def add(self, values: dict[str, Any]) -> Fault:
        """Raises ValueError with a sentence for an unknown action or option."""
        if values.get('action') not in ACTIONS:
            raise ValueError(f'action: {values.get("action")!r} is not one of {", ".join(ACTIONS)}')
        try:
            fault = Fault(**values)
        except TypeError as error:
            raise ValueError(f'fault: {error}') from None
        self.made += 1
        fault.id = self.made
        self.waiting.append(fault)
        return fault

    def take(self, cluster: str, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down."""
        for fault in self.waiting:
            if not fault.fits(cluster, method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count == 1:
                self.waiting.remove(fault)
            elif fault.count > 1:
                fault.count -= 1
            return fault
        return None

    def listed(self) -> list[dict]:
        return [asdict(fault) for fault in self.waiting]


class RequestLog:
    """Counts by method and path, the last requests, and how many were answered at the same time."""

    __slots__ = ('connections', 'counts', 'most', 'now', 'requests')

    def __init__(self):
        self.now = 0
        self.reset()

    def reset(self) -> None:
        self.connections = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.requests: deque[tuple] = deque(maxlen=5000)
        self.most = self.now

    def begin(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def end(self, cluster: str, method: str, path: str, status: int, authid: str | None) -> None:
        self.now -= 1
        self.counts[method, path] += 1
        self.requests.append((cluster, method, path, status, authid))

    def summary(self, limit: int = 200) -> dict[str, Any]:
        """counts: {'GET /version': 3}; total; max_concurrency; connections (opened); requests: the last ones."""
        names = ('cluster', 'method', 'path', 'status', 'authid')
        last = list(self.requests)[-limit:] if limit else []
        return {
            'total': sum(self.counts.values()),
            'counts': {f'{method} {path}': count for (method, path), count in sorted(self.counts.items())},
            'max_concurrency': self.most,
            'connections': self.connections,
            'requests': [dict(zip(names, row, strict=True)) for row in last],
        }
