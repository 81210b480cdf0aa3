# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Third-party packages, guarded: ansible-test imports every file without them.

urllib3 (a part of requests' installation) carries every request and is imported at once; requests and proxmoxer serve the
resource tree only and are looked for here, but imported there: they cost each start a tenth of a second.
"""

from __future__ import annotations

import functools
import importlib.util

__all__ = ('REQUIRED_PACKAGES', 'missing_package', 'urllib3')

# What a client of a cluster needs.
REQUIRED_PACKAGES = ('requests', 'proxmoxer')

try:
    import urllib3
except ImportError:
    urllib3 = None


@functools.cache
def missing_package(*names):
    """Say which of the packages `names` are not installed: one sentence, or None when all are there."""
    lost = [name for name in names if importlib.util.find_spec(name) is None]
    if not lost:
        return None
    return (
        f'The Python package {" and ".join(lost)} is missing where this task runs. '
        f'Install it there: pip install {" ".join(lost)}.'
    )
