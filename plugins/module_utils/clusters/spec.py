# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that manage the registry."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.options import DIRECT_SPEC, REGISTRY_SPEC, TIMES_SPEC

TIERS = ['viewer', 'operator', 'admin']
STATUSES = ['healthy', 'degraded', 'unhealthy', 'unknown']

SECRET_LOOKUP = {
    'type': 'dict',
    'no_log': False,
    'options': {
        'plugin': {'type': 'str', 'required': True},
        'terms': {'type': 'list', 'elements': 'str'},
        'options': {'type': 'dict'},
        'field': {'type': 'str'},
    },
}
CREDENTIAL = {
    'tier': {'type': 'str', 'choices': TIERS, 'default': 'admin'},
    'token_id': {'type': 'str'},
    'token_secret': {'type': 'str', 'no_log': True},
    'user': {'type': 'str'},
    'password': {'type': 'str', 'no_log': True},
    'secret_lookup': SECRET_LOOKUP,
}
ENDPOINT = {
    'host': {'type': 'str', 'required': True},
    'port': {'type': 'int', 'default': 8006},
    'fingerprint': {'type': 'str'},
}
REGISTRY_ARGUMENTS = {
    'name': {'type': 'str', 'required': True, 'aliases': ['cluster']},
    'state': {'type': 'str', 'choices': ['present', 'absent', 'refreshed'], 'default': 'present'},
    'endpoints': {'type': 'list', 'elements': 'dict', 'options': ENDPOINT},
    'credentials': {'type': 'list', 'elements': 'dict', 'options': CREDENTIAL},
    'tier': {'type': 'str', 'choices': TIERS, 'default': 'admin'},
    'labels': {'type': 'dict'},
    'min_nodes': {'type': 'int'},
    'discover': {'type': 'bool', 'default': False},
    'create_token': {'type': 'bool', 'default': False, 'no_log': False},
    'token_tiers': {'type': 'list', 'elements': 'str', 'choices': TIERS, 'default': ['operator'], 'no_log': False},
    'force': {'type': 'bool', 'default': False},
    **DIRECT_SPEC,
    **REGISTRY_SPEC,
}

INFO_ARGUMENTS = {
    'name': {'type': 'str', 'aliases': ['cluster']},
    'id': {'type': 'str'},
    'labels': {'type': 'dict'},
    'status': {'type': 'list', 'elements': 'str', 'choices': STATUSES},
    'live': {'type': 'bool', 'default': False},
    **TIMES_SPEC,
    **REGISTRY_SPEC,
}
