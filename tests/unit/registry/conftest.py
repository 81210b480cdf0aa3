# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the registry's tests."""
from __future__ import annotations

from postgres import postgres_server, registry_url
from registries import file_registry, key_file, registry

__all__ = ['file_registry', 'key_file', 'postgres_server', 'registry', 'registry_url']
