"""Section configurations: ordered objects with a type, checked options, a digest, `delete=` and fixed keys.

A section is a dict {id: {key: value}} as PVE::SectionConfig reads it; values are strings, integers (booleans are 0 and
1) and lists. The texts are those of PVE::SectionConfig.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from ..call import ApiError

EMPTY_DIGEST = hashlib.sha1(b'').hexdigest()
MODIFIED = 'detected modified configuration - file changed by other user? Try again.'


@dataclass(frozen=True)
class Kind:
    """Options of one type of section: names of the required, optional and fixed (set once) ones."""

    required: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    fixed: frozenset[str] = field(default_factory=frozenset)


def kind(required: str = '', optional: str = '', fixed: str = '') -> Kind:
    """A Kind from names separated by spaces; fixed ones are named among the others as well."""
    return Kind(tuple(required.split()), frozenset(optional.split()), frozenset(fixed.split()))


def split_list(text: str | list | None) -> list[str]:
    """The items of a list parameter: separated by comma, semicolon, blank or NUL."""
    if isinstance(text, list):
        return [str(item) for item in text]
    return [item for item in re.split(r'[,;\s\0]+', text or '') if item]


def plain(value: Any) -> Any:
    """The value as a configuration file keeps it: booleans as 0 and 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def settings(params: dict, *without: str) -> dict:
    """The parameters that are properties of the object: all but those named."""
    return {key: plain(value) for key, value in params.items() if key not in without}


def digest(content: Any) -> str:
    """SHA-1 of a configuration; that of the empty file when there is nothing in it."""
    if not content:
        return EMPTY_DIGEST
    return hashlib.sha1(json.dumps(content, sort_keys=True, default=sorted).encode()).hexdigest()


def assert_unmodified(current: str, given: str | None) -> None:
    """500 when the client's digest is not the current one."""
    if given and given != current:
        raise ApiError(MODIFIED)


def check(kind: Kind, values: dict, create: bool) -> None:
    """500 for a property that this type does not have, a fixed one on update, or a required one that is missing."""
    for key in values:
        if key not in kind.optional and key not in kind.required:
            raise ApiError(f"unexpected property '{key}'")
        if not create and key in kind.fixed:
            raise ApiError(f"can't change value of fixed parameter '{key}'")
    if create:
        for key in kind.required:
            if values.get(key) in (None, ''):
                raise ApiError(f"missing value for required option '{key}'")


def delete_options(kind: Kind, entry: dict, values: dict, names: list[str]) -> None:
    """Take the named options out of the entry."""
    for name in names:
        if name not in kind.optional and name not in kind.required:
            raise ApiError(f"no such option '{name}'")
        if name in kind.required:
            raise ApiError(f"unable to delete required option '{name}'")
        if name in kind.fixed:
            raise ApiError(f"unable to delete fixed option '{name}'")
        if name in values:
            raise ApiError(f"cannot set and delete property '{name}' at the same time!")
        entry.pop(name, None)


def update(kind: Kind, entry: dict, values: dict, delete: str | list | None) -> None:
    """Change an entry in place: check the new values, delete, then set."""
    check(kind, values, create=False)
    delete_options(kind, entry, values, split_list(delete))
    entry.update(values)


def inside(prefix: str):
    """Put `prefix: ` before the text of an error raised in the block, as a lock around the change does.

    A parameter error becomes a 500 that says "400 Parameter verification failed." and the details line by line.
    """
    return Inside(prefix)


def nested(error: ApiError) -> str:
    """The text of an error that was caught and raised again as a string."""
    if error.status == 500:
        return error.message
    details = ''.join(f'\n{name}: {text.rstrip()}' for name, text in sorted((error.errors or {}).items()))
    return f'{error.status} {error.message}{details}'


class Inside:
    """Context manager of inside()."""

    def __init__(self, prefix: str):
        self.prefix = prefix

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, ApiError):
            text = nested(error)
            raise ApiError(500, f'{self.prefix}: {text}' if self.prefix else text) from None


def perl(text: str, file: str, line: int) -> ApiError:
    """An error of Perl code that named its own place."""
    return ApiError(f'{text} at /usr/share/perl5/PVE/{file} line {line}.')
