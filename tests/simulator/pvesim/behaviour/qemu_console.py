"""Consoles, keys and the monitor of a VM."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, TaskError, operation
from ..model.guest import Guest
from .qemu_common import QEMU_VERSIONS, check_free, load, only_root, site_of
from .qemu_options import guest_name, properties_of

VM = '/nodes/{node}/qemu/{vmid}'
# The recorded server ran Debian's own QEMU.
FOREIGN = '10.0.13Debian 1:10.0.13+ds-0+deb13u1'
READ_ONLY = re.compile(r'^\s*(?:info(?:\s+|$)|help\s*$)')
CERTIFICATE = '-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n'


def make_ticket(call: Call, password: str = '') -> str:
    """A ticket for one console session of this VM."""
    stamp = f'{int(call.clock.now()):08X}'
    text = f'{call.authid}:{stamp}:/vms/{call.params["vmid"]}'
    signature = base64.b64encode(hashlib.sha512(text.encode()).digest() * 4).decode()
    return f'{password}:PVEVNC:{stamp}::{signature}' if password else f'PVEVNC:{stamp}::{signature}'


def next_port(call: Call) -> int:
    """Ports from 5900 on, one after another."""
    count = call.node.extra.get('consoles', 0)
    call.node.extra['consoles'] = (count + 1) % 100
    return 5900 + count


def waiting(task: Any) -> Generator:
    """Nobody connects to a console of the simulator."""
    yield 10.0
    raise TaskError('connection timed out')


@operation('POST', f'{VM}/vncproxy')
def vncproxy(call: Call) -> dict:
    load(site_of(call), call.params['vmid'])
    recent = call.release == '9'
    password = ''
    if recent or call.params.get('generate-password'):
        password = ''.join(chr(ord('!') + byte % 64) for byte in secrets.token_bytes(8)).replace(':', ';')
    certificate = base64.b64encode(hashlib.sha256(call.cluster.name.encode()).digest() * 8).decode()
    answer = {
        'user': call.authid, 'ticket': make_ticket(call, password if recent else ''), 'port': str(next_port(call)),
        'upid': call.task('vncproxy', call.params['vmid'], waiting), 'cert': CERTIFICATE.format(certificate),
    }
    if password:
        answer['password'] = password
    return answer


@operation('POST', f'{VM}/termproxy')
def termproxy(call: Call) -> dict:
    load(site_of(call), call.params['vmid'])
    return {'user': call.authid, 'ticket': make_ticket(call), 'port': str(next_port(call)),
            'upid': call.task('vncproxy', call.params['vmid'], waiting)}


@operation('GET', f'{VM}/vncwebsocket')
def websocket(call: Call) -> dict:
    if 'PVEVNC:' not in call.params['vncticket']:
        raise ApiError(401, 'permission denied - invalid PVEVNC ticket')
    load(site_of(call), call.params['vmid'])
    return {'port': str(call.params['port'])}


@operation('POST', f'{VM}/spiceproxy')
def spiceproxy(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    check_running(guest)
    if not properties_of(str(guest.config.get('vga', '')), 'type').get('type', '').startswith('qxl'):
        raise ApiError('no spice port')
    title = f'VM {guest.vmid}' + (f' - {guest_name(guest)}' if guest.config.get('name') else '')
    host = call.params.get('proxy') or call.node.ip
    return {
        'type': 'spice', 'title': title, 'host': f'pvespiceproxy:{int(call.clock.now()):08X}:{guest.vmid}:{call.node.name}',
        'tls-port': 61000, 'password': secrets.token_hex(20), 'proxy': f'http://{host}:3128', 'delete-this-file': 1,
        'secure-attention': 'Ctrl+Alt+Ins', 'toggle-fullscreen': 'Shift+F11', 'release-cursor': 'Ctrl+Alt+R',
        'host-subject': f'OU=PVE Cluster Node,O=Proxmox Virtual Environment,CN={call.node.name}',
        'ca': CERTIFICATE.format('AAAA').replace('\n', '\\n'),
    }


def check_running(guest: Guest) -> None:
    if not guest.running:
        raise ApiError(f'VM {guest.vmid} not running')


@operation('PUT', f'{VM}/sendkey')
def sendkey(call: Call) -> None:
    only_root(call, 'skiplock')
    guest = load(site_of(call), call.params['vmid'])
    check_free(call, guest)
    check_running(guest)
    for key in call.params['key'].split('-'):
        if not re.match(r'^[a-z0-9_]+$', key):
            raise ApiError(f'invalid parameter: {key}\r\n')


@operation('POST', f'{VM}/monitor')
def monitor(call: Call) -> str:
    command = call.params['command']
    if not READ_ONLY.match(command):
        call.require('/', 'Sys.Modify')
    guest = load(site_of(call), call.params['vmid'])
    if not guest.running:
        return f'ERROR: VM {guest.vmid} not running\n'
    return answer_of(call, guest, ' '.join(command.split()))


def answer_of(call: Call, guest: Guest, command: str) -> str:
    """What the human monitor prints."""
    version = QEMU_VERSIONS[call.release]
    full = FOREIGN if call.node.extra.get('container') else f'{version}pve-qemu-kvm_{version}-1'
    shown = {
        'info version': full, 'info status': f'VM status: {guest.qmpstatus}', 'info name': guest_name(guest),
        'info kvm': 'kvm support: enabled', 'info balloon': 'balloon: actual=0',
        'info uuid': str(guest.config.get('smbios1', '')).removeprefix('uuid='), 'help': 'help|? [cmd] -- show the help',
    }
    if command in shown:
        return f'{shown[command]}\r\n'
    if command.startswith('info'):
        return f"unknown command: '{command}'\r\n"
    known = ('system_', 'quit', 'stop', 'cont', 'sendkey', 'eject', 'device_', 'set_', 'balloon', 'savevm', 'loadvm')
    return '' if command.startswith(known) else f"unknown command: '{command.split(' ', maxsplit=1)[0]}'\r\n"


@operation('POST', f'{VM}/dbus-vmstate')
def dbus_vmstate(call: Call) -> None:
    check_running(load(site_of(call), call.params['vmid']))
