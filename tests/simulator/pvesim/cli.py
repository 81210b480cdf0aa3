"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import signal
import socket
import sys
import time
from pathlib import Path

from .call import RELEASES
from .clock import MODES, Clock
from .model.fleet import Fleet
from .model.start_states import STATES
from .request import prepared
from .server import Server

SAVE_EVERY = 5.0


def seconds(text: str) -> float:
    """'5ms', '0.2s' or '3' -> seconds."""
    match = re.fullmatch(r'(\d+(?:\.\d+)?)(ms|s)?', text)
    if not match:
        raise argparse.ArgumentTypeError(f'{text!r} is no time; write 5ms, 0.2s or 3')
    return float(match[1]) * (0.001 if match[2] == 'ms' else 1)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser('pvesim', description='An HTTPS server that behaves like the API of one or more '
                                     'Proxmox VE clusters.')
    fleet = parser.add_argument_group('fleet')
    fleet.add_argument('--clusters', type=int, default=1, help='how many clusters to generate (default 1)')
    fleet.add_argument('--nodes', type=int, default=3, help='nodes in each cluster (default 3)')
    fleet.add_argument('--guests', type=int, default=20, help='guests in each cluster (default 20)')
    fleet.add_argument('--seed', type=int, default=1, help='the same seed makes the same fleet (default 1)')
    fleet.add_argument('--fleet', type=Path, metavar='FILE', help='a YAML description of the fleet instead')
    fleet.add_argument('--start-state', choices=sorted(STATES), help='the start state of the recordings instead')
    fleet.add_argument('--release', choices=RELEASES, default='9', help='release of Proxmox VE (default 9)')
    fleet.add_argument('--password', metavar='TEXT', help='password of root@pam in a generated fleet '
                       '(default pvesim-password)')
    fleet.add_argument('--state', type=Path, metavar='DIR', help='keep state and certificates in this folder')
    serve = parser.add_argument_group('server')
    serve.add_argument('--host', default='127.0.0.1', help='address to listen on (default 127.0.0.1)')
    serve.add_argument('--port', type=int, default=8006, help='port of the first cluster; the others follow '
                       '(default 8006; 0: free ones)')
    serve.add_argument('--node-ports', action='store_true', help='a port for each node instead of each cluster')
    serve.add_argument('--node-addresses', action=argparse.BooleanOptionalAction, help='nodes of a generated fleet have '
                       'loopback addresses and answer there, too, on the port of their cluster (default: where the '
                       'system has all of 127.0.0.0/8, as Linux has)')
    serve.add_argument('--latency', type=seconds, default=0.0, help='wait before each answer, for example 5ms')
    serve.add_argument('--time', choices=MODES, default='real', help='real; fast: nothing takes long; manual: time '
                       'moves by the control interface (default real)')
    serve.add_argument('--begin', type=float, metavar='SECONDS', help='what the clock shows at first, in seconds since '
                       '1970 (default now)')
    serve.add_argument('--json', action='store_true', help='say where it is ready as one line of JSON')
    parser.add_argument('--coverage', action='store_true', help='list which operations behave, and end')
    return parser


def make_fleet(options: argparse.Namespace) -> Fleet:
    """The fleet that the options ask for. Raises ValueError or OSError with a sentence."""
    clock = Clock(options.time, options.begin)
    if options.state:
        from .model import persist

        if persist.exists(options.state):
            return persist.load(options.state, clock)
    if options.start_state:
        return STATES[options.start_state](options.release, clock)
    if options.fleet:
        from .model.describe import load

        return load(options.fleet, clock)
    from .model.generate import generate

    return generate(clusters=options.clusters, nodes=options.nodes, guests=options.guests, seed=options.seed,
                    release=options.release, clock=clock, loopback=wants_node_addresses(options))


def wants_node_addresses(options: argparse.Namespace) -> bool:
    """Whether generated nodes get loopback addresses of their own."""
    if options.node_addresses is None:
        return options.host == '127.0.0.1' and not options.node_ports and has_loopback_network()
    return options.node_addresses


def has_loopback_network() -> bool:
    """Whether any address in 127.0.0.0/8 can be listened at."""
    try:
        with socket.create_server(('127.100.0.11', 0)):
            return True
    except OSError:
        return False


def coverage() -> str:
    """One line per operation and release: 'yes' where behaviour stands behind it."""
    lines, totals = [], []
    for release in RELEASES:
        operations = prepared(release).operations.values()
        behave = [operation for operation in operations if operation.handler is not None]
        totals.append(f'release {release}: {len(behave)} of {len(operations)} operations behave')
        lines += [f'{"yes" if operation.handler else "no ":<4}{release:<4} {operation}'
                  for operation in sorted(operations, key=lambda item: (item.path, item.method))]
    return '\n'.join(lines + totals)


async def serve(options: argparse.Namespace, fleet: Fleet) -> None:
    """Run until SIGINT or SIGTERM."""
    fleet.settings.setdefault('latency', options.latency)
    saver = None
    if options.state:
        from .model import persist

        options.state.mkdir(parents=True, exist_ok=True)

        def saver(current: Fleet) -> None:
            persist.save(current, options.state)

    server = Server(fleet, options.host, options.port, options.state, options.node_ports, saver,
                    options.node_addresses is not False)
    await server.start()
    gc.freeze()
    gc.enable()
    saving = asyncio.create_task(keep_saved(server)) if saver else None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(ready_line(server, options.json), flush=True)
    await stop.wait()
    if saving:
        saving.cancel()
    await server.stop()


async def keep_saved(server: Server) -> None:
    """Save what has changed every few seconds; a large fleet more seldom, so that saving never takes a twentieth of the time."""
    pause = SAVE_EVERY
    while True:
        await asyncio.sleep(pause)
        if not server.changed:
            continue
        began = time.perf_counter()
        try:
            server.save()
        except OSError as error:
            print(f'pvesim: the state was not saved: {error}', file=sys.stderr, flush=True)
        pause = max(SAVE_EVERY, 20 * (time.perf_counter() - began))


def ready_line(server: Server, as_json: bool) -> str:
    urls = server.urls()
    if as_json:
        return json.dumps({'clusters': urls, 'nodes': server.node_urls(), 'ca': str(server.ca_path)})
    guests = sum(len(cluster.guests) for cluster in server.fleet.clusters.values())
    first = next(iter(urls.values()))[0]
    more = f' and {sum(map(len, urls.values())) - 1} more ports' if sum(map(len, urls.values())) > 1 else ''
    return f'pvesim is ready at {first}{more}: {len(urls)} clusters, {guests} guests, CA {server.ca_path}'


def main(arguments: list[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    if options.coverage:
        print(coverage())
        return 0
    gc.disable()  # making a large fleet makes nothing that could be collected; serve() turns it on again
    try:
        fleet = make_fleet(options)
        if options.password:
            for cluster in fleet.clusters.values():
                cluster.access.passwords['root@pam'] = options.password
        asyncio.run(serve(options, fleet))
    except (OSError, ValueError) as error:
        print(f'pvesim: {error}', file=sys.stderr)
        return 2
    return 0
