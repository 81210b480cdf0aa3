# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection settings of a registered cluster, for other collections' modules."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster
short_description: Connection settings of a registered Proxmox VE cluster
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Returns how to connect to a registered cluster as a dictionary, so that modules of other collections can be used
    against registered clusters, most easily through C(module_defaults).
  - The dictionary holds the secret of the credential. Use C(no_log) where it could be shown.
options:
  _terms:
    description: Names or ids of registered clusters.
    type: list
    elements: str
    required: true
  style:
    description:
      - V(fleet) gives the option names of this collection.
      - V(community_proxmox) gives those of C(community.proxmox), of the first endpoint.
    type: str
    choices: [fleet, community_proxmox]
    default: fleet
  tier:
    description: The tier of the credential that is needed; the weakest that serves is given.
    type: str
    choices: [viewer, operator, admin]
    default: operator
  registry_url:
    description: Where the registry is (see M(pve.fleet.pve_cluster_registry)).
    type: str
    env: [{name: PVE_REGISTRY_URL}]
    vars: [{name: pve_registry_url}]
  registry_key:
    description: The key of the registry.
    type: str
    env: [{name: PVE_REGISTRY_KEY}]
    vars: [{name: pve_registry_key}]
  registry_key_file:
    description: A file with the key of the registry.
    type: path
    env: [{name: PVE_REGISTRY_KEY_FILE}]
    vars: [{name: pve_registry_key_file}]
seealso:
  - module: pve.fleet.pve_cluster_registry
"""

EXAMPLES = r"""
- name: Use a module of community.proxmox on a registered cluster
  hosts: localhost
  module_defaults:
    group/community.proxmox.proxmox: "{{ lookup('pve.fleet.cluster', 'prod', style='community_proxmox') }}"
  tasks:
    - name: List the storages
      community.proxmox.proxmox_storage_info:
"""

RETURN = r"""
_list:
  description: A dictionary for each term.
  type: list
  elements: dict
  sample:
    - api_host: pve1.example.com
      api_port: 8006
      api_token_id: fleet-operator@pve!registry-1a2b3c4d
      api_token_secret: '********'
      validate_certs: true
      ca_path: null
      fingerprint: null
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.pve.fleet.plugins.plugin_utils.bytecode import kept

with kept():
    from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
    from ansible_collections.pve.fleet.plugins.module_utils.clusters.settings import STYLES
    from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import open_registry
    from ansible_collections.pve.fleet.plugins.plugin_utils.secret_lookup import make_resolver


class LookupModule(LookupBase):
    """Reads the registry on the controller."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: self.get_option(name) for name in ('registry_url', 'registry_key', 'registry_key_file')}
        settings = STYLES[self.get_option('style')]
        resolve = make_resolver(self._loader, self._templar, variables)
        try:
            with open_registry(options) as registry:
                return [settings(registry.connection(name, self.get_option('tier'), resolve)) for name in terms]
        except FleetError as error:
            raise AnsibleError(f'pve.fleet.cluster: {error.message}') from None
