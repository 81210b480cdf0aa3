# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind has what the official tables of every release have, in the same types."""
from __future__ import annotations

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.resources.backup_job import BACKUP_JOB
from ansible_collections.pve.fleet.plugins.module_utils.resources.cluster_options import CLUSTER_OPTIONS
from ansible_collections.pve.fleet.plugins.module_utils.resources.group import GROUP
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_resource import HA_RESOURCE
from ansible_collections.pve.fleet.plugins.module_utils.resources.ha_rule import HA_RULE, groups
from ansible_collections.pve.fleet.plugins.module_utils.resources.pool import POOL
from ansible_collections.pve.fleet.plugins.module_utils.resources.role import ROLE
from ansible_collections.pve.fleet.plugins.module_utils.resources.storage import STORAGE
from ansible_collections.pve.fleet.plugins.module_utils.resources.token import TOKEN
from ansible_collections.pve.fleet.plugins.module_utils.resources.user import USER
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

KINDS = (BACKUP_JOB, CLUSTER_OPTIONS, GROUP, HA_RESOURCE, HA_RULE, groups(None), POOL, ROLE, STORAGE, TOKEN, USER)
RELEASES = ('7.4', '8.4', '9')
# Parameters that are no options, and what serves instead.
BESIDE = {
    'backup_job': {
        'starttime': 'schedule', 'dow': 'schedule', 'maxfiles': 'prune_backups', 'quiet': 'only of single runs', 'stop': 'only of single runs',
    },
    'cluster_options': {'migration_unsecure': 'migration'},
    'ha_resource': {'type': 'sid tells it'},
    'pool': {'storage': 'storages', 'allow-move': 'allow_move'},
    'role': {'append': 'append'},
    'token': {'regenerate': 'update_secret'},
    'user': {'append': 'append'},
}
# Values that have another name here: started, node-affinity.
OTHERWISE = {'hastate': {'enabled'}, 'type': {'group'}}
TYPES = {'boolean': 'bool', 'integer': 'int'}


def operations(kind):
    """(release, parameters) of all operations that make or change such an object."""
    for release in RELEASES:
        for method, template in (('POST', kind.collection), ('PUT', kind.item)):
            path = f'/{template}'
            if method in tables(release).methods(path):
                yield release, tables(release).operation(method, path).parameters


@pytest.mark.parametrize('kind', KINDS, ids=lambda kind: kind.describe({}))
def test_no_parameter_of_any_release_lacks_an_option(kind):
    keys = {field.key for field in kind.fields} | {'delete', 'digest'} | set(BESIDE.get(kind.name, {}))
    assert [(release, sorted(set(parameters) - keys)) for release, parameters in operations(kind) if set(parameters) - keys] == []


@pytest.mark.parametrize('kind', KINDS, ids=lambda kind: kind.describe({}))
def test_options_take_what_their_parameters_take(kind):
    for release, parameters in operations(kind):
        for field in kind.fields:
            schema = parameters.get(field.key, {})
            if schema.get('type') in TYPES:
                assert field.type == TYPES[schema['type']], (release, field.name)
            if field.choices and field.type != 'list':
                assert set(map(str, schema.get('enum', ()))) <= set(field.choices) | OTHERWISE.get(field.name, set()), (release, field.name)
