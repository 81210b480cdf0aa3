# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity and use of a cluster from its list of resources. Pure. Sizes in bytes, shares fractions of 1."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.facts.node_parts import storage, total
from ansible_collections.pve.fleet.plugins.module_utils.fleet import shape


def capacity(rows):
    """{cpus, memory, nodes, storages, pools, guests}: what there is, what is used and what guests were promised."""
    parts, offline = shape.split(rows), shape.offline_nodes(rows)
    guests = [row for row in parts['guests'] if str(row.get('template') or 0) != '1']
    running = [row for row in guests if row.get('status') == 'running' and row.get('node') not in offline]
    online = [row for row in parts['nodes'] if row['node'] not in offline]
    cpus = total(online, 'maxcpu')
    return {
        'cpus': {
            'total': cpus,
            'used': round(sum((row.get('cpu') or 0) * (row.get('maxcpu') or 0) for row in online), 2),
            'allocated': total(running, 'maxcpu'),
        },
        'memory': {
            'total': total(online, 'maxmem'),
            'used': total(online, 'mem'),
            'allocated': total(running, 'maxmem'),
        },
        'nodes': [node(row, running) for row in parts['nodes']],
        'storages': storages(parts['storages']),
        'pools': pools(guests, running),
        'guests': {
            'total': len(guests),
            'running': len(running),
            'templates': len(parts['guests']) - len(guests),
            'unknown': sum(row.get('node') in offline for row in guests),
        },
    }


def node(row, running):
    own = [one for one in running if one.get('node') == row['node']]
    return {
        'node': row['node'],
        'status': row.get('status'),
        'cpus': row.get('maxcpu'),
        'cpu': row.get('cpu'),
        'cpus_allocated': total(own, 'maxcpu'),
        'memory': row.get('maxmem'),
        'memory_used': row.get('mem'),
        'memory_allocated': total(own, 'maxmem'),
        'disk': row.get('maxdisk'),
        'disk_used': row.get('disk'),
        'running': len(own),
        'uptime': row.get('uptime'),
    }


def storages(rows):
    """Each storage with its use; a shared one once, without a node."""
    found = {}
    for row in rows:
        entry = storage(row)
        place = None if entry['shared'] else row.get('node')
        kept = found.get((entry['storage'], place))
        if kept is None or kept['status'] != 'available':
            found[(entry['storage'], place)] = {**entry, 'node': place}
    return [found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or ''))]


def pools(guests, running):
    """{pool: {guests, running, cpus, memory, disk}}: what the guests of a pool were promised."""
    found, alive = {}, {row['id'] for row in running}
    for row in guests:
        if row.get('pool'):
            found.setdefault(row['pool'], []).append(row)
    return {
        name: {
            'guests': len(rows),
            'running': sum(row['id'] in alive for row in rows),
            'cpus': total(rows, 'maxcpu'),
            'memory': total(rows, 'maxmem'),
            'disk': total(rows, 'maxdisk'),
        }
        for name, rows in sorted(found.items())
    }
