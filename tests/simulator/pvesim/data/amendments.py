"""What recorded servers have beyond the official tables, which lag behind the released packages."""

from __future__ import annotations

# (release, method, path) -> parameters that the tables lack
PARAMETERS: dict[tuple[str, str, str], dict[str, dict]] = {
    ('9', 'PUT', '/access/users/{userid}/token/{tokenid}'): {'regenerate': {'type': 'boolean', 'optional': 1}},
}

# Directory listings that are not simply the paths below: (release or '*', path) -> names
INDEXES: dict[tuple[str, str], tuple[str, ...]] = {
    ('*', '/'): ('version', 'cluster', 'nodes', 'storage', 'access', 'pools'),
    ('*', '/nodes/{node}/qemu/{vmid}/snapshot/{snapname}'): ('rollback', 'config'),
    ('*', '/nodes/{node}/lxc/{vmid}/snapshot/{snapname}'): ('rollback', 'config'),
    ('*', '/nodes/{node}/qemu/{vmid}/status'): ('current', 'start', 'stop', 'reset', 'shutdown', 'suspend', 'reboot'),
    ('*', '/nodes/{node}/lxc/{vmid}/status'): ('current', 'start', 'stop', 'shutdown', 'suspend', 'resume', 'reboot'),
}

# Names that a listing of the tables' paths has besides, or does not show
INDEX_BESIDES: dict[tuple[str, str], tuple[str, ...]] = {('9', '/cluster'): ('qemu',)}
INDEX_HIDES: dict[tuple[str, str], tuple[str, ...]] = {
    ('*', '/nodes/{node}'): ('execute', 'vncwebsocket'),
    ('*', '/access'): ('permissions', 'vncticket'),
}

# GET / is not in the tables.
ROOT_ENTRY = {
    'path': '/', 'method': 'GET', 'name': 'index', 'allowtoken': 1, 'permissions': {'user': 'all'},
    'parameters': {'additionalProperties': 0},
    'returns': {'type': 'array', 'items': {'type': 'object', 'properties': {'subdir': {'type': 'string'}}},
                'links': [{'rel': 'child', 'href': '{subdir}'}]},
}
