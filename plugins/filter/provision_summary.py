# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provisioning did, for people, programs and pipelines."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.workspaces.summary import summary


class FilterModule:
    def filters(self):
        return {'provision_summary': summary}
