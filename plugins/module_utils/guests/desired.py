# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to what is wanted of a guest. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests import cloud_init, disks
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import UNUSED, Kind
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import SizeError, mebibytes

DNS_NAME = re.compile(r'[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*')
DEVICE = re.compile(r'(serial|parallel|usb|hostpci|rng|audio|virtiofs)\d+')
SIZES = ('memory', 'swap', 'balloon')


@dataclasses.dataclass
class Desired:
    """What a task wants of one guest. None means: not managed.

    wishes: option of the API -> Wish; disks: option -> DiskWish; remove: options to delete;
    once: parameters that only a creation takes; password: of cloud-init (it cannot be compared).
    turn: guests.turns.Turn, where other guests are placed at the same time.
    """

    kind: Kind
    state: str
    vmid: int | None = None
    name: str | None = None
    new_name: str | None = None
    node: str | None = None
    placement: dict | None = None
    pool: str | None = None
    storage: str | None = None
    wishes: dict[str, Wish] = dataclasses.field(default_factory=dict)
    disks: dict = dataclasses.field(default_factory=dict)
    remove: tuple = ()
    once: dict = dataclasses.field(default_factory=dict)
    clone: dict | None = None
    restore: dict | None = None
    ostemplate: str | None = None
    ha: dict | None = None
    migration: dict = dataclasses.field(default_factory=dict)
    password: str | None = dataclasses.field(default=None, repr=False)
    update_password: bool = False
    cloud_drive: tuple | None = None
    reboot: bool = False
    force: bool = False
    timeout: int = 600
    shutdown_timeout: int = 180
    purge: bool = False
    unreferenced: bool = False
    wait: bool = True
    wait_for: str = 'none'
    wait_timeout: int = 300
    turn: typing.Any = None

    @property
    def names(self):
        """Names under which the guest may exist already."""
        return tuple(name for name in (self.name, self.new_name) if name)

    @property
    def final_name(self):
        return self.new_name or self.name

    @property
    def runs(self):
        """Whether the guest is to run at the end; None where the power state is not managed."""
        return {'started': True, 'restarted': True, 'paused': True, 'stopped': False, 'template': False}.get(self.state)

    def named_keys(self):
        """All options of the API that the task names."""
        return [*self.wishes, *self.disks, *self.remove]


def read_desired(params: dict[str, typing.Any], kind: Kind, settings: typing.Iterable[str]) -> Desired:
    """A module's validated options -> Desired. Raises BadRequest for what contradicts itself or cannot be read."""
    if params.get('vmid') is None and not params.get('name'):
        raise BadRequest(f'Neither name nor vmid is given: say which {kind.noun} is meant.')
    for option in ('name', 'new_name'):
        check_name(option, params.get(option))
    desired = Desired(
        kind=kind,
        state=params['state'],
        vmid=params.get('vmid'),
        remove=tuple(dict.fromkeys(params.get('remove') or ())),
        reboot=params['reboot'] == 'if_required',
        unreferenced=params['destroy_unreferenced_disks'],
        migration=params.get('migration') or {},
        update_password=params.get('update_password') == 'always',
        **{name: params.get(name) for name in TAKEN_OVER},
    )
    check_sources(desired)
    if not desired.wait and desired.wait_for != 'none':
        raise BadRequest(f'wait: false and wait_for: {desired.wait_for} contradict each other. Leave one of them out.')
    for name in settings:
        if params.get(name) is not None:
            add(desired, name, setting(name, params[name]))
    add_networks(desired, params.get('networks'))
    desired.disks.update(disks.read_disks(kind, params.get('disks'), params.get('storage')))
    add_devices(desired, params.get('devices'))
    add_cloud_init(desired, params.get('cloud_init'))
    add_once(desired, params)
    add_config(desired, params.get('config'))
    check_removed(desired)
    check_unused(desired)
    return desired


TAKEN_OVER = (
    'name', 'new_name', 'node', 'placement', 'pool', 'storage', 'clone', 'restore', 'ostemplate', 'ha', 'force', 'timeout',
    'shutdown_timeout', 'purge', 'wait', 'wait_for', 'wait_timeout',
)  # fmt: skip


def check_name(option, name):
    if name and not DNS_NAME.fullmatch(name):
        raise BadRequest(
            f'{option}: {name!r} is not a DNS name, as Proxmox VE wants it: letters, digits and hyphens, '
            'parts separated by dots.'
        )


def check_sources(desired):
    given = [name for name in ('clone', 'restore', 'ostemplate') if getattr(desired, name)]
    if len(given) > 1:
        raise BadRequest(f'{" and ".join(given)} exclude each other: a guest is made from one source.')
    kept = (desired.ha or {}).get('state')
    if (kept == 'started' and desired.runs is False) or (kept in ('stopped', 'disabled') and desired.runs):
        raise BadRequest(f'ha: HA would keep it {kept}, and state: {desired.state} wants something else. Declare the same in both.')
    clone = desired.clone
    if clone and not clone['full'] and (clone.get('storage') or clone.get('format')):
        raise BadRequest(
            'clone: a linked clone stays on the storage of its template; leave storage and format out, or use full: true.'
        )


def setting(name, value):
    """An option as a Wish: dictionaries manage only what they name."""
    if name in SIZES:
        value = size(name, value)
    if name == 'agent' and isinstance(value, bool):
        value = {'enabled': value}
    return Wish(value, partial=isinstance(value, dict))


def size(name, value):
    if isinstance(value, dict):
        return value
    try:
        value = mebibytes(value)
    except SizeError as error:
        raise BadRequest(f'{name}: {error}') from None
    if not str(value).isdigit():
        raise BadRequest(f'{name}: {value!r} is not an amount of memory: write 8G, 512M, or a number of MiB.')
    return int(value)


def add(desired, key, wish):
    if key in desired.wishes or key in desired.disks:
        raise BadRequest(f'{key} is given twice: once in config and once by its own option. Keep one of them.')
    desired.wishes[key] = wish


def add_networks(desired, networks):
    for key, value in (networks or {}).items():
        if not desired.kind.is_network(key):
            raise BadRequest(f'networks: {key!r} is not a network: keys are net0, net1 and so on.')
        if value is None:
            raise BadRequest(f'networks: {key} has no settings. To remove a network, list it under remove.')
        add(desired, key, Wish(value, partial=isinstance(value, dict)))


def add_devices(desired, devices):
    for key, value in (devices or {}).items():
        if not DEVICE.fullmatch(key):
            raise BadRequest(
                f'devices: {key!r} is not a device: keys are serial0, usb0, hostpci0, rng0, audio0, virtiofs0 and the like. '
                'Disks and networks have options of their own.'
            )
        add(desired, key, Wish(value, partial=isinstance(value, dict)))


def add_cloud_init(desired, options):
    if not options:
        return
    for key, wish in cloud_init.read_wishes(options).items():
        add(desired, key, wish)
    desired.password = options.get('password')
    if options.get('storage'):
        desired.cloud_drive = (options['drive'], options['storage'])


def add_once(desired, params):
    """What only the creation of a container takes."""
    if desired.kind.name == 'lxc' and params.get('password'):
        desired.once['password'] = params['password']
    if desired.kind.name == 'lxc' and params.get('ssh_keys'):
        desired.once['ssh-public-keys'] = '\n'.join(cloud_init.key_lines(params['ssh_keys']))


def add_config(desired, config):
    for key, value in (config or {}).items():
        if key in NOT_TO_SET:
            raise BadRequest(f'config: {key} cannot be set by a task: {NOT_TO_SET[key]}.')
        if value is None:
            desired.remove = (*desired.remove, key)
        elif desired.kind.is_disk(key):
            if key in desired.disks:
                raise BadRequest(f'{key} is given twice: once in config and once in disks. Keep one of them.')
            desired.disks.update(disks.read_disks(desired.kind, {key: value}, desired.storage, where='config'))
        elif key in OWN_OPTIONS:
            raise BadRequest(f'config: {key} has an option of its own, {OWN_OPTIONS[key]}. Use that.')
        else:
            add(desired, key, setting(key, value))


OWN_OPTIONS = {
    'name': 'name (or new_name)',
    'hostname': 'name (or new_name)',
    'template': 'state: template',
    'pool': 'pool',
    'cipassword': 'cloud_init.password',
    'password': 'password',
    'vmid': 'vmid',
    'node': 'node',
    'delete': 'remove',
}
NOT_TO_SET = {'digest': 'the module sends it itself', 'lock': 'locks belong to Proxmox VE'}


UNTOUCHABLE = frozenset({'template', 'pool', 'vmid', 'node', 'delete'})


def check_unused(desired):
    """What is detached becomes an unused disk itself: a task that destroys one of those as well would destroy it when it is run again."""
    doomed = [key for key in desired.remove if UNUSED.fullmatch(key)]
    doomed += [key for key, wish in desired.disks.items() if UNUSED.fullmatch(key) and wish.state != 'present']
    kept = [key for key in desired.remove if desired.kind.is_disk(key)]
    kept += [key for key, wish in desired.disks.items() if desired.kind.is_disk(key) and (wish.state == 'detached' or wish.keep_old)]
    if doomed and kept:
        raise BadRequest(
            f'{kept[0]} shall be kept as an unused disk and {doomed[0]} be destroyed: run again, the task would destroy what it kept. '
            'Use a task for each.'
        )


def check_removed(desired):
    for key in desired.remove:
        if key in UNTOUCHABLE:
            raise BadRequest(f'remove: {key} has an option of its own, {OWN_OPTIONS[key]}. Use that.')
        if key in NOT_TO_SET:
            raise BadRequest(f'remove: {key} cannot be removed by a task: {NOT_TO_SET[key]}.')
        if key in desired.wishes or (key in desired.disks and desired.disks[key].state == 'present'):
            raise BadRequest(f'{key} is declared and to be removed at once. Keep one of them.')
        if key in ('name', 'hostname', 'rootfs'):
            raise BadRequest(f'remove: {key} cannot be removed from a {desired.kind.noun}.')
