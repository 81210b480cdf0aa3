#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the options of a datacenter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_cluster_options_info
short_description: Show the options of a datacenter
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description: Returns the options that are set.
options: {}
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_options
"""

EXAMPLES = r"""
- name: All that is set
  pve.fleet.pve_cluster_options_info:
    cluster: prod
  register: datacenter
"""

RETURN = r"""
cluster_options:
  description: All that is set, as M(pve.fleet.pve_cluster_options) returns it.
  returned: success
  type: dict
  sample:
    keyboard: de
    mac_prefix: 'BC:24:11'
    migration: {type: secure, network: '10.0.9.0/24'}
    description: ''
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import info_arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.cluster_options import CLUSTER_OPTIONS
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_cluster_options_info',
    run=info_run(CLUSTER_OPTIONS),
    argument_spec=info_arguments(CLUSTER_OPTIONS),
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
