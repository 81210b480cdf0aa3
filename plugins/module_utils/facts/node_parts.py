# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a node as facts. Pure; every function takes (answer, (asked at, answered at)) unless it says otherwise.

Sizes are bytes, times seconds since 1970 unless named otherwise, shares fractions of 1.
"""

from __future__ import annotations


def share(part, whole):
    """part / whole to four digits, None without a whole."""
    return round(float(part or 0) / float(whole), 4) if whole else None


def usage(entry):
    """{total, used, free} of an answer."""
    entry = entry or {}
    total, used = entry.get('total'), entry.get('used')
    free = entry.get('free', entry.get('avail'))
    return {'total': total, 'used': used, 'free': free, 'share': share(used, total)}


def kernel_release(version):
    """'5.15.131-2-pve' of what releases before 8 give alone: 'Linux 5.15.131-2-pve #1 SMP PVE ...'."""
    words = (version or '').split()
    return words[1] if len(words) > 1 else version


def status(found, _times):
    cpu, kernel = found.get('cpuinfo') or {}, found.get('current-kernel') or {}
    version = str(found.get('pveversion') or '')
    return {
        'pve_version': version.split('/')[1] if version.count('/') else version or None,
        'kernel': kernel.get('release') or kernel_release(found.get('kversion')),
        'boot_mode': (found.get('boot-info') or {}).get('mode'),
        'cpu_info': {
            'model': cpu.get('model'),
            'sockets': cpu.get('sockets'),
            'cores': cpu.get('cores'),
            'threads': cpu.get('cpus'),
            'mhz': number(cpu.get('mhz')),
        },
        'cpu': found.get('cpu'),
        'io_wait': found.get('wait'),
        'load': [number(one) for one in found.get('loadavg') or ()],
        'memory_info': usage(found.get('memory')),
        'swap': usage(found.get('swap')),
        'rootfs': usage(found.get('rootfs')),
        'uptime': found.get('uptime'),
    }


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def network(found, _times):
    kept = ('type', 'method', 'cidr', 'cidr6', 'gateway', 'gateway6', 'bridge_ports', 'slaves', 'bond_mode', 'mtu', 'comments')
    interfaces = {}
    for one in found:
        entry = {key: one[key] for key in kept if one.get(key) not in (None, '')}
        entry['active'] = is_set(one, 'active')
        entry['autostart'] = is_set(one, 'autostart')
        if 'bridge_vlan_aware' in one:
            entry['vlan_aware'] = is_set(one, 'bridge_vlan_aware')
        interfaces[one['iface']] = entry
    return {'networks': dict(sorted(interfaces.items()))}


def is_set(entry, key):
    return str(entry.get(key) or 0) == '1'


def disks(found, _times):
    listed = [
        {
            'device': one.get('devpath'),
            'model': one.get('model'),
            'serial': one.get('serial'),
            'type': one.get('type'),
            'size': one.get('size'),
            'health': one.get('health'),
            'wear_left': one['wearout'] if isinstance(one.get('wearout'), int) else None,
            'used_for': one.get('used'),
        }
        for one in found
    ]
    return {'disks': sorted(listed, key=lambda one: one['device'] or '')}


def services(found, _times):
    return {
        'services': {
            one['service']: {'state': one.get('state'), 'active': one.get('active-state'), 'enabled': one.get('unit-state')}
            for one in sorted(found, key=lambda one: one['service'])
        }
    }


def updates(found, _times):
    listed = [{'package': one['Package'], 'installed': one.get('OldVersion'), 'available': one.get('Version')} for one in found]
    return {'updates': sorted(listed, key=lambda one: one['package'])}


def repositories(found, _times):
    listed = [
        {
            'file': file.get('path'),
            'enabled': is_set(one, 'Enabled') or one.get('Enabled') is True,
            'uris': one.get('URIs') or [],
            'suites': one.get('Suites') or [],
            'components': one.get('Components') or [],
        }
        for file in found.get('files') or ()
        for one in file.get('repositories') or ()
    ]
    return {'repositories': listed, 'repository_errors': [str(one.get('error')) for one in found.get('errors') or ()]}


def subscription(found, _times):
    return {'subscription': {'status': found.get('status'), 'level': found.get('level'), 'next_due': found.get('nextduedate')}}


def certificates(found, times):
    listed = [
        {
            'file': one.get('filename'),
            'subject': one.get('subject'),
            'issuer': one.get('issuer'),
            'not_after': one.get('notafter'),
            'days_left': int((one['notafter'] - times[1]) // 86400) if one.get('notafter') else None,
            'fingerprint': one.get('fingerprint'),
            'names': one.get('san') or [],
        }
        for one in found
    ]
    return {'certificates': listed}


def replication(found, _times):
    return {
        'replication': [
            {
                'id': one.get('id'),
                'guest': one.get('guest'),
                'target': one.get('target'),
                'last_sync': one.get('last_sync') or None,
                'failures': int(one.get('fail_count') or 0),
                'error': one.get('error'),
            }
            for one in found
        ]
    }


def clock(found, times):
    """skew: seconds by which the node is ahead of the machine that asks, 0 within what the request itself took."""
    told, (before, after) = float(found['time']), times
    skew = told - after if told > after else told + 1 - before if told + 1 < before else 0.0
    return {'time': {'epoch': int(told), 'timezone': found.get('timezone'), 'skew': round(skew, 1)}}


def dns(found, _times):
    servers = [found[key] for key in ('dns1', 'dns2', 'dns3') if found.get(key)]
    return {'dns': {'search': found.get('search'), 'servers': servers}}


def hardware(found, _times):
    return {
        'pci': [
            {
                'id': one.get('id'),
                'class': one.get('class'),
                'vendor': one.get('vendor_name') or one.get('vendor'),
                'device': one.get('device_name') or one.get('device'),
                'iommu_group': one.get('iommugroup'),
            }
            for one in found
        ]
    }


def ceph(found):
    """GET cluster/ceph/status -> facts."""
    health, pg = found.get('health') or {}, found.get('pgmap') or {}
    return {
        'health': health.get('status'),
        'checks': {name: (one.get('summary') or {}).get('message') for name, one in (health.get('checks') or {}).items()},
        'bytes_total': pg.get('bytes_total'),
        'bytes_used': pg.get('bytes_used'),
    }


def guests(rows, node):
    """Rows of a node's guests and the node's own -> sums, allocated against physical. Templates run nothing."""
    real = [row for row in rows if str(row.get('template') or 0) != '1']
    running = [row for row in real if row.get('status') == 'running']
    cpus, memory = total(running, 'maxcpu'), total(running, 'maxmem')
    return {
        'count': len(real),
        'running': len(running),
        'templates': len(rows) - len(real),
        'qemu': sum(row['type'] == 'qemu' for row in real),
        'lxc': sum(row['type'] == 'lxc' for row in real),
        'allocated': {'cpus': cpus, 'memory': memory, 'disk': total(real, 'maxdisk')},
        'overcommit': {'cpus': share(cpus, node.get('maxcpu')), 'memory': share(memory, node.get('maxmem'))},
    }


def total(rows, key):
    """The sum of a figure over rows."""
    return sum(row.get(key) or 0 for row in rows)


def ha(rows):
    """Rows of guests -> {state: how many} of those under HA."""
    states = [row['hastate'] for row in rows if row.get('hastate')]
    return {state: states.count(state) for state in sorted(set(states))}


def storage(row):
    """A row of a storage -> its use on that node."""
    return {
        'storage': row['storage'],
        'type': row.get('plugintype'),
        'shared': is_set(row, 'shared'),
        'status': row.get('status'),
        'content': sorted(one for one in str(row.get('content') or '').split(',') if one),
        'total': row.get('maxdisk'),
        'used': row.get('disk'),
        'share': share(row.get('disk'), row.get('maxdisk')),
    }
