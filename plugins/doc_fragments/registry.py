# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that may use the registry."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  registry_url:
    description:
      - Where the registry of clusters is.
      - A path or C(sqlite:////path/to/registry.db), or C(postgresql://user:password@host/database).
      - Taken from E(PVE_REGISTRY_URL) when not given; by default a file C(registry.db) in the folder
        E(PVE_FLEET_HOME), or in C(pve-fleet) within E(XDG_DATA_HOME) or C(~/.local/share).
    type: str
  registry_key:
    description:
      - The key that the secrets in the registry are encrypted with; several may be given, separated by commas,
        the first of which encrypts.
      - Taken from E(PVE_REGISTRY_KEY) when not given.
    type: str
  registry_key_file:
    description:
      - A file with the key, readable by its owner only.
      - Taken from E(PVE_REGISTRY_KEY_FILE) when not given; by default C(registry.key) beside the registry, which is
        made when the first cluster is registered.
    type: path
  fleet_context:
    description:
      - Filled in by the collection itself when a task runs on another host or as another user, so that no registry is
        needed there. It is not meant to be set in playbooks.
    type: str
requirements:
  - proxmoxer >= 2.0
  - requests
  - sqlalchemy >= 2.0, alembic and cryptography where the registry is used
  - psycopg >= 3.1 where the registry is in PostgreSQL
"""
