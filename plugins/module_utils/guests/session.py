# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on one guest, as the steps of a plan share it."""

from __future__ import annotations

import dataclasses
import typing

from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import NEWEST
from ansible_collections.pve.fleet.plugins.module_utils.guests.desired import Desired
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import LeftRunning, start_task
from ansible_collections.pve.fleet.plugins.module_utils.guests.progress import watcher
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import State, read_state


class Replan(Exception):
    """What is there is no longer what the plan was made for: look again and plan anew."""


@dataclasses.dataclass
class Session:
    """One run on one guest. vmid and node follow it; config and digest are what was read last, None when outdated.

    existing: whether the guest was there when the plan was made. power: how it runs now, None when that is not known.
    leave: whether the task of this step is not waited for; left: that task, once it was started.
    """

    context: typing.Any
    client: typing.Any
    desired: Desired
    vmid: int
    node: str
    source: State | None = None
    config: dict | None = None
    digest: str | None = None
    ha_managed: bool = False
    existing: bool = False
    power: str | None = None
    release: str = NEWEST
    planned_vmid: int | None = None
    upids: list = dataclasses.field(default_factory=list)
    leave: bool = False
    left: str | None = None

    @property
    def kind(self):
        return self.desired.kind

    @property
    def row(self):
        """The guest as the reading functions want it."""
        return {'vmid': self.vmid, 'node': self.node, 'type': self.kind.name, 'name': self.desired.final_name}

    @property
    def label(self):
        return self.desired.final_name or str(self.vmid)

    def path(self, *rest):
        return ('nodes', self.node, self.kind.name, self.vmid, *rest)

    def task(self, what, method, *segments, params=None, timeout=None):
        """Send a request that starts a task and wait for it; its warnings are handed on. Raises LeftRunning for one that is not waited for."""
        if self.leave:
            return self.start(method, segments, params)
        watch = watcher(self.context.progress, self.label, what)
        limit = timeout or self.desired.timeout
        done = self.client.run_task(method, *segments, params=params or {}, timeout=limit, progress=watch)
        if done is not None:
            self.upids.append(done.upid)
            for warning in done.warnings:
                self.context.warn(f'{self.label} {what}: {warning}')
        return done

    def start(self, method, segments, params):
        started = start_task(self.client, method, segments, params)
        if started is not None:
            self.upids.append(started.upid)
            raise LeftRunning(started.upid)

    def read(self):
        """The configuration as it is now, read at most once between two changes."""
        if self.config is None:
            state = read_state(self.client, self.kind, {**self.row, 'status': 'asked'})
            self.config, self.digest = state.config, state.digest
        return self.config

    def outdated(self):
        self.config = self.digest = None

    def words(self, step):
        """A step's words with the id that the guest really got."""
        if self.planned_vmid in (None, self.vmid):
            return step.words
        return [word.replace(f' {self.planned_vmid} on ', f' {self.vmid} on ') for word in step.words]
