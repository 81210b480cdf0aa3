# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_audit_info: reading and verifying the audit log of the registry."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.options import REGISTRY_SPEC

MOMENT = re.compile(r'\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|\+00:00)?)?$')
FILTERS = ('cluster', 'who', 'module', 'action', 'object', 'outcome', 'request_id', 'since', 'until', 'limit')
ARGUMENTS = {
    **{name: {'type': 'str'} for name in FILTERS if name not in ('limit', 'outcome')},
    'outcome': {'type': 'str', 'choices': ['ok', 'failed', 'dispatched']},
    'limit': {'type': 'int', 'default': 100},
    'verify': {'type': 'bool', 'default': False},
    **REGISTRY_SPEC,
}


def run(context):
    """The module's logic. Raises BadRequest for a time that is not written as the log writes it."""
    for name in ('since', 'until'):
        if context.params.get(name) and not MOMENT.match(context.params[name]):
            raise BadRequest(f'{name} is {context.params[name]}: write a day, or a moment in UTC, such as 2026-01-31 or 2026-01-31T08:00:00Z.')
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
