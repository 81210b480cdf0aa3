# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a disk is asked for and how it reads back: 'local-lvm:32' becomes 'local-lvm:vm-100-disk-0,size=32G'."""
from __future__ import annotations

import re
from collections.abc import Mapping

from .size import GIB, KIB, parse_size

_ALLOCATION = re.compile(r'([A-Za-z][A-Za-z0-9._-]*):(\d+(?:\.\d+)?|cloudinit)')
# Their size is the server's choice: 528K or 4M whatever number was asked for.
_FIXED_SIZE = ('efidisk', 'tpmstate')
_VOLUME_KEYS = ('file', 'volume')


def volume_key(fmt: Mapping[str, Mapping]) -> str | None:
    """The key that holds the volume in the format of a disk ('file' for QEMU, 'volume' for LXC); None otherwise."""
    if 'size' not in fmt:
        return None
    return next((key for key in _VOLUME_KEYS if fmt.get(key, {}).get('default_key')), None)


def allocation(volume: object) -> tuple[str, int | None] | None:
    """(storage, bytes) for 'storage:GiB', (storage, None) for 'storage:cloudinit' and 'storage:0'; None otherwise.

    Sizes are rounded up to KiB, as the server allocates.
    """
    match = _ALLOCATION.fullmatch(str(volume))
    if not match:
        return None
    storage, amount = match.groups()
    size = 0 if amount == 'cloudinit' else -(-parse_size(float(amount) * GIB) // KIB) * KIB
    return storage, size or None


def realises(name: str, wanted: object, current: object, size: object) -> bool:
    """Whether the current volume (its size in bytes) is what the wanted one asked for; None asks for none in particular."""
    if wanted is None:
        return True
    asked = allocation(wanted)
    if asked is None:
        return wanted == current
    storage, wanted_size = asked
    if str(current).partition(':')[0] != storage or allocation(current) is not None:
        return False
    return wanted_size is None or size is None or name.startswith(_FIXED_SIZE) or wanted_size == size
