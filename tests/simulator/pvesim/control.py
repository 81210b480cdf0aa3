"""The control interface under /pvesim/: not part of the API that is simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .access import tickets
from .behaviour import ha_manager
from .model.cluster import Cluster
from .model.guest import Guest
from .model.node import Node

if TYPE_CHECKING:
    from .server import Server

COMMANDS: dict[tuple[str, str], Callable[[Server, Cluster, dict], Any]] = {}


class ControlError(ValueError):
    """What was asked of the control interface cannot be done; the text says why."""


def command(method: str, name: str) -> Callable:
    """Register a command; its docstring is what GET /pvesim/ shows."""

    def keep(function: Callable) -> Callable:
        COMMANDS[method, name] = function
        return function

    return keep


def run(server: Server, cluster: Cluster, method: str, path: str, values: dict[str, Any]) -> Any:
    """Carry out one command. Raises ControlError with a sentence."""
    name = path.strip('/')
    if not name:
        return {f'{method} /pvesim/{key}': (function.__doc__ or '').strip().split('\n')[0]
                for (method, key), function in sorted(COMMANDS.items(), key=lambda item: item[0][1])}
    function = COMMANDS.get((method, name))
    if function is None:
        raise ControlError(f'no command {method} /pvesim/{name}; GET /pvesim/ lists them')
    if 'cluster' in values and name != 'faults':
        chosen = values.pop('cluster')
        if chosen not in server.fleet.clusters:
            raise ControlError(f'no cluster named {chosen!r}; there are {", ".join(server.fleet.clusters)}')
        cluster = server.fleet.clusters[chosen]
    try:
        return function(server, cluster, values)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ControlError):
            raise
        raise ControlError(f'{method} /pvesim/{name}: {error}') from None


def named_node(cluster: Cluster, values: dict) -> Node:
    node = cluster.nodes.get(values.get('node', ''))
    if node is None:
        raise ControlError(f'node: {values.get("node")!r} is not one of {", ".join(cluster.nodes)}')
    return node


def named_guest(cluster: Cluster, values: dict) -> Guest:
    guest = cluster.guests.get(int(values.get('vmid', 0)))
    if guest is None:
        raise ControlError(f'vmid: there is no guest {values.get("vmid")!r} in cluster {cluster.name}')
    return guest


@command('GET', 'log')
def show_log(server: Server, _cluster: Cluster, values: dict) -> dict:
    """Requests since the last reset: counts, total, max_concurrency, connections and the last `limit` requests."""
    return server.log.summary(int(values.get('limit', 200)))


@command('DELETE', 'log')
def reset_log(server: Server, _cluster: Cluster, _values: dict) -> None:
    """Start counting anew."""
    server.log.reset()


@command('GET', 'faults')
def list_faults(server: Server, _cluster: Cluster, _values: dict) -> list:
    """Faults that wait for their requests."""
    return server.faults.listed()


@command('POST', 'faults')
def add_fault(server: Server, _cluster: Cluster, values: dict) -> dict:
    """Put a fault on the next requests: action, method, path, count, skip, cluster, status, message, seconds, effect."""
    return {'id': server.faults.add(values).id}


@command('DELETE', 'faults')
def drop_faults(server: Server, _cluster: Cluster, values: dict) -> None:
    """Remove the fault `id`, or all faults, those of tasks too."""
    chosen = values.get('id')
    server.faults.waiting = [fault for fault in server.faults.waiting if chosen and fault.id != int(chosen)]
    if not chosen:
        server.fleet.settings['task_faults'] = []


@command('POST', 'tasks/faults')
def add_task_fault(server: Server, _cluster: Cluster, values: dict) -> None:
    """Make the next task of `type` (and `id`) `action` fail, hang or warn, with `text`, `count` times; after=1: late."""
    if values.get('action') not in ('fail', 'hang', 'warn'):
        raise ControlError(f'action: {values.get("action")!r} is not one of fail, hang, warn')
    server.fleet.settings.setdefault('task_faults', []).append(dict(values))


@command('POST', 'tickets/expire')
def expire_tickets(_server: Server, cluster: Cluster, _values: dict) -> None:
    """Every ticket of the cluster made so far counts as expired."""
    tickets.expire_all(cluster)


@command('POST', 'node/down')
def node_down(server: Server, cluster: Cluster, values: dict) -> None:
    """The `node` dies: proxied calls to it end in 595, HA recovers its guests once it is fenced."""
    ha_manager.node_changed(server.fleet, cluster, named_node(cluster, values), online=False)
    server.follow_nodes()


@command('POST', 'node/up')
def node_up(server: Server, cluster: Cluster, values: dict) -> None:
    """The `node` is back: nothing runs on it but what has onboot set."""
    ha_manager.node_changed(server.fleet, cluster, named_node(cluster, values), online=True)
    server.follow_nodes()


@command('POST', 'quorum')
def quorum(server: Server, cluster: Cluster, values: dict) -> dict:
    """Take quorum away (lost=1) or give it back (lost=0)."""
    cluster.quorum_lost = truth(values.get('lost', 1))
    ha_manager.schedule(server.fleet, cluster)
    return {'quorate': cluster.quorate}


@command('POST', 'guest/hold-lock')
def hold_lock(_server: Server, cluster: Cluster, values: dict) -> None:
    """Hold the lock file of guest `vmid` (held=0 frees it): writes end in "can't lock file ... got timeout"."""
    held = cluster.extra.setdefault('held_locks', [])
    vmid = named_guest(cluster, values).vmid
    if vmid in held:
        held.remove(vmid)
    if truth(values.get('held', 1)):
        held.append(vmid)


@command('POST', 'guest/edit')
def edit_guest(_server: Server, cluster: Cluster, values: dict) -> dict:
    """Change the configuration of guest `vmid` behind everybody's back: `set` (options), `delete` (names)."""
    guest = named_guest(cluster, values)
    guest.config.update(values.get('set') or {})
    for name in values.get('delete') or []:
        guest.config.pop(name, None)
    return {'digest': guest.digest()}


@command('GET', 'clock')
def show_clock(server: Server, _cluster: Cluster, _values: dict) -> dict:
    """The mode of time and now."""
    return {'mode': server.fleet.clock.mode, 'now': server.fleet.clock.now()}


@command('POST', 'clock/advance')
def advance_clock(server: Server, _cluster: Cluster, values: dict) -> dict:
    """Move time forward by `seconds`; what falls due happens."""
    server.fleet.clock.advance(float(values['seconds']))
    return {'now': server.fleet.clock.now()}


@command('POST', 'settings')
def change_settings(server: Server, _cluster: Cluster, values: dict) -> dict:
    """Change settings of the simulator (latency and dead_node_wait in seconds, rates of tasks); returns all."""
    server.fleet.settings.update(values)
    return {key: value for key, value in server.fleet.settings.items() if isinstance(value, (int, float, str))}


@command('POST', 'save')
def save(server: Server, _cluster: Cluster, _values: dict) -> None:
    """Write the state to the folder of --state now."""
    server.save()


def truth(value: Any) -> bool:
    return str(value).lower() in ('1', 'true', 'yes', 'on')
