# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests whose bodies are more than name and value once: repeated fields and files."""

from __future__ import annotations

import os
import urllib.parse
import uuid

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.schema import wire

BASE = '/api2/json'
BLOCK = 1 << 20
UPLOAD_READ_TIMEOUT = 300.0


class Multipart:
    """A multipart/form-data body with one file, read while it is sent; every iteration begins anew.

    fields: [(name, text)]; file_path: the file; file_name: its name on the server; progress: function(text) or None.
    len() is its length in bytes: PVE wants Content-Length and takes no chunks. Raises BadRequest for an unreadable file.
    """

    def __init__(self, fields, file_path, file_name, progress=None):
        self.file_path, self.progress = file_path, progress
        self.boundary = uuid.uuid4().hex
        try:
            with open(file_path, 'rb') as file:
                self.size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise BadRequest(f'The file {file_path} cannot be read: {error.strerror}.') from None
        texts = [self.part(f'name="{name}"') + f'{text}\r\n' for name, text in fields]
        opening = self.part(f'name="filename"; filename="{file_name}"', 'Content-Type: application/octet-stream\r\n')
        self.head = (''.join(texts) + opening).encode()
        self.tail = f'\r\n--{self.boundary}--\r\n'.encode()

    def part(self, disposition, more=''):
        return f'--{self.boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n'

    @property
    def content_type(self):
        return f'multipart/form-data; boundary={self.boundary}'

    def __len__(self):
        return len(self.head) + self.size + len(self.tail)

    def __iter__(self):
        yield self.head
        sent = told = 0
        with open(self.file_path, 'rb') as file:
            while block := file.read(min(BLOCK, self.size - sent)):
                yield block
                sent += len(block)
                percent = sent * 100 // self.size
                if self.progress and percent >= told + 5:
                    told = percent
                    self.progress(f'upload {percent} % ({sent >> 20}/{self.size >> 20} MiB)')
        yield self.tail


class Bodies:
    """Part of the Client."""

    def request_encoded(self, method, segments, fields):
        """One request with fields [(name, text)] as schema.wire.encode_params gives them -> the decoded body."""
        headers, body, target = {}, None, target_of(segments)
        encoded = urllib.parse.urlencode(list(fields))
        if method in ('POST', 'PUT'):
            headers['Content-Type'] = 'application/x-www-form-urlencoded'
            body = encoded
        elif encoded:
            target += '?' + encoded
        return self.exchange(method, target, body, headers)

    def upload(self, *segments, fields, file_path, file_name=None, progress=None):
        """POST a file with form fields [(name, text)] -> `data` of the answer (a UPID)."""
        name = file_name or os.path.basename(file_path)
        body = Multipart(fields, file_path, name, progress)
        headers = {'Content-Type': body.content_type, 'Content-Length': str(len(body))}
        return self.exchange('POST', target_of(segments), body, headers, UPLOAD_READ_TIMEOUT)['data']


def target_of(segments):
    return f'{BASE}/' + '/'.join(wire.quote_segment(str(segment)) for segment in segments)
