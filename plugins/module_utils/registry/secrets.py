# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's key: encrypts secrets, signs the head of the audit log."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import stat
import tempfile

from .faults import RegistryError
from .third_party import load

HOW_TO_MAKE = 'A key is 32 random bytes in base64, such as `openssl rand -base64 32` prints.'


def key_error(text, location):
    """The RegistryError for anything about the key."""
    return RegistryError(text, details={'registry': location.where, 'reason': 'key'})


class KeyRing:
    """One or several keys: the first one encrypts, all of them decrypt. Keys are known outside by their ids only."""

    def __init__(self, keys, location):
        fernet = load('cryptography.fernet')
        self._location = location
        self._keys = {_key_id(_raw(key)): key for key in keys}
        self._fernet = fernet.MultiFernet([fernet.Fernet(key) for key in keys])
        self._invalid = fernet.InvalidToken
        self.ids = tuple(self._keys)

    def __contains__(self, key_id):
        return key_id in self._keys

    def text_of(self, key_id):
        """The key itself, for the key file."""
        return self._keys[key_id]

    def encrypt(self, secret, *row):
        """A secret -> ciphertext that decrypt() accepts only for the same row (cluster id, tier, identity)."""
        return self._fernet.encrypt(json.dumps([*row, secret]).encode()).decode()

    def decrypt(self, text, *row):
        """Ciphertext -> secret. Raises RegistryError for a wrong key, and for a ciphertext of another row."""
        try:
            *found, secret = json.loads(self._fernet.decrypt(text.encode()))
        except self._invalid:
            raise key_error(
                f'The key does not fit the registry {self._location.where}: the {row[1]} credential cannot be decrypted. '
                'Give the key that it was stored with (registry_key, registry_key_file), or register the cluster again.',
                self._location,
            ) from None
        if tuple(found) != row:
            raise key_error(
                f'The {row[1]} credential in the registry {self._location.where} was made for another cluster or tier: '
                'somebody changed the database by hand. Register the cluster again.',
                self._location,
            )
        return secret

    def sign(self, key_id, payload):
        """HMAC-SHA256 of bytes, by a key derived from the one named."""
        derived = hmac.new(_raw(self._keys[key_id]), b'pve.fleet audit head', hashlib.sha256).digest()
        return hmac.new(derived, payload, hashlib.sha256).hexdigest()


def new_key():
    """A fresh key as text."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def parse_keys(text, source, location):
    """Keys separated by white space or commas -> list. `source` says in messages where they came from."""
    keys = str(text).replace(',', ' ').split()
    if not keys:
        raise key_error(f'The registry key in {source} is empty. {HOW_TO_MAKE}', location)
    for key in keys:
        try:
            length = len(_raw(key))
        except (binascii.Error, ValueError):
            length = 0
        if length != 32:
            raise key_error(f'The registry key in {source} is not a key. {HOW_TO_MAKE}', location)
    return list(dict.fromkeys(keys))


def load_keys(location, create=False):
    """The KeyRing of a location, None when there is no key. create: make the key file (0600) when it is missing."""
    if location.key:
        return KeyRing(parse_keys(location.key, 'registry_key (PVE_REGISTRY_KEY)', location), location)
    text = read_key_file(location)
    if text is None and create:
        text = make_key_file(location)
    return KeyRing(parse_keys(text, location.key_file, location), location) if text is not None else None


def read_key_file(location):
    """Its text, None when there is none. Raises RegistryError when it cannot be read, or everybody can read it."""
    path = location.key_file
    try:
        with open(path, encoding='ascii', errors='replace') as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise key_error(f'The registry key file {path} cannot be read: {error.strerror}.', location) from None
    if stat.S_IMODE(mode) & stat.S_IRWXO:
        raise key_error(f'The registry key file {path} is open to every user. Close it: chmod 600 {path}', location)
    return text


def make_key_file(location):
    """A new key in a new file. When another process made it first, that one's text."""
    with _key_file_errors(location):
        location.key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = _write_beside(location.key_file, new_key() + '\n')
        try:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, location.key_file)
        finally:
            os.unlink(temporary)
    return read_key_file(location)


def replace_key_file(location, keys):
    """Put `keys` into the key file, all at once or not at all."""
    with _key_file_errors(location):
        os.replace(_write_beside(location.key_file, '\n'.join(keys) + '\n'), location.key_file)


def _write_beside(path, text):
    handle, temporary = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    try:
        with open(handle, 'w', encoding='ascii') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        os.unlink(temporary)
        raise
    return temporary


@contextlib.contextmanager
def _key_file_errors(location):
    try:
        yield
    except OSError as error:
        raise key_error(
            f'The registry key file {location.key_file} cannot be written: {error.strerror}. '
            'Make room or correct the permissions, or give a key with registry_key (PVE_REGISTRY_KEY).',
            location,
        ) from None


def _raw(key):
    return base64.urlsafe_b64decode(key.encode('ascii', 'replace'))


def _key_id(raw):
    return hmac.new(raw, b'pve.fleet key id', hashlib.sha256).hexdigest()[:16]
