# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run finds its clusters: given in the task, handed over by the controller, or in the registry."""

from __future__ import annotations

import functools
import json
import os

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Connection
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import (
    CLASSES,
    BadRequest,
    FleetError,
    Internal,
    NotFound,
)


def open_registry(params):
    """The registry that the options and the environment name. Imported late: not every task needs SQLAlchemy."""
    from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry as opened

    return opened(
        url=params.get('registry_url'),
        key=params.get('registry_key'),
        key_file=params.get('registry_key_file'),
    )


class Access:
    """Connections by way of the registry of this machine.

    params: validated options; resolve: function(secret_lookup dict) -> str, or None where there is none;
    state_dir: a private folder that the processes of one run share, or None.
    """

    writes_audit = True

    def __init__(self, params, resolve=None, state_dir=None, environment=None):
        self.params = params
        self.resolve = resolve
        self.state_dir = state_dir
        self.environment = os.environ if environment is None else environment
        self._registry = None

    @property
    def registry(self):
        if self._registry is None:
            self._registry = open_registry(self.params)
        return self._registry

    def default(self, tier):
        """The Connection of the task's own cluster. Raises a FleetError that says what to give."""
        found = options.effective(self.params, self.environment)
        if found.get('cluster'):
            return self.named(found['cluster'], tier)
        return options.direct_connection(self.params, self.environment).replace(state_dir=self.state_dir)

    def named(self, name, tier):
        return self.timed(self.registry.connection(name, tier, self.resolve))

    def many(self, selection, tier):
        """{name: Connection or FleetError} of the selected registered clusters."""
        found = {}
        for name, connect in self.connectors(selection, tier).items():
            try:
                found[name] = connect()
            except FleetError as error:
                found[name] = error
        return found

    def connectors(self, selection, tier):
        """{name: function() -> Connection} of the selected registered clusters: the registry is read once for all of them.

        The function looks the secret up and raises the FleetError of a login that cannot be had.
        """
        found = self.registry.connections(selection, tier, self.resolve)
        return {name: functools.partial(self.opened, connect) for name, connect in found.items()}

    def opened(self, connect):
        return self.timed(connect())

    def timed(self, connection):
        return connection.replace(
            connect_timeout=self.params.get('connect_timeout') or 5.0,
            read_timeout=self.params.get('read_timeout') or 35.0,
            state_dir=self.state_dir,
        )


class HandedAccess(Access):
    """Connections that the controller resolved and handed over: this machine needs no registry."""

    def __init__(self, params, handed, environment=None):
        super().__init__(params, None, None, environment)
        self.handed = handed
        self.writes_audit = bool(handed.get('audit'))
        self.resolve = self.handed_secret

    def handed_secret(self, reference):
        """A secret that the controller looked up. Raises what its lookup raised, BadRequest when it was not asked to."""
        found = self.handed.get('secrets', {}).get(canonical(reference))
        if found is None:
            raise BadRequest('A secret_lookup is done on the controller only; this one was not handed over from there.')
        if 'error' in found:
            raise rebuilt(found['error'])
        return found['value']

    @property
    def registry(self):
        if not (self.handed.get('registry') or self.writes_audit):
            raise Internal(
                'This task needs the registry, which is on the controller. Run it there (connection: local).'
            )
        return super().registry

    def default(self, tier):
        name = self.handed.get('default')
        return self.named(name, tier) if name else super().default(tier)

    def named(self, name, tier):
        found = self.handed.get('connections', {}).get(name)
        if tier == 'admin':
            found = self.handed.get('admin', {}).get(name, found)
        if found is None and self.handed.get('registry'):
            return super().named(name, tier)
        if found is None:
            raise NotFound(f'cluster {name} was not handed over by the controller.')
        if 'error' in found:
            raise rebuilt(found['error'])
        return self.timed(Connection.from_dict(found))

    def many(self, selection, tier):
        if self.handed.get('registry'):
            return super().many(selection, tier)
        found = {}
        for name in self.handed.get('connections', {}):
            try:
                found[name] = self.named(name, tier)
            except FleetError as error:
                found[name] = error
        return found


def canonical(reference):
    """A secret_lookup as a dictionary key; options that are not given make no difference."""
    given = {name: value for name, value in reference.items() if value is not None}
    return json.dumps(given, sort_keys=True, default=str)


def rebuilt(error):
    """FleetError.as_dict() -> the FleetError."""
    return CLASSES[error['code']](error['message'], status=error['status'], details=error['details'])
