# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recorded servers take beyond the official tables, which lag behind the released packages."""
from __future__ import annotations

# (release, method, path template) -> parameters
PARAMETERS: dict[tuple[str, str, str], dict[str, dict]] = {
    # Recorded on 9.2.11; versions before 9.2 are not known to take it.
    ('9', 'PUT', '/access/users/{userid}/token/{tokenid}'): {
        'regenerate': {'type': 'boolean', 'optional': 1, 'default': 0, 'description': 'Make a new secret for the token.'},
    },
}
