"""Backup jobs: which guests and volumes they take. Kept in the cluster's section 'jobs' with type 'vzdump'."""

from __future__ import annotations

import re
from typing import Any

from ..call import ParameterError
from .cluster import Cluster
from .guest import Guest
from .sections import split_list

DISK = re.compile(r'(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+')
MOUNT = re.compile(r'rootfs|mp\d+')
OBJECTS = ('prune-backups', 'fleecing', 'performance')
SWITCHES = ('enabled', 'keep-all')


def parsed(text: str) -> dict[str, Any]:
    """A property string of a job as an object: strings, switches as 0 and 1."""
    found: dict[str, Any] = {}
    for part in filter(None, text.split(',')):
        key, _equals, value = part.partition('=')
        found[key] = int(value in ('1', 'on', 'yes', 'true')) if key in SWITCHES else value
    return found


def shown(name: str, job: dict) -> dict:
    return {**{key: parsed(value) if key in OBJECTS else value for key, value in job.items()}, 'id': name}


def verify(values: dict, complete: bool) -> None:
    """The checks of PVE::VZDump::verify_vzdump_parameters; sets `all` where an exclusion implies it."""
    if values.get('all') and values.get('vmid'):
        raise ParameterError({'all': "option conflicts with option 'vmid'"})
    if values.get('exclude') and values.get('vmid'):
        raise ParameterError({'exclude': "option conflicts with option 'vmid'"})
    if values.get('pool') and values.get('vmid'):
        raise ParameterError({'pool': "option conflicts with option 'vmid'"})
    if 'prune-backups' in values and 'maxfiles' in values:
        raise ParameterError({'prune-backups': "option conflicts with option 'maxfiles'"})
    if values.get('exclude') and not values.get('pool'):
        values['all'] = 1
    if complete and not any(values.get(key) for key in ('all', 'stop', 'pool', 'vmid')):
        raise ParameterError({'vmid': 'property is missing'})


def included(cluster: Cluster, job: dict) -> list[int]:
    """The ids that a job names or stands for; named ones may not exist."""
    if job.get('pool'):
        chosen = set(cluster.pools.get(job['pool'], {}).get('vms', ()))
        for name, pool in cluster.pools.items():
            if name.startswith(f'{job["pool"]}/'):
                chosen |= set(pool.get('vms', ()))
    elif job.get('vmid'):
        return sorted({int(vmid) for vmid in split_list(job['vmid'])})
    else:
        chosen = set(cluster.guests) if job.get('all') else set()
    chosen -= {int(vmid) for vmid in split_list(job.get('exclude'))}
    node = job.get('node')
    return sorted(vmid for vmid in chosen if vmid in cluster.guests
                  and node in (None, cluster.guests[vmid].node))


def volumes(guest: Guest) -> list[dict]:
    """The guest's volumes with whether a backup takes them and why."""
    if guest.kind == 'lxc':
        return [mount_point(guest, key, str(value)) for key, value in sorted(guest.config.items())
                if MOUNT.fullmatch(key)]
    return [disk(guest, key, str(value)) for key, value in sorted(guest.config.items())
            if DISK.fullmatch(key) and 'media=cdrom' not in str(value) and not str(value).startswith('none')]


def options(text: str) -> tuple[str, dict[str, str]]:
    """(volume, options) of a disk or mount point."""
    first, _comma, rest = text.partition(',')
    found = dict(part.partition('=')[::2] for part in rest.split(',') if part)
    return first.partition('=')[2] if first.startswith(('file=', 'volume=')) else first, found


def leaf(guest: Guest, key: str, volume: str, taken: bool, reason: str) -> dict:
    return {'id': f'{guest.vmid}:{key}', 'name': volume, 'included': int(taken), 'reason': reason, 'leaf': 1}


def disk(guest: Guest, key: str, text: str) -> dict:
    volume, given = options(text)
    taken = given.get('backup', '1') not in ('0', 'no', 'off')
    if key.startswith('efidisk') and guest.config.get('bios') != 'ovmf':
        return leaf(guest, key, volume, False, 'efidisk but no OMVF BIOS')
    return leaf(guest, key, volume, taken, f'backup={"yes" if taken else "no"}')


def mount_point(guest: Guest, key: str, text: str) -> dict:
    volume, given = options(text)
    if key == 'rootfs':
        return leaf(guest, key, volume, True, 'rootfs')
    if volume.startswith('/'):
        return leaf(guest, key, volume, False, 'not a volume')
    taken = given.get('backup') in ('1', 'yes', 'on')
    return leaf(guest, key, volume, taken, 'enabled' if taken else 'disabled')
