# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way to a server, in words: pure classification of urllib3's exceptions."""

from __future__ import annotations

import dataclasses
import errno
import socket
import ssl

from ansible_collections.pve.fleet.plugins.module_utils.third_party import urllib3

REMEDIES = {
    'dns': 'the name cannot be resolved (DNS): check the spelling and the resolver',
    'refused': 'connection refused: check the port and that pveproxy runs',
    'timeout': 'no answer in time: check the network, the firewall and that the node is up',
    'unreachable': 'no route to it: check the network',
    'certificate': (
        "its certificate is not trusted: give ca_path with the cluster's CA (pve-root-ca.pem), or a fingerprint"
    ),
    'fingerprint': (
        'its certificate is not the pinned one: compare the fingerprint with "pvenode cert info" on the node, '
        'and register the new one if the certificate was renewed'
    ),
    'tls': 'it does not speak TLS as expected: check that host and port are the Proxmox API (8006)',
    'closed': 'it closed the connection before answering',
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """kind: a key of REMEDIES. sent: False when the request provably never left, True or None (unknown) otherwise."""

    kind: str
    sent: bool | None
    text: str

    @property
    def sentence(self):
        return REMEDIES[self.kind] + (f' ({self.text})' if self.text else '')


def causes(error):
    """The exception and what it wraps, outermost first."""
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = getattr(error, 'reason', None) if isinstance(getattr(error, 'reason', None), BaseException) else (
            error.__cause__ or error.__context__
        )
    return seen


def classify(error):
    """An exception of urllib3, ssl or socket -> Fault."""
    chain = causes(error)
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return Fault('certificate', False, one.verify_message)
        if isinstance(one, socket.gaierror):
            return Fault('dns', False, '')
    if any('ingerprint' in str(one) for one in chain if isinstance(one, urllib3.exceptions.SSLError)):
        return Fault('fingerprint', False, '')
    if any(isinstance(one, (ssl.SSLError, urllib3.exceptions.SSLError)) for one in chain):
        return Fault('tls', False, '')
    if any(isinstance(one, urllib3.exceptions.ReadTimeoutError) for one in chain):
        return Fault('timeout', None, 'connected, but nothing came back')
    # urllib3 derives its NewConnectionError from ConnectTimeoutError: the narrower one comes first.
    if any(isinstance(one, urllib3.exceptions.NewConnectionError) for one in chain):
        return connection_fault(chain)
    if any(isinstance(one, urllib3.exceptions.ConnectTimeoutError) for one in chain):
        return Fault('timeout', False, '')
    return Fault('closed', None, '')


def connection_fault(chain):
    """Why no connection came to be."""
    for one in chain:
        code = getattr(one, 'errno', None)
        if code == errno.ECONNREFUSED:
            return Fault('refused', False, '')
        if code in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL):
            return Fault('unreachable', False, '')
        if code == errno.ETIMEDOUT:
            return Fault('timeout', False, '')
    return Fault('unreachable', False, '')
