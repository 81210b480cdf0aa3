# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A circuit breaker per endpoint: one that failed is tried last until it had time to recover."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time

CLOSED, HALF_OPEN, OPEN = 'closed', 'half-open', 'open'
REST = 30.0


class Breaker:
    """closed: in use. open: failed, rests for `rest` seconds. half-open: rested; one trial at a time decides."""

    def __init__(self, rest=REST, clock=time.monotonic):
        self.rest = rest
        self.clock = clock
        self.opened_at = None
        self.trial = False
        self.lock = threading.Lock()

    @property
    def state(self):
        if self.opened_at is None:
            return CLOSED
        rested = self.clock() - self.opened_at >= self.rest
        return HALF_OPEN if rested and not self.trial else OPEN

    def starting(self):
        """A request is about to go there."""
        with self.lock:
            self.trial = self.state == HALF_OPEN or self.trial

    def succeeded(self):
        with self.lock:
            self.opened_at, self.trial = None, False

    def failed(self, at=None):
        with self.lock:
            self.opened_at, self.trial = (self.clock() if at is None else at), False


class Marks:
    """Failed endpoints told to the other processes of one run: a file each, whose time is that of the failure."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, endpoint):
        return os.path.join(self.folder, hashlib.sha256(endpoint.label.encode()).hexdigest()[:16] + '.down')

    def age(self, endpoint):
        """Seconds since another process saw it fail, or None."""
        try:
            return max(0.0, time.time() - os.stat(self.path(endpoint)).st_mtime)
        except OSError:
            return None

    def set(self, endpoint):
        with contextlib.suppress(OSError):
            os.close(os.open(self.path(endpoint), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
            os.utime(self.path(endpoint))

    def clear(self, endpoint):
        with contextlib.suppress(OSError):
            os.unlink(self.path(endpoint))


class Rotation:
    """The endpoints of one cluster in the order in which they should be tried."""

    RANK = {CLOSED: 0, HALF_OPEN: 1, OPEN: 2}

    def __init__(self, endpoints, folder=None, clock=time.monotonic):
        self.breakers = {endpoint: Breaker(clock=clock) for endpoint in endpoints}
        self.preferred = endpoints[0]
        self.marks = Marks(folder) if folder else None
        for endpoint, breaker in self.breakers.items():
            age = self.marks.age(endpoint) if self.marks else None
            if age is not None and age < breaker.rest:
                breaker.failed(at=clock() - age)

    def order(self):
        """Endpoints: those in use (the last good one first), then the rested, then those that failed of late."""
        return sorted(self.breakers, key=lambda one: (self.RANK[self.breakers[one].state], one != self.preferred))

    def starting(self, endpoint):
        self.breakers[endpoint].starting()

    def succeeded(self, endpoint):
        breaker = self.breakers[endpoint]
        if breaker.opened_at is not None and self.marks:
            self.marks.clear(endpoint)
        breaker.succeeded()
        self.preferred = endpoint

    def failed(self, endpoint):
        self.breakers[endpoint].failed()
        if self.marks:
            self.marks.set(endpoint)
