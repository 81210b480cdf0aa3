# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the guest modules in this process against a simulator, and looking at what they did."""
from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from typing import Any

MODULES = 'ansible_collections.pve.fleet.plugins.modules'
ROOT = {'api_user': 'root@pam', 'api_password': 'realpve1'}
GIB = 1 << 30

logging.getLogger('aiohttp').setLevel(logging.ERROR)


class Tasks:
    """Tasks on one simulator: tasks.vm(name='web', ...) -> the result, also of a failed one."""

    def __init__(self, simulator: Any, login: dict | None = None):
        self.simulator = simulator
        self.login = login or ROOT
        self.progress: list[str] = []
        from ansible_collections.pve.fleet.plugins.module_utils.api import tasks

        tasks.FIRST_PAUSE = 0.005

    @property
    def cluster(self) -> Any:
        return next(iter(self.simulator.fleet.clusters.values()))

    def connection(self) -> dict:
        host = self.simulator.url.removeprefix('https://')
        return {'api_host': host, 'ca_path': self.simulator.ca_path, **self.login}

    def run(self, module: str, check: bool = False, **options: Any) -> dict:
        from ansible_collections.pve.fleet.plugins.module_utils import runner
        from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
        from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

        spec = importlib.import_module(f'{MODULES}.{module}').SPEC
        params, error, _warnings, _deprecations, secrets = validate(spec, {**self.connection(), **options}, module)
        if error:
            return {'failed': True, 'msg': error}
        return runner.execute(spec, params, Access(params), check_mode=check, diff_mode=True, secrets=secrets, progress=self.progress.append)

    def vm(self, check: bool = False, **options: Any) -> dict:
        return self.run('pve_vm', check, **options)

    def container(self, check: bool = False, **options: Any) -> dict:
        return self.run('pve_container', check, **options)

    def exact(self, module: str, **options: Any) -> dict:
        """Check mode, then the real run, then the same again: the first two agree, the last has nothing to do."""
        predicted = self.run(module, True, **options)
        result = self.run(module, **options)
        assert not result.get('failed'), result['msg']
        assert (predicted.get('changes'), predicted.get('diff')) == (result['changes'], result['diff'])
        again = self.run(module, **options)
        assert not again.get('failed'), again['msg']
        assert (again['changed'], again['changes']) == (False, [])
        return result

    def requests(self) -> list[str]:
        """'GET /nodes' of every request since the last reset, in order, logins left out."""
        entries = self.simulator.control.log(1000)
        return [f'{one["method"]} {one["path"].removeprefix("/api2/json")}' for one in entries['requests'] if 'access/ticket' not in one['path']]


def prepare(simulator: Any) -> None:
    """A pair of nodes on which containers run and virtual machines have a second, shared storage."""
    cluster = next(iter(simulator.fleet.clusters.values()))
    for node in cluster.nodes.values():
        node.extra.update(cgroups_closed=False, container=False)
        node.cpus = 32
    cluster.storages['shared'] = {'type': 'nfs', 'path': '/mnt/pve/shared', 'content': 'images,rootdir,iso,vztmpl,backup,snippets,import',
                                  'shared': 1, 'server': '10.111.0.50', 'export': '/export'}
    cluster.storages['isos'] = {'type': 'dir', 'path': '/srv/isos', 'content': 'iso,vztmpl'}


def map_devices(cluster: Any) -> None:
    """The mappings 'stick' (USB) and 'card' (PCI), each with a device of every node."""
    cluster.section('mapping-usb')['stick'] = {'map': [f'id=1234:5678,node={node}' for node in cluster.nodes]}
    cluster.section('mapping-pci')['card'] = {'map': [f'id=8086:0d57,node={node},path=0000:00:00.0' for node in cluster.nodes]}
    for node in cluster.nodes.values():
        node.extra['usb_devices'] = ['1234:5678']


@contextlib.contextmanager
def paired(**options: Any) -> Iterator[Any]:
    """A running simulator of that pair."""
    from pvesim.fixtures import running

    with running(start_state='pair', **options) as simulator:
        prepare(simulator)
        yield simulator


def golden_vm(tasks: Tasks, **options: Any) -> None:
    """The template 'golden' of a virtual machine, with a disk of 1G, a network and a cloud-init drive."""
    made = tasks.vm(**{'name': 'golden', 'node': 'pve1', 'state': 'template', 'memory': '512M',
                       'disks': {'scsi0': {'storage': 'shared', 'size': '1G'}}, 'networks': {'net0': {'bridge': 'vmbr0'}},
                       'cloud_init': {'storage': 'shared', 'user': 'first'}, **options})
    assert not made.get('failed'), made['msg']
    tasks.cluster.guests[made['vm']['vmid']].installed = True


def golden_container(tasks: Tasks, **options: Any) -> None:
    """The template 'golden' of a container."""
    made = tasks.container(**{'name': 'golden', 'node': 'pve1', 'state': 'template', 'disks': {'rootfs': {'storage': 'shared', 'size': '1G'}},
                              'ostemplate': 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', **options})
    assert not made.get('failed'), made['msg']


def named(tasks: Tasks, name: str) -> list[Any]:
    """The simulator's guests of that name."""
    return [one for one in tasks.cluster.guests.values() if name in (one.config.get('name'), one.config.get('hostname'))]


def orphans(tasks: Tasks) -> list[str]:
    """Volumes of guests that no configuration names."""
    used = ' '.join(str(value) for one in tasks.cluster.guests.values() for value in [*one.config.values(), *one.pending.values()])
    return [volid for place in tasks.cluster.volumes.by_place.values() for volid, volume in place.items()
            if volume.content in ('images', 'rootdir') and volid not in used]
