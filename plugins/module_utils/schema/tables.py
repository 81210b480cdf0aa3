# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official parameter tables, found by method and path. Decoded on first use, once per process and release."""
from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from .amendments import PARAMETERS
from .check import check_parameters
from .parameters import find_parameter
from .release import RELEASES, UnsupportedRelease
from .wording import joined, suggestion

# Identifiers below these paths may hold slashes that need not be quoted (content/local:iso/x.iso).
_REST_OF_PATH = '/nodes/{node}/storage/{storage}/content/{volume}'

_DISK = re.compile(r'([a-z]+)\d+')
_GUEST = re.compile(r'/nodes/\{node\}/(qemu|lxc)')


class UnknownOperation(ValueError):
    """The release has no such method on such a path."""


@dataclass(frozen=True)
class Operation:
    """One method of one path. Schemas are as the official table writes them, and must not be changed.

    path_params: values taken from a concrete path, unquoted; empty when the template itself was asked for.
    required: names that a request must give, those in the path included. extra: whether unknown parameters are allowed.
    """

    method: str
    template: str
    name: str = ''
    path_params: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    returns: Mapping | None = None
    permissions: Mapping | None = None
    proxyto: str | None = None
    protected: bool = False
    allowtoken: bool = False
    extra: bool = False

    @property
    def path_names(self) -> tuple[str, ...]:
        """Names of the placeholders in the template, in order."""
        return tuple(part[1:-1] for part in self.template.split('/') if part.startswith('{'))

    def parameter(self, name: str) -> Mapping | None:
        """The schema of a parameter (net0 finds net[n]); None when there is none."""
        return find_parameter(self.parameters, name)


class Tables:
    """The operations of one release ('7.4', '8.4' or '9'). Use tables(release), which keeps one of each."""

    def __init__(self, release: str) -> None:
        """Decode and index the table; raises UnsupportedRelease for a release that has none."""
        if release not in RELEASES:
            raise UnsupportedRelease(f'there is no table for {release!r}: tables exist for {joined(RELEASES, "and")}.')
        self.release = release
        self._entries: dict[str, dict[str, dict]] = {}
        self._tree: dict = {}
        for entry in _official_operations(release):
            self._entries.setdefault(entry['path'], {})[entry['method']] = entry
        for template in self._entries:
            node = self._tree
            for part in _parts(template):
                node = node.setdefault('{}' if part.startswith('{') else part, {})
            node[''] = template

    def paths(self) -> list[str]:
        """All path templates, sorted."""
        return sorted(self._entries)

    def methods(self, path: str) -> list[str]:
        """Methods of a template or a concrete path, sorted; empty when the path does not exist."""
        template = self._find(path)[0]
        return sorted(self._entries.get(template, ()))

    def operation(self, method: str, path: str) -> Operation:
        """The operation for a template ('/nodes/{node}/qemu') or a concrete path ('nodes/pve1/qemu/100/config').

        Raises UnknownOperation with a sentence that names what there is instead.
        """
        template, values = self._find(path)
        entry = self._entries.get(template, {}).get(method.upper())
        if entry is None:
            raise UnknownOperation(self._missing(method.upper(), path, template))
        schema = entry.get('parameters') or {}
        parameters = {**(schema.get('properties') or {}), **PARAMETERS.get((self.release, method.upper(), template), {})}
        required = (name for name, one in parameters.items() if not one.get('optional') and not name.endswith('[n]'))
        return Operation(
            method=method.upper(), template=template, name=entry.get('name', ''), path_params=values,
            parameters=parameters, required=tuple(sorted(required)), returns=entry.get('returns'),
            permissions=entry.get('permissions'), proxyto=entry.get('proxyto'),
            protected=bool(entry.get('protected')), allowtoken=bool(entry.get('allowtoken')),
            extra=bool(schema.get('additionalProperties', 1)))

    def parameter(self, method: str, path: str, name: str) -> Mapping | None:
        """The schema of one parameter (net0 finds net[n]); None when the operation does not have it."""
        return self.operation(method, path).parameter(name)

    def check(self, method: str, path: str, params: Mapping[str, object], complete: bool = True) -> dict[str, str]:
        """What is wrong with a request: parameter → sentence; empty when nothing is.

        Values may be Python's (True, 4, dictionaries for property strings) or the API's text. Placeholders of the path
        need not be among params. complete=False does not ask for required parameters. Raises UnknownOperation.
        """
        operation = self.operation(method, path)
        values = {**operation.path_params, **params}
        problems = check_parameters(operation.parameters, values, complete, operation.extra)
        if not operation.path_params:
            problems = {name: text for name, text in problems.items()
                        if name not in operation.path_names or name in params}
        for name in params:
            beyond = self._beyond_last_disk(operation, name)
            if beyond and name not in problems:
                problems[name] = beyond
        return {name: self._sentence(operation, name, text) for name, text in problems.items()}

    def _beyond_last_disk(self, operation: Operation, name: str) -> str:
        # The tables write scsi[n] without a limit; which disks there are is told by the operation that resizes them.
        disk = _DISK.fullmatch(name)
        kind = _GUEST.match(operation.template)
        if not disk or not kind or operation.parameter(name) is None:
            return ''
        known = self.parameter('PUT', f'{kind.group()}/{{vmid}}/resize', 'disk')['enum']
        alike = [other for other in known if other.rstrip('0123456789') == disk.group(1)]
        return f'is too high: the last one is {alike[-1]}' if alike and name not in alike else ''

    def _sentence(self, operation: Operation, name: str, text: str) -> str:
        if text.startswith('is not a parameter'):
            text = text.replace('is not a parameter here', f'is not a parameter of Proxmox VE {self.release}')
            others = [release for release in RELEASES if release != self.release
                      and has_parameter(release, operation.method, operation.template, name)]
            if others:
                text = f'{text.partition(":")[0]}, only of {joined(others, "and")}'
        return f'{name} {text}' + ('' if text.endswith(('.', '?')) else '.')

    def _find(self, path: str) -> tuple[str, dict[str, str]]:
        parts = _parts(path)
        node = self._tree
        values: list[str] = []
        for index, part in enumerate(parts):
            if part in node:
                node = node[part]
            elif '{}' in node:
                node = node['{}']
                values.append(part)
                if node.get('') == _REST_OF_PATH:
                    values[-1] = '/'.join(parts[index:])
                    break
            else:
                return '', {}
        template = node.get('', '')
        names = [part[1:-1] for part in _parts(template) if part.startswith('{')]
        if parts == _parts(template):
            return template, {}
        return template, {name: unquote(value) for name, value in zip(names, values, strict=True)}

    def _missing(self, method: str, path: str, template: str) -> str:
        if template:
            there = joined(self.methods(path), 'and')
            return f'Proxmox VE {self.release} has no {method} {path}: that path has {there}.'
        return f'Proxmox VE {self.release} has no path {path}. {suggestion(path, self.paths())}'.rstrip()


def _parts(path: str) -> list[str]:
    return [part for part in path.split('/') if part]


def _official_operations(release: str) -> list[dict]:
    # Plain import statements, since the archive for a remote host holds only what such statements name.
    if release == '7.4':
        from .data import pve_7_4 as data
    elif release == '8.4':
        from .data import pve_8_4 as data
    else:
        from .data import pve_9 as data
    return data.operations()


@functools.lru_cache(maxsize=len(RELEASES))
def tables(release: str) -> Tables:
    """The tables of a release, decoded once per process. Raises UnsupportedRelease."""
    return Tables(release)


def has_parameter(release: str, method: str, path: str, name: str) -> bool:
    """Whether a release has this operation with this parameter."""
    try:
        return tables(release).parameter(method, path, name) is not None
    except UnknownOperation:
        return False
