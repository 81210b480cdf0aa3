"""What several storage handlers share: who may see a volume, and volume parameters in both their forms."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError
from ..model import storage, volume_names

READ = ('Datastore.Audit', 'Datastore.AllocateSpace')


def check_volume_access(call: Call, volid: str, vmid: int | None = None, content: str | None = None) -> None:
    """Raise unless the caller may use that volume (PVE::Storage::check_volume_access)."""
    if not volume_names.VOLID.match(volid):
        if call.user != 'root@pam':
            raise ApiError('Only root can pass arbitrary filesystem paths.')
        return
    storeid, parsed = storage.parse(call.cluster, volid)
    if content and parsed.content != content:
        raise ApiError(f"unexpected content type '{parsed.content}' for '{volid}', expected '{content}'")
    where = f'/storage/{storeid}'
    if call.may(where, 'Datastore.Allocate'):
        return
    if parsed.content in ('iso', 'vztmpl', 'import'):
        call.require(where, 'Datastore.AllocateSpace', 'Datastore.Audit', any=True)
    elif parsed.vmid is not None and parsed.vmid == vmid:
        return
    elif parsed.content == 'backup' and parsed.vmid is not None:
        call.require(where, 'Datastore.AllocateSpace')
        call.require(f'/vms/{parsed.vmid}', 'VM.Backup')
    elif parsed.content in storage.IMAGES and parsed.vmid is not None:
        call.require(where, 'Datastore.Audit')
        call.require(f'/vms/{parsed.vmid}', 'VM.Config.Disk')
    else:
        raise ApiError(f'missing privileges to access {volid}')


def may_access(call: Call, volid: str) -> bool:
    try:
        check_volume_access(call, volid)
    except ApiError:
        return False
    return True


def real_volume_id(storeid: str | None, volume: str) -> str:
    """The full volume id of a {volume} that may come with or without its storage."""
    if ':' in volume:
        found = volume_names.VOLID.match(volume)
        if not found:
            raise ParameterError({'volume': f"unable to parse volume ID '{volume}'\n"})
        if storeid and storeid != found[1]:
            raise ParameterError({'volume': f'storage IDs do not match ({storeid} != {found[1]})\n'})
        return volume
    if not storeid:
        raise ParameterError({'volume': 'no storage specified - incomplete volume ID'})
    return f'{storeid}:{volume}'


def backup_volume_id(storeid: str, volume: str) -> str:
    """The volume id of an archive that may be named in full, as 'backup/name' or by its name."""
    found = volume_names.VOLID.match(volume)
    if found:
        if found[1] != storeid:
            raise ParameterError({'volume': f'storage IDs do not match ({found[1]} != {storeid}).'})
        return volume
    return f'{storeid}:{volume}' if volume.startswith('backup/') else f'{storeid}:backup/{volume}'
