# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What monitoring reads: samples for the registry, a Prometheus text file, a list of targets. Pure, but for write_file."""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest

STATUSES = ('healthy', 'degraded', 'unhealthy', 'unknown')
# metric -> (help, type); the order in which they are written.
METRICS = {
    'pve_up': ('Whether the cluster answered.', 'gauge'),
    'pve_cluster_status': ('1 for the status that the cluster has.', 'gauge'),
    'pve_cluster_reason': ('How many findings of a code and severity the cluster has.', 'gauge'),
    'pve_node_up': ('Whether the node is online.', 'gauge'),
    'pve_node_uptime_seconds': ('Seconds since the start.', 'gauge'),
    'pve_node_cpus': ('CPUs of the node.', 'gauge'),
    'pve_node_cpu_ratio': ('Share of the CPUs in use.', 'gauge'),
    'pve_node_memory_bytes': ('Memory of the node.', 'gauge'),
    'pve_node_memory_used_bytes': ('Memory in use.', 'gauge'),
    'pve_node_disk_bytes': ('Size of the root disk.', 'gauge'),
    'pve_node_disk_used_bytes': ('Root disk in use.', 'gauge'),
    'pve_storage_up': ('Whether the storage is available.', 'gauge'),
    'pve_storage_bytes': ('Size of the storage.', 'gauge'),
    'pve_storage_used_bytes': ('Storage in use.', 'gauge'),
    'pve_guest_up': ('Whether the guest runs.', 'gauge'),
    'pve_guest_uptime_seconds': ('Seconds since the start.', 'gauge'),
    'pve_guest_cpus': ('CPUs of the guest.', 'gauge'),
    'pve_guest_cpu_ratio': ('Share of its CPUs in use.', 'gauge'),
    'pve_guest_memory_bytes': ('Memory of the guest.', 'gauge'),
    'pve_guest_memory_used_bytes': ('Memory in use.', 'gauge'),
    'pve_guest_disk_bytes': ('Size of the first disk.', 'gauge'),
    'pve_guest_network_receive_bytes_total': ('Bytes received.', 'counter'),
    'pve_guest_network_transmit_bytes_total': ('Bytes sent.', 'counter'),
}
GUEST_VALUES = (
    ('pve_guest_uptime_seconds', 'uptime'),
    ('pve_guest_cpus', 'maxcpu'),
    ('pve_guest_cpu_ratio', 'cpu'),
    ('pve_guest_memory_bytes', 'maxmem'),
    ('pve_guest_memory_used_bytes', 'mem'),
    ('pve_guest_disk_bytes', 'maxdisk'),
    ('pve_guest_network_receive_bytes_total', 'netin'),
    ('pve_guest_network_transmit_bytes_total', 'netout'),
)
NODE_VALUES = (
    ('pve_node_uptime_seconds', 'uptime'),
    ('pve_node_cpus', 'maxcpu'),
    ('pve_node_cpu_ratio', 'cpu'),
    ('pve_node_memory_bytes', 'maxmem'),
    ('pve_node_memory_used_bytes', 'mem'),
    ('pve_node_disk_bytes', 'maxdisk'),
    ('pve_node_disk_used_bytes', 'disk'),
)
SAMPLED = ('cpu', 'mem', 'disk', 'uptime', 'netin', 'netout', 'diskread', 'diskwrite', 'maxcpu', 'maxmem', 'maxdisk')


def samples(rows):
    """The rows of a cluster -> {object: {figure: value}} for the registry: nodes, guests and storages."""
    return {
        row['id']: {'status': row.get('status'), **{key: row[key] for key in SAMPLED if row.get(key) is not None}}
        for row in rows
        if row.get('type') in ('node', 'qemu', 'lxc', 'storage')
    }


def prometheus(entries):
    """Text in Prometheus' exposition format.

    entries: [(cluster, judgement as of facts.health.judge, rows or None when the cluster did not answer)].
    """
    found = {name: [] for name in METRICS}
    for cluster, judgement, rows in entries:
        add_cluster(found, cluster, judgement, rows is not None)
        for row in rows or ():
            add_row(found, cluster, row)
    lines = []
    for name, series in found.items():
        if series:
            lines += [f'# HELP {name} {METRICS[name][0]}', f'# TYPE {name} {METRICS[name][1]}']
            lines += [f'{name}{{{labels}}} {value}' for labels, value in series]
    return '\n'.join(lines) + '\n'


def add_cluster(found, cluster, judgement, answered):
    found['pve_up'].append((labels(cluster=cluster), int(answered)))
    for status in STATUSES:
        found['pve_cluster_status'].append((labels(cluster=cluster, status=status), int(judgement['status'] == status)))
    counts = {}
    for reason in judgement['reasons']:
        key = (reason['code'], reason['severity'])
        counts[key] = counts.get(key, 0) + 1
    for (code, severity), count in sorted(counts.items()):
        found['pve_cluster_reason'].append((labels(cluster=cluster, code=code, severity=severity), count))


def add_row(found, cluster, row):
    kind = row.get('type')
    if kind == 'node':
        text = labels(cluster=cluster, node=row['node'])
        found['pve_node_up'].append((text, int(row.get('status') == 'online')))
        add_values(found, text, row, NODE_VALUES)
    elif kind == 'storage':
        text = labels(cluster=cluster, node=row.get('node'), storage=row['storage'])
        found['pve_storage_up'].append((text, int(row.get('status') == 'available')))
        add_values(found, text, row, (('pve_storage_bytes', 'maxdisk'), ('pve_storage_used_bytes', 'disk')))
    elif kind in ('qemu', 'lxc') and str(row.get('template') or 0) != '1':
        text = labels(cluster=cluster, node=row.get('node'), vmid=row['vmid'], name=row.get('name') or '', type=kind)
        found['pve_guest_up'].append((text, int(row.get('status') == 'running')))
        add_values(found, text, row, GUEST_VALUES)


def add_values(found, text, row, values):
    for metric, key in values:
        value = figure(row.get(key))
        if value is not None:
            found[metric].append((text, value))


def figure(value):
    """A number as PVE gives it, sometimes in a text; None for anything else."""
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value) if isinstance(value, str) and math.isfinite(float(value)) else None
    except ValueError:
        return None


def labels(**values):
    return ','.join(f'{name}="{escaped(value)}"' for name, value in values.items())


def escaped(value):
    return str(value).replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')


def targets(views, port):
    """Views (see fleet.snapshot) -> the entries of a file_sd list for Prometheus: [{targets, labels}].

    A guest is reached by its first address that is more than link-local, else by its name; templates are left out.
    """
    found = []
    for view in views:
        for one in (*view['nodes'], *view['guests']):
            if one.get('template'):
                continue
            address = one.get('address') or first_address(one) or one['name'] or str(one['vmid'])
            host = f'[{address}]' if ':' in address else address
            marks = {
                '__meta_pve_cluster': one['cluster'],
                '__meta_pve_node': one['node'] or '',
                '__meta_pve_name': one['name'],
                '__meta_pve_type': one['type'],
                '__meta_pve_status': one['status'],
            }
            if one['type'] != 'node':
                marks |= {
                    '__meta_pve_vmid': str(one['vmid']),
                    '__meta_pve_pool': one['pool'] or '',
                    # Commas on both sides let a rule match one tag: ,web,
                    '__meta_pve_tags': ',' + ''.join(f'{tag},' for tag in one['tags']),
                }
            found.append({'targets': [f'{host}:{port}'], 'labels': marks})
    return found


def in_order(entries):
    """Targets by cluster, nodes before guests: as long as nothing differs the file stays the same."""
    return sorted(entries, key=lambda one: (one['labels']['__meta_pve_cluster'], '__meta_pve_vmid' in one['labels'], rank(one)))


def rank(entry):
    labels = entry['labels']
    return (int(labels.get('__meta_pve_vmid') or 0), labels['__meta_pve_node'])


def targets_of(path, clusters):
    """What a list that is there already says of these clusters; nothing when it cannot be read or is no such list."""
    try:
        with open(path, encoding='utf-8') as file:
            entries = json.load(file)
        return [one for one in entries if one['labels']['__meta_pve_cluster'] in clusters] if clusters else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def first_address(guest):
    listed = [address for found in (guest.get('addresses') or {}).values() for address in found]
    return next((one for one in listed if not one.lower().startswith('fe80')), None)


def write_file(path, text, check_mode):
    """Write a text in one step, readable by all -> whether it differs from what was there. Raises BadRequest."""
    try:
        with open(path, encoding='utf-8', newline='') as file:
            if file.read() == text:
                return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    except OSError as error:
        raise cannot_write(path, error) from None
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if check_mode:
        if not os.access(folder, os.W_OK):
            raise BadRequest(f'{path} cannot be written: its folder is missing or not writable. Make it, or choose another.')
        return True
    try:
        replace(path, folder, text)
    except OSError as error:
        raise cannot_write(path, error) from None
    return True


def replace(path, folder, text):
    """Put a file in the place of another, whole: who reads sees the old one or the new one. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix='.pve-')
    try:
        with os.fdopen(descriptor, 'w', encoding='utf-8', newline='') as file:
            os.fchmod(descriptor, 0o644)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def cannot_write(path, error):
    return BadRequest(f'{path} cannot be written ({error.strerror}). Make its folder, or choose another.')


def as_json(value):
    return json.dumps(value, indent=1, sort_keys=True) + '\n'
