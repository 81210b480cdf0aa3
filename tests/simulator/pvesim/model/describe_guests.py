"""The guests of a described cluster."""

from __future__ import annotations

import random
import re
import uuid

from ..call import ApiError
from . import storage, volumes
from .cluster import Cluster
from .describe_checks import Place
from .guest import Guest

GUEST = ('name', 'vmid', 'kind', 'node', 'status', 'template', 'config', 'tags', 'pool', 'agent', 'snapshots', 'count')
KINDS = ('qemu', 'lxc')
STATES = ('running', 'stopped', 'paused')
DISK = {'qemu': re.compile(r'^(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+$'), 'lxc': re.compile(r'^(?:rootfs|mp\d+)$')}
NEW_VOLUME = re.compile(r'^([a-zA-Z][\w.-]*):(\d+(?:\.\d+)?)((?:,.*)?)$')
CARD = re.compile(r'^net\d+$')
GIB = 1 << 30
DAY = 86400


def add(entry: Place, cluster: Cluster, dice: random.Random, now: float) -> None:
    """Add every guest under `guests` to the cluster."""
    adder = Adder(cluster, dice, now)
    for guest in entry.entries('guests'):
        adder.add(guest.mapping(GUEST))


class Adder:
    """Makes guests of their descriptions; ids and nodes that are left out are given in turn."""

    def __init__(self, cluster: Cluster, dice: random.Random, now: float):
        self.cluster, self.dice, self.now = cluster, dice, now
        self.added, self.next_vmid = 0, 100

    def add(self, entry: Place) -> None:
        count = entry.integer('count', 1)
        for number in range(count):
            self.add_one(entry, number if 'count' in entry.value else None)

    def add_one(self, entry: Place, number: int | None) -> None:
        kind = self.choice(entry, 'kind', 'qemu', KINDS)
        vmid = self.free_vmid() if 'vmid' not in entry.value else entry.integer('vmid', 0) + (number or 0)
        if not 100 <= vmid <= 999_999_999 or vmid in self.cluster.guests:
            why = 'is taken' if vmid in self.cluster.guests else 'is not an id; use 100 to 999999999'
            entry.fail(f'{vmid} {why}', 'vmid')
        node = entry.text('node', list(self.cluster.nodes)[self.added % len(self.cluster.nodes)])
        if node not in self.cluster.nodes:
            entry.fail(f"'{node}' is not a node of cluster '{self.cluster.name}'; use one of {', '.join(self.cluster.nodes)}",
                       'node')
        self.added += 1
        guest = Guest(vmid, kind, node, created_at=self.now - 30 * DAY, installed=True)
        guest.config = self.config(entry, guest, number)
        self.cluster.guests[vmid] = guest
        self.settle(entry, guest)

    def free_vmid(self) -> int:
        while self.next_vmid in self.cluster.guests:
            self.next_vmid += 1
        return self.next_vmid

    def choice(self, entry: Place, key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = entry.text(key, default)
        if value not in allowed:
            entry.fail(f"'{value}' is not known; use {' or '.join(allowed)}", key)
        return value

    def config(self, entry: Place, guest: Guest, number: int | None) -> dict:
        """The configuration with volumes made, network addresses given and defaults filled in."""
        config = {**self.defaults(guest), **(entry.dictionary('config'))}
        name = entry.text('name', f'vm-{guest.vmid}' if guest.kind == 'qemu' else f'ct-{guest.vmid}')
        config['hostname' if guest.kind == 'lxc' else 'name'] = name if number is None else f'{name}-{number + 1:02d}'
        for key, value in list(config.items()):
            if isinstance(value, (dict, list)) or value is None:
                entry.fail('a text or a number is needed here, as the API takes it', f'config.{key}')
            elif isinstance(value, bool):
                config[key] = int(value)
            elif CARD.match(key):
                config[key] = self.card(str(value), guest.kind)
            elif DISK[guest.kind].match(key):
                config[key] = self.disk(entry, guest, key, str(value))
            elif key in ('memory', 'agent') and guest.kind == 'qemu':
                config[key] = str(value)
        if tags := entry.words('tags'):
            config['tags'] = ';'.join(sorted(tag.lower() for tag in tags))
        return config

    def defaults(self, guest: Guest) -> dict:
        if guest.kind == 'lxc':
            return {'arch': 'amd64', 'memory': 512, 'ostype': 'debian', 'swap': 512, 'unprivileged': 1}
        return {'cores': 1, 'memory': '512', 'meta': f'creation-qemu=10.0.2,ctime={int(self.now - 30 * DAY)}',
                'smbios1': f'uuid={self.uuid()}', 'vmgenid': self.uuid()}

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def card(self, value: str, kind: str) -> str:
        """A network card with an address of its own, unless it has one."""
        if re.search(r'(?:[0-9A-F]{2}:){5}[0-9A-F]{2}', value, re.I):
            return value
        mac = 'BC:24:11:' + ':'.join(f'{self.dice.randrange(256):02X}' for dummy in range(3))
        if kind == 'lxc':
            return f'{value},hwaddr={mac},type=veth'
        model, comma, rest = value.partition(',')
        return f'{model.removeprefix("model=")}={mac}{comma}{rest}'

    def disk(self, entry: Place, guest: Guest, key: str, value: str) -> str:
        """'storage:size in GiB,options' as the API takes it: the volume is made; other values stay as they are."""
        found = NEW_VOLUME.match(value)
        if not found:
            return value
        storeid, size, options = found[1], int(float(found[2]) * GIB), found[3]
        wanted = re.search(r',format=(\w+)', options)
        kind = self.cluster.storages.get(storeid, {}).get('type')
        usual = 'subvol' if guest.kind == 'lxc' and kind in ('zfspool', 'btrfs') else None
        try:
            volume = storage.alloc(self.cluster, guest.node, storeid, guest.vmid, size, fmt=wanted[1] if wanted else usual,
                                   now=self.now - 30 * DAY, used=int(size * 0.3))
        except ApiError as error:
            entry.fail(f'{error.message}; write storage:size with a storage described for this node', f'config.{key}')
        options = re.sub(r',format=\w+', '', options)
        text = f'{found[2]}G' if '.' not in found[2] else f'{size >> 20}M'
        return f'{volume.volid}{options},size={text}'

    def settle(self, entry: Place, guest: Guest) -> None:
        status = self.choice(entry, 'status', 'stopped', STATES)
        if entry.flag('template', False):
            if status != 'stopped':
                entry.fail('a template cannot run; leave out status', 'status')
            self.make_template(guest)
        if status != 'stopped':
            guest.begin_running(float(int(self.now - self.dice.uniform(0.01, 20) * DAY)))
        if status == 'paused':
            guest.qmpstatus = 'paused'
        if 'pool' in entry.value:
            guest.extra['pool'] = entry.text('pool')
        if 'agent' in entry.value:
            self.agent(entry, guest)
        for snapshot in entry.entries('snapshots'):
            self.snapshot(snapshot, guest)

    def make_template(self, guest: Guest) -> None:
        """Turn the disks into base images, as converting to a template does."""
        guest.config['template'] = 1
        for key, value in guest.config.items():
            volid, comma, rest = str(value).partition(',')
            if guest.kind == 'qemu' and DISK['qemu'].match(key) and storage.find(self.cluster, guest.node, volid):
                guest.config[key] = volumes.make_base(self.cluster, guest.node, volid) + comma + rest

    def agent(self, entry: Place, guest: Guest) -> None:
        """agent: false (none installed), true, or what it answers."""
        value = entry.value['agent']
        if isinstance(value, dict):
            guest.agent = value
        elif isinstance(value, bool):
            guest.installed = value
        else:
            entry.fail('true, false or a mapping of answers is needed here', 'agent')
        if value and guest.kind == 'qemu':
            guest.config.setdefault('agent', '1')

    def snapshot(self, entry: Place, guest: Guest) -> None:
        if isinstance(entry.value, str):
            entry = Place(entry.source, {'name': entry.value}, entry.path)
        name = entry.mapping(('name', 'description')).text('name', required=True)
        taken = {key: value for key, value in guest.config.items() if key != 'parent'}
        taken['snaptime'] = int(self.now - 5 * DAY + 3600 * len(guest.snapshots))
        if 'description' in entry.value:
            taken['description'] = entry.text('description')
        if 'parent' in guest.config:
            taken['parent'] = guest.config['parent']
        guest.snapshots[name] = taken
        guest.config['parent'] = name
