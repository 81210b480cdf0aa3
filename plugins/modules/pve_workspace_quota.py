#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reserve room in a workspace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_workspace_quota
short_description: Reserve room for guests in a workspace before they are made
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Counts declared guests against the quota of a workspace. Two runs at once never get more than the quota together.
  - All guests of a task get their room, or the task fails and none does.
  - The role P(pve.fleet.guest_provision#role) does this around creating guests.
options:
  workspace:
    description: The name of the workspace.
    type: str
    required: true
  guests:
    description:
      - The guests as M(pve.fleet.pve_vm) and M(pve.fleet.pve_container) take them, with C(kind) (V(vm) or V(container)),
        C(cluster) and C(name).
      - C(cores), C(sockets), C(memory) and the C(size) of disks count. A guest must declare what the quota limits, since what
        a template brings is not seen.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(reserved) holds room for O(hold) seconds. V(confirmed) holds it until it is released.
      - V(released) gives it back; only C(cluster) and C(name) of the guests count then.
    type: str
    choices: [reserved, confirmed, released]
    default: reserved
  leaving:
    description:
      - Guests that an earlier task removes. In check mode, where they are still there, their room counts as free.
      - Only C(cluster) and C(name) of them count.
    type: list
    elements: dict
    default: []
  hold:
    description: Seconds after which room that was not confirmed is free again.
    type: int
    default: 3600
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_workspace
"""

EXAMPLES = r"""
- name: Take room for a guest
  pve.fleet.pve_workspace_quota:
    workspace: shop
    guests:
      - {kind: vm, cluster: seoul, name: web-01, cores: 2, memory: 4G, disks: {scsi0: {size: 40G}}}

- name: Give it back
  pve.fleet.pve_workspace_quota:
    workspace: shop
    state: released
    guests:
      - {cluster: seoul, name: web-01}
"""

RETURN = r"""
workspace:
  description: The workspace as M(pve.fleet.pve_workspace) returns it, with what is reserved now.
  returned: success
  type: dict
  sample: {name: shop, reserved: {cpus: 2, memory: 4294967296, disk: 42949672960, guests: 1}}
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['reserve 2 CPUs, 4096 MiB of memory, 40 GiB of disk for seoul/web-01']
diff:
  description: Who has room before and after.
  returned: success
  type: dict
  sample: {before: {holders: []}, after: {holders: [seoul/web-01]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Conflict, status: 409, message: Workspace shop has no room., details: {resource: cpus, quota: 4, used: 4, asked: 2}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.quota import ARGUMENTS, run

SPEC = ModuleSpec(name='pve_workspace_quota', run=run, argument_spec=ARGUMENTS, connection='registry')


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
