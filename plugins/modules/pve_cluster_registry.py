#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register Proxmox VE clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_cluster_registry
short_description: Register Proxmox VE clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Keeps clusters in the registry of pve.fleet, so that playbooks, inventories and roles name them instead of carrying
    hosts and credentials.
  - The credentials are proven against the cluster before anything is stored. Secrets are kept encrypted, or not at all
    when a C(secret_lookup) names where they are.
  - Runs on the controller, where the registry is, also when the play's hosts are others.
options:
  name:
    description: The name by which the cluster is known in the registry.
    type: str
    required: true
    aliases: [cluster]
  state:
    description:
      - V(present) registers the cluster or updates what differs from the declaration.
      - V(absent) removes it and its secrets from the registry; a token that was made with O(create_token) is removed
        from the cluster as well.
      - V(refreshed) asks a registered cluster for its state and stores what it says.
    type: str
    choices: [present, absent, refreshed]
    default: present
  endpoints:
    description:
      - The nodes whose API may be used. The first that answers serves, the others stand in for it.
      - For a registered cluster, at least one of its known endpoints must be among them; otherwise the name is taken.
    type: list
    elements: dict
    suboptions:
      host:
        description: A node's name or address.
        type: str
        required: true
      port:
        description: The port of its API.
        type: int
        default: 8006
      fingerprint:
        description: The SHA-256 fingerprint of its certificate, where that is pinned instead of verified.
        type: str
  credentials:
    description:
      - The logins that are kept, at most one for each tier. A task uses the weakest tier that serves it.
      - When given, they replace those that are stored.
    type: list
    elements: dict
    suboptions:
      tier:
        description: What the login is good for.
        type: str
        choices: [viewer, operator, admin]
        default: admin
      token_id:
        description: The id of an API token, C(user@realm!name).
        type: str
      token_secret:
        description: The token's secret.
        type: str
      user:
        description: A user with its realm, instead of a token.
        type: str
      password:
        description: The user's password.
        type: str
      secret_lookup:
        description: Where the secret is, instead of the secret. It is looked up on the controller when it is needed.
        type: dict
        suboptions:
          plugin:
            description: The full name of an Ansible lookup plugin, such as V(community.hashi_vault.vault_kv2_get).
            type: str
            required: true
          terms:
            description: What to look up.
            type: list
            elements: str
          options:
            description: Options of the lookup plugin.
            type: dict
          field:
            description: The place within a structured answer, with dots, such as V(secret.token).
            type: str
  tier:
    description: The tier of the single login that is given with the C(api_) options.
    type: str
    choices: [viewer, operator, admin]
    default: admin
  labels:
    description:
      - Labels by which clusters are selected, such as C(site) and C(stage). They replace those that are stored.
    type: dict
  min_nodes:
    description:
      - How many nodes the cluster has at least when it is healthy. A new cluster gets C(3).
      - A cluster of fewer nodes is degraded, unless it is meant to be small and says so here.
    type: int
  discover:
    description:
      - Whether the other nodes' endpoints are added, with the fingerprints that the cluster gives for them.
      - Without it, the endpoints are exactly those that are given.
    type: bool
    default: false
  create_token:
    description:
      - Whether a user, a role and an API token are made on the cluster for each of O(token_tiers). Only the tokens
        are stored; O(api_user) and O(api_password) are used this once and forgotten.
      - Nothing is made when the stored tokens are still accepted. With an administrator's login their roles get what the
        cluster's release knows and they lack, as they do after an upgrade from one release to the next.
    type: bool
    default: false
  token_tiers:
    description: The tiers for which O(create_token) makes tokens.
    type: list
    elements: str
    choices: [viewer, operator, admin]
    default: [operator]
  force:
    description: Whether O(state=absent) goes on when a token cannot be removed from the cluster.
    type: bool
    default: false
  api_host:
    description: A node's name or address, as a short form of O(endpoints); several, separated by commas.
    type: str
  api_port:
    description: The port that goes with O(api_host); C(8006) by default.
    type: int
  fingerprint:
    description: The fingerprint that goes with O(api_host).
    type: str
  api_user:
    description: A user with its realm. The login is stored, unless O(create_token) is set.
    type: str
  api_password:
    description: The user's password.
    type: str
  api_token_id:
    description: The id of an API token, C(user@realm!name).
    type: str
  api_token_secret:
    description: The token's secret.
    type: str
  validate_certs:
    description: Whether the certificates of endpoints without fingerprint are verified. A new cluster gets V(true).
    type: bool
  ca_path:
    description: A file on the controller with the certificates of the authorities to trust.
    type: path
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_registry_info
  - module: pve.fleet.pve_audit_info
"""

EXAMPLES = r"""
- name: Register a cluster with a one-time administrator's login; only a new, narrow token is kept
  pve.fleet.pve_cluster_registry:
    name: prod
    endpoints:
      - host: pve1.example.com
        fingerprint: "{{ pve1_fingerprint }}"
    api_user: root@pam
    api_password: "{{ lookup('ansible.builtin.env', 'PVE_ADMIN_PASSWORD') }}"
    create_token: true
    discover: true
    labels: {site: seoul, stage: prod}

- name: Register a small cluster with tokens that exist, one of them kept in a vault
  pve.fleet.pve_cluster_registry:
    name: lab
    endpoints:
      - host: 10.0.0.11
      - host: 10.0.0.12
    ca_path: /etc/ssl/lab-ca.pem
    min_nodes: 2
    credentials:
      - tier: viewer
        token_id: fleet@pve!viewer
        token_secret: "{{ vault_lab_viewer }}"
      - tier: operator
        token_id: fleet@pve!operator
        secret_lookup:
          plugin: community.hashi_vault.vault_kv2_get
          terms: [pve/lab]
          options: {engine_mount_point: kv}
          field: secret.token

- name: Look again at what the cluster says of itself
  pve.fleet.pve_cluster_registry:
    name: prod
    state: refreshed

- name: Deregister
  pve.fleet.pve_cluster_registry:
    name: lab
    state: absent
"""

RETURN = r"""
cluster:
  description: The registered cluster, without secrets; C(null) when it was removed.
  returned: success
  type: dict
  sample:
    id: 4b3e9b0e-7c3a-4d7f-a5b5-0f3a3b1c9d11
    name: prod
    endpoints:
      - {host: pve1.example.com, port: 8006, fingerprint: null}
    labels: {site: seoul}
    min_nodes: 3
    validate_certs: true
    ca_path: null
    status: healthy
    reasons: []
    version: 9.0.3
    node_count: 3
    created_at: '2026-01-01T00:00:00Z'
    updated_at: '2026-01-01T00:00:00Z'
    last_seen_at: '2026-01-01T00:00:00Z'
    managed: {}
    credentials:
      - {tier: operator, kind: token, identity: fleet-operator@pve!registry-1a2b3c4d, reference: null}
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [register cluster prod (pve1.example.com)]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {min_nodes: 3}, after: {min_nodes: 2}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Unauthorized, status: 401, message: The login of root@pam is refused., details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.clusters.reconcile import run
from ansible_collections.pve.fleet.plugins.module_utils.clusters.spec import REGISTRY_ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_cluster_registry',
    run=run,
    argument_spec=REGISTRY_ARGUMENTS,
    tier='admin',
    connection='registry',
    required_together=(('api_token_id', 'api_token_secret'),),
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
