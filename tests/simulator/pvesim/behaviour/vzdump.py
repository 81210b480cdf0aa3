"""Backups: the vzdump call, its defaults, and the configuration in an archive."""

from __future__ import annotations

import re

from ..call import ApiError, Call, ParameterError, operation
from ..model import backups, prune, storage, volume_names
from .storage_access import READ, check_volume_access
from .vzdump_job import Job

ROOT_ONLY = ('dumpdir', 'script', 'tmpdir')
SYSTEM = ('bwlimit', 'ionice', 'performance')
DEFAULTS = {
    'all': 0, 'bwlimit': 0, 'compress': '0', 'fleecing': {'enabled': 0}, 'ionice': 7, 'lockwait': 180,
    'mailnotification': 'always', 'mode': 'snapshot', 'notification-mode': 'auto',
    'performance': {'max-workers': 16, 'pbs-entries-max': 1048576}, 'pigz': 0, 'prune-backups': 'keep-all=1', 'quiet': 0,
    'remove': 1, 'stdexcludes': 1, 'stop': 0, 'stopwait': 10, 'zstd': 1,
}
SINCE_8 = ('fleecing', 'notification-mode')


@operation('GET', '/nodes/{node}/vzdump/defaults')
def defaults(call: Call) -> dict:
    storeid = call.params.get('storage', 'local')
    call.require(f'/storage/{storeid}', *READ, any=True)
    config = backup_storage(call, storeid)
    answer = {key: value for key, value in DEFAULTS.items() if call.release != '7.4' or key not in SINCE_8}
    answer['storage'] = storeid
    if config['type'] != 'pbs':
        answer['dumpdir'] = volume_names.content_folder(config, 'backup')
    if text := config.get('prune-backups'):
        answer['prune-backups'] = prune.print_keep(prune.parse_keep(text))
    if not call.may(f'/nodes/{call.node.name}', 'Sys.Audit'):
        for name in (*ROOT_ONLY, *SYSTEM, 'mailto'):
            answer.pop(name, None)
    return answer


def backup_storage(call: Call, storeid: str) -> dict:
    """The section of a storage that can take backups, else the 500 of PVE."""
    config = storage.section(call.cluster, storeid)
    if not (storage.type_of(config).file_based or config['type'] == 'pbs'):
        raise ApiError(f"can't use storage type '{config['type']}' for backup")
    if 'backup' not in storage.contents(config):
        raise ApiError(f"can't use storage '{storeid}' for backups - wrong content type")
    return config


@operation('POST', '/nodes/{node}/vzdump')
def vzdump(call: Call) -> str:
    params = {name: value for name, value in call.params.items() if name != 'node' or 'node' in call.given}
    if params.get('stdout'):
        raise ParameterError({'stdout': 'option is only allowed on the command line interface.'})
    check_options(call, params)
    verify(params)
    local, skipped = included(call, params)
    if params.get('stop'):
        stop_running(call)
    if not local and not params.get('all'):
        return 'OK'
    if 'dumpdir' not in params:
        params.setdefault('storage', 'local')
        call.require(f'/storage/{params["storage"]}', 'Datastore.AllocateSpace')
    job = Job(call, params, local, skipped, command_line(call, params))
    return call.task('vzdump', local[0] if len(local) == 1 else None, job.worker)


def check_options(call: Call, params: dict) -> None:
    """Options that not everybody may give."""
    for name in ROOT_ONLY:
        if name in params and not call.is_root:
            raise ApiError(403, f'Permission check failed (Only root may set this option: {name})')
    if any(name in params for name in SYSTEM):
        call.require('/', 'Sys.Modify')
    if params.get('pool') and params['pool'] not in call.cluster.pools:
        raise ApiError(403, f"Permission check failed (pool '{params['pool']}' does not exist)")
    if params.get('pool'):
        call.require(f'/pool/{params["pool"]}', 'VM.Backup')


def verify(params: dict) -> None:
    """PVE::VZDump::verify_vzdump_parameters."""
    for name in ('all', 'exclude', 'pool'):
        if params.get(name) and params.get('vmid'):
            raise ParameterError({name: "option conflicts with option 'vmid'"})
    if 'maxfiles' in params and 'prune-backups' in params:
        raise ParameterError({'prune-backups': "option conflicts with option 'maxfiles'"})
    if fault := backups.notes_template_fault(params.get('notes-template') or ''):
        raise ParameterError({'notes-template': fault})
    if params.get('exclude') and not params.get('pool'):
        params['all'] = True
    if not any(params.get(name) for name in ('all', 'stop', 'pool', 'vmid')):
        raise ParameterError({'vmid': 'property is missing'})


def numbers(text: str | None) -> list[int]:
    return sorted({int(item) for item in re.split(r'[,;\s]+', str(text or '')) if item})


def included(call: Call, params: dict) -> tuple[list[int], list[int]]:
    """(guests of this node and ids without a guest, guests of other nodes) that the parameters mean."""
    guests = call.cluster.guests
    if params.get('pool'):
        wanted = sorted(call.cluster.pools[params['pool']].get('vms', ()))
    elif params.get('all'):
        excluded = numbers(params.get('exclude'))
        wanted = sorted(vmid for vmid in guests if vmid not in excluded)
    else:
        wanted = numbers(params.get('vmid'))
    local = [vmid for vmid in wanted if vmid not in guests or guests[vmid].node == call.node.name]
    if params.get('all') or params.get('pool'):
        local = [vmid for vmid in local if vmid in guests and call.may(f'/vms/{vmid}', 'VM.Backup')]
    else:
        for vmid in local:
            call.require(f'/vms/{vmid}', 'VM.Backup')
    return local, [vmid for vmid in wanted if vmid in guests and guests[vmid].node != call.node.name]


def stop_running(call: Call) -> None:
    from ..tasks import stop

    for task in list(call.cluster.tasks.values()):
        if task.type == 'vzdump' and task.node == call.node.name and task.running:
            stop(task)


def command_line(call: Call, params: dict) -> str:
    """The call as a command line, with which the log begins."""
    words = ['vzdump', *map(str, numbers(params.get('vmid')))]
    shown = {**{name: params[name] for name in params if name in call.given}, 'node': call.node.name}
    for name in sorted(shown):
        if name in ('vmid', 'id', 'stdout') or shown[name] in (None, ''):
            continue
        for value in shown[name] if isinstance(shown[name], list) else [shown[name]]:
            text = str(int(value) if isinstance(value, bool) else value)
            words += [f'--{name}', text if re.fullmatch(r'[\w@%+=:,./-]+', text) else "'" + text.replace("'", "'\"'\"'") + "'"]
    return ' '.join(words)


@operation('GET', '/nodes/{node}/vzdump/extractconfig')
def extractconfig(call: Call) -> str:
    volid = call.params['volume']
    check_volume_access(call, volid, content='backup')
    storage.check_enabled(call.cluster, volid.partition(':')[0], call.node.name)
    volume = storage.find(call.cluster, call.node.name, volid)
    if volume is None:
        raise ApiError(f"volume '{volid}' does not exist")
    return backups.config_text(volume)
