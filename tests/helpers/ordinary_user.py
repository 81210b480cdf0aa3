# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a function as a user whose file permissions count, also when the tests run as root."""
from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import traceback
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def open_folder():
    """A folder under the system's temporary one that every user may enter (pytest's own is closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix='pve-fleet-test-'))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def as_ordinary_user(function):
    """function() in a forked process without root's rights -> what it returns. Its exception becomes an AssertionError."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = (True, function())
        except BaseException:  # noqa: BLE001  it is handed to the parent
            answer = (False, traceback.format_exc())
        with os.fdopen(writing, 'wb') as pipe:
            pipe.write(pickle.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, 'rb') as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    succeeded, value = pickle.loads(data)  # noqa: S301  written by our own child
    assert succeeded, value
    return value
