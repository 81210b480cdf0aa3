"""Bodies of file uploads (multipart/form-data)."""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web

from .call import ApiError

KEPT = 1 << 20
CHUNK = 1 << 16


async def read_upload(request: web.BaseRequest, content_type: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Form values (`filename` from the file part) and {'filename', 'size', 'content', 'sha256'...} of the file.

    Any other content type makes pveproxy die: the connection is closed without an answer.
    """
    if not content_type.startswith('multipart/form-data'):
        if request.transport is not None:
            request.transport.abort()
        raise ApiError(500, f"upload 'Content-Type '{content_type}' not implemented", body=False)
    values: dict[str, Any] = {}
    upload = None
    try:
        async for part in MultipartReader(request.headers, request.content):
            if not isinstance(part, BodyPartReader):
                continue
            if part.filename is not None:
                upload = await read_file(part)
                values['filename'] = part.filename
            elif part.name:
                values[part.name] = await part.text()
    except ValueError as error:
        raise ApiError(400, f'upload failed - {error}', body=False) from None
    return values, upload


async def read_file(part: BodyPartReader) -> dict[str, Any]:
    size, head = 0, b''
    sums = {name: hashlib.new(name) for name in ('md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512')}
    while chunk := await part.read_chunk(CHUNK):
        size += len(chunk)
        if len(head) < KEPT:
            head += chunk[: KEPT - len(head)]
        for one in sums.values():
            one.update(chunk)
    return {'filename': part.filename, 'size': size, 'content': head,
            'checksums': {name: one.hexdigest() for name, one in sums.items()}}
