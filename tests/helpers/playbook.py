# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook from the checkout and look at what each task returned."""
from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from checkout import ROOT, ansible_environment

CALLBACKS = Path(__file__).resolve().parent / 'callback_plugins'
PLAYBOOK = (sys.executable, '-m', 'ansible', 'playbook')
LOCAL = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """One task on one host: status is ok, changed, failed, skipped or unreachable; result is what was registered."""

    host: str
    task: str
    action: str
    status: str
    ignored: bool
    result: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class PlaybookRun:
    """What ansible-playbook printed and returned, and every task's result in the order in which they ended."""

    rc: int
    stdout: str
    stderr: str
    tasks: list[TaskResult]
    stats: dict[str, dict[str, int]]

    def task(self, name: str, host: str | None = None) -> TaskResult:
        """The result of the one task of this name; AssertionError, with the output, when there is none or several."""
        found = [task for task in self.tasks if task.task == name and host in (None, task.host)]
        assert len(found) == 1, f"{len(found)} results of task '{name}', host {host or 'any'}\n{self.output}"
        return found[0]

    def result(self, name: str, host: str | None = None) -> dict[str, Any]:
        """What the one task of this name returned."""
        return self.task(name, host).result

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something."""
        return [task.task for task in self.tasks if task.status == 'changed']

    @property
    def output(self) -> str:
        """Everything that was printed, for messages of assertions."""
        return f'rc={self.rc}\n{self.stdout}\n{self.stderr}'

    def ok(self) -> PlaybookRun:
        """Itself, after asserting that the playbook succeeded."""
        assert self.rc == 0, self.output
        return self


class Playbooks:
    """Runs playbooks with a home, a registry and caches of their own in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(
        self, play: str | Path | list | dict, inventory: str | Path | list | dict | None = None,
        extra_env: dict[str, str] | None = None, args: list[str] | tuple[str, ...] = (), timeout: float = 300,
    ) -> PlaybookRun:
        """Run a playbook: a path, a name such as pve.fleet.demo, YAML text, a list of plays, or a list of tasks for localhost.

        inventory: a path, text for -i, a list of host names (local connections), or a dictionary written as YAML; without
        one there is only localhost. extra_env adds to the variables, args to the command line.
        """
        self.count += 1
        results = self.folder / f'results-{self.count}.jsonl'
        results.touch()
        command = [*PLAYBOOK, str(self._playbook(play)), *self._inventory(inventory), *args]
        environment = self.environment(PVE_TEST_RESULTS=str(results), **(extra_env or {}))
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors='replace', timeout=timeout, check=False,
        )
        entries = [json.loads(line) for line in results.read_text(encoding='utf-8').splitlines()]
        tasks = [TaskResult(**entry) for entry in entries if 'stats' not in entry]
        stats = next((entry['stats'] for entry in entries if 'stats' in entry), {})
        return PlaybookRun(done.returncode, done.stdout, done.stderr, tasks, stats)

    def started(self, play: str | Path | list | dict) -> subprocess.Popen[str]:
        """A playbook's process, in a group of its own, while it runs: for tests that end it."""
        self.count += 1
        return subprocess.Popen(
            [*PLAYBOOK, str(self._playbook(play))], cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )

    def environment(self, **extra: str) -> dict[str, str]:
        """Variables for any Ansible command that shall share this home and registry."""
        return ansible_environment(
            self.folder / 'home', ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS), ANSIBLE_CALLBACKS_ENABLED='record_results',
            ANSIBLE_NOCOLOR='1', ANSIBLE_RETRY_FILES_ENABLED='false', **extra,
        )

    def _playbook(self, play: str | Path | list | dict) -> str | Path:
        if isinstance(play, Path) or (isinstance(play, str) and '\n' not in play and ': ' not in play):
            return play
        if isinstance(play, str):
            play = yaml.safe_load(play)
        plays = [play] if isinstance(play, dict) else play
        if not any('hosts' in entry or 'import_playbook' in entry or 'ansible.builtin.import_playbook' in entry for entry in plays):
            plays = [{'hosts': 'localhost', 'gather_facts': False, 'tasks': plays}]
        return self._write(f'playbook-{self.count}.yml', plays)

    def _inventory(self, inventory: str | Path | list | dict | None) -> list[str]:
        if inventory is None:
            return []
        if isinstance(inventory, list):
            inventory = {'all': {'hosts': {host: {} for host in inventory}, 'vars': LOCAL}}
        if isinstance(inventory, dict):
            inventory = self._write(f'inventory-{self.count}.yml', inventory)
        return ['-i', str(inventory)]

    def _write(self, name: str, content: list | dict) -> Path:
        file = self.folder / name
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding='utf-8')
        return file


def ansible(*words: str, environment: dict[str, str], cwd: Path = ROOT, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run another Ansible program of this Python: ansible('doc', '--list') is `ansible-doc --list`. Output is kept as text."""
    command = [sys.executable, '-m', 'ansible', *words]
    return subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
