"""Property strings ("virtio=BC:..,bridge=vmbr0"): parsed and printed by a format definition, as PVE::JSONSchema does."""

from __future__ import annotations

from typing import Any

from ..tables import tables
from .formats import FormatError, format_size, parse_size
from .named import named

TRUE = frozenset(('1', 'on', 'yes', 'true'))
FALSE = frozenset(('0', 'off', 'no', 'false'))


def format_of(release: str, kind: str, key: str) -> dict | None:
    """The format definition of a guest's option: format_of('9', 'qemu', 'net0'); None for a plain option."""
    properties = tables(release).operations['POST', f'/nodes/{{node}}/{kind}'].properties
    schema = properties.get(key) or properties.get(key.rstrip('0123456789') + '[n]') or {}
    return definition(schema.get('format'), release)


def definition(format: Any, release: str = '9') -> dict | None:
    """A format of the tables (a dictionary or a name) as a dictionary of properties; None where it is no such."""
    return format if isinstance(format, dict) else named(format, release)


def split(text: str, format: dict) -> dict[str, str]:
    """The parts of a property string by key, aliases resolved, unchecked. Raises FormatError for broken syntax."""
    parts: dict[str, str] = {}
    default_key = None
    for part in text.split(','):
        if not part.strip():
            continue
        key, equals, value = part.partition('=')
        if equals and key and value:
            take_pair(parts, format, key, value)
        elif not equals:
            if default_key:
                raise FormatError(f'duplicate key in comma-separated list property: {default_key}\n')
            default_key = next((name for name, schema in format.items() if schema.get('default_key')), None)
            if default_key is None:
                raise FormatError('value without key, but schema does not define a default key\n')
            if parts.get(default_key):
                raise FormatError(f'duplicate key in comma-separated list property: {default_key}\n')
            parts[default_key] = part
        else:
            raise FormatError('missing key in comma-separated list property\n')
    return parts


def take_pair(parts: dict[str, str], format: dict, key: str, value: str) -> None:
    if key in parts:
        raise FormatError(f'duplicate key in comma-separated list property: {key}\n')
    schema = format.get(key, {})
    if alias := schema.get('alias'):
        if key_alias := schema.get('keyAlias'):
            if key_alias in parts:
                raise FormatError(f"key alias '{key_alias}' is already defined\n")
            parts[key_alias] = key
        key = alias
        schema = format.get(key, {})
    if schema.get('type') == 'boolean':
        lower = value.lower()
        value = '1' if lower in TRUE else '0' if lower in FALSE else value
    parts[key] = value


def parse(text: str, format: dict | str, path: str = '', release: str = '9') -> dict[str, Any]:
    """Checked and typed parts: integers, floats, booleans as bool, strings. Raises FormatError in PVE's words."""
    from .validate import object_checker

    shape = definition(format, release)
    if shape is None:
        raise FormatError(f'unknown format: {format}\n')
    errors: dict[str, str] = {}
    typed = object_checker(shape, release)(split(text, shape), path, errors)
    if errors:
        raise FormatError('format error\n' + ''.join(f'{name}: {detail}\n' for name, detail in errors.items()))
    return typed


def to_string(values: dict[str, Any], format: dict | str, release: str = '9') -> str:
    """Print values in PVE's order: the default key without its name first, the rest by name.

    A key with a keyAlias partner is joined with it: {model: virtio, macaddr: X} -> 'virtio=X'. Values of the format
    disk-size may be integers (bytes); booleans become 1 and 0; None is left out.
    """
    shape = definition(format, release) or {}
    joined = {schema['keyAlias']: schema['alias'] for schema in shape.values() if schema.get('keyAlias')}
    default_key = next((name for name, schema in shape.items() if schema.get('default_key')), None)
    done, parts = set(), []
    for key in [default_key, *sorted(values)]:
        if key is None or key in done or values.get(key) is None:
            continue
        done.add(key)
        value = printable(values[key], shape.get(key, {}))
        if (partner := joined.get(key)) and values.get(partner) is not None:
            done.add(partner)
            parts.append(f'{value}={printable(values[partner], shape.get(partner, {}))}')
        else:
            parts.append(value if key == default_key else f'{key}={value}')
    return ','.join(parts)


def printable(value: Any, schema: dict) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if schema.get('format') == 'disk-size':
        size = value if isinstance(value, int) else parse_size(value)
        return str(value) if size is None else format_size(size)
    return str(value)
