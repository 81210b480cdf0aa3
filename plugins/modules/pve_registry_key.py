#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the key of the registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_registry_key
short_description: Change the key that the registry's secrets are encrypted with
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Encrypts all secrets in the registry with another key, in one transaction.
  - A key file is kept up to date, so that a run that is broken off leaves a registry that can be read.
  - Where the key comes from E(PVE_REGISTRY_KEY) or O(registry_key), give the new key yourself and put it there
    afterwards.
options:
  new_key:
    description:
      - The new key, 32 random bytes in base64, as C(openssl rand -base64 32) prints them.
      - Without it, a key is made and kept in the key file; every run then changes the key.
    type: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_registry
"""

EXAMPLES = r"""
- name: Make a new key in the key file
  pve.fleet.pve_registry_key:

- name: Change to a key that is kept elsewhere
  pve.fleet.pve_registry_key:
    registry_key: "{{ old_key }}"
    new_key: "{{ new_key }}"
"""

RETURN = r"""
rotated:
  description: How many secrets were encrypted anew.
  returned: success
  type: int
  sample: 12
key_file:
  description: The file that holds the new key, C(null) where there is none.
  returned: success
  type: str
  sample: /home/alice/.local/share/pve-fleet/registry.key
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [encrypt 12 secrets with a new key]
diff:
  description: That the key differs, without any key.
  returned: success
  type: dict
  sample: {before: {key: old}, after: {key: new}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Internal, status: 500, message: The key does not fit the registry., details: {reason: key}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.registry.rotation import ARGUMENTS, run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(name='pve_registry_key', run=run, argument_spec=ARGUMENTS, tier='admin', connection='registry')


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
