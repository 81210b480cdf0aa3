"""Destroying a VM with its volumes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, operation
from ..model import firewall, guest_references, ha, storage, volumes
from ..model.guest import Guest
from .qemu_common import Site, check_lock, check_protection, hold, load, only_root, replication_jobs, site_of
from .qemu_drive import is_cdrom, is_cloudinit, parse_drive, volumes_of
from .qemu_pending import owned


def check_early(site: Site, vmid: int, purge: bool) -> Guest:
    """500 for what keeps a VM from being destroyed."""
    guest = load(site, vmid)
    check_protection(guest, f"can't remove VM {vmid}")
    if not purge:
        if ha.resource(site.cluster, guest) is not None:
            raise ApiError(f'unable to remove VM {vmid} - used in HA resources and purge parameter not set.')
        for job in replication_jobs(site.cluster, vmid)[:1]:
            raise ApiError(f"There is a replication job '{job}' for guest '{vmid}' - Please remove that first.")
    if guest.running:
        raise ApiError(f'VM {vmid} is running - destroy failed')
    return guest


@operation('DELETE', '/nodes/{node}/qemu/{vmid}')
def destroy(call: Call) -> str:
    only_root(call, 'skiplock')
    site, vmid, params = site_of(call), call.params['vmid'], call.params
    purge = bool(params.get('purge'))
    check_early(site, vmid, purge)

    def worker(task: Any) -> Generator:
        guest = load(site, vmid)
        yield from hold(guest, task, work(task))

    def work(task: Any) -> Generator:
        guest = check_early(site, vmid, purge)
        yield from remove_volumes(site, task, guest, bool(params.get('skiplock')),
                                  params.get('destroy-unreferenced-disks'))
        guest_references.remove_access(site.cluster, vmid)
        firewall.forget_guest(site.cluster, vmid)
        if purge:
            task.log(f'purging VM {vmid} from related configurations..')
            if guest_references.purge(site.cluster, guest):
                task.log(f'NOTE: removed VM {vmid} from HA resource configuration.')
        site.cluster.guests.pop(vmid, None)

    return call.task('qmdestroy', vmid, worker)


def remove_volumes(site: Site, task: Any, guest: Guest, skiplock: bool, unreferenced: bool | None) -> Generator:
    """Free the volumes of the VM; a base image with linked clones stands in the way of all of it."""
    if not skiplock:
        check_lock(guest)
    if guest.template:
        check_no_clones(site, guest)
    guest.config['lock'] = 'destroyed'
    for volid in sorted(referenced(site, guest)):
        try:
            storage.free(site.cluster, site.node, volid)
        except ApiError as error:
            task.warn(f"Could not remove disk '{volid}', check manually: {error.message}")
        yield 0.05
    if unreferenced:
        for volid in orphans(site, guest.vmid):
            storage.free(site.cluster, site.node, volid)
            yield 0.05


def check_no_clones(site: Site, guest: Guest) -> None:
    for _name, volid in volumes_of(guest.config):
        drive = {'file': volid}
        if not is_cloudinit(drive) and storage.linked_clones(site.cluster, site.node, volid):
            raise ApiError(f"base volume '{volid}' is still in use by linked cloned")


def referenced(site: Site, guest: Guest) -> set[str]:
    """The volumes of this VM that its configuration, pending changes or snapshots name."""
    found: set[str] = set()
    for config in (guest.config, guest.pending, *guest.snapshots.values()):
        for name, volid in volumes_of(config, unused=True):
            drive = parse_drive(config[name])
            if not is_cdrom(drive, besides_cloudinit=True) and owned(site, guest.vmid, volid):
                found.add(volid)
        if config.get('vmstate'):
            found.add(config['vmstate'])
    return {volid for volid in found if volumes.storage_of(volid) in site.cluster.storages}


def orphans(site: Site, vmid: int) -> list[str]:
    """Images of that id on the enabled storages of the node."""
    found = []
    for storeid, section in site.cluster.storages.items():
        if storage.is_enabled(section, site.node):
            found += [volume.volid for volume in storage.place(site.cluster, storeid, site.node).values()
                      if volume.vmid == vmid and volume.content in storage.IMAGES]
    return found
