"""The guest agent's calls: answered from Guest.agent, or made up from the configuration of an installed guest."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..call import ApiError, Call, operation
from ..model.guest import Guest
from . import qemu_guest_os as system
from .qemu_common import Site, load, site_of
from .qemu_power import stopped

AGENT = '/nodes/{node}/qemu/{vmid}/agent'
MAX_READ = 16 << 20
GET_COMMANDS = ('get-fsinfo', 'get-host-name', 'get-memory-block-info', 'get-memory-blocks', 'get-osinfo', 'get-time',
                'get-timezone', 'get-users', 'get-vcpus', 'info', 'network-get-interfaces')
POST_COMMANDS = ('fsfreeze-freeze', 'fsfreeze-status', 'fsfreeze-thaw', 'fstrim', 'ping', 'shutdown', 'suspend-disk',
                 'suspend-hybrid', 'suspend-ram')
OTHERS = ('exec', 'exec-status', 'file-read', 'file-write', 'set-user-password')


@operation('GET', AGENT)
def index(call: Call) -> list:
    return [{'name': name} for name in sorted((*GET_COMMANDS, *POST_COMMANDS, *OTHERS))]


def answers(site: Site, guest: Guest) -> bool:
    """Whether an agent is there and has come up since the VM was started."""
    if not guest.installed and guest.agent is None:
        return False
    if guest.qmpstatus != 'running' or (guest.agent or {}).get('down'):
        return False
    if site.fleet.clock.mode == 'fast' or guest.extra.get('resumed'):
        return True
    began = max(guest.started_at, guest.extra.get('reset_at', 0.0))
    return site.now() - began >= site.setting('boot_seconds')


def available(call: Call) -> Guest:
    """The VM whose agent answers; else 500 with the cause. The last cause takes three seconds to be found."""
    site = site_of(call)
    guest = load(site, call.params['vmid'])
    if 'agent' not in guest.config:
        raise ApiError('No QEMU guest agent configured')
    if not guest.running:
        raise ApiError(f'VM {guest.vmid} is not running')
    if not answers(site, guest):
        error = ApiError('QEMU guest agent is not running')
        error.delay = 3.0
        raise error
    return guest


def run(call: Call, command: str) -> dict:
    guest = available(call)
    return {'result': result_of(call, guest, command)}


def result_of(call: Call, guest: Guest, command: str) -> Any:
    own = guest.agent or {}
    if command in own.get('results', {}):
        return own['results'][command]
    if command in ('shutdown', 'suspend-ram', 'suspend-disk', 'suspend-hybrid'):
        return power(call, guest, command)
    if command.startswith('fsfreeze'):
        return freeze(guest, command)
    return system.QUERIES[command](call.cluster, guest, call.clock.now())


def power(call: Call, guest: Guest, command: str) -> None:
    """The guest goes down, or to sleep, by itself a little later."""
    site = site_of(call)

    def act() -> None:
        if not guest.running:
            return
        if command == 'suspend-ram':
            guest.qmpstatus = 'suspended'
        else:
            stopped(site, guest)

    call.clock.call_after(site.setting('shutdown_seconds'), act)


def freeze(guest: Guest, command: str) -> Any:
    if command == 'fsfreeze-status':
        return 'frozen' if guest.extra.get('frozen') else 'thawed'
    was = bool(guest.extra.pop('frozen', False))
    count = len(system.file_systems(guest))
    if command == 'fsfreeze-freeze':
        guest.extra['frozen'] = True
        return count
    return count if was else 0


def register(command: str, method: str) -> None:
    @operation(method, f'{AGENT}/{command}')
    def handler(call: Call) -> dict:
        return run(call, command)


for name in GET_COMMANDS:
    register(name, 'GET')
for name in POST_COMMANDS:
    register(name, 'POST')


@operation('POST', AGENT)
def generic(call: Call) -> dict:
    return run(call, call.params['command'])


@operation('POST', f'{AGENT}/set-user-password')
def set_password(call: Call) -> dict:
    guest = available(call)
    name = call.params['username']
    if name not in system.users_of(guest):
        raise ApiError('Agent error: child process has failed to set user password: chpasswd: (user '
                       f'{name}) pam_chauthtok() failed\n')
    return {'result': {}}


@operation('POST', f'{AGENT}/exec')
def execute(call: Call) -> dict:
    guest = available(call)
    words = call.params.get('command')
    if isinstance(words, str):
        words = words.split('\0')
    given = call.params.get('input-data')
    if not words and given is None:
        raise ApiError('command or input-data (or both) required')
    state = own_state(guest)
    outcome = system.execute(call.cluster, guest, list(words or ['sh']), given)
    if outcome is None:
        raise ApiError('Agent error: Guest agent command failed, error was "Failed to execute child process '
                       f'\u201c{words[0]}\u201d (No such file or directory)"')
    pid = state.setdefault('next_pid', 800)
    state['next_pid'] = pid + 2
    state.setdefault('processes', {})[str(pid)] = outcome
    return {'pid': pid}


def own_state(guest: Guest) -> dict:
    """What the agent keeps between calls: files and processes."""
    if guest.agent is None:
        guest.agent = {}
    return guest.agent


@operation('GET', f'{AGENT}/exec-status')
def execute_status(call: Call) -> dict:
    guest = available(call)
    outcome = own_state(guest).get('processes', {}).pop(str(call.params['pid']), None)
    if outcome is None:
        raise ApiError('Agent error: PID ld does not exist')
    status = {'exited': 1, 'exitcode': outcome.get('exitcode', 0)}
    for key in ('out', 'err'):
        if outcome.get(key):
            status.update({f'{key}-data': outcome[key], f'{key}-truncated': 0})
    return status


@operation('GET', f'{AGENT}/file-read')
def read_file(call: Call) -> dict:
    guest = available(call)
    path = call.params['file']
    content = system.files_of(guest).get(path)
    if content is None:
        raise ApiError(f"Agent error: failed to open file '{path}' (mode: 'r'): No such file or directory")
    raw = content.encode()[int(call.params.get('offset') or 0):]
    limit = min(int(call.params.get('count') or MAX_READ), MAX_READ)
    part = raw[:limit]
    text = part.decode('utf-8', 'replace')
    if call.params.get('decode') is False:
        text = base64.b64encode(part).decode()
    answer = {'content': text, 'bytes-read': len(part)}
    if len(raw) > limit:
        answer['truncated'] = 1
    return answer


@operation('POST', f'{AGENT}/file-write')
def write_file(call: Call) -> None:
    guest = available(call)
    path, text = call.params['file'], call.params['content']
    if path.rsplit('/', 1)[0] not in system.folders_of(guest):
        raise ApiError(f"Agent error: failed to open file '{path}' (mode: 'wb'): No such file or directory")
    if call.params.get('encode') is False:
        try:
            text = base64.b64decode(text, validate=True).decode('utf-8', 'replace')
        except (binascii.Error, ValueError):
            raise ApiError('Agent error: failed to decode base64 data') from None
    own_state(guest).setdefault('files', {})[path] = text
