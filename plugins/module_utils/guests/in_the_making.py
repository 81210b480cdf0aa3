# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that are being made and have no name yet: each could be the one that a task wants.

While Proxmox VE copies the first disk of a clone, the new guest has a lock but no name. A run that was killed then has
ordered such a guest, and the next run must not order a second one. Clones that other tasks of the same run ordered are
told apart by notes in the folder that the processes of one run share.

What is decided when a guest is made (its first password, its place) cannot be told afterwards from what it is. A clone that
still needs such a thing has a mark in its description, which goes with the change that finishes it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re

from ansible_collections.pve.fleet.plugins.module_utils.guests.read import MARK

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


def needs_mark(desired, state, moves):
    """Whether a clone could be taken for finished before it is: it has the password of its template, or is not where placement put it."""
    inherits = bool(desired.password) and 'cipassword' in state.config
    return inherits or bool(moves and desired.placement)


def marked_description(state):
    """The description that the clone will have, with the mark."""
    return f'{str(state.config.get("description", "")).rstrip()}\n{MARK}'.lstrip()


def without_mark(state):
    """The State as it is to be seen, with the description that is meant."""
    text = str(state.config.get('description', '')).replace(MARK, '').rstrip()
    config = {key: value for key, value in state.config.items() if key != 'description'}
    return dataclasses.replace(state, config={**config, 'description': text} if text else config)


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
