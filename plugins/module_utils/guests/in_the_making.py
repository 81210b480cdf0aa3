# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that are being made and have no name yet: each could be the one that a task wants.

While Proxmox VE copies the first disk of a clone, the new guest has a lock but no name. A run that was killed then has
ordered such a guest, and the next run must not order a second one. Clones that other tasks of the same run ordered are
told apart by notes in the folder that the processes of one run share.
"""

from __future__ import annotations

import hashlib
import pathlib
import re

LOCKS = ('create', 'clone')
DEFAULT_NAME = re.compile(r'(VM |CT)\d+')


def is_unnamed(row):
    """Whether a row is of a guest in the making that does not show its name yet."""
    name = row.get('name') or ''
    return row.get('lock') in LOCKS and (not name or bool(DEFAULT_NAME.fullmatch(name)))


def candidates(client, rows, kind, names):
    """Rows of guests in the making that may turn out to have one of the names."""
    return [
        row
        for row in rows
        if row['type'] == kind.name and is_unnamed(row) and noted_name(client, row['vmid']) in (None, *names)
    ]


def note(client, vmid, name):
    """Write down that this run orders a guest of that name under that id, before it does."""
    file = note_file(client, vmid)
    if file is not None and name:
        file.write_text(name, encoding='utf-8')


def noted_name(client, vmid):
    """The name under which this run ordered the guest; None when it did not."""
    file = note_file(client, vmid)
    try:
        return file.read_text(encoding='utf-8') or None if file else None
    except OSError:
        return None


def note_file(client, vmid):
    folder = client.connection.state_dir
    if not folder:
        return None
    stem = hashlib.sha256(client.connection.name.encode()).hexdigest()[:16]
    return pathlib.Path(folder) / f'{stem}.{vmid}.ordered'
