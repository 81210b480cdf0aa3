"""The official parameter tables of a release: operations and the route of a path to one of them."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

from .data import amendments

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / 'plugins' / 'module_utils' / 'schema' / 'data'
FILES = {'9': 'pve_9', '8.4': 'pve_8_4', '7.4': 'pve_7_4'}

# Below these a path parameter takes all that is left, slashes too: ids of volumes and networks contain them.
REST_OF_PATH = ('content/{volume}', 'ipset/{name}/{cidr}')


class Operation:
    """One entry of the tables; `properties`: parameter schemas by name; `handler`: set when behaviour is loaded."""

    __slots__ = ('additional', 'allowtoken', 'entry', 'handler', 'listing', 'method', 'name', 'path', 'permissions',
                 'properties', 'protected', 'proxyto', 'release', 'returns', 'validate')

    def __init__(self, entry: dict, release: str):
        parameters = entry.get('parameters') or {}
        self.entry, self.release = entry, release
        self.path, self.method, self.name = entry['path'], entry['method'], entry['name']
        self.allowtoken = bool(entry.get('allowtoken'))
        self.protected = bool(entry.get('protected'))
        self.proxyto = entry.get('proxyto')
        self.permissions = entry.get('permissions') or {}
        amended = amendments.PARAMETERS.get((release, self.method, self.path), {})
        self.properties: dict[str, dict] = {**(parameters.get('properties') or {}), **amended}
        self.additional = parameters.get('additionalProperties')
        self.returns = entry.get('returns') or {}
        self.handler: Any = None
        self.validate: Any = None
        self.listing = False  # answered by the generic listing of what is below

    def __repr__(self) -> str:
        return f'{self.method} {self.path}'


class Branch:
    """A node of the route tree."""

    __slots__ = ('fixed', 'methods', 'name', 'rest', 'variable')

    def __init__(self):
        self.fixed: dict[str, Branch] = {}
        self.variable: Branch | None = None
        self.name = ''
        self.rest = False
        self.methods: dict[str, Operation] = {}


class Tables:
    """All operations of one release."""

    def __init__(self, entries: list[dict], release: str):
        self.release = release
        self.operations = {(entry['method'], entry['path']): Operation(entry, release) for entry in entries}
        self.root = Branch()
        for operation in self.operations.values():
            self._plant(operation)

    def _plant(self, operation: Operation) -> None:
        branch = self.root
        for segment in operation.path.strip('/').split('/') if operation.path != '/' else []:
            if segment.startswith('{'):
                if branch.variable is None:
                    branch.variable = Branch()
                branch = branch.variable
                branch.name = segment[1:-1]
            else:
                branch = branch.fixed.setdefault(segment, Branch())
        branch.rest = operation.path.endswith(REST_OF_PATH)
        branch.methods[operation.method] = operation

    def find(self, path: str) -> tuple[Branch | None, dict[str, str]]:
        """The branch of a decoded path below /api2/json and its path parameters; None when there is no such path."""
        branch, values = self.root, {}
        segments = [part for part in path.split('/') if part]
        for index, segment in enumerate(segments):
            below = branch.fixed.get(segment)
            if below is None:
                below = branch.variable
                if below is None:
                    return None, values
                if below.rest:
                    values[below.name] = '/'.join(segments[index:])
                    return below, values
                values[below.name] = segment
            branch = below
        return branch, values

    def children(self, path: str) -> list[str]:
        """What the listing of a path of the tables names: the fixed segments right below it."""
        branch = self.root
        for segment in path.strip('/').split('/') if path != '/' else []:
            branch = branch.variable if segment.startswith('{') else branch.fixed[segment]
        for release in (self.release, '*'):
            if names := amendments.INDEXES.get((release, path)):
                return list(names)
        names = set(branch.fixed) | set(amendments.INDEX_BESIDES.get((self.release, path), ()))
        return sorted(names - set(amendments.INDEX_HIDES.get(('*', path), ())))


def entries_of(release: str) -> list[dict]:
    """The official entries of a release: path, method, name, allowtoken, protected, proxyto, permissions, ..."""
    file = DATA / f'{FILES[release]}.py'
    spec = importlib.util.spec_from_file_location(f'pvesim_tables_{FILES[release]}', file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.operations()


@functools.cache
def tables(release: str) -> Tables:
    """Tables of '9', '8.4' or '7.4', with handlers attached once behaviour is loaded (server.prepare)."""
    return Tables([amendments.ROOT_ENTRY, *entries_of(release)], release)
