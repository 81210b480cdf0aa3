"""How the HA manager starts, stops and moves guests of each kind."""

from __future__ import annotations

from collections.abc import Generator

from ..model.guest import Guest
from ..tasks import Task
from .ha_manager import MOVERS, worker
from .lxc_migrate import Migration
from .lxc_power import begin, shut_down
from .qemu_common import Site
from .qemu_power import start_worker, stop_worker


@worker('qemu', 'start')
def start_machine(site: Site, task: Task, guest: Guest) -> Generator:
    yield from start_worker(site, task, guest.vmid)


@worker('qemu', 'stop')
def stop_machine(site: Site, task: Task, guest: Guest) -> Generator:
    yield from stop_worker(site, task, guest.vmid, shutdown=True, timeout=60, force=True)


@worker('lxc', 'start')
def start_container(site: Site, task: Task, guest: Guest) -> Generator:
    yield from begin(site, task, guest)


@worker('lxc', 'stop')
def stop_container(site: Site, task: Task, guest: Guest) -> Generator:
    yield from shut_down(site, task, guest, 60, force=True)


def move_container(site: Site, task: Task, guest: Guest, target: str) -> Generator:
    yield from Migration(site, task, guest.vmid, target, {}, restart=True, timeout=180).run()


MOVERS['lxc'] = move_container
