# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that read from several clusters at once."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - Which registered clusters. V(all), a list of names, or a dictionary with the keys C(names), C(labels) and C(status),
        all of which a cluster has to match.
      - When not given, the one of O(cluster) or O(api_host), else all registered clusters. Not to be combined with these.
    type: raw
  concurrency:
    description: How many requests are under way at once per cluster; in all there are never more than 64.
    type: int
    default: 5
"""
