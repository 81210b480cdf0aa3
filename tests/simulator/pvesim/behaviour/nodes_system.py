"""A node's settings: name service, time, hosts file, options, subscription, services, logs."""

from __future__ import annotations

import datetime
import hashlib
import re
import time
from collections.abc import Generator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..call import Answer, ApiError, Call, ParameterError, operation
from ..model import services
from ..model.sections import assert_unmodified, digest, settings, split_list
from ..model.summary import figures
from ..tasks import Task

KEY = re.compile(r'^pve([1248])([cbsp])-[0-9a-f]{10}$')
PRODUCTS = {'c': 'Community', 'b': 'Basic', 's': 'Standard', 'p': 'Premium'}
PRICES = 'https://www.proxmox.com/en/proxmox-virtual-environment/pricing'


@operation('GET', '/nodes/{node}/dns')
def dns(call: Call) -> dict:
    return dict(call.node.dns)


@operation('PUT', '/nodes/{node}/dns')
def change_dns(call: Call) -> None:
    names = ('search', 'dns1', 'dns2', 'dns3')
    call.node.dns = {name: call.params[name] for name in names if call.params.get(name)}


@operation('GET', '/nodes/{node}/time')
def read_time(call: Call) -> dict:
    now = int(call.clock.now())
    zone = call.node.timezone
    try:
        shift = datetime.datetime.fromtimestamp(now, ZoneInfo(zone)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError):
        shift = None
    seconds = int(shift.total_seconds()) if shift else 0
    return {'timezone': zone, 'time': now, 'localtime': now + seconds}


@operation('PUT', '/nodes/{node}/time')
def change_time(call: Call) -> None:
    zone = call.params['timezone']
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ApiError(f"No such timezone '{zone}'") from None
    call.node.timezone = zone


def hosts_text(call: Call) -> str:
    if call.node.hosts:
        return call.node.hosts
    lines = ['127.0.0.1 localhost.localdomain localhost']
    domain = call.node.dns.get('search', 'example.test')
    lines += [f'{node.ip} {node.name}.{domain} {node.name}' for node in call.cluster.nodes.values()]
    return '\n'.join(lines) + '\n'


@operation('GET', '/nodes/{node}/hosts')
def hosts(call: Call) -> dict:
    text = hosts_text(call)
    return {'data': text, 'digest': hashlib.sha1(text.encode()).hexdigest()}


@operation('POST', '/nodes/{node}/hosts')
def change_hosts(call: Call) -> None:
    assert_unmodified(hashlib.sha1(hosts_text(call).encode()).hexdigest(), call.params.get('digest'))
    call.node.hosts = call.params['data']


@operation('GET', '/nodes/{node}/config')
def config(call: Call) -> dict:
    kept = call.node.config
    wanted = call.params.get('property')
    if wanted and wanted != 'all':
        return {wanted: kept[wanted]} if wanted in kept else {}
    return {**kept, 'digest': digest(kept)} if kept else {}


@operation('PUT', '/nodes/{node}/config')
def change_config(call: Call) -> None:
    kept = call.node.config
    assert_unmodified(digest(kept), call.params.get('digest'))
    for name in split_list(call.params.get('delete')):
        kept.pop(name, None)
    values = settings({key: call.params[key] for key in call.given if key in call.params}, 'node', 'digest', 'delete')
    if 'description' in values:
        values['description'] = values['description'].rstrip('\n') + '\n'
    kept.update(values)


@operation('GET', '/nodes/{node}/subscription')
def subscription(call: Call) -> dict:
    entry = call.node.extra.get('subscription')
    server = '0' * 32 if call.node.extra.get('container') else hashlib.md5(call.node.name.encode()).hexdigest().upper()
    if not entry:
        return {'status': 'notfound', 'message': 'There is no subscription key', 'serverid': server, 'url': PRICES}
    return {**entry, 'serverid': server, 'url': PRICES}


@operation('PUT', '/nodes/{node}/subscription')
def set_subscription(call: Call) -> None:
    key = call.params['key']
    found = KEY.match(key)
    if not found:
        raise ParameterError({'key': 'value does not match the regex pattern'})
    now = call.clock.now()
    call.node.extra['subscription'] = {
        'status': 'active', 'key': key, 'level': found[2], 'sockets': int(found[1]), 'checktime': int(now),
        'productname': f'Proxmox VE {PRODUCTS[found[2]]} Subscription {found[1]} CPU{"s" if found[1] != "1" else ""}/year',
        'regdate': time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now)),
        'nextduedate': time.strftime('%Y-%m-%d', time.gmtime(now + 365 * 86400)),
    }


@operation('POST', '/nodes/{node}/subscription')
def check_subscription(call: Call) -> None:
    if entry := call.node.extra.get('subscription'):
        entry['checktime'] = int(call.clock.now())


@operation('DELETE', '/nodes/{node}/subscription')
def drop_subscription(call: Call) -> None:
    call.node.extra.pop('subscription', None)


@operation('GET', '/nodes/{node}/services')
def list_services(call: Call) -> list[dict]:
    return [service(call, name) for name in services.KNOWN]


def service(call: Call, name: str) -> dict:
    if name not in services.KNOWN:
        raise ApiError(f"no such service '{name}'")
    return services.service(call.node, name, call.cluster.standalone)


@operation('GET', '/nodes/{node}/services/{service}/state')
def service_state(call: Call) -> dict:
    return service(call, call.params['service'])


def service_task(call: Call, action: str, word: str) -> str:
    name, node = call.params['service'], call.node
    service(call, name)
    if action == 'stop' and name in ('pve-cluster', 'pvedaemon', 'pveproxy'):
        raise ApiError(f"{word} {name} service would break the API, use 'restart' instead")

    def work(_task: Task) -> Generator:
        yield 0.5
        services.set_running(node, name, action != 'stop')

    return call.task(f'srv{action}', name, work)


@operation('POST', '/nodes/{node}/services/{service}/start')
def start_service(call: Call) -> str:
    return service_task(call, 'start', 'starting')


@operation('POST', '/nodes/{node}/services/{service}/stop')
def stop_service(call: Call) -> str:
    return service_task(call, 'stop', 'stopping')


@operation('POST', '/nodes/{node}/services/{service}/restart')
def restart_service(call: Call) -> str:
    return service_task(call, 'restart', 'restarting')


@operation('POST', '/nodes/{node}/services/{service}/reload')
def reload_service(call: Call) -> str:
    return service_task(call, 'reload', 'reloading')


def journal_lines(call: Call) -> list[tuple[float, str]]:
    """(moment, line) of what the node's journal holds: its tasks; empty where the journal does not run."""
    if not services.runs(call.node, 'systemd-journald'):
        return []
    lines = []
    for task in call.cluster.tasks.values():
        if task.node != call.node.name:
            continue
        who = f'{call.node.name} pvedaemon[{task.pid}]: <{task.user}>'
        lines.append((task.starttime, f'{who} starting task {task.upid}'))
        if task.endtime:
            lines.append((task.endtime, f'{who} end task {task.upid} {task.exitstatus}'))
    return sorted(lines)


def shown(moment: float, line: str) -> str:
    return f'{time.strftime("%b %d %H:%M:%S", time.gmtime(moment))} {line}'


@operation('GET', '/nodes/{node}/syslog')
def syslog(call: Call) -> Answer:
    lines = [shown(moment, line) for moment, line in journal_lines(call)] or ['-- No entries --']
    start, limit = int(call.params.get('start', 0)), int(call.params.get('limit', 50))
    rows = [{'n': number, 't': text} for number, text in enumerate(lines, 1)][start:start + limit]
    return Answer(rows, {'total': len(lines)})


@operation('GET', '/nodes/{node}/journal')
def journal(call: Call) -> list[str]:
    since, until = call.params.get('since', 0), call.params.get('until', float('inf'))
    lines = [shown(moment, line) for moment, line in journal_lines(call) if since <= moment <= until]
    count = call.params.get('lastentries')
    if count:
        lines = lines[-count:]
    return ['s=0;i=0', *lines, f's=0;i={len(lines):x}']


@operation('GET', '/nodes/{node}/netstat')
def netstat(call: Call) -> list[dict]:
    rows = []
    for guest in call.cluster.guests.values():
        if guest.node != call.node.name or not guest.running:
            continue
        used = figures(call.cluster, guest, call.clock.now())
        rows += [{'vmid': str(guest.vmid), 'dev': key, 'in': str(used.netin), 'out': str(used.netout)}
                 for key in guest.config if key.startswith('net') and key[3:].isdigit()]
    return rows
