"""State of a fleet in a folder (--state): one JSON file per cluster, written every few seconds where something changed, and at the end."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
from collections import Counter, deque
from pathlib import Path
from typing import Any

from ..clock import Clock
from .cluster import Cluster
from .fleet import Fleet

INDEX = 'fleet.json'
FORMAT = 1
PACKAGE = __name__.split('.', 1)[0]
# What lives only as long as the process.
TRANSIENT = {'Task': ('generator', 'fleet', 'waiters'), 'Access': ('cache',)}
KIND = '!'
ENDED = 'unexpected status'


def encode(value: Any) -> Any:
    """Any value of the model -> what JSON holds; what cannot be kept (functions, generators) becomes None."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, (dict, Counter)):
        if all(isinstance(key, str) for key in value) and KIND not in value:
            return {key: encode(item) for key, item in value.items()}
        return {KIND: 'dict', 'v': [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {KIND: 'tuple', 'v': [encode(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {KIND: type(value).__name__, 'v': [encode(item) for item in sorted(value, key=repr)]}
    if isinstance(value, deque):
        return {KIND: 'deque', 'n': value.maxlen, 'v': [encode(item) for item in value]}
    if isinstance(value, bytes):
        return {KIND: 'bytes', 'v': value.hex()}
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(f'{PACKAGE}.'):
        return encode_dataclass(value)
    return None


def encode_dataclass(value: Any) -> dict:
    kind = type(value)
    dropped = TRANSIENT.get(kind.__name__, ())
    kept = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)
            if field.name not in dropped}
    return {KIND: f'{kind.__module__.split(".", 1)[1]}:{kind.__name__}', 'v': kept}


def decode(value: Any) -> Any:
    """The reverse of encode."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(KIND)
    if kind is None:
        return {key: decode(item) for key, item in value.items()}
    inner = value['v']
    if kind == 'dict':
        return {decode(key): decode(item) for key, item in inner}
    if kind == 'bytes':
        return bytes.fromhex(inner)
    if kind == 'deque':
        return deque((decode(item) for item in inner), maxlen=value['n'])
    plain = {'tuple': tuple, 'set': set, 'frozenset': frozenset}.get(kind)
    if plain:
        return plain(decode(item) for item in inner)
    return decode_dataclass(kind, inner)


def decode_dataclass(kind: str, inner: dict) -> Any:
    module, dummy, name = kind.partition(':')
    found = getattr(importlib.import_module(f'{PACKAGE}.{module}'), name)
    if not dataclasses.is_dataclass(found):
        raise ValueError(f'{kind} is no class of the model')
    values = {key: decode(item) for key, item in inner.items()}
    made = {field.name for field in dataclasses.fields(found) if field.init}
    instance = found(**{key: item for key, item in values.items() if key in made})
    for key in values.keys() - made:
        setattr(instance, key, values[key])
    return instance


def exists(folder: Path) -> bool:
    return (folder / INDEX).exists()


def write(path: Path, value: Any) -> None:
    """Write so that a reader finds the old file or the new one, readable by its owner only."""
    fresh = path.with_suffix('.new')
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(value, separators=(',', ':')))
    os.replace(fresh, path)


def save(fleet: Fleet, folder: Path) -> None:
    """Write the whole fleet."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(fleet.clusters)
    for number, cluster in enumerate(fleet.clusters.values()):
        write(folder / f'cluster-{number}.json', encode(cluster))
    settings = {key: value for key, value in fleet.settings.items() if isinstance(value, (int, float, str))}
    write(folder / INDEX, {'format': FORMAT, 'clusters': names, 'settings': settings})


def load(folder: Path, clock: Clock) -> Fleet:
    """Read a fleet back. Tasks that ran when it was saved are over. Raises ValueError with a sentence."""
    index = json.loads((folder / INDEX).read_text())
    if index.get('format') != FORMAT:
        raise ValueError(f'state {folder}: format {index.get("format")!r} is not {FORMAT}; begin with an empty folder')
    fleet = Fleet(clock=clock, settings=index['settings'])
    for number in range(len(index['clusters'])):
        try:
            cluster = decode(json.loads((folder / f'cluster-{number}.json').read_text()))
        except (ValueError, TypeError, AttributeError, ImportError, OSError) as error:
            raise ValueError(f'state {folder}: cluster-{number}.json cannot be read: {error}') from None
        if not isinstance(cluster, Cluster):
            raise ValueError(f'state {folder}: cluster-{number}.json holds no cluster')
        end_tasks(cluster, int(clock.now()))
        fleet.add(cluster)
    return fleet


def end_tasks(cluster: Cluster, now: int) -> None:
    for task in cluster.tasks.values():
        if task.running:
            task.exitstatus, task.endtime = ENDED, now
