#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what an operation of the API takes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_api_info
short_description: Tell what an operation of the API takes
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns parameters, result and permissions of the operations of a path, from the official tables of a release.
  - With O(release) no cluster is asked.
options:
  path:
    description: The path, such as V(/nodes/{node}/qemu) or V(/nodes/pve1/qemu).
    type: str
    required: true
  method:
    description: Only this method.
    type: str
    choices: [GET, POST, PUT, DELETE]
  release:
    description: The release whose tables are read; that of the cluster unless given.
    type: str
    choices: ['7.4', '8.4', '9']
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_api
  - module: pve.fleet.pve_object
"""

EXAMPLES = r"""
- name: What making a metric server takes in release 9
  pve.fleet.pve_api_info:
    path: /cluster/metrics/server/{id}
    method: POST
    release: '9'
"""

RETURN = r"""
operations:
  description: The operations.
  returned: success
  type: list
  elements: dict
  sample:
    - method: POST
      path: '/cluster/metrics/server/{id}'
      required: [port, server, type]
      path_parameters: [id]
      parameters: {port: {type: integer}}
release:
  description: The release of the tables.
  returned: success
  type: str
  sample: '9'
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.objects.call import INFO_ARGUMENTS, run_info
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_api_info',
    run=run_info,
    argument_spec=INFO_ARGUMENTS,
    tier='viewer',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
