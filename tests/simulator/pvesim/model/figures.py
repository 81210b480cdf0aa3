"""Figures that move with the clock (load, memory, traffic): always the same for the same thing at the same moment."""

from __future__ import annotations

import functools
import math
import zlib
from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


def share(*names: object) -> float:
    """A number from 0 to 1 that belongs to the names."""
    return zlib.crc32(':'.join(map(str, names)).encode()) / 0xFFFFFFFF


def wave(name: str, moment: float, period: float = 60.0) -> float:
    """A number from 0 to 1 that goes up and down smoothly, with a new random goal every `period` seconds."""
    step = math.floor(moment / period)
    part = moment / period - step
    weight = part * part * (3 - 2 * part)
    return share(name, step) * (1 - weight) + share(name, step + 1) * weight


@dataclass(frozen=True, slots=True)
class Figures:
    """What a running guest uses: cpu as a share of its cores, the rest in bytes (counters since its start)."""

    cpu: float = 0
    mem: int = 0
    disk: int = 0
    netin: int = 0
    netout: int = 0
    diskread: int = 0
    diskwrite: int = 0
    uptime: int = 0


IDLE = Figures()


@functools.lru_cache(maxsize=1 << 15)
def of_guest(name: str, started_at: float, now: float, memory: int, disk: int) -> Figures:
    """The figures at `now` of a guest that was started at started_at, with so much memory and disk."""
    uptime = max(0, int(now - started_at))
    base = share(name, 'cpu') ** 3
    cpu = min(1.0, 0.004 + base * 0.5 + wave(f'{name}:cpu', now) * (0.02 + base * 0.4))
    rate = 200 + share(name, 'net') ** 4 * 400_000
    written = 500 + share(name, 'io') ** 4 * 900_000
    return Figures(
        cpu=cpu,
        mem=int(memory * min(0.97, 0.15 + share(name, 'mem') * 0.6 + wave(f'{name}:mem', now, 600) * 0.15)),
        disk=int(disk * min(0.95, 0.1 + share(name, 'disk') * 0.7)),
        netin=int(uptime * rate), netout=int(uptime * rate * 0.6),
        diskread=int(40 * MIB + uptime * written * 0.4), diskwrite=int(uptime * written), uptime=uptime,
    )


def of_node(name: str, now: float, cpus: int, busy: float, memory: int, guest_memory: int) -> dict:
    """cpu (share), iowait, load (three numbers), mem (bytes) of a node whose guests keep `busy` cores busy."""
    cpu = min(1.0, busy / max(1, cpus) + 0.005 + wave(f'{name}:cpu', now) * 0.02)
    load = cpu * cpus
    return {
        'cpu': cpu,
        'wait': wave(f'{name}:wait', now) ** 4 * 0.02,
        'load': [load * (0.9 + 0.2 * wave(f'{name}:load{index}', now, 300)) for index in range(3)],
        'mem': int(min(memory * 0.98, 1.5 * GIB + guest_memory + wave(f'{name}:mem', now, 900) * GIB / 2)),
    }
