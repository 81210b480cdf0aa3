# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's logic is given: its options, its clusters, and where to tell what it does."""

from __future__ import annotations

import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest


def silent(text):
    """Progress that nobody asked for."""


class Context:
    """One run of one module.

    params: validated options. check_mode, diff_mode: bool.
    access: fleet.access.Access, which knows the clusters and the registry.
    progress: function(text) for a line that people may see while it runs.
    """

    def __init__(self, spec, params, access, check_mode=False, diff_mode=False, progress=silent):
        self.spec = spec
        self.params = params
        self.access = access
        self.check_mode = check_mode
        self.diff_mode = diff_mode
        self.progress = progress
        self.request_id = uuid.uuid4().hex
        self.done = []
        self.warnings = []
        self.audit = []
        self.secrets = set()
        self._clients = {}
        self._default = None

    def within(self, spec, params, client):
        """A Context for a part of this run, on a Client of this one: with its own options, changes, warnings and secrets."""
        part = Context(spec, params, self.access, self.check_mode, self.diff_mode, self.progress)
        part.request_id, part._default = self.request_id, client
        part.secrets |= self.secrets
        return part

    @property
    def tier(self):
        """Which credential of a registered cluster this run uses."""
        return self.spec.tier_for(self.params)

    @property
    def client(self):
        """The Client of the cluster that the task names, made on first use."""
        if self._default is None:
            connection = self.access.default(self.tier)
            self._default = self.client_for(connection)
        return self._default

    @property
    def cluster_name(self):
        return self.client.connection.name

    def client_for(self, connection):
        """A Client for a Connection, one per cluster and tier."""
        key = (connection.name, connection.credential.identity)
        if key not in self._clients:
            client = Client(connection)
            client.request_id = self.request_id
            self.secret(connection.credential.secret)
            self._clients[key] = client
        return self._clients[key]

    def clients(self, selection=None):
        """{name: Client or FleetError} of registered clusters; selection as in Registry.clusters.

        A cluster whose credentials cannot be had is given as the error, so that it does not hide the others.
        """
        found = self.access.many(selection, self.tier)
        return {
            name: value if isinstance(value, Exception) else self.client_for(value) for name, value in found.items()
        }

    def client_named(self, name, tier=None):
        """The Client of one registered cluster. Raises NotFound."""
        return self.client_for(self.access.named(name, tier or self.tier))

    @property
    def registry(self):
        """The registry, opened on first use. Raises a FleetError when it cannot be opened."""
        return self.access.registry

    def resolve_secret(self, reference):
        """The secret that a secret_lookup names. Raises BadRequest where no lookups can be done."""
        if self.access.resolve is None:
            raise BadRequest(
                'A secret_lookup can only be resolved on the controller; this task ran elsewhere without it. '
                'Leave the in-process execution on, or resolve the secret with a lookup in the task.'
            )
        value = self.access.resolve(reference)
        self.secret(value)
        return value

    def did(self, change):
        """A change that is done now, in words. It is reported even when the run fails later."""
        self.done.append(change)

    def missing(self, error):
        """What a change needs is not there: raises the error; warns in check mode, where an earlier task may be about to make it."""
        if not self.check_mode:
            raise error
        self.warn(f'{error.message.rstrip(".")}. This is check mode: the real run fails unless an earlier task makes it.')

    def event(self, text):
        """A line that people see at once: one of several things is finished."""
        getattr(self.progress, 'event', self.progress)(text)

    def warn(self, text):
        if text not in self.warnings:
            self.warnings.append(text)

    def secret(self, value):
        """A value that must not appear in the result."""
        if value:
            self.secrets.add(str(value))

    def close(self):
        for client in self._clients.values():
            client.close()
