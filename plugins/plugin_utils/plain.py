# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as plain Python: without the tags that ansible-core 2.19 and later puts on them, and with vaulted texts decrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set


def plain(value):
    """A copy made of dict, list, str, int, float, bool and None only; other values become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return value.decode('utf-8', 'surrogateescape')
    if getattr(value, '__ENCRYPTED__', False):
        # A vaulted text of ansible-core before 2.19 is a sequence of characters, but no text; later ones fall through to the end.
        return str.__str__(str(value))
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (Sequence, Set)):
        return [plain(item) for item in value]
    return str.__str__(str(value))
