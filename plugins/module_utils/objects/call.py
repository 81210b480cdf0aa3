# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_api: one call, and pve_api_info: what an operation takes."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api import tasks
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, checked
from ansible_collections.pve.fleet.plugins.module_utils.objects.place import quoted, segments_of
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.schema.release import RELEASES
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables

ARGUMENTS = {
    'path': {'type': 'str', 'required': True},
    'method': {'type': 'str', 'choices': ['GET', 'POST', 'PUT', 'DELETE'], 'default': 'GET'},
    'params': {'type': 'dict', 'default': {}},
    'secret_params': {'type': 'dict', 'default': {}, 'no_log': True},
    'compare': {'type': 'str'},
    'tier': {'type': 'str', 'choices': ['viewer', 'operator', 'admin']},
    'wait': {'type': 'bool', 'default': True},
    'timeout': {'type': 'int', 'default': 600},
    **CONNECTION_SPEC,
}
INFO_ARGUMENTS = {
    'path': {'type': 'str', 'required': True},
    'method': {'type': 'str', 'choices': ['GET', 'POST', 'PUT', 'DELETE']},
    'release': {'type': 'str', 'choices': list(RELEASES)},
    **CONNECTION_SPEC,
}


def tier(params):
    """Reading needs less than writing, unless the task says what it needs."""
    return params.get('tier') or ('viewer' if params['method'] == 'GET' else 'admin')


def run(context):
    """The logic of pve_api."""
    params, client = context.params, context.client
    method, segments = params['method'], segments_of(params['path'])
    values = {**params['params'], **params['secret_params']}
    change = checked(Change(f'{method} {params["path"]}', method, segments, values), tables(client.release))
    if method == 'GET':
        return {'changed': False, 'data': client.request_encoded(method, segments, change.fields)['data']}
    if context.check_mode:
        return result([change.words], True, None, {})
    seen = segments_of(params['compare']) if params.get('compare') else None
    before = get_or_none(client, *seen) if seen else None
    data = client.request_encoded(method, segments, change.fields)['data']
    context.did(change.words)
    more = waited(context, data) if tasks.is_upid(data) else {}
    after = get_or_none(client, *seen) if seen else None
    changed = before != after if seen else True
    return result([change.words], changed, data, more)


def result(words, changed, data, more):
    return {'changed': changed, 'changes': words if changed else [], 'diff': {'before': {}, 'after': {}}, 'data': data, **more}


def waited(context, upid):
    """The task that a call started: its identifier, and how it ended where the call shall wait."""
    if not context.params['wait']:
        return {'upid': upid}
    ended = context.client.wait(upid, context.params['timeout'], context.progress)
    for text in ended.warnings:
        context.warn(text)
    return {'upid': upid, 'exitstatus': ended.exitstatus}


def run_info(context):
    """The logic of pve_api_info."""
    params = context.params
    release = params.get('release') or context.client.release
    official, path = tables(release), quoted_template(params['path'])
    methods = [params['method']] if params.get('method') else official.methods(path)
    try:
        operations = [described(official.operation(method, path)) for method in methods or ['GET']]
    except ValueError as error:
        raise BadRequest(f'path: {error}') from None
    return {'changed': False, 'release': release, 'operations': operations}


def quoted_template(path):
    """A path as the tables look it up; placeholders stay as they are."""
    return path if '{' in path else quoted(segments_of(path))


def described(operation):
    """An operation of the tables as plain data."""
    return {
        'method': operation.method,
        'path': operation.template,
        'parameters': {name: dict(schema) for name, schema in operation.parameters.items()},
        'required': [name for name in operation.required if name not in operation.path_names],
        'path_parameters': list(operation.path_names),
        'returns': operation.returns,
        'permissions': operation.permissions,
    }
