# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login headers: an API token, or a ticket that is made, kept and renewed."""

from __future__ import annotations

import threading
import time
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api import errors
from ansible_collections.pve.fleet.plugins.module_utils.api.tickets import RENEW_AFTER, Ticket, TicketStore


class TokenLogin:
    """The header of an API token. Nothing to renew."""

    can_renew = False

    def __init__(self, credential):
        self.value = f'PVEAPIToken={credential.token_id}={credential.token_secret}'

    def headers(self, method):
        return {'Authorization': self.value}


class TicketLogin:
    """Ticket and CSRF token of a user with a password.

    send_login: function(form) -> `data` of POST /access/ticket; it raises FleetError.
    """

    can_renew = True

    def __init__(self, connection, send_login, clock=time.time):
        self.connection = connection
        self.send_login = send_login
        self.clock = clock
        self.store = TicketStore(connection, connection.state_dir)
        self.lock = threading.Lock()
        self.ticket = None

    def headers(self, method):
        """Raises Unauthorized when the login is refused."""
        ticket = self.current()
        headers = {'Cookie': 'PVEAuthCookie=' + urllib.parse.quote(ticket.ticket, safe='')}
        if method != 'GET':
            headers['CSRFPreventionToken'] = ticket.csrf
        return headers

    def current(self):
        """A ticket that is good for a while: the one at hand, a kept one, a renewed one or a new one."""
        with self.lock:
            self.ticket = self.ticket or self.store.load()
            if self.ticket is None:
                self.ticket = self.login(self.connection.credential.password)
            elif self.ticket.age(self.clock()) > RENEW_AFTER:
                self.ticket = self.renewed()
            return self.ticket

    def renewed(self):
        """A ticket serves as password for the next one; where that fails, the password itself."""
        try:
            return self.login(self.ticket.ticket)
        except errors.Unauthorized:
            return self.login(self.connection.credential.password)

    def login(self, password):
        form = {'username': self.connection.credential.user, 'password': password}
        data = self.send_login(form) or {}
        if data.get('NeedTFA') or str(data.get('ticket', '')).startswith('PVE:!tfa!'):
            raise errors.Unauthorized(
                f'cluster {self.connection.name}: {form["username"]} needs a second factor, which a playbook cannot give. '
                'Use an API token instead.'
            )
        ticket = Ticket(data['ticket'], data['CSRFPreventionToken'], self.clock())
        self.store.save(ticket)
        return ticket

    def rejected(self, headers):
        """The server refused these headers: forget that ticket unless another thread already has a newer one."""
        with self.lock:
            if self.ticket and urllib.parse.quote(self.ticket.ticket, safe='') in headers.get('Cookie', ''):
                self.ticket = None
                self.store.forget()


def make_login(connection, send_login):
    """The login that fits the connection's credential. Raises BadRequest when it is not usable."""
    credential = connection.credential.check()
    return TokenLogin(credential) if credential.token_id else TicketLogin(connection, send_login)
