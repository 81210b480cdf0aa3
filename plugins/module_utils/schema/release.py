# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which official parameter table stands for a server's version."""
from __future__ import annotations

import re

RELEASES = ('7.4', '8.4', '9')

_BY_MAJOR = {7: '7.4', 8: '8.4'}
_VERSION = re.compile(r'(?:pve-manager/)?(\d+)(?:[.\-]\S*)?')


class UnsupportedRelease(ValueError):
    """The version is no version of Proxmox VE, or an older one than 7."""


def release_for(version: str) -> str:
    """The release whose table is nearest to a version.

    In: what `GET /version` calls version or release ('8.4.1', '9.0', '7.4-16'), or a node's 'pve-manager/8.4.1/…'.
    Out: '7.4' for 7.x, '8.4' for 8.x, '9' for 9.x and later. Raises UnsupportedRelease.
    """
    match = _VERSION.fullmatch(str(version).strip())
    if not match:
        raise UnsupportedRelease(f'{version!r} is not a version of Proxmox VE: something like 8.4.1 is expected.')
    major = int(match.group(1))
    if major < 7:
        raise UnsupportedRelease(f'Proxmox VE {version} is not supported: upgrade the cluster to 7.0 or later.')
    return _BY_MAJOR.get(major, '9')
