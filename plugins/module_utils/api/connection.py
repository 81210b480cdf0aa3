# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is needed to talk to one cluster: plain data, no effects."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest

DEFAULT_PORT = 8006
TOKEN_ID = re.compile(r'^[^\s:/@!]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+$')
USER_ID = re.compile(r'^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+$')
FINGERPRINT = re.compile(r'^[0-9A-F]{64}$')
NO_HOST = re.compile(r'[\s/@?#]')


def parse_fingerprint(text):
    """A SHA-256 fingerprint as PVE prints it (AA:BB:...), from any usual notation; None stays None.

    Raises BadRequest when it is not 32 bytes of hexadecimal digits.
    """
    if not text:
        return None
    digits = re.sub(r'^sha-?256[=:]', '', str(text).strip(), flags=re.IGNORECASE).replace(':', '').replace(' ', '').upper()
    if not FINGERPRINT.match(digits):
        raise BadRequest(
            f'{text!r} is not a SHA-256 certificate fingerprint: 32 pairs of hexadecimal digits are expected, '
            "as 'pvenode cert info' prints them."
        )
    return ':'.join(digits[index : index + 2] for index in range(0, 64, 2))


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One node's API address. fingerprint: SHA-256 of its certificate when that is pinned."""

    host: str
    port: int = DEFAULT_PORT
    fingerprint: str | None = None

    @classmethod
    def from_dict(cls, data):
        """{host, port?, fingerprint?} -> Endpoint. Raises BadRequest for a host that is not one."""
        host = str(data.get('host') or '').strip()
        if host.startswith('[') and host.endswith(']'):
            host = host[1:-1]
        if not host or NO_HOST.search(host):
            raise BadRequest(
                f'{data.get("host")!r} is not a host name or address. Give only the host, such as pve1.example.com, '
                'without https:// and path; the port has its own option.'
            )
        if host.count(':') == 1:
            raise BadRequest(f'{host!r}: give the port of an endpoint in its own key, as {{host: ..., port: ...}}.')
        port = int(data.get('port') or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise BadRequest(f'port {port} of endpoint {host} is not between 1 and 65535.')
        return cls(host, port, parse_fingerprint(data.get('fingerprint')))

    def as_dict(self):
        return {'host': self.host, 'port': self.port, 'fingerprint': self.fingerprint}

    @property
    def label(self):
        return f'[{self.host}]:{self.port}' if ':' in self.host else f'{self.host}:{self.port}'


@dataclasses.dataclass(frozen=True)
class Credential:
    """Either a token (token_id 'user@realm!name', token_secret) or a user ('user@realm') with a password."""

    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    token_id: str | None = None
    token_secret: str | None = dataclasses.field(default=None, repr=False)
    tier: str = 'admin'

    @property
    def identity(self):
        """Who this is, without the secret."""
        return self.token_id or self.user

    @property
    def secret(self):
        return self.token_secret if self.token_id else self.password

    @property
    def is_root(self):
        """True for root@pam with a password: some options of PVE accept nobody else, no token either."""
        return self.user == 'root@pam' and not self.token_id

    def check(self):
        """Raise BadRequest when the parts do not make a usable login."""
        if self.token_id:
            if not TOKEN_ID.match(self.token_id):
                raise BadRequest(
                    f'{self.token_id!r} is not a token id. It has the form user@realm!name, such as fleet@pve!operator.'
                )
            if not self.token_secret:
                raise BadRequest(f'The token {self.token_id} has no secret. Give api_token_secret, or a secret_lookup.')
        elif self.user:
            if not USER_ID.match(self.user):
                raise BadRequest(f'{self.user!r} is not a user id. It has the form user@realm, such as root@pam.')
            if not self.password:
                raise BadRequest(f'The user {self.user} has no password. Give api_password, or use an API token.')
        else:
            raise BadRequest('No login is given. Give api_token_id with api_token_secret, or api_user with api_password.')
        return self


@dataclasses.dataclass(frozen=True)
class Connection:
    """Everything the client needs. Times in seconds; `deadline` bounds one request with all its retries."""

    name: str
    endpoints: tuple
    credential: Credential
    validate_certs: bool = True
    ca_path: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 35.0
    deadline: float = 120.0
    max_in_flight: int = 5
    cluster_id: str | None = None
    state_dir: str | None = None

    def as_dict(self):
        """A dictionary that JSON can carry. It holds the secret: hand it on only where it is needed."""
        data = dataclasses.asdict(self)
        data['endpoints'] = [endpoint.as_dict() for endpoint in self.endpoints]
        return data

    @classmethod
    def from_dict(cls, data):
        data = dict(data)
        data['endpoints'] = tuple(Endpoint.from_dict(entry) for entry in data['endpoints'])
        data['credential'] = Credential(**data['credential'])
        return cls(**data)

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)
