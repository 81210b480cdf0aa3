# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests and nodes as the inventory and the facts show them, from the list of a cluster. Pure.

A row is an entry of GET cluster/resources.
"""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.schema.values import normalise_tags

GUEST_TYPES = ('qemu', 'lxc')


def split(rows):
    """The rows of a cluster -> {guests, nodes, storages}, each sorted."""
    return {
        'guests': sorted((row for row in rows if row.get('type') in GUEST_TYPES), key=lambda row: int(row['vmid'])),
        'nodes': sorted((row for row in rows if row.get('type') == 'node'), key=lambda row: row['node']),
        'storages': sorted((row for row in rows if row.get('type') == 'storage'), key=lambda row: row['id']),
    }


def offline_nodes(rows):
    """Names of the nodes that do not answer."""
    return frozenset(row['node'] for row in rows if row.get('type') == 'node' and row.get('status') != 'online')


def guest(row, cluster, offline=frozenset()):
    """A guest's facts: sizes in bytes, uptime in seconds, cpu as a fraction of cpus.

    A guest on an offline node has the status unknown and no figures of now. name is '' where nobody knows it.
    """
    known = row.get('node') not in offline
    return {
        'cluster': cluster,
        'vmid': int(row['vmid']),
        'name': row.get('name') or '',
        'node': row.get('node'),
        'type': row['type'],
        'status': (row.get('status') or 'unknown') if known else 'unknown',
        'template': str(row.get('template') or 0) == '1',
        'tags': list(normalise_tags(row['tags'])) if row.get('tags') else [],
        'pool': row.get('pool'),
        'lock': row.get('lock'),
        'ha_state': row.get('hastate'),
        'cpus': row.get('maxcpu'),
        'cpu': row.get('cpu') if known else None,
        'memory': row.get('maxmem'),
        'memory_used': row.get('mem') if known else None,
        'disk': row.get('maxdisk'),
        'disk_used': row.get('disk') if known else None,
        'uptime': (row.get('uptime') or 0) if known else None,
    }


def node(row, cluster, address=None):
    """A node's facts in the words of a guest's; type is 'node', name its own."""
    online = row.get('status') == 'online'
    return {
        'cluster': cluster,
        'name': row['node'],
        'node': row['node'],
        'type': 'node',
        'status': row.get('status') or 'unknown',
        'address': address,
        'cpus': row.get('maxcpu'),
        'cpu': row.get('cpu') if online else None,
        'memory': row.get('maxmem'),
        'memory_used': row.get('mem') if online else None,
        'disk': row.get('maxdisk'),
        'disk_used': row.get('disk') if online else None,
        'uptime': row.get('uptime') if online else None,
    }


def node_host(row, cluster, address=None):
    """A node as a host of the inventory: what only guests have is there and empty, so that one expression serves for both."""
    empty = {'vmid': None, 'template': False, 'tags': [], 'pool': None, 'lock': None, 'ha_state': None}
    return {**node(row, cluster, address), **empty}
