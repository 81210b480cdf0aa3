"""Cloning a VM: in full or linked, from a snapshot, to another node."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import firewall, storage, volumes
from ..model.guest import Guest
from .qemu_common import Site, add_to_pool, bytes_per_second, check_lock, check_pool, load, running, site_of
from .qemu_config import normalise
from .qemu_create import give_up
from .qemu_drive import drives_of, is_cdrom, is_cloudinit, is_drive, parse_drive, print_drive
from .qemu_net import check_bridge_access, with_new_mac
from .qemu_options import check_device, is_device
from .qemu_volumes import copy_drive, free_quietly, link_drive

NOT_COPIED = frozenset([
    'parent', 'snaptime', 'snapstate', 'vmstate', 'lock', 'digest', 'runningmachine', 'runningcpu',
    'running-nets-host-mtu',
])


@dataclass
class Plan:
    """What a clone will be: its configuration, its drives to copy, and those copied in full."""

    config: dict
    drives: dict[str, dict]
    full: set[str]
    source: dict
    made: list[str] = field(default_factory=list)


def check_storage_access(call: Call, config: dict, target: str | None) -> bool:
    """403 without the right to allocate; returns whether every volume lies on shared storage."""
    shared = True
    for _name, drive in drives_of(config):
        text = drive.get('file', '')
        if is_cdrom(drive) and text == 'cdrom':
            call.require('/', 'Sys.Console')
        elif ':' in text:
            storeid = volumes.storage_of(text)
            shared = shared and storage.is_shared(storage.section(call.cluster, storeid))
            if not is_cdrom(drive):
                call.require(f'/storage/{target or storeid}', 'Datastore.AllocateSpace')
    if config.get('vmstatestorage'):
        call.require(f'/storage/{config["vmstatestorage"]}', 'Datastore.AllocateSpace')
    return shared


def check_target(call: Call, storeid: str | None, target: str | None) -> None:
    if target and target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    if not storeid:
        return
    section = storage.check_enabled(call.cluster, storeid, call.node.name)
    if 'images' not in storage.contents(section):
        raise ParameterError({'storage': f"storage '{storeid}' does not support vm images"})
    if target:
        storage.check_enabled(call.cluster, storeid, target)
        if not storage.is_shared(section):
            raise ApiError(f"can't clone to non-shared storage '{storeid}'")


def plan(call: Call, target: str | None) -> Plan:
    """Check everything and lay out the clone. Raises what PVE answers at once."""
    params, site = call.params, site_of(call)
    snapname, storeid = params.get('snapname'), params.get('storage')
    check_pool(call, params.get('pool'))
    check_target(call, storeid, target)
    guest = load(site, params['vmid'])
    check_lock(guest)
    if snapname and snapname not in guest.snapshots:
        raise ApiError(f"snapshot '{snapname}' does not exist")
    full = bool(params['full']) if params.get('full') is not None else not guest.template
    for name in ('storage', 'format'):
        if params.get(name) and not full:
            raise ApiError(f"parameter '{name}' not allowed for linked clones")
    source = guest.snapshots[snapname] if snapname else guest.config
    shared = check_storage_access(call, source, storeid)
    check_devices(call, source)
    check_bridge_access(call, source)
    if target and not shared:
        raise ApiError(f"can't clone VM to node '{target}' (VM uses local storage)")
    if params['newid'] in call.cluster.guests:
        taken(call, params['newid'])
    return layout(site, guest, source, full, snapname)


def taken(call: Call, newid: int) -> None:
    other = call.cluster.guests[newid]
    if other.node == call.node.name and other.kind == 'qemu':
        raise ApiError(f'unable to create VM {newid}: config file already exists')


def check_devices(call: Call, config: dict) -> None:
    """The rights on mapped devices that the clone will use as well."""
    if not call.is_root:
        for name in sorted(config):
            if is_device(name) and not name.startswith('serial'):
                check_device(call, call.params['vmid'], None, name, str(config[name]))


def layout(site: Site, guest: Guest, source: dict, full: bool, snapname: str | None) -> Plan:
    result = Plan({}, {}, set(), source)
    for name in sorted(source):
        value = source[name]
        if name in NOT_COPIED or re.match(r'^unused\d+$', name):
            continue
        if full and guest.running and not snapname and name == 'tpmstate0':
            raise ApiError('cannot clone TPM state while VM is running')
        if re.match(r'^net\d+$', name):
            result.config[name] = with_new_mac(site.cluster, value)
        elif is_drive(name):
            add_drive(site, result, name, parse_drive(value), value, full, snapname)
        else:
            result.config[name] = value
    return result


def add_drive(site: Site, result: Plan, name: str, drive: dict, value: str, full: bool, snapname: str | None) -> None:
    if is_cdrom(drive, besides_cloudinit=True):
        result.config[name] = value
        return
    volid = drive['file']
    whole = full or is_cloudinit(drive) or name == 'tpmstate0'
    of = ' a snapshot of' if snapname else ''
    feature = 'copy' if whole else 'clone'
    if not volumes.has_feature(site.cluster, volid, feature, snapname):
        kind = 'Full' if whole else 'Linked'
        raise ApiError(f"{kind} clone feature is not supported for{of} '{volid}' ({name})")
    if whole:
        result.full.add(name)
    result.drives[name] = drive


@operation('POST', '/nodes/{node}/qemu/{vmid}/clone')
def clone(call: Call) -> str:
    params, site = call.params, site_of(call)
    vmid, newid, target = params['vmid'], params['newid'], params.get('target')
    if target in (site.node, 'localhost'):
        target = None
    running(site, vmid)
    plan(call, target)

    def worker(task: Any) -> Generator:
        task.log(f'creating a clone of VM {vmid} with ID {newid}')
        if newid in call.cluster.guests:
            node = call.cluster.guests[newid].node
            raise TaskError(f'clone failed: unable to create VM {newid}: config file already exists' if node == site.node
                            else f"unable to open file '/etc/pve/nodes/{site.node}/qemu-server/{newid}.conf.tmp.4711' - "
                                 'File exists')
        yield from clone_worker(call, site, task, plan(call, target), target)

    return call.task('qmclone', vmid, worker)


def clone_worker(call: Call, site: Site, task: Any, laid: Plan, target: str | None) -> Generator:
    params = call.params
    guest = load(site, params['vmid'])
    new = Guest(params['newid'], 'qemu', site.node, config={'lock': 'clone'}, created_at=site.now())
    call.cluster.guests[new.vmid] = new
    firewall.copy_guest(call.cluster, guest.vmid, new.vmid)
    done = False
    try:
        config = renewed(laid, guest, params)
        yield 0.1
        for name in sorted(laid.drives):
            drive = yield from clone_drive(call, site, task, new, name, laid)
            laid.made.append(drive['file'])
            config[name] = print_drive(drive)
        new.config = config
        normalise(new)
        new.installed, new.agent = guest.installed, renamed_agent(guest, config)
        if target:
            new.node = target
        add_to_pool(call.cluster, new.vmid, params.get('pool'))
        done = True
    except ApiError as error:
        raise TaskError(f'clone failed: {error.message}') from None
    finally:
        if not done:
            free_quietly(site, laid.made)
            firewall.forget_guest(call.cluster, new.vmid)
            give_up(site, new)


def renewed(laid: Plan, guest: Guest, params: dict) -> dict:
    """The clone's configuration without its drives: other ids, its own name."""
    config = dict(laid.config)
    smbios = [item for item in str(config.get('smbios1', '')).split(',') if item and not item.startswith('uuid=')]
    config['smbios1'] = ','.join([*smbios, f'uuid={uuid.uuid4()}'])
    if config.get('vmgenid'):
        config['vmgenid'] = str(uuid.uuid4())
    config.pop('template', None)
    config['name'] = params.get('name') or f'Copy-of-VM-{laid.source.get("name") or guest.vmid}'
    if params.get('description'):
        config['description'] = params['description'].removesuffix('\n')
    return config


def renamed_agent(guest: Guest, config: dict) -> dict | None:
    """An agent with answers of its own starts anew in the clone, under the clone's name."""
    if guest.agent is None:
        return None
    kept = {key: value for key, value in guest.agent.items() if key not in ('hostname', 'interfaces', 'processes')}
    return {**kept, 'hostname': config['name'], 'files': dict(guest.agent.get('files', {}))}


def clone_drive(call: Call, site: Site, task: Any, new: Guest, name: str, laid: Plan) -> Generator:
    drive = laid.drives[name]
    if name not in laid.full:
        return (yield from link_drive(site, task, name, drive, new.vmid))
    rate = bytes_per_second(call, call.params.get('bwlimit'))
    live = load(site, call.params['vmid']).running and not call.params.get('snapname')
    return (yield from copy_drive(site, task, name, drive, new.vmid, storeid=call.params.get('storage'),
                                  fmt=call.params.get('format'), rate=rate, live=live))
