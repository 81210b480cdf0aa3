#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List registered clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_cluster_registry_info
short_description: List registered Proxmox VE clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns what the registry knows of all or some clusters, never a secret.
  - With O(live=true) every cluster is asked for its state, all at once. One that cannot be reached is told in its own
    entry and does not fail the others.
options:
  name:
    description: Only the cluster of this name; it is an error when there is none.
    type: str
    aliases: [cluster]
  id:
    description: Only the cluster of this id; it is an error when there is none.
    type: str
  labels:
    description: Only clusters that have all these labels. A value may be a list of accepted values.
    type: dict
  status:
    description: Only clusters of these statuses.
    type: list
    elements: str
    choices: [healthy, degraded, unhealthy, unknown]
  live:
    description: Whether to ask the clusters themselves; otherwise what was seen last is returned.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_registry
"""

EXAMPLES = r"""
- name: List all clusters
  pve.fleet.pve_cluster_registry_info:
  register: fleet

- name: Which clusters in Seoul are not healthy just now
  pve.fleet.pve_cluster_registry_info:
    labels: {site: seoul}
    status: [degraded, unhealthy, unknown]
    live: true
"""

RETURN = r"""
clusters:
  description:
    - The clusters, sorted by name, as M(pve.fleet.pve_cluster_registry) returns them (without credentials).
    - With O(live=true) also C(nodes) and C(quorate), or C(error) when the cluster could not be asked.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 4b3e9b0e-7c3a-4d7f-a5b5-0f3a3b1c9d11
      name: prod
      status: degraded
      reasons:
        - {code: nodes_offline, message: 'Offline: pve3.'}
      version: 9.0.3
      node_count: 3
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: NotFound, status: 404, message: There is no cluster prd., details: {near: [prod]}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.clusters.info import run
from ansible_collections.pve.fleet.plugins.module_utils.clusters.spec import INFO_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_cluster_registry_info', run=run, argument_spec=INFO_ARGUMENTS, tier='viewer', connection='registry'
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
