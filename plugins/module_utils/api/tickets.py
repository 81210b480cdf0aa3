# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where login tickets are kept: in the process, and in files of mode 0600 that the workers of one run share."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
import threading
import time

# A ticket lives two hours; it is renewed well before.
RENEW_AFTER = 90 * 60
DEAD_AFTER = 115 * 60

_process_tickets = {}
_process_lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Ticket:
    """made_at: seconds since the epoch."""

    ticket: str = dataclasses.field(repr=False)
    csrf: str = dataclasses.field(repr=False)
    made_at: float

    def age(self, now):
        return now - self.made_at


class TicketStore:
    """Tickets of one login. folder: None keeps them in this process only."""

    def __init__(self, connection, folder=None):
        self.folder = folder
        self.name = self.key_for(connection)

    def key_for(self, connection):
        """A name that a wrong password does not share with the right one, and that does not give the password away."""
        login = connection.credential
        salt = self.salt() if self.folder else _process_salt
        parts = [connection.name, login.user or '', login.password or '', *(one.label for one in connection.endpoints)]
        return hashlib.blake2b('\0'.join(parts).encode(), key=salt, digest_size=16).hexdigest()

    def salt(self):
        path = os.path.join(self.folder, 'tickets.salt')
        if not os.path.exists(path):
            with contextlib.suppress(FileExistsError):
                write_new(path, os.urandom(32))
        with open(path, 'rb') as file:
            return file.read()

    def load(self):
        """The kept ticket while it may still be good, else None."""
        found = _process_tickets.get(self.name) or self.load_file()
        return found if found and found.age(time.time()) < DEAD_AFTER else None

    def load_file(self):
        if not self.folder:
            return None
        try:
            with open(os.path.join(self.folder, self.name + '.ticket'), encoding='utf-8') as file:
                return Ticket(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, ticket):
        with _process_lock:
            _process_tickets[self.name] = ticket
        if self.folder:
            with contextlib.suppress(OSError):
                write_new(
                    os.path.join(self.folder, self.name + '.ticket'),
                    json.dumps(dataclasses.asdict(ticket)).encode(),
                    replace=True,
                )

    def forget(self):
        with _process_lock:
            _process_tickets.pop(self.name, None)
        if self.folder:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, self.name + '.ticket'))


_process_salt = os.urandom(32)


def write_new(path, content, replace=False):
    """Write a file of mode 0600 in one step. Raises FileExistsError when it is there and may not be replaced."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(content)
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
