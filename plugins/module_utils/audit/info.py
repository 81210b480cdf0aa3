# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_audit_info: reading and verifying the audit log of the registry."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.options import REGISTRY_SPEC

FILTERS = ('cluster', 'who', 'module', 'action', 'object', 'outcome', 'request_id', 'since', 'until', 'limit')
ARGUMENTS = {
    **{name: {'type': 'str'} for name in FILTERS if name not in ('limit', 'outcome')},
    'outcome': {'type': 'str', 'choices': ['ok', 'failed', 'dispatched']},
    'limit': {'type': 'int', 'default': 100},
    'verify': {'type': 'bool', 'default': False},
    **REGISTRY_SPEC,
}


def run(context):
    """The module's logic."""
    filters = {name: context.params[name] for name in FILTERS if context.params.get(name) is not None}
    if filters.get('limit') == 0:
        del filters['limit']
    result = {
        'changed': False,
        'records': [record.as_dict() for record in context.registry.read_audit(filters)],
    }
    if context.params['verify']:
        result['verification'] = context.registry.verify_audit()
    return result
