# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs in the worker, as a module, and beside a task that does nothing: CPU and memory of a whole play."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import yaml
from checkout import ansible_environment
from row import row

HOSTS = 100
FORKS = 20
NAMES = ('in_process_cpu', 'worker_memory')
LOCAL = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}


def rows(only=None):
    """CPU seconds and megabytes; the floor is set_fact on the same hosts, the peer the same task as a module."""
    from pvesim.fixtures import started

    with tempfile.TemporaryDirectory() as name, started('--port', '0', '--start-state', 'single') as sim:
        folder = Path(name)
        read = {
            'pve.fleet.pve_cluster_options_info': {
                'api_host': '127.0.0.1',
                'api_port': sim.port,
                'api_token_id': 'root@pam!bench',
                'api_token_secret': token(sim),
                'ca_path': sim.ca_path,
            }
        }
        nothing = {'ansible.builtin.set_fact': {'fact': 1}}
        inside = play(folder, read)
        floor = play(folder, nothing)
        if only in (None, 'in_process_cpu'):
            module = play(folder, read, pve_fleet_in_process='false')
            yield row(
                'in_process_cpu',
                'CPU s, 100 hosts, 1 read each',
                inside[0],
                floor=floor[0],
                peer=module[0],
                goal='ratio_to_floor <= 1.6 and ratio_to_peer <= 0.125',
            )
        if only in (None, 'worker_memory'):
            yield row('worker_memory', 'MB of a worker above set_fact', inside[1] - floor[1], goal='ours <= 40')


def token(sim):
    """The secret of a new token: a task with one then sends its one request and nothing else."""
    from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
    from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection, Credential, Endpoint

    login = Credential(user='root@pam', password='realpve1')
    client = Client(Connection('bench', (Endpoint('127.0.0.1', sim.port),), login, ca_path=sim.ca_path))
    return client.post('access', 'users', 'root@pam', 'token', 'bench', params={'privsep': False})['value']


def play(folder, task, **variables):
    """(CPU seconds of the play with all its processes, MB of its largest process)."""
    hosts = {'all': {'hosts': {f'host{number}': {} for number in range(HOSTS)}, 'vars': LOCAL}}
    (folder / 'hosts.yml').write_text(yaml.safe_dump(hosts))
    (folder / 'play.yml').write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': [task]}]))
    extra = [word for name, value in variables.items() for word in ('-e', f'{name}={value}')]
    command = [sys.executable, '-m', 'ansible', 'playbook', '-i', 'hosts.yml', '-f', str(FORKS), 'play.yml', *extra]
    process = subprocess.Popen(
        command, cwd=folder, env=ansible_environment(folder / 'home'), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    watch = Watch(process.pid)
    watch.start()
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    watch.ended.set()
    watch.join()
    if status:
        raise RuntimeError(f'the play failed:\n{output.decode()[-2000:]}')
    return usage.ru_utime + usage.ru_stime, watch.largest / 1024


class Watch(threading.Thread):
    """The largest resident size (kB) of the children of a process."""

    def __init__(self, parent):
        super().__init__(daemon=True)
        self.parent = parent
        self.largest = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.05):
            for child in children(self.parent):
                self.largest = max(self.largest, resident(child))


def children(parent):
    try:
        return Path(f'/proc/{parent}/task/{parent}/children').read_text().split()
    except OSError:
        return []


def resident(process):
    try:
        lines = Path(f'/proc/{process}/status').read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith('VmHWM')), 0)
