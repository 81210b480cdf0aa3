"""The made-up world outside: what a URL answers, without ever asking anyone.

The size of a body is the URL's query parameter `size` (bytes, or with K, M, G), else one made from the URL. The body is
the URL itself, repeated; so its checksums can be computed by a test. Loopback addresses refuse the connection, hosts
below .invalid have no address, and a query parameter `status` makes the server answer with that status.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from ..call import TaskError

RATE = 100_000_000
UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
MIME = {'.iso': 'application/x-iso9660-image', '.gz': 'application/gzip', '.xz': 'application/x-xz',
        '.zst': 'application/zstd', '.qcow2': 'application/octet-stream', '.img': 'application/octet-stream'}
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL answers; trouble: the line in which wget gives up, or None."""

    url: str
    host: str
    port: int
    size: int
    status: int = 200
    refused: bool = False
    trouble: str | None = None

    @property
    def reason(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return 'Unknown'

    @property
    def mimetype(self) -> str:
        path = urlsplit(self.url).path
        return next((kind for end, kind in MIME.items() if path.endswith(end)), 'application/octet-stream')

    def digest(self, algorithm: str) -> str:
        """The checksum of the body; above 64 MiB that of its first 64 MiB, to keep it quick."""
        text = self.url.encode()
        chunk = text * (CHUNK // len(text) + 1)
        hasher, left = hashlib.new(algorithm), min(self.size, 64 * CHUNK)
        while left > 0:
            hasher.update(chunk[:left])
            left -= len(chunk)
        return hasher.hexdigest()


def size_of(url: str) -> int:
    asked = parse_qs(urlsplit(url).query).get('size', [''])[0]
    if found := re.fullmatch(r'(\d+)([KMG]?)', asked):
        return int(found[1]) * UNITS[found[2]]
    return (64 + zlib.crc32(url.encode()) % 960) << 20


def look_up(url: str) -> Page:
    """The page of a URL; one that cannot be read has no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or '', parts.port or (443 if parts.scheme == 'https' else 80)
    except ValueError as error:
        return Page(url, '', 0, 0, trouble=f'{url}: {error}.')
    if not host:
        return Page(url, '', 0, 0, trouble=f'{url}: Invalid host name.')
    status = parse_qs(parts.query).get('status', ['200'])[0]
    page = Page(url, host, port, size_of(url), int(status) if status.isdigit() else 200)
    if is_loopback(host):
        return Page(url, host, port, 0, refused=True,
                    trouble=f'Connecting to {host}:{port}... failed: Connection refused.')
    if host.endswith('.invalid'):
        return Page(url, host, port, 0, trouble=f"wget: unable to resolve host address '{host}'")
    return page


def is_loopback(host: str) -> bool:
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def clock_text(moment: float) -> str:
    return time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(moment))


def short_size(size: int) -> str:
    """358400 -> '350.00 KiB', as PVE prints file sizes."""
    value, names = float(size), ['B', 'KiB', 'MiB', 'GiB', 'TiB']
    while value >= 1024 and len(names) > 1:
        value /= 1024
        names.pop(0)
    return f'{value:.2f} {names[0]}'


def fetch(task, page: Page, path: str, room: int) -> Generator:
    """What wget prints while it fetches, with the time that it takes; raises TaskError where it fails.

    room: bytes that can be written before the file system is full.
    """
    if page.trouble:
        raise TaskError(f'download failed: {page.trouble}')
    task.log(f'Resolving {page.host} ({page.host})... 192.0.2.{1 + zlib.crc32(page.host.encode()) % 254}')
    task.log(f'Connecting to {page.host} ({page.host}):{page.port}... connected.')
    task.log(f'HTTP request sent, awaiting response... {page.status} {page.reason}')
    if page.status != 200:
        line = f'{clock_text(task.now())} ERROR {page.status}: {page.reason}.'
        task.log(line)
        raise TaskError(f'download failed: {line}')
    task.log(f'Length: {page.size} ({short_size(page.size)}) [{page.mimetype}]')
    task.log(f"Saving to: '{path}'")
    yield from dots(task, page.size, min(page.size, max(0, room)))
    if page.size > room:
        line = f"Cannot write to '{path}' (No space left on device)."
        task.log(line)
        raise TaskError(f'download failed: {line}')
    rate = f'{RATE / 1e6:.0f} MB/s'
    task.log(f"{clock_text(task.now())} ({rate}) - '{path}' saved [{page.size}/{page.size}]")


def dots(task, size: int, end: int) -> Generator:
    """wget's --progress=dot:giga up to byte `end` of `size`: a line for each 32 MiB, in at most 25 steps."""
    step = max(32 << 20, -(-size // 25))
    done = 0
    while done < end:
        part = min(step, end - done)
        yield part / RATE
        row = ' '.join(['.' * 8] * 4) if part == step else '.' * max(1, 32 * part // step)
        task.log(f'{done >> 10:>7}K {row} {100 * (done + part) // max(1, size):>3}% {RATE / 1e6:.0f}M '
                 f'{(size - done - part) / RATE:.0f}s')
        done += part
