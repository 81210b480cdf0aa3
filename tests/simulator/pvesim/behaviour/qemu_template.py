"""Templates, and what the volumes of a VM can do."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, operation
from ..model import storage, volumes
from ..model.guest import Guest
from .qemu_common import Site, check_lock, hold, load, running, site_of
from .qemu_drive import drives_of, is_cdrom, print_drive, volumes_of

VM = '/nodes/{node}/qemu/{vmid}'


def check_convertible(site: Site, vmid: int, disk: str | None) -> Guest:
    guest = load(site, vmid)
    check_lock(guest)
    if guest.snapshots:
        raise ApiError('unable to create template, because VM contains snapshots')
    if guest.template and not disk:
        raise ApiError("you can't convert a template to a template")
    if guest.running:
        raise ApiError("you can't convert a VM to template if VM is running")
    return guest


@operation('POST', f'{VM}/template')
def template(call: Call) -> str:
    site, vmid, disk = site_of(call), call.params['vmid'], call.params.get('disk')
    check_convertible(site, vmid, disk)

    def work() -> Generator:
        guest = check_convertible(site, vmid, disk)
        guest.config['template'] = 1
        yield 0.3
        make_bases(site, guest, disk)

    def worker(task: Any) -> Generator:
        yield from hold(load(site, vmid), task, work())

    return call.task('qmtemplate', vmid, worker)


def make_bases(site: Site, guest: Guest, disk: str | None) -> None:
    """Turn the disks (or that one) into base images, where the storage has them."""
    for name, drive in drives_of(guest.config):
        if is_cdrom(drive) or (disk and name != disk) or ':' not in drive['file']:
            continue
        if volumes.has_feature(site.cluster, drive['file'], 'template'):
            drive['file'] = volumes.make_base(site.cluster, site.node, drive['file'])
            guest.config[name] = print_drive(drive)


@operation('GET', f'{VM}/feature')
def feature(call: Call) -> dict:
    site, params = site_of(call), call.params
    running(site, params['vmid'])
    guest = load(site, params['vmid'])
    snapname = params.get('snapname')
    if snapname and snapname not in guest.snapshots:
        raise ApiError(f"snapshot '{snapname}' does not exist")
    config = guest.snapshots[snapname] if snapname else guest.config
    has = has_feature(site, config, params['feature'], snapname)
    return {'hasFeature': int(has), 'nodes': shared_nodes(site, config)}


def has_feature(site: Site, config: dict, name: str, snapname: str | None = None) -> bool:
    """Whether every disk of a configuration has the feature."""
    return all(volumes.has_feature(site.cluster, volid, name, snapname)
               for _drive, volid in volumes_without_cdroms(config))


def volumes_without_cdroms(config: dict) -> list[tuple[str, str]]:
    return [(name, drive['file']) for name, drive in drives_of(config)
            if not is_cdrom(drive) and ':' in drive.get('file', '')]


def shared_nodes(site: Site, config: dict) -> list[str]:
    """The nodes that can reach every volume of the configuration."""
    found = list(site.cluster.nodes)
    for _name, volid in volumes_of(config):
        section = storage.section(site.cluster, volumes.storage_of(volid))
        found = [node for node in found if storage.is_enabled(section, node)]
        if not storage.is_shared(section):
            found = [node for node in found if node == site.node]
    return found
