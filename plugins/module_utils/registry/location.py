# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the registry and its key are. Pure: nothing is opened or made here."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest

DATABASE_FILE = 'registry.db'
KEY_FILE = 'registry.key'
POSTGRESQL = ('postgresql', 'postgres', 'postgresql+psycopg')
SQLITE = ('sqlite', 'sqlite+pysqlite')


@dataclasses.dataclass(frozen=True)
class Location:
    """url: for SQLAlchemy. path: the file (sqlite only). where: for messages, without a password.

    key: the key's text when it was given as such; otherwise key_file is read.
    """

    url: str = dataclasses.field(repr=False)
    where: str
    path: pathlib.Path | None
    key: str | None = dataclasses.field(repr=False)
    key_file: pathlib.Path


def home_folder(environ=None):
    """The folder of pve.fleet's own files: PVE_FLEET_HOME, else pve-fleet in XDG_DATA_HOME or ~/.local/share."""
    environ = os.environ if environ is None else environ
    if environ.get('PVE_FLEET_HOME'):
        return pathlib.Path(environ['PVE_FLEET_HOME']).expanduser()
    data = environ.get('XDG_DATA_HOME') or '~/.local/share'
    return pathlib.Path(data).expanduser() / 'pve-fleet'


def locate(url=None, key=None, key_file=None, environ=None):
    """Options, else the environment, else the defaults -> Location. Raises BadRequest for a URL of another kind.

    A given key wins over a given key file, and both over PVE_REGISTRY_KEY and PVE_REGISTRY_KEY_FILE.
    """
    environ = os.environ if environ is None else environ
    url = str(url or environ.get('PVE_REGISTRY_URL') or home_folder(environ) / DATABASE_FILE)
    path = _sqlite_path(url)
    if not key and not key_file:
        key, key_file = environ.get('PVE_REGISTRY_KEY'), environ.get('PVE_REGISTRY_KEY_FILE')
    folder = path.parent if path else home_folder(environ)
    file = pathlib.Path(key_file).expanduser().absolute() if key_file else folder / KEY_FILE
    if path:
        return Location(f'sqlite:///{path}', str(path), path, key or None, file)
    scheme, rest = url.split('://', 1)
    if scheme not in POSTGRESQL:
        raise BadRequest(
            f'The registry URL begins with {scheme}://, which is not supported. Use sqlite:////path/to/registry.db '
            'or postgresql://user:password@host/database.'
        )
    return Location(f'postgresql+psycopg://{rest}', _without_password(url), None, key or None, file)


def _sqlite_path(url):
    """The file that a URL or plain path names; None for another kind of URL."""
    scheme, separator, rest = url.partition('://')
    if separator and scheme not in SQLITE:
        return None
    text = rest[1:] if separator else url
    if not text or text == ':memory:' or (separator and not rest.startswith('/')):
        raise BadRequest(f'The registry URL {url!r} names no file. Write it as sqlite:////path/to/registry.db.')
    return pathlib.Path(text).expanduser().absolute()


def _without_password(url):
    """'PostgreSQL host:port/database' of a URL."""
    try:
        parts = urllib.parse.urlsplit(url)
        query = urllib.parse.parse_qs(parts.query)
        host = parts.hostname or query.get('host', ['localhost'])[0]
        port = parts.port or query.get('port', [5432])[0]
    except ValueError:
        raise BadRequest(
            'The registry URL cannot be read. Write it as postgresql://user:password@host:5432/database, '
            'with special characters of the password percent-encoded.'
        ) from None
    return f'PostgreSQL {host}:{port}{parts.path}'
