# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module says about check mode and diff mode."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predicts exactly what a run would change.
  diff_mode:
    description: Returns what differs before and after.
  in_process:
    description:
      - Runs within the Ansible worker when the connection is local, without become, environment or async;
        otherwise as an ordinary module with the same result.
      - Switched off by the variable C(pve_fleet_in_process=false) or the environment variable
        E(PVE_FLEET_IN_PROCESS=0).
    support: full
"""

    CHANGES = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode and predicts exactly what a run would change.
  diff_mode:
    support: full
    description: Returns what differs before and after.
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Changes nothing, so that check mode makes no difference.
  diff_mode:
    support: N/A
    description: Changes nothing, so that there is nothing to compare.
"""
