# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests: requests of an unchanged task and of a new machine, time of many tasks, beside community.proxmox on the same simulator.

The peer is measured where its collection is installed beside the Python that runs this; else its column is empty.
"""
from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from checkout import ansible_environment
from row import row

NAMES = ('guest_unchanged_requests', 'guest_from_template_requests', 'guests_100_unchanged', 'guests_50_clones', 'guests_50_clones_as_list')
LOCAL = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
TOKEN = {'api_user': 'root@pam', 'api_password': 'realpve1'}
DISK_RATE = 512 << 20  # with a disk of 1 GiB a clone takes two seconds
CLONE_SECONDS = 2.0
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu0hYcYKaPHwhI0sgsY8q1sYvz7ZDBCGlVXVgPLDAAA me'


def rows(only: str | None = None) -> Iterator[dict]:
    """The rows of the benchmark table, one after another."""
    from pvesim.fixtures import started

    measures = dict(zip(NAMES, (unchanged_requests, template_requests, many_unchanged, many_clones, list_of_clones), strict=True))
    for name, measure in measures.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory() as folder, started('--port', '0', '--start-state', 'single', '--time', 'real') as sim:
                yield measure(name, Bench(Path(folder), sim))


class Bench:
    """A simulator with a template, and plays against it."""

    def __init__(self, folder: Path, sim: Any):
        self.folder, self.sim = folder, sim
        sim.control.send('POST', 'settings', start_seconds=0.1, disk_rate=DISK_RATE * 100)
        self.play([self.ours(name='golden', node='pve1', state='template', memory='64M', disks={'scsi0': {'storage': 'local', 'size': '1G'}},
                             networks={'net0': {'bridge': 'vmbr0'}}, cloud_init={'storage': 'local'}, boot=['scsi0'])])
        sim.control.advance(30)

    @property
    def peer_is_there(self) -> bool:
        return importlib.util.find_spec('ansible_collections.community.proxmox') is not None

    def ours(self, **options: Any) -> dict:
        return {'pve.fleet.pve_vm': {'api_host': '127.0.0.1', 'api_port': self.sim.port, 'ca_path': self.sim.ca_path, **TOKEN, **options}}

    def peer(self, module: str = 'proxmox_kvm', **options: Any) -> dict:
        where = {'api_host': '127.0.0.1', 'api_port': self.sim.port, 'validate_certs': False, **TOKEN}
        return {f'community.proxmox.{module}': {**where, **options}}

    def play(self, tasks: list[dict], hosts: int = 1, forks: int = 1) -> float:
        """Seconds of a play; raises RuntimeError with its output when it failed."""
        inventory = {'all': {'hosts': {f'vm-{number:03}': {} for number in range(hosts)}, 'vars': LOCAL}}
        (self.folder / 'hosts.yml').write_text(yaml.safe_dump(inventory))
        (self.folder / 'play.yml').write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': tasks}]))
        command = [sys.executable, '-m', 'ansible', 'playbook', '-i', 'hosts.yml', '-f', str(forks), 'play.yml']
        began = time.perf_counter()
        done = subprocess.run(command, cwd=self.folder, env=ansible_environment(self.folder / 'home'), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f'the play failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}')
        return time.perf_counter() - began

    def requests(self, tasks: list[dict]) -> int:
        """How many requests the tasks send, logins included."""
        self.sim.control.reset_log()
        self.play(tasks)
        return self.sim.control.log(1)['total']


def unchanged_requests(name: str, bench: Bench) -> dict:
    task = bench.ours(name='web', node='pve1', memory='64M', tags=['a'], disks={'scsi0': {'storage': 'local', 'size': '1G'}}, state='started')
    bench.play([task])
    bench.sim.control.advance(30)
    return row(name, 'requests besides the login', bench.requests([task]) - 1, goal='ours <= 3')


def template_requests(name: str, bench: Bench) -> dict:
    """A clone with other memory, network, cloud-init and a grown disk, started."""
    ours = bench.requests([bench.ours(
        name='ours', clone={'template': 'golden'}, memory='128M', networks={'net0': {'bridge': 'vmbr0', 'firewall': True}},
        cloud_init={'user': 'ops', 'ssh_keys': [KEY], 'ip': {'net0': {'address': '10.0.0.5/24', 'gateway': '10.0.0.1'}}},
        disks={'scsi0': {'size': '2G'}}, state='started')])
    peer = None
    if bench.peer_is_there:
        same = {'name': 'theirs', 'node': 'pve1'}
        peer = bench.requests([
            bench.peer(**same, clone='golden', newid=900, timeout=60),
            bench.peer(**same, vmid=900, update=True, update_unsafe=True, memory=128, net={'net0': 'virtio,bridge=vmbr0,firewall=1'},
                       ciuser='ops', sshkeys=KEY, ipconfig={'ipconfig0': 'ip=10.0.0.5/24,gw=10.0.0.1'}),
            bench.peer('proxmox_disk', vmid=900, disk='scsi0', size='2G', state='resized'),
            bench.peer(vmid=900, state='started', timeout=60),
        ])
    return row(name, 'requests', ours, peer=peer, goal='ratio_to_peer <= 0.5')


def many_unchanged(name: str, bench: Bench) -> dict:
    ours = bench.ours(name='{{ inventory_hostname }}', node='pve1', memory='64M', cores=1)
    bench.play([ours], 100, 20)
    bench.sim.control.advance(30)
    seconds = bench.play([ours], 100, 20)
    floor = bench.play([{'ansible.builtin.set_fact': {'fact': 1}}], 100, 20)
    peer = None
    if bench.peer_is_there:
        peer = bench.play([bench.peer(name='{{ inventory_hostname }}', node='pve1', memory=64, cores=1, update=True)], 100, 20)
    return row(name, 's, 100 machines, forks 20', seconds, floor=floor, peer=peer, goal='ratio_to_peer <= 0.125')


def many_clones(name: str, bench: Bench) -> dict:
    """The ideal is one clone's time beside the play that does nothing."""
    floor = CLONE_SECONDS + bench.play([{'ansible.builtin.set_fact': {'fact': 1}}], 50, 50)
    bench.sim.control.send('POST', 'settings', disk_rate=DISK_RATE)
    seconds = bench.play([bench.ours(name='{{ inventory_hostname }}', clone={'template': 'golden'}, memory='128M')], 50, 50)
    return row(name, 's, 50 clones of 2 s, forks 50', seconds, floor=floor, goal='ratio_to_floor <= 1.5')


def list_of_clones(name: str, bench: Bench) -> dict:
    """The same in one pve_guests task."""
    floor = CLONE_SECONDS + bench.play([{'ansible.builtin.set_fact': {'fact': 1}}])
    bench.sim.control.send('POST', 'settings', disk_rate=DISK_RATE)
    guests = [{'name': f'vm-{number:03}', 'clone': {'template': 'golden'}, 'memory': '128M'} for number in range(50)]
    connection = bench.ours()['pve.fleet.pve_vm']
    seconds = bench.play([{'pve.fleet.pve_guests': {**connection, 'guests': guests, 'concurrency': 50}}])
    return row(name, 's, 50 clones of 2 s in one task', seconds, floor=floor)
