# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in storages: uploaded, downloaded by the cluster itself, deleted."""

from __future__ import annotations

import os
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.api.named import check_names
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, Plan, checked
from ansible_collections.pve.fleet.plugins.module_utils.engine.reconcile import confirm, settle
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import suggestion

CONTENTS = ['iso', 'vztmpl', 'import', 'snippets', 'backup']
ARGUMENTS = {
    'storage': {'type': 'str', 'required': True},
    'node': {'type': 'str'},
    'content': {'type': 'str', 'choices': CONTENTS},
    'filename': {'type': 'str'},
    'volid': {'type': 'str'},
    'src': {'type': 'path'},
    'url': {'type': 'str'},
    'template': {'type': 'str'},
    'checksum': {'type': 'str'},
    'checksum_algorithm': {'type': 'str', 'choices': ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'], 'default': 'sha256'},
    'compression': {'type': 'str'},
    'verify_certificates': {'type': 'bool', 'default': True},
    'notes': {'type': 'str'},
    'protected': {'type': 'bool'},
    'replace': {'type': 'bool', 'default': False},
    'timeout': {'type': 'int', 'default': 3600},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    **CONNECTION_SPEC,
}
SOURCES = ('src', 'url', 'template')
INFO_ARGUMENTS = {
    'storage': {'type': 'str', 'required': True},
    'node': {'type': 'str'},
    'content': {'type': 'str', 'choices': [*CONTENTS, 'images', 'rootdir']},
    'vmid': {'type': 'int'},
    **CONNECTION_SPEC,
}


def volume_of(params):
    """The volume identifier of a task. Raises BadRequest when the options do not name one."""
    if params.get('volid'):
        if not params['volid'].startswith(params['storage'] + ':'):
            raise BadRequest(f'volid: {params["volid"]} is not on storage {params["storage"]}: it has to begin with {params["storage"]}:.')
        return params['volid']
    if params.get('template'):
        return f'{params["storage"]}:vztmpl/{params["template"]}'
    source = params.get('src') or urllib.parse.urlsplit(params.get('url') or '').path
    name = params.get('filename') or os.path.basename(source)
    if not name or not params.get('content'):
        raise BadRequest('Which file is meant is not said: give content and filename (or src or url, which give the name), template, or volid.')
    return f'{params["storage"]}:{params["content"]}/{name}'


def node_of(client, storage, node=None):
    """A node on which the storage can be used. Raises NotFound, BadRequest for a name that is none."""
    check_names({'storage': storage, 'node': node})
    if node:
        return node
    rows = client.get('cluster', 'resources', params={'type': 'storage'})
    nodes = sorted(row['node'] for row in rows if row['storage'] == storage and row.get('status') == 'available')
    if not nodes:
        known = sorted({row['storage'] for row in rows})
        raise NotFound(f'There is no node on which storage {storage} can be used. {suggestion(storage, known)}'.strip())
    return nodes[0]


def place_for(context):
    """(node_of the task, whether the storage is there); in check mode any node for one that an earlier task may make."""
    params, client = context.params, context.client
    try:
        return node_of(client, params['storage'], params.get('node')), True
    except NotFound as error:
        context.missing(error)
        return client.get('nodes')[0]['node'], False


def seen(context, node, volid):
    """The volume, None where there is none or, in check mode, no storage yet."""
    try:
        return find(context.client, node, context.params['storage'], volid)
    except NotFound as error:
        context.missing(error)
        return None


def find(client, node, storage, volid):
    """The volume as PVE lists it, None when there is none."""
    content = volid.partition(':')[2].partition('/')[0]
    params = {'content': content} if content in CONTENTS else None
    rows = client.get('nodes', node, 'storage', storage, 'content', params=params)
    return next((row for row in rows if row['volid'] == volid), None)


def plan(params, node, volid, current, release, size=None):
    """Pure: what has to be done -> Plan. current: the volume or None; size: of the file to upload, in bytes;
    release: function that tells the cluster's release, called only where something is to be done.
    """
    place = ('nodes', node, 'storage', params['storage'])
    remove = Change(f'delete {volid}', 'DELETE', (*place, 'content', volid), task_timeout=params['timeout'])
    shown = {name: current[name] for name in ('volid', 'size', 'format', 'content', 'notes', 'protected') if name in current} if current else {}
    if params['state'] == 'absent':
        return sealed([remove] if current else [], shown, {}, None, release)
    steps = []
    stale = current is not None and (params['replace'] or (size is not None and int(current.get('size') or 0) != size))
    if current is None or (stale and any(params.get(name) for name in SOURCES)):
        if current and not params.get('src'):
            steps.append(remove)
        steps.append(arrival(params, place, volid))
    attributes = {name: params[name] for name in ('notes', 'protected') if params.get(name) is not None}
    differing = {name: value for name, value in attributes.items() if value != kept(current or {}, name)}
    if differing:
        words = f'update {volid}: {", ".join(sorted(differing))}'
        steps.append(Change(words, 'PUT', (*place, 'content', volid), differing))
    if not steps:
        return sealed([], {}, {}, current, release)
    after = {**shown, 'volid': volid, **differing, **({'size': size} if size is not None else {})}
    return sealed(steps, shown, after, after, release)


def kept(current, name):
    """An attribute as the task would write it."""
    value = current.get(name)
    return bool(int(value or 0)) if name == 'protected' else (value or '').rstrip('\n')


def sealed(steps, before, after, result, release):
    official = tables(release()) if steps else None
    return Plan(tuple(checked(step, official) for step in steps), before, after, result)


def arrival(params, place, volid):
    """How the file comes: sent from here, or fetched by the node."""
    content, _slash, name = volid.partition(':')[2].partition('/')
    values = {'content': content, 'filename': name}
    if params.get('checksum'):
        values.update({'checksum': params['checksum'], 'checksum-algorithm': params['checksum_algorithm']})
    if params.get('template'):
        wanted = {'storage': params['storage'], 'template': params['template']}
        return Change(f'download template {volid}', 'POST', (*place[:2], 'aplinfo'), wanted, task_timeout=params['timeout'])
    if params.get('src'):
        return Change(f'upload {volid}', 'POST', (*place, 'upload'), values, file=params['src'], task_timeout=params['timeout'])
    if not params.get('url'):
        raise NotFound(f'There is no {volid} on {place[1]}. Give src, url or template, so that it can be brought there.')
    values.update({'url': params['url'], 'compression': params.get('compression')})
    if not params['verify_certificates']:
        values['verify-certificates'] = False
    return Change(f'download {params["url"]} to {volid}', 'POST', (*place, 'download-url'), values, task_timeout=params['timeout'])


def run(context):
    """The logic of pve_storage_content."""
    params, client = context.params, context.client
    volid = volume_of(params)
    node, known = place_for(context)
    size = file_size(params['src']) if params.get('src') and params['state'] == 'present' else None

    def look():
        current = seen(context, node, volid) if known else None
        if params['state'] == 'absent' and current and int(current.get('protected') or 0):
            raise Conflict(f'{volid} is protected. Take the protection away first (protected: false).')
        return current, plan(params, node, volid, current, lambda: client.release, size)

    def done(_seen, made, _answers):
        found = find(client, node, params['storage'], volid)
        confirm(volid, found, params['state'])
        return made.told('volume', placed(found, node))

    return settle(context, look, done, lambda made: made.told('volume', placed(made.result, node)))


def placed(volume, node):
    return volume and {**volume, 'node': node}


def file_size(path):
    """Bytes of a file of this machine. Raises BadRequest."""
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise BadRequest(f'src: the file {path} cannot be read: {error.strerror}.') from None


def run_info(context):
    """The logic of pve_storage_content_info."""
    params, client = context.params, context.client
    node = node_of(client, params['storage'], params.get('node'))
    wanted = {name: params[name] for name in ('content', 'vmid') if params.get(name) is not None}
    rows = client.get('nodes', node, 'storage', params['storage'], 'content', params=wanted)
    return {'changed': False, 'node': node, 'volumes': sorted(rows, key=lambda row: row['volid'])}
