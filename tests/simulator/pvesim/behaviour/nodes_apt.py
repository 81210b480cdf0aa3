"""Packages of a node: pending updates, versions, repositories."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, operation
from ..data.static import static
from ..model.figures import share
from ..model.node import Node
from ..model.sections import assert_unmodified
from ..tasks import Task

SUITES = {'9': 'trixie', '8.4': 'bookworm', '7.4': 'bullseye'}
STANDARD = {
    'enterprise': ('Enterprise', 'pve-enterprise', 'https://enterprise.proxmox.com/debian/pve'),
    'no-subscription': ('No-Subscription', 'pve-no-subscription', 'http://download.proxmox.com/debian/pve'),
    'test': ('Test', 'pve-test', 'http://download.proxmox.com/debian/pve'),
}


@operation('GET', '/nodes/{node}/apt/update')
def updates(call: Call) -> list[dict]:
    """Of the known updates, those that this node has not installed; all of them on the recorded kind of node."""
    node, every = call.node, static('apt_updates')
    if node.extra.get('updated_at'):
        return []
    part = 1.0 if node.extra.get('container') else share(node.name, call.cluster.name, 'updates') * 0.6
    rows = [entry for entry in every if part == 1.0 or share(node.name, entry[0]) < part]
    return [update_row(entry) for entry in rows]


def update_row(entry: list) -> dict:
    package, old, new, architecture, section, priority, title = entry
    return {'Package': package, 'Title': title, 'Description': title, 'Origin': 'Debian', 'Version': new, 'OldVersion': old,
            'Priority': priority, 'Section': section, 'Arch': architecture}


@operation('POST', '/nodes/{node}/apt/update')
def refresh(call: Call) -> str:
    quiet, count = bool(call.params.get('quiet')), len(updates(call))

    def work(task: Task) -> Generator:
        if not quiet:
            task.log('starting apt-get update')
        yield 3.0
        task.log(f'Hit:1 http://deb.debian.org/debian {SUITES[call.release]} InRelease\nReading package lists...')
        task.log(f'{count} packages can be upgraded')

    return call.task('aptupdate', None, work)


@operation('GET', '/nodes/{node}/apt/versions')
def versions(call: Call) -> list[dict]:
    rows = []
    for package, old, new, architecture, section, priority, title, state in static('apt_versions'):
        row = {'Package': package, 'Title': title, 'Description': title, 'Origin': 'Debian', 'Version': new,
               'Priority': priority, 'Section': section, 'Arch': architecture, 'CurrentState': state}
        if old:
            row['OldVersion'] = old
        rows.append(row)
    if not call.node.extra.get('container'):
        rows.insert(0, manager_package(call))
    return rows


def manager_package(call: Call) -> dict:
    from .version import VERSIONS

    number = VERSIONS[call.release]['version']
    title = 'Proxmox Virtual Environment Management Tools'
    return {'Package': 'pve-manager', 'Title': title, 'Description': title, 'Origin': 'Proxmox', 'Version': number,
            'OldVersion': number, 'Priority': 'optional', 'Section': 'admin', 'Arch': 'all', 'CurrentState': 'Installed',
            'ManagerVersion': number}


@operation('GET', '/nodes/{node}/apt/changelog')
def changelog(call: Call) -> str:
    name = call.params['name']
    entry = next((entry for entry in static('apt_updates') if entry[0] == name), None)
    if entry is None:
        raise ApiError(f"unable to find package '{name}'")
    return f'{name} ({entry[2]}) {SUITES[call.release]}; urgency=medium\n\n  * Update.\n'


def chosen(node: Node) -> dict[str, bool]:
    """The standard repositories of a node and whether each is enabled."""
    return node.extra.setdefault('repositories', {'enterprise': False, 'no-subscription': True})


def repositories_digest(node: Node) -> str:
    return hashlib.sha256(repr(sorted(chosen(node).items())).encode()).hexdigest()


@operation('GET', '/nodes/{node}/apt/repositories')
def repositories(call: Call) -> dict:
    suite, kind = SUITES[call.release], 'sources' if call.release == '9' else 'list'
    files: list[dict[str, Any]] = [repository_file('/etc/apt/sources.list', kind, [
        source('http://deb.debian.org/debian', [suite, f'{suite}-updates'], ['main', 'contrib'], True, kind)])]
    infos = []
    for handle, enabled in chosen(call.node).items():
        _name, component, address = STANDARD[handle]
        path = f'/etc/apt/sources.list.d/{component}.{kind}'
        files.append(repository_file(path, kind, [source(address, [suite], [component], enabled, kind)]))
        infos.append({'path': path, 'index': '0', 'kind': 'origin', 'message': 'Proxmox', 'property': 'URIs'})
    return {'files': files, 'errors': [], 'infos': infos, 'digest': repositories_digest(call.node),
            'standard-repos': [standard_row(call.node, handle) for handle in STANDARD]}


def standard_row(node: Node, handle: str) -> dict:
    row = {'handle': handle, 'name': STANDARD[handle][0]}
    if handle in chosen(node):
        row['status'] = int(chosen(node)[handle])
    return row


def repository_file(path: str, kind: str, sources: list[dict]) -> dict:
    return {'path': path, 'file-type': kind, 'repositories': sources,
            'digest': list(hashlib.sha256(repr(sources).encode()).digest())}


def source(address: str, suites: list[str], components: list[str], enabled: bool, kind: str) -> dict:
    return {'Types': ['deb'], 'URIs': [address], 'Suites': suites, 'Components': components, 'Options': [], 'Comment': '',
            'Enabled': int(enabled), 'FileType': kind}


@operation('PUT', '/nodes/{node}/apt/repositories')
def add_repository(call: Call) -> None:
    assert_unmodified(repositories_digest(call.node), call.params.get('digest'))
    handle = call.params['handle']
    if handle not in STANDARD:
        raise ApiError(f"unknown handle '{handle}'")
    chosen(call.node)[handle] = True


@operation('POST', '/nodes/{node}/apt/repositories')
def switch_repository(call: Call) -> None:
    assert_unmodified(repositories_digest(call.node), call.params.get('digest'))
    path = call.params['path']
    handle = next((handle for handle in chosen(call.node) if f'/{STANDARD[handle][1]}.' in path), None)
    if handle is None or call.params['index'] != 0:
        raise ApiError(f"could not find repository file '{path}'" if handle is None else 'invalid repository index')
    if 'enabled' in call.params:
        chosen(call.node)[handle] = bool(call.params['enabled'])
