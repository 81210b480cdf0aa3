"""Reading a description entry by entry, with errors that say where."""

from __future__ import annotations

import re
from typing import Any, NoReturn

UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*([KMGT]?)(?:iB|B)?')


class Place:
    """A value of the description and its path in it ('clusters[0].nodes[1]')."""

    def __init__(self, source: str, value: Any, path: str = ''):
        self.source, self.value, self.path = source, value, path

    def fail(self, text: str, key: str = '') -> NoReturn:
        where = '.'.join(part for part in (self.path, key) if part)
        raise ValueError(f'{self.source}: {where}: {text}' if where else f'{self.source}: {text}')

    def child(self, key: str) -> Place:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(self.source, value, '.'.join(part for part in (self.path, key) if part))

    def mapping(self, allowed: tuple[str, ...] | None = None) -> Place:
        """This place, once it is sure to be a mapping with no other keys than the allowed ones."""
        if not isinstance(self.value, dict):
            self.fail(f'a mapping is needed here, not {kind_of(self.value)}')
        for key in self.value if allowed else ():
            if key not in allowed:
                self.fail(f"'{key}' is not known here; use {', '.join(allowed)}")
        return self

    def items(self) -> list[Place]:
        if not isinstance(self.value, list):
            self.fail(f'a list is needed here, not {kind_of(self.value)}')
        return [Place(self.source, item, f'{self.path}[{index}]') for index, item in enumerate(self.value)]

    def entries(self, key: str, required: bool = False) -> list[Place]:
        """The entries of the list under that key; none where it is left out."""
        child = self.child(key)
        if child.value is None and not required:
            return []
        if child.value is None:
            self.fail(f"'{key}' is needed")
        return child.items()

    def text(self, key: str, default: str | None = None, required: bool = False) -> str:
        value = self.value.get(key, default)
        if value is None:
            if required:
                self.fail(f"'{key}' is needed")
            return ''
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            self.fail(f'a text is needed here, not {kind_of(value)}', key)
        return str(value)

    def integer(self, key: str, default: int) -> int:
        value = self.value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(f'a whole number is needed here, not {kind_of(value)}', key)
        return value

    def words(self, key: str) -> list[str]:
        """A list, or a text with commas or spaces, as a list of texts; empty where it is left out."""
        value = self.value.get(key)
        if value is None:
            return []
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return [item for item in re.split(r'[,;\s]+', str(value)) if item]
        if not isinstance(value, list) or any(isinstance(item, (dict, list, bool)) or item is None for item in value):
            self.fail(f'a list of texts is needed here, not {kind_of(value)}', key)
        return [str(item) for item in value]

    def dictionary(self, key: str) -> dict[str, Any]:
        """A mapping of texts to anything; empty where it is left out."""
        value = self.value.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(f'a mapping is needed here, not {kind_of(value)}', key)
        return {str(name): item for name, item in value.items()}

    def flag(self, key: str, default: bool) -> bool:
        value = self.value.get(key, default)
        if not isinstance(value, int) or value not in (0, 1):
            self.fail(f'true or false is needed here, not {kind_of(value)}', key)
        return bool(value)

    def size(self, key: str, default: int) -> int:
        return bytes_of(self.value[key], self, key) if key in self.value else default


def kind_of(value: Any) -> str:
    if value is None:
        return 'nothing'
    names = {dict: 'a mapping', list: 'a list', bool: 'true or false', int: 'a number', float: 'a number'}
    return names.get(type(value), f'{str(value)!r}')


def bytes_of(value: Any, place: Place, key: str = '') -> int:
    """'32G', '512M' or a number of bytes -> bytes."""
    found = SIZE.fullmatch(str(value))
    if not found:
        place.fail(f'{str(value)!r} is not a size; write a number with K, M, G or T, such as 32G', key)
    return int(float(found[1]) * UNITS[found[2]])
