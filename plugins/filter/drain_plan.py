# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the guests of a node go while it is worked on."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict
from ansible_collections.pve.fleet.plugins.module_utils.workspaces import drain


def drain_plan(guests, nodes, leaving, stopped=False, earlier=()):
    """See drain_plan.yml."""
    try:
        return drain.drain_plan(guests, nodes, leaving, stopped, earlier)
    except Conflict as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    def filters(self):
        return {'drain_plan': drain_plan}
