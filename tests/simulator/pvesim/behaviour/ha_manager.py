"""The HA manager at work: it starts, stops, moves and recovers the guests that are HA resources.

It goes over all resources every ten seconds while there is something to do. A dead node is fenced after two minutes;
then its resources are recovered on other nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any

from ..call import ApiError, Call, TaskError
from ..model import ha, ha_rules
from ..model.cluster import Cluster
from ..model.fleet import Fleet
from ..model.guest import Guest
from ..model.node import Node
from ..model.reports import offline_since, set_online
from ..model.services import runs
from ..tasks import Task
from ..tasks import start as start_task
from .qemu_common import Site

ROUND = 10.0
FENCING_DELAY = 120.0
WORKERS: dict[tuple[str, str], Callable[[Site, Task, Guest], Generator]] = {}
PREFIX = {'qemu': 'qm', 'lxc': 'vz'}


def worker(kind: str, action: str) -> Callable:
    """Register the generator function (site, task, guest) that starts or stops a guest of that kind for HA."""

    def register(function: Callable) -> Callable:
        WORKERS[kind, action] = function
        return function

    return register


def schedule(fleet: Fleet, cluster: Cluster) -> None:
    """Have the manager look at the resources in its next round."""
    waiting = fleet.settings.setdefault('ha_waiting', set())
    if cluster.name in waiting or not ha.active_nodes(cluster) or not (ha.resources(cluster) or
                                                                       ha.manager(cluster)['service_status']):
        return
    waiting.add(cluster.name)

    def begin() -> None:
        waiting.discard(cluster.name)
        # what waits for a node or for quorum is looked at again when that comes back
        if run_round(fleet, cluster):
            schedule(fleet, cluster)

    fleet.clock.call_after(ROUND, begin)


def resume(fleet: Fleet) -> None:
    """Take up the work where a fleet begins or was left: fence nodes that are down, look at all resources."""
    now = fleet.clock.now()
    for cluster in fleet.clusters.values():
        for node in cluster.nodes.values():
            if not node.online:
                left = offline_since(node, now) + FENCING_DELAY - now
                fleet.clock.call_after(max(0.0, left), functools.partial(fence, fleet, cluster, node))
        for status in ha.manager(cluster)['service_status'].values():
            status.pop('working', None)
        schedule(fleet, cluster)


def node_changed(fleet: Fleet, cluster: Cluster, node: Node, online: bool) -> None:
    """A node went down or came back. Its guests' processes are gone with it; HA recovers what it manages."""
    if node.online == online:
        return
    set_online(node, online, fleet.clock.now())
    if online:
        came_back(fleet, cluster, node)
        return
    for guest in cluster.guests.values():
        if guest.node == node.name and guest.running:
            guest.extra['was_running'] = True
    fleet.clock.call_after(FENCING_DELAY, lambda: fence(fleet, cluster, node))


def came_back(fleet: Fleet, cluster: Cluster, node: Node) -> None:
    """A node boots: nothing runs on it any more; guests with onboot are started."""
    for guest in cluster.guests.values():
        if guest.node != node.name:
            continue
        guest.extra.pop('was_running', None)
        if guest.running:
            guest.end_running()
    from .nodes_bulk import start_on_boot

    start_on_boot(fleet, cluster, node)
    ha.manager(cluster)['node_status'].pop(node.name, None)
    schedule(fleet, cluster)


def fence(fleet: Fleet, cluster: Cluster, node: Node) -> None:
    """The node's watchdog has fired: its resources may be started elsewhere."""
    if node.online or not cluster.quorate or not runs(node, 'pve-ha-lrm'):
        return
    state = ha.manager(cluster)
    state['node_status'][node.name] = 'fence'
    for sid in list(ha.resources(cluster)):
        guest = ha.guest_of(cluster, sid)
        if guest is not None and guest.node == node.name:
            state['service_status'].setdefault(sid, {'node': node.name})['state'] = 'fence'
            guest.end_running()
    fleet.clock.call_after(ROUND, lambda: recover_all(fleet, cluster, node))


def recover_all(fleet: Fleet, cluster: Cluster, node: Node) -> None:
    state = ha.manager(cluster)
    state['node_status'][node.name] = 'unknown'
    for sid, status in list(state['service_status'].items()):
        guest = ha.guest_of(cluster, sid)
        if status.get('state') == 'fence' and guest is not None and guest.node == node.name:
            status['state'] = 'recovery'
            recover(cluster, sid, guest, status)
    schedule(fleet, cluster)


def recover(cluster: Cluster, sid: str, guest: Guest, status: dict) -> None:
    """Give a resource of a fenced node to another; it stays in recovery while there is none for it."""
    online = usable_nodes(cluster)
    placed = {other: entry['node'] for other, entry in ha.manager(cluster)['service_status'].items() if other != sid}
    chosen = ha_rules.choose(cluster, sid, online, placed)
    if chosen is None:
        return
    guest.node = chosen
    guest.config.pop('lock', None)
    wanted = ha.resources(cluster)[sid].get('state', 'started')
    status.update(node=chosen, state='started' if wanted == 'started' else 'request_stop')


def usable_nodes(cluster: Cluster) -> list[str]:
    active = set(ha.active_nodes(cluster))
    return [node.name for node in cluster.nodes.values() if node.online and node.name in active]


def run_round(fleet: Fleet, cluster: Cluster) -> bool:
    """One look at every resource; returns whether something is still on its way."""
    nodes = usable_nodes(cluster)
    if not cluster.quorate or not nodes:
        return False
    state = ha.manager(cluster)
    if state.get('master_node') not in nodes:
        state['master_node'] = nodes[0]
    state['timestamp'] = int(fleet.clock.now())
    for name in nodes:
        state['node_status'][name] = 'online'
    busy = False
    configured = ha.resources(cluster)
    for sid in [sid for sid in state['service_status'] if sid not in configured]:
        del state['service_status'][sid]
    for sid, entry in list(configured.items()):
        busy = look_at(fleet, cluster, sid, entry) or busy
    return busy


def look_at(fleet: Fleet, cluster: Cluster, sid: str, entry: dict) -> bool:
    """Do the next thing for one resource; returns whether there will be more to do."""
    guest, statuses = ha.guest_of(cluster, sid), ha.manager(cluster)['service_status']
    wanted = entry.get('state', 'started')
    if guest is None or wanted == 'ignored':
        statuses.pop(sid, None)
        return False
    status = statuses.setdefault(sid, {'state': 'request_start' if wanted == 'started' else 'request_stop'})
    status.setdefault('node', guest.node)
    if status['state'] == 'recovery':
        recover(cluster, sid, guest, status)
        return status['state'] != 'recovery'
    if not cluster.nodes[guest.node].online or status['state'] == 'fence':
        return False
    if status.get('working'):
        return True
    status['node'] = guest.node
    if wanted == 'disabled' and not guest.running:
        status.update(state='stopped', tries=0)
        return False
    if status['state'] == 'error':
        return False
    return towards(fleet, cluster, guest, status, wanted == 'started')


def towards(fleet: Fleet, cluster: Cluster, guest: Guest, status: dict, run: bool) -> bool:
    status['running'] = int(guest.running)
    if status.get('target') and status['target'] != guest.node:
        return move(fleet, cluster, guest, status)
    if guest.running == run:
        status.update(state='started' if run else 'stopped', tries=0, moves=0)
        return False
    status['state'] = 'started' if run else 'request_stop'
    work_on(fleet, cluster, guest, status, 'start' if run else 'stop')
    return True


def work_on(fleet: Fleet, cluster: Cluster, guest: Guest, status: dict, action: str) -> None:
    """Start or stop the guest in a task of its node."""
    site = Site(fleet, cluster, guest.node)
    function = WORKERS[guest.kind, action]
    kind = f'{PREFIX[guest.kind]}{"start" if action == "start" else "shutdown"}'

    def work(task: Task) -> Generator:
        try:
            yield from function(site, task, guest)
        except (TaskError, ApiError):
            failed(cluster, guest, status)
            raise
        finally:
            status.pop('working', None)
            status['running'] = int(guest.running)

    status['working'] = 1
    start_task(fleet, cluster, guest.node, kind, guest.vmid, 'root@pam', work)


def failed(cluster: Cluster, guest: Guest, status: dict) -> None:
    """A start did not work: try again here, then on other nodes, then give up."""
    entry = ha.resource(cluster, guest) or {}
    status['tries'] = status.get('tries', 0) + 1
    if status['tries'] <= int(entry.get('max_restart', 1)):
        return
    others = [name for name in usable_nodes(cluster) if name != guest.node]
    moved = status.get('moves', 0)
    chosen = ha_rules.choose(cluster, ha.sid_of(guest), others, {}) if moved < int(entry.get('max_relocate', 1)) else None
    if chosen is None:
        status['state'] = 'error'
        return
    guest.node = chosen
    status.update(node=chosen, tries=0, moves=moved + 1)


def move(fleet: Fleet, cluster: Cluster, guest: Guest, status: dict) -> bool:
    """Migrate a resource to the node that was asked for."""
    target = status['target']
    if target not in usable_nodes(cluster):
        status.pop('target')
        return True
    source = Site(fleet, cluster, guest.node)
    online = guest.running
    status['state'] = 'migrate' if online else 'relocate'
    status['working'] = 1
    kind = 'qmigrate' if guest.kind == 'qemu' else 'vzmigrate'

    def work(task: Task) -> Generator:
        try:
            yield from MOVERS[guest.kind](source, task, guest, target)
        finally:
            for key in ('working', 'target'):
                status.pop(key, None)
            status.update(node=guest.node, state='started' if guest.running else 'stopped')

    start_task(fleet, cluster, guest.node, kind, guest.vmid, 'root@pam', work)
    return True


# How a guest of each kind is moved: (site, task, guest, target); filled by those who can.
MOVERS: dict[str, Callable[[Site, Task, Guest, str], Generator]] = {}


def move_request(call: Call, guest: Guest, target: str) -> str:
    """Migration of a managed guest: a task that only asks the manager."""
    sid, cluster, fleet = ha.sid_of(guest), call.cluster, call.fleet
    word = 'CT' if guest.kind == 'lxc' else 'VM'

    def work(task: Task) -> Generator:
        task.log(f'Requesting HA migration for {word} {guest.vmid} to node {target}')
        yield 0.2
        request_move(fleet, cluster, sid, target)

    return call.task('hamigrate', guest.vmid, work)


def request_move(fleet: Fleet, cluster: Cluster, sid: str, target: str) -> None:
    """Queue a migration or relocation for the manager."""
    if not ha.active_nodes(cluster):
        return
    guest: Any = ha.guest_of(cluster, sid)
    status = ha.manager(cluster)['service_status'].setdefault(sid, {'state': 'request_start', 'node': guest.node})
    status['target'] = target
    schedule(fleet, cluster)
