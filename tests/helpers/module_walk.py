# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Example options of every module, and running a module in this process against a simulator."""
from __future__ import annotations

import dataclasses
import importlib
import logging
from pathlib import Path
from typing import Any

import yaml
from checkout import ROOT

FILE = ROOT / 'tests' / 'integration' / 'module_examples.yml'
MODULES = 'ansible_collections.pve.fleet.plugins.modules'
FRAGMENTS = 'ansible_collections.pve.fleet.plugins.doc_fragments'
ROOT_LOGIN = {'api_user': 'root@pam', 'api_password': 'realpve1'}

logging.getLogger('aiohttp').setLevel(logging.ERROR)


def examples() -> dict[str, dict]:
    return yaml.safe_load(FILE.read_text(encoding='utf-8'))


def filled(value: Any, words: dict[str, Any]) -> Any:
    """Options with their placeholders replaced; one that is a whole value keeps its type."""
    if isinstance(value, dict):
        return {key: filled(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, words) for item in value]
    if not isinstance(value, str):
        return value
    if value in words:
        return words[value]
    for word, text in words.items():
        value = value.replace(word, str(text))
    return value


def two_clusters() -> Any:
    """A pair of nodes with an image that has an operating system, and beside it a cluster of one node."""
    from pvesim.clock import Clock
    from pvesim.model.start_states import pair, single

    fleet = pair(clock=Clock('fast'))
    first = next(iter(fleet.clusters.values()))
    first.volumes.at('local', 'pve1')['local:import/mini.qcow2'].extra['os'] = True
    fleet.add(next(iter(single(clock=fleet.clock).clusters.values())))
    return fleet


@dataclasses.dataclass
class Walk:
    """Runs modules against one simulator. folder: for the registry and files. upid: of the task that was last begun."""

    simulator: Any
    folder: Path
    upid: str = ''

    @property
    def words(self) -> dict[str, Any]:
        (self.folder / 'walk.iso').write_bytes(b'walk' * 50_000)
        other = int(list(self.simulator.urls.values())[-1][0].rpartition(':')[2])
        return {'<host>': f'127.0.0.1:{self.simulator.port}', '<port>': self.simulator.port, '<other>': other, '<ca>': self.simulator.ca_path,
                '<registry>': str(self.folder / 'registry.db'), '<folder>': str(self.folder), '<upid>': self.upid}

    def options(self, module: str, given: dict, login: bool = True) -> dict:
        """The options of a task: those given, with the connection where the module takes one."""
        connection = {'api_host': f'127.0.0.1:{self.simulator.port}', 'ca_path': self.simulator.ca_path, **ROOT_LOGIN}
        takes = login and 'api_host' in spec_of(module).argument_spec
        return {**(connection if takes else {}), **filled(given, self.words)}

    def run(self, module: str, given: dict, check: bool = False, login: bool = True) -> dict:
        """The result of a task, also of a failed one; `requests` is how many it took, logins left out."""
        from ansible_collections.pve.fleet.plugins.module_utils import runner
        from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
        from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

        spec = spec_of(module)
        params, error, _warnings, _deprecations, secrets = validate(spec, self.options(module, given, login), module)
        if error:
            return {'failed': True, 'msg': error, 'requests': 0}
        self.simulator.control.reset_log()
        result = runner.execute(spec, params, Access(params), check_mode=check, diff_mode=True, secrets=secrets)
        self.upid = result.get('upid') or self.upid
        return {**result, 'requests': len(self.requests())}

    def prepare(self, step: dict) -> None:
        """One step of an entry's setup: a module with its options, or a command of the simulator's control interface."""
        for name, options in step.items():
            if '/' in name:
                self.simulator.control.send('POST', name, **options)
                continue
            done = self.run(name, options, login=examples().get(name, {}).get('login', True))
            assert not done.get('failed'), f'setup, {name}: {done["msg"]}'

    def requests(self) -> list[str]:
        """'GET /nodes' of every request since the last run began, logins left out."""
        entries = self.simulator.control.log(1000)['requests']
        return [f'{one["method"]} {one["path"].removeprefix("/api2/json")}' for one in entries if 'access/ticket' not in one['path']]


def spec_of(module: str) -> Any:
    return importlib.import_module(f'{MODULES}.{module}').SPEC


def documentation(module: str) -> dict:
    """DOCUMENTATION with the options of its fragments, EXAMPLES and RETURN of a module, parsed."""
    source = importlib.import_module(f'{MODULES}.{module}')
    found = yaml.safe_load(source.DOCUMENTATION)
    return {**found, 'options': options_of(found), 'examples': yaml.safe_load(source.EXAMPLES), 'return': yaml.safe_load(source.RETURN)}


def options_of(document: dict) -> dict:
    """The options of a piece of documentation and of the fragments that it extends."""
    names = document.get('extends_documentation_fragment') or []
    options = dict(document.get('options') or {})
    for name in [names] if isinstance(names, str) else names:
        _namespace, _collection, file, *part = name.split('.')
        fragment = importlib.import_module(f'{FRAGMENTS}.{file}').ModuleDocFragment
        options.update(options_of(yaml.safe_load(getattr(fragment, part[0].upper() if part else 'DOCUMENTATION'))))
    return options
