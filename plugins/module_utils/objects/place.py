# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an object of the API stands and by which operations it is made, changed and deleted. Pure.

All of it is read off the release's official tables: an object is a path with GET and PUT or DELETE (or an entry in the
list of its parent); it is made by POST on its parent, or on its own path where the parent has none.
"""

from __future__ import annotations

import dataclasses
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.api.named import check_names

# Kinds whose deletion PVE takes too lightly: their modules look before.
OWN_MODULE = {
    '/access/users/{userid}': 'pve_user',
    '/access/users/{userid}/token/{tokenid}': 'pve_token',
    '/access/groups/{groupid}': 'pve_group',
    '/access/roles/{roleid}': 'pve_role',
    '/cluster/ha/resources/{sid}': 'pve_ha_resource',
    '/pools': 'pve_pool',
    '/pools/{poolid}': 'pve_pool',
    '/storage/{storage}': 'pve_storage',
    '/nodes/{node}/qemu/{vmid}': 'pve_vm',
    '/nodes/{node}/lxc/{vmid}': 'pve_container',
    '/nodes/{node}/tasks/{upid}': 'pve_task',
    '/nodes/{node}/storage/{storage}/content/{volume}': 'pve_storage_content',
}
# Keys that are an order, and the parameter of PUT that changes it.
MOVED_BY = {'pos': 'moveto'}


@dataclasses.dataclass(frozen=True)
class Place:
    """segments: the path; template: as the tables write it; methods: what it has.

    key: the name of the last placeholder, None for a single object. id: its value.
    made_at: segments of POST, None where it cannot be made. listed: whether it is only found in its parent's list.
    found: whether the API names it (a position, an id that it makes) and it is told by its values instead; segments are
    those of its list then, until it is found.
    """

    segments: tuple
    template: str
    methods: tuple
    key: str | None
    made_at: tuple | None
    listed: bool
    found: bool = False

    @property
    def id(self):
        return self.segments[-1]

    @property
    def path(self):
        return '/' + '/'.join(self.segments)

    @property
    def own_module(self):
        return OWN_MODULE.get(self.template)

    def at(self, name):
        """The place of that object in the list."""
        return dataclasses.replace(self, segments=(*self.segments, str(name)))


def segments_of(path):
    """The segments of a path; %2F stands for a slash within an id. Raises BadRequest for . and .. in it."""
    segments = tuple(urllib.parse.unquote(part) for part in path.split('/') if part)
    for segment in segments:
        check_names({'path': segment})
    return segments


def quoted(segments):
    return '/' + '/'.join(urllib.parse.quote(part, safe=':') for part in segments)


def place_of(official, path):
    """The Place of a path. Raises BadRequest for one that is no configuration object in this release."""
    segments = segments_of(path)
    methods = tuple(official.methods(quoted(segments)))
    if not methods:
        raise BadRequest(unknown_path(official, quoted(segments)))
    template = official.operation(methods[0], quoted(segments)).template
    last = template.rpartition('/')[2]
    key = last[1:-1] if last.startswith('{') else None
    shown = (official.operation('GET', quoted(segments)).returns or {}).get('type') if 'GET' in methods else 'nothing'
    listed = key is not None and shown not in (None, 'object')
    if not {'PUT', 'DELETE'} & set(methods) or ('GET' not in methods and not listed) or (key is None and shown == 'array'):
        raise BadRequest(f'{path} has {", ".join(methods)}: that is no configuration object. Use pve_api for single calls.')
    return Place(segments, template, methods, key, maker(official, segments, key, methods), listed)


def place_in(official, path):
    """The Place of an object that is told by its values, in the list at a path. Raises BadRequest."""
    segments = segments_of(path)
    methods = official.methods(quoted(segments))
    if not methods:
        raise BadRequest(unknown_path(official, quoted(segments)))
    template = official.operation(methods[0], quoted(segments)).template
    items = [one for one in official.paths() if one.rpartition('/')[0] == template and one.rpartition('/')[2].startswith('{')]
    if not {'GET', 'POST'} <= set(methods) or not items:
        raise BadRequest(f'{path} is no list of objects, so there is nothing to match in it. Leave match out to name the object by its path.')
    return Place(segments, items[0], tuple(official.methods(items[0])), items[0].rpartition('{')[2][:-1], segments, True, found=True)


def maker(official, segments, key, methods):
    """Where POST makes the object: its parent when that takes the id, else its own path."""
    if key is None:
        return None
    parent = segments[:-1]
    if 'POST' in official.methods(quoted(parent)) and key in official.operation('POST', quoted(parent)).parameters:
        return parent
    return segments if 'POST' in methods else None


def unknown_path(official, path):
    try:
        official.operation('GET', path)
    except ValueError as error:
        return f'path: {error}'
    return f'path: {path} is not known.'
