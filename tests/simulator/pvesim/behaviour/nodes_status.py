"""A node's own state: figures, version, reports, power, batches of calls."""

from __future__ import annotations

import json

from ..call import Answer, ApiError, Call, operation
from ..data.static import static
from ..model.figures import wave
from ..model.node import Node
from ..model.node_figures import uptime, usage
from ..model.series import guest_series
from ..model.storage_space import rootfs
from .ha_manager import node_changed

KERNELS = {'9': '6.17.4-1-pve', '8.4': '6.8.12-13-pve', '7.4': '5.15.131-2-pve'}
BUILDS = {'9': '#1 SMP PREEMPT_DYNAMIC PMX 6.17.4-1', '8.4': '#1 SMP PREEMPT_DYNAMIC PMX 6.8.12-13',
          '7.4': '#1 SMP PVE 5.15.131-3'}
PRESSURES = ('pressurecpusome', 'pressureiofull', 'pressureiosome', 'pressurememoryfull', 'pressurememorysome')
REBOOT_SECONDS = 120.0


@operation('GET', '/nodes/{node}/status')
def status(call: Call) -> dict:
    node, now = call.node, call.clock.now()
    shown = usage(call.cluster, node, now)
    ground = rootfs(node)
    memory = {'total': node.memory, 'used': shown['mem'], 'free': node.memory - shown['mem']}
    if call.release == '9':
        memory['available'] = node.memory - shown['mem']
    release = KERNELS[call.release]
    answer = {
        'uptime': uptime(node, now), 'cpu': shown['cpu'], 'wait': shown['wait'], 'idle': 0,
        'loadavg': [f'{load:.2f}' for load in shown['load']], 'memory': memory, 'cpuinfo': cpu_info(node),
        'rootfs': {'total': ground['total'], 'used': ground['used'], 'free': ground['total'] - ground['used'],
                   'avail': max(0, ground['total'] - ground['used'] - ground.get('reserved', 0))},
        'swap': swap(node), 'ksm': {'shared': 0}, 'kversion': f'Linux {release} {BUILDS[call.release]}',
        'pveversion': version_text(call),
    }
    if call.release != '7.4':
        answer['boot-info'] = node.extra.get('boot') or default_boot(node)
        answer['current-kernel'] = {'sysname': 'Linux', 'release': release, 'version': BUILDS[call.release],
                                    'machine': 'x86_64'}
    return answer


def default_boot(node: Node) -> dict:
    return {'mode': 'legacy-bios'} if node.extra.get('container') else {'mode': 'efi', 'secureboot': 0}


def swap(node: Node) -> dict:
    total = 0 if node.extra.get('container') else 8 << 30
    return {'total': total, 'used': 0, 'free': total}


def cpu_info(node: Node) -> dict:
    sockets = 2 if node.cpus > 32 else 1
    intel = 'Intel' in node.cpu_model
    return {
        'cpus': node.cpus, 'cores': max(1, node.cpus // sockets), 'sockets': sockets, 'model': node.cpu_model,
        'mhz': f'{2000 + len(node.cpu_model) * 37 % 1500}.000', 'hvm': '' if node.extra.get('container') else '1',
        'user_hz': 100, 'flags': static('cpu_flags')['xeon'], 'vendor': 'GenuineIntel' if intel else 'AuthenticAMD',
        'family': '6' if intel else '23',
    }


def version_text(call: Call) -> str:
    from .version import version

    found = version(call)
    return f'pve-manager/{found["version"]}/{found["repoid"]}'


@operation('POST', '/nodes/{node}/status')
def power(call: Call) -> None:
    """Reboot or shut down: the guests are stopped, then the node is gone; a reboot brings it back."""
    node, fleet, cluster, command = call.node, call.fleet, call.cluster, call.params['command']

    def go() -> None:
        for guest in cluster.guests.values():
            if guest.node == node.name and guest.running:
                guest.end_running()
        node_changed(fleet, cluster, node, online=False)
        if command == 'reboot':
            fleet.clock.call_after(REBOOT_SECONDS, lambda: node_changed(fleet, cluster, node, online=True))

    fleet.clock.call_after(5.0, go)


@operation('GET', '/nodes/{node}/rrddata')
def rrddata(call: Call) -> list[dict]:
    node, cluster = call.node, call.cluster
    since = node.extra.get('rrd_since', node.booted_at)
    ground = rootfs(node)

    def at(moment: float) -> dict | None:
        if moment < since:
            return None
        shown = usage(cluster, node, moment)
        row = {'cpu': shown['cpu'], 'iowait': shown['wait'], 'loadavg': shown['load'][0], 'maxcpu': node.cpus,
               'memtotal': node.memory, 'memused': shown['mem'], 'swaptotal': swap(node)['total'], 'swapused': 0,
               'roottotal': ground['total'], 'rootused': ground['used'],
               'netin': wave(f'{node.name}:in', moment) * 4e6, 'netout': wave(f'{node.name}:out', moment) * 4e6}
        if call.release == '9':
            row.update(dict.fromkeys(PRESSURES, 0), memavailable=node.memory - shown['mem'], arcsize=0)
        return row

    return guest_series(call.params['timeframe'], call.clock.now(), call.release, at)


@operation('GET', '/nodes/{node}/rrd')
def rrd(call: Call) -> dict:
    names = '_'.join(call.params['ds'].replace(',', ' ').split())
    folder = 'pve-node-9.0' if call.release == '9' else 'pve2-node'
    return {'filename': f'/var/lib/rrdcached/db/{folder}/{call.node.name}-{call.params["timeframe"]}-{names}.png'}


@operation('GET', '/nodes/{node}/report')
def report(call: Call) -> str:
    lines = [f'==== general system info ====\n\n# hostname\n{call.node.name}\n\n# pveversion --verbose\n{version_text(call)}']
    lines.append(f'\n\n==== info about storage ====\n\n# cat /etc/pve/storage.cfg\n{", ".join(call.cluster.storages)}')
    return '\n'.join(lines) + '\n'


@operation('POST', '/nodes/{node}/wakeonlan')
def wake(call: Call) -> str:
    name = call.params['node']
    if call.node is call.here:
        raise ApiError(f"'{name}' is local node, cannot wake my self!")
    if call.node is None:
        raise ApiError(f"no such cluster node '{name}'")
    settings = dict(part.partition('=')[::2] for part in str(call.node.config.get('wakeonlan', '')).split(',') if part)
    mac = settings.get('mac') or next((key for key, value in settings.items() if not value), None)
    if not mac:
        raise ApiError(f"No wake on LAN MAC address defined for '{name}'!")
    node, fleet, cluster = call.node, call.fleet, call.cluster
    if not node.online:
        fleet.clock.call_after(REBOOT_SECONDS, lambda: node_changed(fleet, cluster, node, online=True))
    return mac


@operation('POST', '/nodes/{node}/execute')
def execute(call: Call) -> list[dict]:
    """A batch of calls, each with its own status; the caller's rights apply to every one."""
    commands = json.loads(call.params['commands'])
    return [one_command(call, command) for command in commands]


def one_command(call: Call, command: dict) -> dict:
    from ..request import Dispatcher

    if not isinstance(command, dict) or not command.get('method') or not command.get('path'):
        raise ApiError('400 Parameter verification failed.')
    dispatcher = Dispatcher(call.fleet, call.cluster, call.node)
    path = '/' + str(command['path']).strip('/')
    try:
        inner = dispatcher.make_call(command['method'], path, call.authid, dict(command.get('args') or {}))
        result = dispatcher.run(inner)
    except ApiError as error:
        failed = {'status': error.status, 'message': error.message}
        return {**failed, 'errors': error.errors} if error.errors else failed
    return {'status': 200, 'data': result.data if isinstance(result, Answer) else result}
