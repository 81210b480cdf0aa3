"""prunebackups: what a retention would remove, and removing it."""

from __future__ import annotations

from collections.abc import Generator

from ..call import ApiError, Call, operation
from ..model import prune, storage
from ..tasks import Task


def retention(call: Call, config: dict) -> dict[str, int]:
    """The keep-* options of the request, else those of the storage, else PVE's 500."""
    text = call.params.get('prune-backups') or config.get('prune-backups')
    if not text:
        raise ApiError(f"no prune-backups options configured for storage '{call.params['storage']}'")
    return prune.parse_keep(text)


def candidates(call: Call) -> list[storage.Volume]:
    params = call.params
    return [
        volume
        for volume in storage.volume_list(call.cluster, call.node.name, params['storage'], params.get('vmid'), 'backup')
        if params.get('type') in (None, prune.archive_kind(volume)) and params.get('vmid') in (None, volume.vmid)
    ]


def rows_of(volumes: list[storage.Volume], marks: dict[str, str]) -> list[dict]:
    rows = []
    for volume in volumes:
        row = {'volid': volume.volid, 'ctime': volume.ctime, 'type': prune.archive_kind(volume), 'mark': marks[volume.volid]}
        if volume.vmid is not None:
            row['vmid'] = volume.vmid
        rows.append(row)
    return sorted(rows, key=lambda row: (row['type'], row.get('vmid', 0), row['ctime']))


def usable(call: Call) -> dict:
    return storage.check_enabled(call.cluster, call.params['storage'], call.node.name)


@operation('GET', '/nodes/{node}/storage/{storage}/prunebackups')
def dryrun(call: Call) -> list:
    config = storage.section(call.cluster, call.params['storage'])
    keep = retention(call, config)
    usable(call)
    volumes = candidates(call)
    return rows_of(volumes, prune.mark(volumes, keep))


@operation('DELETE', '/nodes/{node}/storage/{storage}/prunebackups')
def delete(call: Call) -> str:
    storeid, vmid = call.params['storage'], call.params.get('vmid')
    if vmid is None or not call.may(f'/storage/{storeid}', 'Datastore.Allocate'):
        call.require(f'/storage/{storeid}', 'Datastore.AllocateSpace' if vmid is not None else 'Datastore.Allocate')
        if vmid is not None:
            call.require(f'/vms/{vmid}', 'VM.Backup')
    config = storage.section(call.cluster, storeid)
    keep = retention(call, config)
    node = call.node.name

    def worker(task: Task) -> Generator:
        usable(call)
        volumes = candidates(call)
        marks = prune.mark(volumes, keep)
        yield 0.2
        for row in rows_of(volumes, marks):
            if row['mark'] == 'remove':
                storage.free(call.cluster, node, row['volid'])
            task.log(f"Keeping archive '{row['volid']}'" if row['mark'] != 'remove' else f"Removed volume '{row['volid']}'")

    name = f'{vmid}@{storeid}' if vmid is not None else storeid
    return call.task('prunebackups', name, worker)
