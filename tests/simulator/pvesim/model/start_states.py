"""Start states that tests and recordings refer to: one standalone node, and a pair in a cluster."""

from __future__ import annotations

from ..clock import Clock
from .cluster import Cluster
from .fleet import Fleet
from .node import Node
from .storage import Volume

MIB = 1 << 20
MEMORY = 25_276_514_304
CPU = 'Intel(R) Xeon(R) Processor @ 2.50GHz'
CONTENT = 'rootdir,images,snippets,iso,backup,vztmpl,import'
PASSWORDS = {'root@pam': 'realpve1', 'tester@pve': 'tester12345', 'admin@pve': 'admin12345'}
HOSTS = ('127.0.0.1 localhost\n10.111.0.11 pve1.realpve.invalid pve1\n10.111.0.12 pve2.realpve.invalid pve2\n')
FILES = (
    ('import/mini.qcow2', 'import', 'qcow2', 16 * MIB, 196_616),
    ('import/mini.raw', 'import', 'raw', 8 * MIB, 8 * MIB),
    ('iso/tiny.iso', 'iso', 'iso', 358_400, 358_400),
    ('vztmpl/fake-rootfs_1.0_amd64.tar.zst', 'vztmpl', 'tzst', 1_078_534, 1_078_534),
    ('snippets/user.yaml', 'snippets', 'snippet', 14, 14),
)


def single(release: str = '9', clock: Clock | None = None) -> Fleet:
    """One standalone node pve1 with storage local, three users, no guests."""
    return made(release, clock, standalone=True)


def pair(release: str = '9', clock: Clock | None = None) -> Fleet:
    """pve1 and pve2 in a cluster named realpve; files lie on pve1 only."""
    return made(release, clock, standalone=False)


STATES = {'single': single, 'pair': pair}


def made(release: str, clock: Clock | None, standalone: bool) -> Fleet:
    fleet = Fleet(clock=clock or Clock())
    now = fleet.clock.now()
    cluster = fleet.add(Cluster('pve1' if standalone else 'realpve', release, standalone))
    cluster.extra.update(corosync_secauth='off', corosync_ip_version='ipv4', acme_absent=True)
    for number in (1,) if standalone else (1, 2):
        node = make_node(number, now)
        node.nodeid = 0 if standalone else number
        cluster.nodes[node.name] = node
    cluster.storages['local'] = {'type': 'dir', 'path': '/var/lib/vz', 'content': CONTENT}
    place = cluster.volumes.at('local', 'pve1')
    for name, content, kind, size, used in FILES:
        place[f'local:{name}'] = Volume(f'local:{name}', content, kind, size, used, ctime=int(now))
    add_users(cluster)
    return fleet


def make_node(number: int, now: float) -> Node:
    address = f'10.111.0.{10 + number}'
    node = Node(f'pve{number}', address, cpus=2, memory=MEMORY, cpu_model=CPU, booted_at=now - 5000)
    node.network = {
        'lo': {'type': 'loopback', 'method': 'loopback', 'autostart': 1},
        'eth0': {'type': 'eth', 'method': 'manual', 'method6': 'manual', 'families': ['inet'], 'priority': 3,
                 'active': 1},
        'vmbr0': {'type': 'bridge', 'method': 'static', 'method6': 'manual', 'families': ['inet'], 'autostart': 1,
                  'active': 1, 'priority': 4, 'address': address, 'netmask': '24', 'cidr': f'{address}/24',
                  'gateway': '10.111.0.254', 'bridge_ports': 'eth0', 'bridge_stp': 'off', 'bridge_fd': '0'},
    }
    node.dns = {'dns1': '10.111.0.1'}
    node.hosts = HOSTS
    node.extra['rrd_since'] = now // 60 * 60 - 60
    prepare_container(node)
    return node


def prepare_container(node: Node) -> None:
    """The recorded nodes were containers themselves: no control groups to delegate, a package of a foreign origin."""
    node.extra.update(cgroups_closed=True, ifupdown2='3.0.0-1.1', container=True)


def add_users(cluster: Cluster) -> None:
    access = cluster.access
    access.users['tester@pve'] = {'enable': 1, 'expire': 0, 'comment': 'pve realm user', 'groups': set()}
    access.users['admin@pve'] = {'enable': 1, 'expire': 0, 'groups': set()}
    access.passwords.update(PASSWORDS)
    access.acl['/'] = {'users': {'tester@pve': {'PVEAdmin': True}, 'admin@pve': {'Administrator': True}}}
    access.touch()
