"""Containers of a node, the state of one, its interfaces, figures and consoles."""

from __future__ import annotations

from typing import Any

from ..call import Call, operation
from ..model import container
from ..model.figures import of_guest
from ..model.guest import Guest
from ..model.ha import resource, shown_state
from ..model.series import guest_series
from ..model.summary import display_name, figures, figures_name, limits, whole
from .lxc_common import check_cgroups, load
from .nodes_console import console_ticket
from .qemu_common import site_of

ENTRIES = ('config', 'pending', 'status', 'vncproxy', 'termproxy', 'vncwebsocket', 'spiceproxy', 'migrate', 'clone', 'rrd', 'rrddata',
           'firewall', 'snapshot', 'resize', 'interfaces')
ACTIONS = ('current', 'start', 'stop', 'shutdown', 'reboot', 'migrate')
PRESSURES = tuple(f'pressure{what}{part}' for what in ('cpu', 'io', 'memory') for part in ('full', 'some'))


def state(call: Call, guest: Guest) -> dict[str, Any]:
    """The figures of one container, as lists and status/current show them."""
    now = call.clock.now()
    most = limits(call.cluster, guest, guest.running_config if guest.running else None)
    used = figures(call.cluster, guest, now, most)
    row: dict[str, Any] = {
        'vmid': guest.vmid, 'name': display_name(guest), 'type': 'lxc', 'status': 'running' if guest.running else 'stopped',
        'cpus': whole(most.cpus), 'maxmem': most.memory, 'maxswap': most.swap, 'maxdisk': most.disk, 'cpu': used.cpu,
        'mem': used.mem, 'swap': 0, 'disk': used.disk, 'netin': used.netin, 'netout': used.netout,
        'diskread': used.diskread, 'diskwrite': used.diskwrite, 'uptime': used.uptime,
    }
    if guest.config.get('tags'):
        row['tags'] = guest.config['tags']
    if guest.lock:
        row['lock'] = guest.lock
    if guest.template:
        row['template'] = 1
    if guest.running:
        row['pid'] = 1000 + guest.vmid % 30000
        if call.release == '9':
            row.update(dict.fromkeys(PRESSURES, 0))
    return row


@operation('GET', '/nodes/{node}/lxc')
def index(call: Call) -> list[dict]:
    rows = []
    for vmid in sorted(call.cluster.guests):
        guest = call.cluster.guests[vmid]
        if guest.kind != 'lxc' or guest.node != call.node.name or not call.may(f'/vms/{vmid}', 'VM.Audit'):
            continue
        if guest.running:
            check_cgroups(site_of(call))
        rows.append(state(call, guest))
    return rows


@operation('GET', '/nodes/{node}/lxc/{vmid}')
def entries(call: Call) -> list[dict]:
    load(site_of(call), call.params['vmid'])
    return [{'subdir': name} for name in ENTRIES]


@operation('GET', '/nodes/{node}/lxc/{vmid}/status')
def actions(call: Call) -> list[dict]:
    load(site_of(call), call.params['vmid'])
    return [{'subdir': name} for name in ACTIONS]


@operation('GET', '/nodes/{node}/lxc/{vmid}/status/current')
def current(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    if guest.running:
        check_cgroups(site_of(call))
    return {**state(call, guest), 'ha': ha_state(call, guest)}


def ha_state(call: Call, guest: Guest) -> dict:
    entry = resource(call.cluster, guest)
    if entry is None:
        return {'managed': 0}
    shown = {'managed': 1, 'state': shown_state(call.cluster, guest)}
    if entry.get('group'):
        shown['group'] = entry['group']
    return shown


@operation('GET', '/nodes/{node}/lxc/{vmid}/interfaces')
def interfaces(call: Call) -> list[dict] | None:
    guest = load(site_of(call), call.params['vmid'])
    if not guest.running:
        return None
    name = figures_name(call.cluster, guest)
    found = container.interfaces(call.release, name, guest.running_config or guest.config)
    if call.release != '9':
        kept = ('name', 'hwaddr', 'inet', 'inet6')
        return [{key: value for key, value in entry.items() if key in kept} for entry in found]
    return found


@operation('GET', '/nodes/{node}/lxc/{vmid}/rrddata')
def rrddata(call: Call) -> list[dict]:
    guest = load(site_of(call), call.params['vmid'])
    most = limits(call.cluster, guest)

    def at(moment: float) -> dict | None:
        if moment < guest.created_at:
            return None
        row = {'maxcpu': whole(most.cpus), 'maxmem': most.memory, 'maxdisk': most.disk, 'cpu': 0, 'mem': 0, 'disk': 0,
               'netin': 0, 'netout': 0, 'diskread': 0, 'diskwrite': 0}
        if guest.running and moment >= guest.started_at:
            used = of_guest(figures_name(call.cluster, guest), guest.started_at, moment, most.memory, most.disk)
            span = max(1, used.uptime)
            row.update(cpu=used.cpu, mem=used.mem, disk=used.disk, netin=used.netin / span, netout=used.netout / span,
                       diskread=used.diskread / span, diskwrite=used.diskwrite / span)
        if call.release == '9':
            row.update(dict.fromkeys(PRESSURES, 0), memhost=row['mem'])
        return row

    return guest_series(call.params['timeframe'], call.clock.now(), call.release, at)


@operation('GET', '/nodes/{node}/lxc/{vmid}/rrd')
def rrd(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    names = '_'.join(part for part in call.params['ds'].replace(',', ' ').split())
    folder = 'pve-vm-9.0' if call.release == '9' else 'pve2-vm'
    return {'filename': f'/var/lib/rrdcached/db/{folder}/{guest.vmid}-{call.params["timeframe"]}-{names}.png'}


@operation('POST', '/nodes/{node}/lxc/{vmid}/vncproxy')
def vnc_console(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    return console_ticket(call, 'vnc', 'vncproxy', str(guest.vmid))


@operation('POST', '/nodes/{node}/lxc/{vmid}/termproxy')
def terminal(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    return console_ticket(call, 'term', 'vncproxy', str(guest.vmid))
