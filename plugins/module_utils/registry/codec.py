# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as the registry stores it."""

from __future__ import annotations

import json
import time


def canonical(value):
    """One text for one meaning: sorted keys, no spaces, ASCII only (so that no database can refuse a character)."""
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=True, default=str)


def now_text(seconds=None):
    """A point in time (epoch seconds, default now) as ISO 8601 in UTC, to the second."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))
