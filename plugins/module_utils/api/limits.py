# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests are under way at once: per cluster and in all, over threads and over forked workers."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import threading

TOTAL = 64
_total = threading.BoundedSemaphore(TOTAL)
_lock = threading.Lock()
_by_cluster = {}


def process_slots(name, limit):
    """The semaphore of this process for one cluster."""
    with _lock:
        key = (name, limit)
        if key not in _by_cluster:
            _by_cluster[key] = threading.BoundedSemaphore(limit)
        return _by_cluster[key]


class FileSlots:
    """`limit` lock files shared by processes; the kernel frees a slot when its process dies."""

    def __init__(self, folder, name, limit):
        stem = hashlib.sha256(name.encode()).hexdigest()[:16]
        self.paths = [os.path.join(folder, f'{stem}.{number}.slot') for number in range(limit)]

    def acquire(self):
        """Take a slot, waiting for one when all are taken. Returns the open descriptor that holds it."""
        order = random.sample(self.paths, len(self.paths))
        for path in order:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except OSError:
                os.close(descriptor)
        descriptor = os.open(order[0], os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor


class Limits:
    """The limits of one cluster's client."""

    def __init__(self, name, limit, folder=None):
        self.slots = process_slots(name, limit)
        self.files = FileSlots(folder, name, limit) if folder else None

    @contextlib.contextmanager
    def place(self):
        """Hold one place while a request is under way."""
        with self.slots, _total:
            if self.files is None:
                yield
                return
            descriptor = self.files.acquire()
            try:
                yield
            finally:
                os.close(descriptor)
