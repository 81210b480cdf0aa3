"""Time of a fleet: the real one, one in which nothing takes long, or one that moves when told."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

MODES = ('real', 'fast', 'manual')


class Clock:
    """mode 'real': seconds are seconds; 'fast': waits end at once; 'manual': time moves by advance() alone.

    start: what the clock shows when it is made, in seconds since 1970; None for now.
    """

    def __init__(self, mode: str = 'real', start: float | None = None):
        if mode not in MODES:
            raise ValueError(f'clock: {mode!r} is not one of {", ".join(MODES)}')
        self.mode = mode
        self._stopped_at = time.time() if start is None else start
        self.offset = 0.0 if mode == 'manual' else self._stopped_at - time.time()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def now(self) -> float:
        """Seconds since 1970."""
        return (self._stopped_at if self.mode == 'manual' else time.time()) + self.offset

    def call_after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Run callback once so many seconds of this clock have passed, from the running event loop."""
        if self.mode == 'manual' and seconds > 0:
            heapq.heappush(self._waiting, (self.now() + seconds, next(self._count), callback))
            return
        loop = asyncio.get_running_loop()
        if seconds <= 0 or self.mode == 'fast':
            loop.call_soon(callback)
        else:
            entry = (self.now() + seconds, next(self._count), callback)
            heapq.heappush(self._waiting, entry)
            loop.call_later(seconds, self._run_due)

    def _run_due(self) -> None:
        now = self.now() + 1e-6
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()

    async def sleep(self, seconds: float) -> None:
        """Wait on this clock."""
        if seconds <= 0:
            return
        done = asyncio.get_running_loop().create_future()
        self.call_after(seconds, lambda: done.done() or done.set_result(None))
        await done

    def advance(self, seconds: float) -> None:
        """Move time forward; whatever falls due runs in its order, each at its own moment (manual mode)."""
        end = self.now() + seconds
        while self._waiting and self._waiting[0][0] <= end:
            due, _count, callback = heapq.heappop(self._waiting)
            if self.mode == 'manual':
                self.offset += max(0.0, due - self.now())
            callback()
        self.offset += max(0.0, end - self.now())
