"""Guests of generated clusters, of both kinds, with everything that an inventory looks at."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from itertools import accumulate

from . import catalogue
from .catalogue import Role
from .cluster import Cluster
from .guest import Guest
from .storage import Volume

GIB = 1 << 30
DAY = 86400
FIRST_TEMPLATE = 9000


class Maker:
    """Adds guests to one cluster; `network` is the second number of their addresses (10.<network>.x.y)."""

    def __init__(self, cluster: Cluster, dice: random.Random, now: float, network: int):
        self.cluster, self.dice, self.now, self.network = cluster, dice, now, network
        self.nodes = list(cluster.nodes)
        self.shared = cluster.storages.get('ceph', {}).get('type') == 'rbd'
        self.names: Counter[str] = Counter()
        self.weights = list(accumulate(role.weight for role in catalogue.ROLES))
        self.stage_weights = list(accumulate(share for _name, _vlan, share in catalogue.STAGES))
        self.templates: list[tuple[str, str]] = []
        self.release = cluster.release

    def add(self, count: int, after: int = 99) -> None:
        """Three templates and `count` guests, with ids above `after` that have a few gaps."""
        if count:
            self.add_templates()
        vmid, random_number = after, self.dice.random
        for dummy in range(count):
            vmid += 1 if random_number() > 0.04 else 2
            while vmid in self.cluster.guests:
                vmid += 1
            self.add_guest(vmid)

    def uuid(self) -> str:
        text = f'{self.dice.getrandbits(128):032x}'
        return f'{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}'

    def mac(self) -> str:
        text = f'{self.dice.getrandbits(24):06X}'
        return f'BC:24:11:{text[:2]}:{text[2:4]}:{text[4:]}'

    def volume(self, node: str, storeid: str, vmid: int, number: int, size: int, used: float,
               parent: str | None = None) -> str:
        """Make the volume vm-<vmid>-disk-<number>; return its id."""
        name = f'vm-{vmid}-disk-{number}'
        volid = f'{parent}/{name}' if parent else f'{storeid}:{name}'
        made = Volume(volid, 'images', 'raw', size, int(size * used), vmid, parent, int(self.now - 40 * DAY))
        self.cluster.volumes.at(storeid, node, storeid == 'ceph')[volid] = made
        return volid

    def add_templates(self) -> None:
        free = (vmid for vmid in itertools.count(FIRST_TEMPLATE) if vmid not in self.cluster.guests)
        for vmid, (name, ostype, disk) in zip(free, catalogue.TEMPLATES, strict=False):
            node = self.nodes[0]
            storeid = 'ceph' if self.shared else 'local-lvm'
            volid = f'{storeid}:base-{vmid}-disk-0'
            volumes = self.cluster.volumes.at(storeid, node, storeid == 'ceph')
            volumes[volid] = Volume(volid, 'images', 'raw', disk * GIB, disk * GIB // 3, vmid, ctime=int(self.now - 90 * DAY))
            drive = f'{storeid}:vm-{vmid}-cloudinit'
            volumes[drive] = Volume(drive, 'images', 'raw', 4 << 20, 4 << 20, vmid, ctime=int(self.now - 90 * DAY))
            config = {
                'agent': '1', 'boot': 'order=scsi0', 'cores': 2, 'cpu': 'x86-64-v2-AES', 'ide2': f'{drive},media=cdrom,size=4M',
                'memory': '2048', 'meta': f'creation-qemu=10.0.2,ctime={int(self.now - 90 * DAY)}', 'name': name,
                'net0': f'virtio={self.mac()},bridge=vmbr0', 'ostype': ostype,
                'scsi0': f'{volid},discard=on,size={disk}G,ssd=1', 'scsihw': 'virtio-scsi-single', 'serial0': 'socket',
                'smbios1': f'uuid={self.uuid()}', 'tags': 'template', 'template': 1, 'vga': 'serial0', 'vmgenid': self.uuid(),
            }
            self.cluster.guests[vmid] = Guest(vmid, 'qemu', node, config, created_at=self.now - 90 * DAY, installed=True)
            self.templates.append((name, volid))

    def add_guest(self, vmid: int) -> None:
        dice = self.dice
        role = dice.choices(catalogue.ROLES, cum_weights=self.weights)[0]
        stage, vlan, _share = dice.choices(catalogue.STAGES, cum_weights=self.stage_weights)[0]
        self.names[role.name] += 1
        name = f'{role.name}-{self.names[role.name]:02d}'
        node = self.nodes[int(dice.random() * len(self.nodes))]
        local = not self.shared or dice.random() < 0.25
        storeid = 'local-lvm' if local else 'ceph'
        number = len(self.cluster.guests)
        address = f'10.{self.network}.{number // 250 % 256}.{number % 250 + 1}'
        make = self.container if role.container else self.machine
        guest = make(vmid, name, role, node, storeid, vlan, address)
        guest.config['tags'] = ';'.join(sorted((role.name, stage)))
        self.settle(guest, stage, local)

    def settle(self, guest: Guest, stage: str, local: bool) -> None:
        """Start most guests, put them into pools, protect a few."""
        dice = self.dice
        if stage == 'prod':
            guest.config['onboot'] = 1
            if dice.random() < 0.05:
                guest.config['protection'] = 1
        guest.created_at = float(int(self.now - dice.uniform(10, 400) * DAY))
        if dice.random() < (0.95 if stage == 'prod' else 0.75):
            guest.begin_running(float(int(self.now - dice.uniform(0.01, 60) * DAY)))
        if not local:
            guest.extra['shared_disks'] = True
        if dice.random() < 0.7:
            team = catalogue.TEAMS[int(dice.random() * 4)]
            self.cluster.pools[team]['vms'].add(guest.vmid)
        if dice.random() < 0.03:
            self.add_snapshot(guest)
        self.cluster.guests[guest.vmid] = guest

    def add_snapshot(self, guest: Guest) -> None:
        snapshot = {key: value for key, value in guest.config.items() if key != 'parent'}
        snapshot.update(snaptime=int(self.now - 3 * DAY), description='before the update')
        guest.snapshots['before-update'] = snapshot
        guest.config['parent'] = 'before-update'

    def machine(self, vmid: int, name: str, role: Role, node: str, storeid: str, vlan: int, address: str) -> Guest:
        dice = self.dice
        windows = role.name == 'win'
        linked = self.shared and not windows and storeid == 'ceph' and dice.random() < 0.15
        parent = self.templates[int(dice.random() * len(self.templates))][1] if linked and self.templates else None
        root = self.volume(node, storeid, vmid, 0, role.disk * GIB, 0.1 + 0.5 * dice.random(), parent)
        size = role.disk
        config = {
            'agent': '1', 'boot': 'order=scsi0', 'cores': role.cores, 'cpu': 'x86-64-v2-AES', 'memory': str(role.memory),
            'meta': f'creation-qemu=10.0.2,ctime={int(self.now - 40 * DAY)}', 'name': name,
            'net0': f'virtio={self.mac()},bridge=vmbr0,firewall=1,tag={vlan}', 'numa': 0,
            'ostype': 'win11' if windows else 'l26', 'scsi0': f'{root},discard=on,iothread=1,size={size}G,ssd=1',
            'scsihw': 'virtio-scsi-single', 'smbios1': f'uuid={self.uuid()}', 'sockets': 1, 'vmgenid': self.uuid(),
        }
        if role.data:
            data = self.volume(node, storeid, vmid, 1, role.data * GIB, 0.2 + 0.5 * dice.random())
            config['scsi1'] = f'{data},discard=on,iothread=1,size={role.data}G,ssd=1'
        if not windows:
            gateway = address.rsplit('.', 1)[0] + '.254'
            drive = f'{storeid}:vm-{vmid}-cloudinit'
            self.cluster.volumes.at(storeid, node, storeid == 'ceph')[drive] = Volume(
                drive, 'images', 'raw', 4 << 20, 4 << 20, vmid, ctime=int(self.now - 40 * DAY))
            config.update(ciuser='ops', ipconfig0=f'ip={address}/24,gw={gateway}', ide2=f'{drive},media=cdrom,size=4M')
        if dice.random() < 0.1:
            del config['agent']
        return Guest(vmid, 'qemu', node, config, installed=True)

    def container(self, vmid: int, name: str, role: Role, node: str, storeid: str, vlan: int, address: str) -> Guest:
        root = self.volume(node, storeid, vmid, 0, role.disk * GIB, 0.1 + 0.5 * self.dice.random())
        gateway = address.rsplit('.', 1)[0] + '.254'
        config = {
            'arch': 'amd64', 'cores': role.cores, 'features': 'nesting=1', 'hostname': name, 'memory': role.memory,
            'net0': f'name=eth0,bridge=vmbr0,firewall=1,gw={gateway},hwaddr={self.mac()},ip={address}/24,tag={vlan},type=veth',
            'ostype': 'debian', 'rootfs': f'{root},size={role.disk}G', 'swap': 512, 'unprivileged': 1,
        }
        if role.data:
            data = self.volume(node, storeid, vmid, 1, role.data * GIB, 0.2 + 0.5 * self.dice.random())
            config['mp0'] = f'{data},mp=/srv/data,backup=1,size={role.data}G'
        return Guest(vmid, 'lxc', node, config)
