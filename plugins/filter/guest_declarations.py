# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of guests, completed by defaults, cluster and owner."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.declarations import declarations


def guest_declarations(guests, defaults=None, owner=None, cluster=None):
    """See guest_declarations.yml."""
    try:
        return declarations(guests, defaults, owner, cluster)
    except BadRequest as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    def filters(self):
        return {'guest_declarations': guest_declarations}
