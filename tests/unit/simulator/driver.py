# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the simulator without a socket: what the server would do, in the same process."""
from __future__ import annotations

import asyncio
import json

from pvesim.access import tickets
from pvesim.call import ApiError
from pvesim.clock import Clock
from pvesim.model.start_states import STATES
from pvesim.request import Dispatcher, success_body


class Driver:
    """One cluster in a start state. send() returns (status, data or message, errors)."""

    def __init__(self, state='single', release='9'):
        self.fleet = STATES[state](release, Clock('fast'))
        self.cluster = next(iter(self.fleet.clusters.values()))
        self.dispatcher = Dispatcher(self.fleet, self.cluster)

    def send(self, method, path, authid='root@pam', /, **params):
        try:
            call = self.dispatcher.make_call(method, path, authid, {key: str(value) for key, value in params.items()})
            return 200, json.loads(success_body(self.dispatcher.run(call), False))['data'], None
        except ApiError as error:
            return error.status, error.message, error.errors

    def login(self, user, password):
        status, data, _errors = self.send('POST', '/access/ticket', None, username=user, password=password)
        return data if status == 200 else None

    def headers(self, user, csrf=True):
        now = self.fleet.clock.now()
        headers = {'Cookie': f'PVEAuthCookie={tickets.make_ticket(self.cluster, user, now)}'}
        if csrf:
            headers['CSRFPreventionToken'] = tickets.make_csrf(self.cluster, user, now)
        return headers

    async def settle(self):
        """Let every task that does not wait for something else come to its end."""
        for _turn in range(200):
            await asyncio.sleep(0)
            if not any(task.running for task in self.cluster.tasks.values()):
                return
