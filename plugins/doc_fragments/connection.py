# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which cluster a task is about."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The name of a registered cluster (see M(pve.fleet.pve_cluster_registry)).
      - Taken from E(PVE_CLUSTER) when neither O(cluster) nor O(api_host) is given.
    type: str
  api_host:
    description:
      - A node's name or address, for a cluster that is not registered; several of one cluster, separated by commas.
      - Taken from E(PVE_HOST) or E(PROXMOX_HOST) when neither O(cluster) nor O(api_host) is given.
    type: str
  api_port:
    description:
      - The port of the API; C(8006) by default.
      - Taken from E(PVE_PORT) when not given.
    type: int
  api_user:
    description:
      - The user with its realm, such as C(root@pam).
      - Taken from E(PVE_USER) or E(PROXMOX_USER) when not given.
    type: str
  api_password:
    description:
      - The user's password.
      - Taken from E(PVE_PASSWORD) or E(PROXMOX_PASSWORD) when not given.
    type: str
  api_token_id:
    description:
      - The id of an API token, C(user@realm!name); the name alone is enough beside O(api_user).
      - Taken from E(PVE_TOKEN_ID) or E(PROXMOX_TOKEN_ID) when not given.
    type: str
  api_token_secret:
    description:
      - The secret of the API token.
      - Taken from E(PVE_TOKEN_SECRET) or E(PROXMOX_TOKEN_SECRET) when not given.
    type: str
  validate_certs:
    description:
      - Whether the server's certificate is verified; it is by default.
      - Taken from E(PVE_VALIDATE_CERTS) when not given. A registered cluster has its own setting.
    type: bool
  ca_path:
    description:
      - A file with the certificates of the authorities to trust, such as a copy of C(/etc/pve/pve-root-ca.pem).
      - Taken from E(PVE_CA_PATH) when not given.
    type: path
  fingerprint:
    description:
      - The SHA-256 fingerprint of the server's certificate, where that is pinned instead of verified.
      - Taken from E(PVE_FINGERPRINT) when not given.
    type: str
"""

    TIMES = r"""
options:
  connect_timeout:
    description: Seconds to wait for a connection.
    type: float
    default: 5.0
  read_timeout:
    description: Seconds to wait for an answer. A node that is down is told by the others only after 30 seconds.
    type: float
    default: 35.0
"""
