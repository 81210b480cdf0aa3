#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep workspaces in the registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_workspace
short_description: Keep workspaces, shares of clusters with a quota
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - A workspace is a named share of some registered clusters, with limits that M(pve.fleet.pve_workspace_quota) enforces before
    guests are made.
  - It lives in the registry. The pool, group and rights that go with it on the clusters are made by the role
    P(pve.fleet.workspace#role).
options:
  name:
    description: The name of the workspace.
    type: str
    required: true
  state:
    description: Whether the workspace exists. It is not removed while room is reserved in it.
    type: str
    choices: [present, absent]
    default: present
  clusters:
    description: Names of the registered clusters that it may use. Left as they are when not given.
    type: list
    elements: str
  quota:
    description: The limits. Given, they replace those that are stored; what is not named has no limit.
    type: dict
    suboptions:
      cpus:
        description: The number of cores of all guests.
        type: int
      memory:
        description: The memory of all guests, such as V(64G).
        type: str
      disk:
        description: The sizes of all disks, such as V(2T).
        type: str
      guests:
        description: The number of guests.
        type: int
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_workspace_info
  - module: pve.fleet.pve_workspace_quota
"""

EXAMPLES = r"""
- name: Give the shop a share of two clusters
  pve.fleet.pve_workspace:
    name: shop
    clusters: [seoul, berlin]
    quota: {cpus: 64, memory: 256G, disk: 4T, guests: 40}

- name: End a workspace
  pve.fleet.pve_workspace:
    name: shop
    state: absent
"""

RETURN = r"""
workspace:
  description: The workspace; C(null) when it was removed. Memory and disk are bytes.
  returned: success
  type: dict
  sample:
    name: shop
    clusters: [berlin, seoul]
    quota: {cpus: 64, memory: 274877906944, disk: 4398046511104, guests: 40}
    reserved: {cpus: 0, memory: 0, disk: 0, guests: 0}
    created_at: '2026-01-01T00:00:00Z'
    updated_at: '2026-01-01T00:00:00Z'
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create workspace shop]
diff:
  description: What differs.
  returned: success
  type: dict
  sample: {before: {}, after: {clusters: [berlin, seoul]}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Conflict, status: 409, message: Workspace shop still has 2 guest(s) reserved., details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module
from ansible_collections.pve.fleet.plugins.module_utils.workspaces.manage import ARGUMENTS, run

SPEC = ModuleSpec(name='pve_workspace', run=run, argument_spec=ARGUMENTS, tier='admin', connection='registry')


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
