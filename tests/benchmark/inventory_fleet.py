# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory: against a bare client that sends the same requests, a static YAML file of the same hosts, and community.proxmox.

The peer is measured where its collection is installed beside the Python that runs this; else its column is empty. Times are by
the clock, each in a process of its own, with the simulator in another; what takes a second or two is the best of three runs.
"reading" is without Ansible's own start.
"""
from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkout
import yaml
from row import row

SECRET = '11111111-2222-3333-4444-555555555555'
TOKEN = 'root@pam!bench'
GATHER = {'gather': ['config', 'network']}
NAMES = (
    'inventory of 500 running guests, reading', 'inventory of 500 running guests', 'inventory of 10,000 guests, names and groups',
    'inventory of 10,000 guests, requests per cluster', 'inventory of 10,000 guests with addresses', 'inventory grows with guests',
    'inventory, a guest of 10,000 against one of 100', 'inventory from a warm cache, requests',
)
# The least that is possible: the same requests on kept connections, answers decoded and thrown away.
BARE = """
import http.client, json, queue, ssl, sys, threading, time
port, ca, token, threads, paths = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), json.load(open(sys.argv[5]))
context, waiting = ssl.create_default_context(cafile=ca), queue.SimpleQueue()
for path in paths:
    waiting.put(path)
def work():
    connection = http.client.HTTPSConnection('127.0.0.1', int(port), context=context)
    while True:
        try:
            path = waiting.get_nowait()
        except queue.Empty:
            return
        connection.request('GET', '/api2/json' + path, headers={'Authorization': 'PVEAPIToken=' + token})
        json.loads(connection.getresponse().read() or b'{}')
began = time.perf_counter()
pool = [threading.Thread(target=work) for _ in range(threads)]
[one.start() for one in pool]
[one.join() for one in pool]
print(time.perf_counter() - began)
"""
# From the source's file to filled hosts, after Ansible and the plugin are imported.
READING = """
import sys, time
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
init_plugin_loader()
inventory_loader.get('pve.fleet.pve')
began = time.perf_counter()
manager = InventoryManager(DataLoader(), sources=[sys.argv[1]])
print(time.perf_counter() - began)
assert len(manager.hosts) == int(sys.argv[2]), len(manager.hosts)
"""


class Bench:
    """A folder, a simulated fleet and the programs that are measured on it."""

    def __init__(self, folder: Path, sim: Any, hosts: int) -> None:
        self.folder, self.sim, self.hosts, self.mebibytes = folder, sim, hosts, 0.0

    def clusters(self) -> list[dict]:
        return [
            {'name': name, 'api_host': f'127.0.0.1:{port_of(urls)}', 'ca_path': self.sim.ca_path, 'api_token_id': TOKEN, 'api_token_secret': SECRET}
            for name, urls in self.sim.urls.items()
        ]

    def source(self, **options: Any) -> Path:
        content = {'plugin': 'pve.fleet.pve', 'clusters': self.clusters(), 'hostnames': ['{{ name }}.{{ cluster }}'], **options}
        return self.write('bench.pve.yml', content)

    def write(self, name: str, content: Any) -> Path:
        file = self.folder / name
        file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding='utf-8')
        return file

    def environment(self, plugin: str) -> dict[str, str]:
        mine = checkout.ansible_environment(self.folder / 'home', ANSIBLE_INVENTORY_ENABLED=plugin)
        return {**mine, 'PYTHONPATH': str(checkout.link_collection())}

    def run(self, words: list[str], plugin: str = 'pve.fleet.pve') -> str:
        with tempfile.TemporaryFile('w+') as output, tempfile.TemporaryFile('w+') as errors:
            process = subprocess.Popen([sys.executable, *words], env=self.environment(plugin), cwd=self.folder, stdout=output, stderr=errors)
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.mebibytes = used.ru_maxrss / 1024
            for file in (output, errors):
                file.seek(0)
            if process.returncode:
                raise RuntimeError(errors.read()[-2000:])
            return output.read()

    def listing(self, *sources: Path, plugin: str = 'pve.fleet.pve', hosts: int | None = None) -> float:
        """Seconds of ansible-inventory, after checking that all hosts are there."""
        output = self.folder / 'out.json'
        output.unlink(missing_ok=True)
        places = [word for source in sources for word in ('-i', str(source))]
        began = time.perf_counter()
        self.run(['-m', 'ansible', 'inventory', *places, '--list', '--export', '--output', str(output)], plugin)
        spent = time.perf_counter() - began
        found = len(json.loads(output.read_text())['_meta']['hostvars'])
        if found != (hosts or self.hosts):
            raise RuntimeError(f'{found} hosts instead of {hosts or self.hosts}')
        return spent

    def bare(self, threads: int) -> float:
        name, urls = next(iter(self.sim.urls.items()))
        guests = self.sim.fleet_paths[name]
        file = self.folder / 'paths.json'
        file.write_text(json.dumps(['/cluster/resources', *guests]))
        return float(self.run(['-c', BARE, port_of(urls), self.sim.ca_path, f'{TOKEN}={SECRET}', str(threads), str(file)]))

    def reading(self, **options: Any) -> float:
        return float(self.run(['-c', READING, str(self.source(**options)), str(self.hosts)]))

    def peer(self, most: int | None = None) -> float | None:
        """Seconds of the peer's inventory with one source for each cluster (or for so many), None where it is not installed."""
        if importlib.util.find_spec('ansible_collections.community.proxmox') is None:
            return None
        user, name = TOKEN.split('!')
        sources = [
            self.write(f'{cluster}.proxmox.yml', {
                'plugin': 'community.proxmox.proxmox', 'url': urls[0], 'user': user, 'token_id': name, 'token_secret': SECRET,
                'validate_certs': False, 'want_facts': True, 'exclude_nodes': True,
            })
            for cluster, urls in list(self.sim.urls.items())[:most]
        ]
        output = self.folder / 'peer.json'
        places = [word for source in sources for word in ('-i', str(source))]
        began = time.perf_counter()
        self.run(['-m', 'ansible', 'inventory', *places, '--list', '--export', '--output', str(output)], 'community.proxmox.proxmox')
        return time.perf_counter() - began

    def static(self) -> Path:
        """The hosts, variables and groups that ansible-inventory listed last, as a static YAML file."""
        data = plain(json.loads((self.folder / 'out.json').read_text()))

        def group(name: str) -> dict:
            entry = data.get(name, {})
            hosts = {'hosts': dict.fromkeys(entry['hosts'])} if entry.get('hosts') else {}
            return hosts | ({'children': {one: group(one) for one in entry['children']}} if entry.get('children') else {})

        groups = {name: group(name) for name in data['all']['children'] if name != 'ungrouped'}
        return self.write('static.yml', {'all': {'hosts': data['_meta']['hostvars'], 'children': groups}})


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value['__ansible_unsafe']) if list(value) == ['__ansible_unsafe'] else {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def port_of(urls: list[str]) -> str:
    return str(urllib.parse.urlsplit(urls[0]).port)


def description(clusters: int, guests: int) -> dict:
    """Clusters of five nodes; guests that all run, four machines with an agent for each container."""
    made = []
    for number in range(clusters):
        fifth = max(1, guests // 5)
        common = {'status': 'running', 'tags': ['web', 'prod']}
        machine = {'config': {'cores': 2, 'memory': 2048, 'scsi0': 'local-lvm:8', 'net0': 'virtio,bridge=vmbr0', 'ipconfig0': 'ip=10.0.0.9/8'}}
        container = {'config': {'rootfs': 'local-lvm:8', 'net0': 'name=eth0,bridge=vmbr0,ip=10.0.0.9/8'}}
        kinds = {node: {'agent': True, **machine} for node in range(1, 5)} | {5: {'kind': 'lxc', **container}}
        entries = [{'name': f'host-{node}', 'count': fifth, 'node': f'pve{node}', **common, **kind} for node, kind in kinds.items()]
        made.append({
            'name': f'c{number:02}', 'nodes': [f'pve{node}' for node in range(1, 6)], 'guests': entries,
            'storages': [{'storage': 'local-lvm', 'type': 'lvmthin', 'vgname': 'pve', 'thinpool': 'data', 'content': ['images', 'rootdir'], 'size': '90T'}],
            'tokens': [{'tokenid': TOKEN, 'secret': SECRET, 'privsep': False}],
        })
    return {'seed': 7, 'clusters': made}


@contextlib.contextmanager
def bench(clusters: int, guests: int, latency: str = '0ms') -> Iterator[Bench]:
    from pvesim.fixtures import started

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'fleet.yml'
        file.write_text(yaml.safe_dump(description(clusters, guests)))
        with started('--fleet', str(file), '--port', '0', '--latency', latency) as sim:
            sim.fleet_paths = {}
            for cluster in description(clusters, guests)['clusters']:
                paths = []
                for node in range(1, 6):
                    kind, ask = ('lxc', 'interfaces') if node == 5 else ('qemu', 'agent/network-get-interfaces')
                    fifth = max(1, guests // 5)
                    for place in range(fifth):
                        vmid = 100 + (node - 1) * fifth + place
                        paths += [f'/nodes/pve{node}/{kind}/{vmid}/{what}' for what in ('config', ask)]
                sim.fleet_paths[cluster['name']] = paths
            yield Bench(Path(folder), sim, clusters * max(1, guests // 5) * 5)


def rows(only: str | None = None) -> Iterator[dict]:
    """All rows, or those of one name."""
    for names, measure in ((NAMES[:2], one_cluster), (NAMES[2:5], twenty_clusters), (NAMES[5:7], growth), (NAMES[7:], warm)):
        if only is None or only in names:
            yield from measure()


def one_cluster() -> Iterator[dict]:
    """500 running guests with configuration and addresses, 5 ms latency."""
    with bench(1, 500, '5ms') as here:
        for threads in (16, 5):
            floor = min(here.bare(threads) for dummy in range(3))
            ours = min(here.reading(concurrency=threads, **GATHER) for dummy in range(3))
            yield row(NAMES[0], f's, {threads} at once', ours, floor=floor, goal='ratio_to_floor <= 1.4')
        peer = here.peer()
        for threads in (16, 5):
            source = here.source(concurrency=threads, **GATHER)
            ours = min(here.listing(source) for dummy in range(3))
            yield row(NAMES[1], f's, {threads} at once', ours, peer=peer, goal='ratio_to_peer <= 0.1' if threads == 16 else None)


def twenty_clusters() -> Iterator[dict]:
    with bench(20, 500) as here:
        source = here.source()
        ours = here.listing(source)
        here.sim.control.reset_log()
        here.listing(source)
        yield row(NAMES[3], 'requests', here.sim.control.log(limit=1)['total'] / 20, goal='ours <= 2')
        yield row(NAMES[2], 's', ours, floor=here.listing(here.static(), plugin='yaml'), goal='ratio_to_floor <= 1.5')
        # As one cluster above: without any latency it is only the simulator's one process that is measured.
        here.sim.control.send('POST', 'settings', latency=0.005)
        ours = here.listing(here.source(gather=['network']))
        yield row(NAMES[4], 'MiB', here.mebibytes, goal='ours <= 600')
        if os.environ.get('FULL'):
            yield row(NAMES[4], 's, 5 ms latency', ours, peer=here.peer(), goal='ratio_to_peer <= 0.05')
        else:
            # All twenty take the peer many minutes, for it reads one after another: ours is to be done before its first.
            yield row(NAMES[4], 's, 5 ms latency, the peer with 1 source of the 20', ours, peer=here.peer(1), goal='ratio_to_peer <= 1')


def growth() -> Iterator[dict]:
    """Reading with configuration and addresses, and what that is for each guest: not more when there are more of them."""
    each = {}
    for guests in (10, 100, 1000, 10000):
        with bench(1, guests) as here:
            spent = min(here.reading(**GATHER) for dummy in range(1 if guests > 1000 else 3))
        each[guests] = spent / guests * 1000
        yield row(NAMES[5], f's, {guests:,} guests, reading', spent)
        yield row(NAMES[5], f'ms per guest, {guests:,} guests, reading', each[guests])
    yield row(NAMES[6], 'times', each[10000] / each[100], goal='ours <= 1.1')


def warm() -> Iterator[dict]:
    with bench(2, 100) as here:
        source = here.source(cache=True, cache_plugin='ansible.builtin.jsonfile', cache_connection=str(here.folder / 'cache'), **GATHER)
        here.listing(source)
        here.sim.control.reset_log()
        here.listing(source)
        yield row(NAMES[6], 'requests', here.sim.control.log(limit=1)['total'], goal='ours <= 0')


if __name__ == '__main__':
    for one in rows():
        print(json.dumps(one))
