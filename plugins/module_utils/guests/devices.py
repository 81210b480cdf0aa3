# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking before a device of the host is given to a guest by its mapping."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion

KINDS = {'usb': 'usb', 'hostpci': 'pci'}
MAPPING = re.compile(r'(?:^|,)mapping=([^,]+)')


def check_mappings(client, node, plan, missing):
    """Hand missing() the NotFound of a mapping that there is not, or that has no device of that node. One request for each kind that is used."""
    for kind, wanted in wanted_mappings(plan).items():
        try:
            known = {entry['id']: entry for entry in client.get('cluster', 'mapping', kind)}
        except FleetError:
            continue  # releases before 8 have no mappings; who may not see them is told by the change itself
        for key, name in wanted.items():
            problem = problem_of(known, kind, key, name, node)
            if problem:
                missing(NotFound(problem, details={'mapping': name, 'node': node}))


def wanted_mappings(plan):
    """{kind: {option: mapping}} of what the plan sets."""
    found = {}
    for step in plan.steps:
        for key, text in (step.data.get('texts') or {}).items():
            kind, match = KINDS.get(key.rstrip('0123456789')), MAPPING.search(str(text))
            if kind and match:
                found.setdefault(kind, {})[key] = match[1]
    return found


def problem_of(known, kind, key, name, node):
    """The sentence about a mapping that cannot serve; empty for one that can."""
    if name not in known:
        hint = suggestion(name, known) or (f'There are {joined(sorted(known), "and")}.' if known else 'There is none.')
        return f"{key}: there is no {kind.upper()} mapping '{name}', or these credentials may not use it. {hint}"
    if not any(f'node={node}' in str(part).split(',') for part in known[name].get('map') or ()):
        return f"{key}: the {kind.upper()} mapping '{name}' has no device of node {node}. Add it there, or put the guest on another node."
    return ''
