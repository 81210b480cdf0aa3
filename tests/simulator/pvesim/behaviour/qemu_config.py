"""Reading a VM's configuration, and changing it (PUT waits, POST makes a task)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import uuid
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, operation
from ..model import storage, volumes
from ..model.guest import Guest
from ..model.sections import nested, split_list
from ..tables import tables
from . import qemu_pending as pending
from .qemu_cloudinit import regenerate
from .qemu_common import (
    QEMU_VERSIONS,
    Silent,
    check_digest,
    check_free,
    check_lock,
    check_protection,
    check_unchanging,
    check_vm,
    hold,
    holder,
    load,
    only_root,
    replication_jobs,
    run_now,
    site_of,
)
from .qemu_disks import check_drive_right, check_drives, check_replicated, check_storages
from .qemu_drive import UNUSED, boot_order, is_cdrom, is_cloudinit, is_drive, parse_drive, print_boot
from .qemu_net import check_bridge_access, with_mac
from .qemu_options import (
    NOT_OPTIONS,
    check_balloon,
    check_device,
    check_modify,
    check_ssh_keys,
    check_tags,
    is_device,
    option_exists,
    properties_of,
    stored,
    unique_tags,
)
from .qemu_volumes import create_drives

CONFIG = '/nodes/{node}/qemu/{vmid}/config'
HIDDEN = '**********'
CRYPTED = re.compile(r'^\$(?:[156]|2[ay])(?:\$.+){2}')
CLIPBOARD = re.compile(r'std|cirrus|vmware|virtio|qxl')
WINDOWS = ('wxp', 'w2k', 'w2k3', 'w2k8', 'wvista', 'win7', 'win8', 'win10', 'win11')


def shown(config: dict, digest: str | None = None) -> dict:
    """A configuration as it is answered: secrets hidden."""
    result = dict(config)
    if result.get('cipassword'):
        result['cipassword'] = HIDDEN
    if digest is not None:
        result['digest'] = digest
    return result


@operation('GET', CONFIG)
def read(call: Call) -> dict:
    name, current = call.params.get('snapshot'), call.params.get('current')
    if name and current:
        text = "cannot use 'snapshot' parameter with 'current'"
        raise ParameterError({'snapshot': text, 'current': text})
    guest = load(site_of(call), call.params['vmid'])
    if name:
        return shown(snapshot_config(guest, name), guest.digest())
    return shown(guest.config if current else guest.merged(), guest.digest())


def snapshot_config(guest: Guest, name: str) -> dict:
    if name not in guest.snapshots:
        raise ApiError(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


@operation('GET', '/nodes/{node}/qemu/{vmid}/pending')
def read_pending(call: Call) -> list:
    guest = load(site_of(call), call.params['vmid'])
    current, waiting = shown(guest.config, guest.digest()), dict(guest.pending)
    if 'cipassword' in waiting:
        waiting['cipassword'] = HIDDEN
    rows = []
    for key, value in current.items():
        row = {'key': key, 'value': value}
        if key in waiting:
            row['pending'] = waiting.pop(key)
        if key in guest.pending_delete:
            row['delete'] = 2 if guest.pending_delete[key] else 1
        rows.append(row)
    return rows + [{'key': key, 'pending': value} for key, value in waiting.items()]


@operation('PUT', CONFIG)
def update(call: Call) -> None:
    change = Change(call, call.params)
    run_now(call, change.worker(Silent()))


@operation('PUT', '/nodes/{node}/qemu/{vmid}/unlink')
def unlink(call: Call) -> None:
    params = {key: value for key, value in call.params.items() if key != 'idlist'}
    change = Change(call, {**params, 'delete': call.params['idlist']})
    run_now(call, change.worker(Silent()))


@operation('POST', CONFIG)
def update_async(call: Call) -> str | None:
    change = Change(call, call.params)
    if call.params.get('background_delay'):
        return update_soon(call, change)

    def worker(task: Any) -> Generator:
        yield from hold(change.guest, task, change.worker(task))

    upid = call.task('qmconfig', change.guest.vmid, worker)
    if not holder(call.fleet, change.guest):
        change.guest.extra['flock'] = upid
    return upid


def update_soon(call: Call, change: Change) -> None:
    """With background_delay: nothing is answered when the task ends in that time, as it does here."""
    lines = Lines()
    try:
        run_now(call, change.worker(lines))
    except ApiError as error:
        raise ApiError(f'failed to update VM {change.guest.vmid}: {nested(error)}') from None

    def worker(task: Any) -> Generator:
        for line in lines.lines:
            task.log(line)
        yield 0.0

    call.task('qmconfig', change.guest.vmid, worker)


class Lines(Silent):
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


class Change:
    """A request to change a configuration: checked when made, carried out by worker()."""

    def __init__(self, call: Call, params: dict):
        self.call, self.site = call, site_of(call)
        self.vmid = params['vmid']
        self.properties = properties_of_update(call)
        only_root(call, 'skiplock')
        self.summary = summary_of(params)
        self.force = bool(params.get('force'))
        self.values = values_of(call.cluster, params)
        check_ssh_keys(self.values.get('sshkeys'))
        delete, revert = split_list(params.get('delete')), split_list(params.get('revert'))
        if not delete and not revert and not self.values:
            raise ApiError('no options specified')
        self.revert = self.checked_revert(revert)
        self.delete = self.checked_delete(delete)
        self.check_values()
        self.guest = self.locked(params)

    def checked_revert(self, names: list[str]) -> list[str]:
        for name in names:
            if not option_exists(self.properties, name):
                raise ParameterError({'revert': f"unknown option '{name}'"})
            if name in self.values:
                raise ParameterError({'delete': f"you can't use '-{name}' and -revert {name}' at the same time"})
        return names

    def checked_delete(self, names: list[str]) -> list[str]:
        names = ['ide2' if name == 'cdrom' else name for name in names]
        for name in names:
            if name in self.values:
                raise ParameterError({'delete': f"you can't use '-{name}' and -delete {name}' at the same time"})
            if name in self.revert:
                text = f"you can't use '-delete {name}' and -revert {name}' at the same time"
                raise ParameterError({'revert': text})
            if not option_exists(self.properties, name):
                raise ParameterError({'delete': f"unknown option '{name}'"})
        return names

    def check_values(self) -> None:
        call, values = self.call, self.values
        check_drives(call, values)
        if replication_jobs(call.cluster, self.vmid):
            check_replicated(call, self.vmid, values)
        prepare(call, values)
        check_modify(call, self.vmid, None, self.delete)
        check_modify(call, self.vmid, None, list(values))
        check_storages(call, self.vmid, values)
        check_bridge_access(call, values)

    def locked(self, params: dict) -> Guest:
        """The guest, once its lock, digest and memory allow the change."""
        guest = load(self.site, self.vmid)
        check_free(self.call, guest)
        check_unchanging(self.call, guest, params.get('digest'))
        check_digest(guest, params.get('digest'))
        if 'vmstate' in self.delete and guest.lock == 'suspended':
            del guest.config['lock']
        self.delete += [name for name in ('runningmachine', 'runningcpu') if 'vmstate' in self.delete
                        and name in guest.config]
        if not params.get('skiplock'):
            check_lock(guest)
        for name in self.revert:
            if name in guest.config:
                self.values[name] = guest.config[name]
            elif name in guest.pending:
                self.delete.append(name)
        check_balloon(guest.merged(), self.values)
        return guest

    def worker(self, task: Any) -> Generator:
        """Carry it out; yields seconds of work."""
        guest = self.guest
        task.log(f'update VM {guest.vmid}: {self.summary}')
        selection = {*self.delete, *self.values}
        order = boot_order(guest.config.get('boot')) or []
        for name in self.delete:
            self.remove(task, name, order, selection)
        for name in sorted(self.values):
            if not pending.same(guest.pending.get(name), self.values[name]):
                yield from self.put(task, name, order, selection)
        pending.cleanup(guest)
        if guest.pending or guest.pending_delete:
            self.apply(task, selection)

    def apply(self, task: Any, selection: set) -> None:
        guest = self.guest
        had = pending.cloudinit_drive(guest.config)
        if guest.running:
            errors = pending.hotplug(self.site, guest, selection)
            if 'cloudinit' in pending.hotplug_features(guest.config) and guest.extra.get('cloudinit'):
                regenerate(guest, task)
        else:
            errors = pending.apply_pending(self.site, guest)
            now = pending.cloudinit_drive(guest.config)
            if now and now != had:
                regenerate(guest, task)
        normalise(guest)
        if errors:
            raise ParameterError(errors)

    def remove(self, task: Any, name: str, order: list[str], selection: set) -> None:
        guest, call = self.guest, self.call
        value = guest.config.get(name, guest.pending.get(name))
        if value is None:
            task.log(f"cannot delete '{name}' - not set in current configuration!")
            selection.discard(name)
            return
        waiting = guest.pending.pop(name, None)
        if name in order:
            order.remove(name)
            guest.pending['boot'] = print_boot(order)
            selection.add('boot')
        if UNUSED.match(name) or name == 'vmstate':
            self.remove_volume(name, str(value))
        elif is_drive(name):
            check_protection(guest, f"can't remove drive '{name}'")
            check_drive_right(call, guest.vmid, value)
            if waiting is not None and not pending.same(guest.config.get(name), waiting):
                pending.keep_unused(self.site, guest, parse_drive(waiting))
            guest.pending_delete[name] = int(self.force)
        elif name == 'tags':
            check_tags(call, guest.vmid, value, '')
            del guest.config[name]
        else:
            self.check_removal(name, str(value))
            guest.pending_delete[name] = int(self.force)

    def remove_volume(self, name: str, volid: str) -> None:
        guest = self.guest
        what = 'unused disk' if name.startswith('unused') else 'vmstate'
        check_protection(guest, f"can't remove {what} '{volid}'")
        check_vm(self.call, guest.vmid, None, 'VM.Config.Disk')
        if pending.owned(self.site, guest.vmid, volid):
            self.call.require(f'/storage/{volumes.storage_of(volid)}', 'Datastore.AllocateSpace')
        pending.deallocate(self.site, guest, name, volid)
        guest.config.pop(name, None)

    def check_removal(self, name: str, value: str) -> None:
        if name.startswith('serial') and name[6:].isdigit() and value != 'socket' and not self.call.is_root:
            raise ApiError(f"only root can delete '{name}' config for real devices")
        if is_device(name):
            check_device(self.call, self.vmid, None, name, value)
        elif name.startswith('net') and name[3:].isdigit():
            check_bridge_access(self.call, {name: value})

    def put(self, task: Any, name: str, order: list[str], selection: set) -> Generator:
        guest, call, value = self.guest, self.call, self.values[name]
        if is_drive(name):
            yield from self.put_drive(task, name, order, selection)
        elif name == 'tags':
            check_tags(call, guest.vmid, guest.config.get('tags'), value)
            guest.pending[name] = value
        elif name == 'cipassword':
            self.put_password(str(value))
        elif name == 'boot':
            self.put_boot(str(value))
        else:
            self.check_old_and_new(name, value)
            check_hardware(name, value)
            if name == 'ostype' and 'machine' not in {*self.values, *self.delete, *guest.pending}:
                pin_machine(call.release, str(value), guest.config.get('machine'), guest.pending)
            guest.pending[name] = value
        guest.pending_delete.pop(name, None)

    def check_old_and_new(self, name: str, value: Any) -> None:
        old = self.guest.config.get(name)
        serial = name.startswith('serial') and name[6:].isdigit()
        if serial and not self.call.is_root and (value != 'socket' or old not in (None, 'socket')):
            raise ApiError(f"only root can modify '{name}' config for real devices")
        if is_device(name):
            for item in (old, value):
                if item is not None:
                    check_device(self.call, self.vmid, None, name, str(item))
        elif name.startswith('net') and name[3:].isdigit() and old:
            check_bridge_access(self.call, {name: old})

    def put_drive(self, task: Any, name: str, order: list[str], selection: set) -> Generator:
        guest, value = self.guest, self.values[name]
        old = guest.config.get(name)
        if old:
            check_drive_right(self.call, guest.vmid, old)
            if name == 'tpmstate0':
                prohibit_tpm_change(old, value)
        check_drive_right(self.call, guest.vmid, value)
        waiting = guest.pending.pop(name, None)
        if waiting is not None and parse_drive(waiting)['file'] != parse_drive(value)['file']:
            pending.keep_unused(self.site, guest, parse_drive(waiting))
        created = yield from create_drives(self.site, task, guest.vmid, guest.merged(), {name: value})
        guest.pending.update(created)
        drive = parse_drive(created[name])
        if order and is_cdrom(drive) and not is_cloudinit(drive) and name not in order:
            order.append(name)
            guest.pending['boot'] = print_boot(order)
            selection.add('boot')

    def put_password(self, text: str) -> None:
        guest = self.guest
        if str(guest.config.get('ostype')) not in WINDOWS and not CRYPTED.match(text):
            salt = secrets.token_hex(4)
            hashed = base64.b64encode(hashlib.sha256((salt + text).encode()).digest()).decode()
            text = f'$5${salt}${hashed[:43]}'
        if guest.running:
            pending.record_cloudinit(guest, 'cipassword', text)
        guest.config['cipassword'] = text

    def put_boot(self, text: str) -> None:
        guest = self.guest
        devices = boot_order(text)
        guest.pending['boot'] = text
        if devices is None:
            return
        for device in devices:
            known = device in guest.config or device in guest.pending or device in self.values
            if not known or device in self.delete:
                del guest.pending['boot']
                raise ApiError(f"invalid bootorder: device '{device}' does not exist'")
        guest.pending['boot'] = print_boot(devices)
        if 'bootdisk' in guest.config:
            guest.pending_delete['bootdisk'] = 0


def properties_of_update(call: Call) -> dict:
    """The parameters that the release's PUT of a configuration takes."""
    return tables(call.release).operations['PUT', CONFIG].properties


def summary_of(params: dict) -> str:
    """'-cores 2 -name web': what the task and the cluster log say."""
    words = []
    for key in sorted(params):
        if key not in ('node', 'vmid', 'digest', 'background_delay', 'import-working-storage'):
            value = params[key]
            words += [f'-{key}', '<hidden>' if key == 'cipassword' else str(int(value) if isinstance(value, bool) else value)]
    return ' '.join(words)


def values_of(cluster: Any, params: dict) -> dict:
    """The options among a call's parameters, as the configuration keeps them."""
    values = {key: value for key, value in params.items() if key not in NOT_OPTIONS and key != 'idlist'}
    if params.get('cdrom'):
        text = params['cdrom']
        values['ide2'] = text if 'media=' in text else f'{text},media=cdrom'
    if 'tags' in values:
        values['tags'] = unique_tags(cluster, values['tags'])
    if 'cpuunits' in values:
        values['cpuunits'] = max(1, min(10000, values['cpuunits']))  # what control groups take
    return {key: stored(key, value) for key, value in values.items()}


def prepare(call: Call, values: dict) -> None:
    """Addresses for network devices, generated ids, and a look at the hook script."""
    for name, value in values.items():
        if re.match(r'^net\d+$', name):
            values[name] = with_mac(call.cluster, value)
    if values.get('vmgenid') == '1':
        values['vmgenid'] = str(uuid.uuid4())
    if 'hookscript' in values:
        check_hookscript(call, values['hookscript'])


def check_hookscript(call: Call, volid: str) -> None:
    if storage.parse(call.cluster, volid)[1].content != 'snippets':
        raise ParameterError({'hookscript': f"'{volid}' is not in the snippets directory\n"})
    if storage.find(call.cluster, call.node.name, volid) is None:
        raise ParameterError({'hookscript': f"script '{volid}' does not exist\n"})


def check_hardware(name: str, value: Any) -> None:
    """500 for a display without the clipboard it is to have, and for an IOMMU that the machine has not."""
    if name == 'vga':
        wanted = properties_of(str(value), 'type')
        if wanted.get('clipboard') == 'vnc' and not CLIPBOARD.match(str(wanted.get('type', 'std'))):
            raise ApiError(f'vga type {wanted["type"]} is not compatible with VNC clipboard')
    if name == 'machine':
        wanted = properties_of(str(value), 'type')
        if wanted.get('viommu') == 'intel' and 'q35' not in str(wanted.get('type', '')):
            raise ApiError('to use Intel vIOMMU please set the machine type to q35')


def pin_machine(release: str, system: str, machine: Any, config: dict) -> None:
    """Windows gets a fixed machine version, it is confused too easily: it is put into `config`."""
    kind, comma, rest = str(machine or '').partition(',')
    if system in WINDOWS and kind in ('', 'pc', 'q35'):
        version = '.'.join(QEMU_VERSIONS[release].split('.')[:2])
        config['machine'] = f'pc-{"q35" if kind == "q35" else "i440fx"}-{version}{comma}{rest}'


def prohibit_tpm_change(old: str, new: str) -> None:
    before, after = parse_drive(old), parse_drive(new)
    if before['file'] == after['file'] and before.get('version', 'v1.2') != after.get('version', 'v1.2'):
        raise ApiError('cannot change TPM state version after creation')


def normalise(guest: Guest) -> None:
    """What writing and reading the file does to values: an empty description is gone."""
    if not str(guest.config.get('description', 'x')).strip(' '):
        del guest.config['description']
