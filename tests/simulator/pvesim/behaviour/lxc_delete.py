"""DELETE lxc/{vmid}."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, TaskError, operation
from ..model import firewall, guest_references, ha, storage
from ..model.guest import Guest
from ..tasks import Task
from .lxc_common import check_lock, check_protection, check_writable, load, own_volumes, wait_for_file_lock
from .lxc_power import finish
from .qemu_common import Site, replication_jobs, site_of


@operation('DELETE', '/nodes/{node}/lxc/{vmid}')
def delete(call: Call) -> str:
    params, site = call.params, site_of(call)
    vmid = params['vmid']
    guest = load(site, vmid)
    check_protection(guest, f"can't remove CT {vmid}")
    purge, force = bool(params.get('purge')), bool(params.get('force'))
    if ha.resource(call.cluster, guest) is not None and not purge:
        raise ApiError(f'unable to remove CT {vmid} - used in HA resources and purge parameter not set.')
    if not purge and replication_jobs(call.cluster, vmid):
        raise ApiError(f"There is a replication job '{replication_jobs(call.cluster, vmid)[0]}' for guest '{vmid}' - "
                       'Please remove that first.')
    check_running(guest, force)
    wait_for_file_lock(call, guest)
    check_writable(site, vmid)
    everything = bool(params.get('destroy-unreferenced-disks'))
    return call.task('vzdestroy', vmid, lambda task: destroy(site, task, vmid, purge, force, everything))


def check_running(guest: Guest, force: bool) -> None:
    if guest.running and not force:
        raise ApiError(f'unable to destroy CT {guest.vmid} - container is running')


def destroy(site: Site, task: Task, vmid: int, purge: bool, force: bool, everything: bool) -> Generator:
    guest = load(site, vmid)
    check_lock(guest)
    check_running(guest, force)
    if guest.running:
        task.warn(f'forced to stop CT {vmid} before destroying!')
        yield 0.5
        finish(site, guest)
    check_not_cloned(site, guest)
    yield 0.5
    for volid in own_volumes(guest, site.cluster.release):
        free(site, task, volid)
    if everything:
        for volid in owned(site, vmid):
            free(site, task, volid)
    guest_references.remove_access(site.cluster, vmid)
    firewall.forget_guest(site.cluster, vmid)
    if purge:
        task.log(f'purging CT {vmid} from related configurations..')
        if guest_references.purge(site.cluster, guest):
            task.log(f'NOTE: removed CT {vmid} from HA resource configuration.')
    del site.cluster.guests[vmid]


def check_not_cloned(site: Site, guest: Guest) -> None:
    for volid in own_volumes(guest, site.cluster.release):
        if storage.find(site.cluster, site.node, volid) and storage.linked_clones(site.cluster, site.node, volid):
            raise TaskError(f"base volume '{volid.partition(':')[2]}' is still in use by linked clones")


def owned(site: Site, vmid: int) -> list[str]:
    return [volume.volid for storeid, config in site.cluster.storages.items()
            if storage.is_enabled(config, site.node) and storage.contents(config) & set(storage.IMAGES)
            for volume in storage.volume_list(site.cluster, site.node, storeid, vmid)
            if volume.vmid == vmid and volume.content in storage.IMAGES]


def free(site: Site, task: Task, volid: str) -> None:
    """Remove a volume that belongs to the container; one that cannot be removed is only mentioned."""
    try:
        storage.free(site.cluster, site.node, volid)
    except ApiError as error:
        task.log(error.message)
