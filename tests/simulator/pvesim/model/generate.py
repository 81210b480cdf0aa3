"""Fleets from a seed: the same numbers always give the same fleet.

    fleet = generate(clusters=3, nodes=5, guests=200, seed=7)

Every generated cluster has the users root@pam (password `pvesim-password`), admin@pve and viewer@pve (the same password) and
the tokens `fleet@pve!viewer`, `fleet@pve!operator` and `fleet@pve!admin`, whose secrets are token_secret(seed, cluster,
name). Times are set back from the clock's moment of creation.
"""

from __future__ import annotations

import random
import uuid

from ..clock import Clock
from . import catalogue, storage
from .access import Access
from .cluster import Cluster
from .fleet import Fleet
from .generate_guests import Maker
from .guest import Guest
from .node import Node

GIB = 1 << 30
TIB = 1 << 40
DAY = 86400
PASSWORD = 'pvesim-password'
NAMESPACE = uuid.UUID('6f2a8f0e-54d4-4d0b-9a55-2f0a5ce1b7d1')
# token name -> role that it has on everything
TOKENS = {'viewer': 'PVEAuditor', 'operator': 'PVEVMAdmin', 'admin': 'Administrator'}


def token_secret(seed: int, cluster: str, name: str) -> str:
    """The secret of fleet@pve!name in a generated cluster: always the same for a seed."""
    return str(uuid.uuid5(NAMESPACE, f'{seed}/{cluster}/{name}'))


def generate(clusters: int = 1, nodes: int = 3, guests: int = 20, seed: int = 1, release: str = '9',
             clock: Clock | None = None, loopback: bool = False) -> Fleet:
    """So many clusters with so many nodes and guests each; guests of both kinds, templates not counted.

    loopback: nodes have addresses in 127.0.0.0/8, at which the server then listens.
    """
    if clusters < 1 or nodes < 1 or guests < 0:
        raise ValueError('a fleet needs at least one cluster with one node, and not less than 0 guests')
    made = Fleet(clock=clock or Clock())
    for number in range(clusters):
        made.add(cluster(cluster_name(number), number, nodes, guests, seed, release, made.clock.now(),
                         127 if loopback else 10))
    return made


def cluster_name(number: int) -> str:
    """'seoul', 'berlin' ...; after the last site again with a number: 'seoul-2'."""
    again, place = divmod(number, len(catalogue.SITES))
    return catalogue.SITES[place] + (f'-{again + 1}' if again else '')


def cluster(name: str, number: int, nodes: int, guests: int, seed: int, release: str, now: float,
            first_octet: int = 10) -> Cluster:
    """One generated cluster; `number` makes its addresses differ from those of the others."""
    dice = random.Random(f'{seed}/{name}')
    made = Cluster(name, release, standalone=nodes == 1)
    for index in range(nodes):
        node = make_node(f'{name}-pve{index + 1}', number, index, dice, now, first_octet)
        made.nodes[node.name] = node
    add_storages(made, nodes)
    add_access(made, seed)
    add_pools(made)
    add_files(made, now)
    Maker(made, dice, now, network=(number % 200) + 10).add(guests)
    size_backings(made)
    add_services(made, dice, now)
    return made


def make_node(name: str, number: int, index: int, dice: random.Random, now: float, first_octet: int = 10) -> Node:
    subnet = f'{first_octet}.{100 + number // 250}.{number % 250}'
    ip = f'{subnet}.{11 + index}'
    node = Node(name, ip, index + 1, cpus=dice.choice((32, 48, 64)), memory=dice.choice((256, 384, 512)) * GIB)
    node.network = network(ip, f'{subnet}.254')
    node.dns = {'search': 'example.test', 'dns1': f'{subnet}.253'}
    node.booted_at = float(int(now - dice.uniform(3, 300) * DAY))
    node.extra['rootfs'] = {'total': 96 * GIB, 'used': int(dice.uniform(8, 20) * GIB)}
    return node


def network(ip: str, gateway: str) -> dict[str, dict]:
    """A network card and the bridge vmbr0 upon it."""
    return {
        'eno1': {'type': 'eth', 'method': 'manual', 'method6': 'manual', 'families': ['inet'], 'active': 1, 'exists': 1,
                 'priority': 3},
        'vmbr0': {'type': 'bridge', 'method': 'static', 'method6': 'manual', 'families': ['inet'], 'active': 1,
                  'autostart': 1, 'address': ip, 'netmask': '24', 'cidr': f'{ip}/24', 'gateway': gateway,
                  'bridge_ports': 'eno1', 'bridge_stp': 'off', 'bridge_fd': '0', 'bridge_vlan_aware': 1,
                  'bridge_vids': '2-4094', 'priority': 4},
    }


def add_storages(made: Cluster, nodes: int) -> None:
    """local and local-lvm as the installer makes them; ceph from three nodes on; a shared NFS storage for backups."""
    files = 'backup,iso,snippets,vztmpl' if made.release == '7.4' else 'backup,import,iso,snippets,vztmpl'
    made.storages['local'] = {'type': 'dir', 'path': '/var/lib/vz', 'content': files}
    made.storages['local-lvm'] = {'type': 'lvmthin', 'thinpool': 'data', 'vgname': 'pve', 'content': 'images,rootdir'}
    if nodes >= 3:
        made.storages['ceph'] = {'type': 'rbd', 'pool': 'ceph', 'content': 'images,rootdir', 'krbd': 0}
    made.storages['backup'] = {
        'type': 'nfs', 'path': '/mnt/pve/backup', 'server': 'nas.example.test', 'export': '/export/backup',
        'content': 'backup,iso', 'prune-backups': 'keep-daily=7,keep-last=3',
    }


def size_backings(made: Cluster) -> None:
    """Give pools and volume groups room for twice what is on them, in usual sizes."""
    ceph = sum(volume.size for volume in made.volumes.at('ceph', '', True).values()) if 'ceph' in made.storages else 0
    if 'ceph' in made.storages:
        made.extra['backing'] = {'ceph': {'total': usual_size(2 * ceph), 'used': 0}}
    for node in made.nodes.values():
        used = sum(volume.size for volume in made.volumes.at('local-lvm', node.name).values())
        pool = usual_size(2 * used)
        node.extra['backing'] = {'vg:pve': {'total': pool + 112 * GIB, 'used': pool + 96 * GIB},
                                 'thin:pve/data': {'total': pool, 'used': 0}}


def usual_size(need: int) -> int:
    size = TIB
    while size < need:
        size *= 2
    return size


def add_access(made: Cluster, seed: int) -> None:
    """Users with a known password, groups, and a token for each tier of rights."""
    access: Access = made.access
    access.groups.update(admins={'comment': 'System administrators'}, watchers={'comment': 'May look, not touch'})
    people = {'admin@pve': ('admins', 'Ada'), 'viewer@pve': ('watchers', 'Vera'), 'fleet@pve': (None, 'Automation')}
    for userid, (group, first) in people.items():
        access.users[userid] = {'enable': 1, 'expire': 0, 'firstname': first, 'groups': {group} if group else set()}
        access.passwords[userid] = PASSWORD
    access.passwords['root@pam'] = PASSWORD
    access.acl['/'] = {'groups': {'admins': {'Administrator': True}, 'watchers': {'PVEAuditor': True}},
                       'users': {'fleet@pve': {'Administrator': True}}, 'tokens': {}}
    access.tokens['fleet@pve'] = {name: {'privsep': 1, 'expire': 0} for name in TOKENS}
    for name, role in TOKENS.items():
        tokenid = f'fleet@pve!{name}'
        access.secrets[tokenid] = token_secret(seed, made.name, name)
        access.acl['/']['tokens'][tokenid] = {role: True}
    access.touch()


def add_pools(made: Cluster) -> None:
    for team in catalogue.TEAMS[:4]:
        made.pools[team] = {'comment': f'Guests of team {team}', 'vms': set(), 'storages': set()}


def add_files(made: Cluster, now: float) -> None:
    """ISO images on the shared storage, a container template on each node's own, the list of those to be had."""
    made.extra['appliances'] = True
    for name, size in catalogue.ISOS:
        add_file(made, '', f'backup:iso/{name}', 'iso', size, now)
    name, size = catalogue.CONTAINER_TEMPLATE
    for node in made.nodes:
        add_file(made, node, f'local:vztmpl/{name}', 'vztmpl', size, now)


def add_file(made: Cluster, node: str, volid: str, content: str, size: int, now: float) -> None:
    storeid = volid.partition(':')[0]
    made.volumes.at(storeid, node)[volid] = storage.Volume(volid, content, 'raw', size, size, ctime=int(now - 30 * DAY))


def add_services(made: Cluster, dice: random.Random, now: float) -> None:
    """What an administrator has set up beside the guests: datacenter options, a backup job, HA for a few machines."""
    made.options.update(keyboard='en-us')
    made.section('jobs')['backup-nightly'] = {
        'type': 'vzdump', 'schedule': '02:30', 'storage': 'backup', 'all': 1, 'mode': 'snapshot', 'compress': 'zstd',
        'enabled': 1, 'comment': 'All guests, every night',
    }
    if len(made.nodes) < 3:
        return
    shared = [guest for guest in made.guests.values() if guest.running and guest.extra.get('shared_disks')]
    manage(made, dice.sample(shared, min(len(shared), max(1, len(shared) // 25))), now)
    for guest in made.guests.values():
        guest.extra.pop('shared_disks', None)


def manage(made: Cluster, guests: list[Guest], now: float) -> None:
    """Put guests under HA, with a manager that has long settled."""
    statuses = {}
    for guest in guests:
        kind = 'vm' if guest.kind == 'qemu' else 'ct'
        made.section('ha-resources')[f'{kind}:{guest.vmid}'] = {'type': kind, 'state': 'started'}
        statuses[f'{kind}:{guest.vmid}'] = {'state': 'started', 'node': guest.node, 'running': 1}
    if statuses:
        made.extra['ha'] = {'master_node': next(iter(made.nodes)), 'timestamp': int(now),
                            'node_status': dict.fromkeys(made.nodes, 'online'), 'service_status': statuses}
