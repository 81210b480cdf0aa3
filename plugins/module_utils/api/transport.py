# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTPS exchange with one endpoint, over connections that are kept. No retries, no meaning."""

from __future__ import annotations

import dataclasses
import re
import warnings

from ansible_collections.pve.fleet.plugins.module_utils.api import tls
from ansible_collections.pve.fleet.plugins.module_utils.api.faults import classify
from ansible_collections.pve.fleet.plugins.module_utils.third_party import urllib3

USER_AGENT = 'pve.fleet'


@dataclasses.dataclass(frozen=True)
class Answer:
    """status: int, reason: text for people, content_type: str, body: bytes."""

    status: int
    reason: str
    content_type: str
    body: bytes


class TransportError(Exception):
    """No answer came. fault: faults.Fault."""

    def __init__(self, fault):
        super().__init__(fault.sentence)
        self.fault = fault


def keep_quiet(host):
    """No warning of urllib3's about a host whose certificate the user does not want to be verified; other hosts keep theirs."""
    warnings.filterwarnings('ignore', f"Unverified HTTPS request is being made to host '{re.escape(host)}'")


class Transport:
    """Connection pools, one per endpoint. Safe for threads; to be made after a fork."""

    def __init__(self, connection):
        self.connection = connection
        self.pools = {}

    def pool(self, endpoint):
        found = self.pools.get(endpoint)
        if found is None:
            pinned = bool(endpoint.fingerprint)
            if not self.connection.validate_certs and not pinned:
                keep_quiet(endpoint.host)
            found = self.pools[endpoint] = urllib3.HTTPSConnectionPool(
                endpoint.host,
                endpoint.port,
                maxsize=self.connection.max_in_flight,
                ssl_context=tls.context_for(self.connection, endpoint),
                cert_reqs='CERT_NONE' if pinned or not self.connection.validate_certs else 'CERT_REQUIRED',
                assert_hostname=None if self.connection.validate_certs and not pinned else False,
                assert_fingerprint=endpoint.fingerprint,
            )
        return found

    def send(self, endpoint, method, target, body=None, headers=None, read_timeout=None):
        """Send one request and read the whole answer. Raises TransportError; never follows a redirect."""
        timeout = urllib3.Timeout(
            connect=self.connection.connect_timeout, read=read_timeout or self.connection.read_timeout
        )
        try:
            answer = self.pool(endpoint).request(
                method,
                target,
                body=body,
                headers={'User-Agent': USER_AGENT, 'Accept': 'application/json', **(headers or {})},
                retries=False,
                redirect=False,
                timeout=timeout,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(classify(error)) from None
        return Answer(answer.status, answer.reason or '', answer.headers.get('Content-Type', ''), answer.data)

    def close(self):
        for pool in self.pools.values():
            pool.close()
