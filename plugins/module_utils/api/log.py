# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Structured log records of requests, on request: one JSON object a line. They hold no parameters and no secrets."""

from __future__ import annotations

import contextlib
import json
import os
import time

ENVIRONMENT = 'PVE_FLEET_LOG'


def silent(record):
    """The log that keeps nothing."""


def file_log(path):
    """A function that appends records to the file `path` (mode 0600)."""

    def write(record):
        line = json.dumps(record, sort_keys=True, default=str) + '\n'
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)

    return write


def log_from_environment(environment=None):
    """The log that the environment variable PVE_FLEET_LOG asks for."""
    path = (os.environ if environment is None else environment).get(ENVIRONMENT)
    return file_log(path) if path else silent


def record(connection, request_id, method, path, **facts):
    """One record: who asked what where, and what came of it (status, seconds, attempt, fault)."""
    return {
        'time': time.time(),
        'cluster': connection.name,
        'identity': connection.credential.identity,
        'request_id': request_id,
        'method': method,
        'path': path,
        **facts,
    }
