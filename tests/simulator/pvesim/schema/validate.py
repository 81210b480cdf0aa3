"""Validation of parameters as PVE::JSONSchema does it, with its texts. Schemas are compiled once into closures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..call import ParameterError
from ..data import privileges
from .formats import FORMATS, FormatError, split_list
from .named import VALIDATORS, named, validate_boot_devices

INTEGER = re.compile(r'[+-]?\d+', re.ASCII)
NUMBER = re.compile(r'[+-]?(?:\d+\.\d+|\d+\.|\.\d+|\d+)(?:[eE][+-]?\d+)?', re.ASCII)
MISSING = 'property is missing and it is not optional'
UNKNOWN = 'property is not defined in schema and the schema does not allow additional properties'
# Python refuses to convert much longer ones.
LONGEST_NUMBER = 4000
INDEXED = re.compile(r'([A-Za-z_-]+)(\d+)', re.ASCII)

# How many of an indexed option there are; the tables only say "net[n]".
COUNTS = {'ide': 4, 'scsi': 31, 'virtio': 16, 'sata': 6, 'net': 32, 'hostpci': 16, 'usb': 14, 'unused': 256,
          'ipconfig': 32, 'parallel': 3, 'serial': 4, 'numa': 8, 'mp': 256, 'dev': 256, 'virtiofs': 10,
          'acmedomain': 6, 'link': 8, 'efidisk': 1, 'tpmstate': 1}

Check = Callable[[Any, str, dict], Any]

FORMATS['pve-qm-bootdev'] = validate_boot_devices


def add_error(errors: dict[str, str], path: str, text: str) -> None:
    path = path or '_root'
    # PVE joins with a backslash and an n, not with a newline.
    errors[path] = f'{errors[path]}\\n{text}' if path in errors else text


def kind_of(value: Any) -> str:
    """How Perl names a decoded JSON value that is no plain scalar."""
    if isinstance(value, bool):
        return 'JSON::PP::Boolean'
    return 'ARRAY' if isinstance(value, list) else 'HASH'


def scalar(value: Any) -> str | None:
    """A form value or JSON scalar as Perl's string; None for lists, objects and JSON's booleans."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, list, dict)):
        return None
    return format(value, '.15g') if isinstance(value, float) else str(value)


def format_check(name: str | dict, release: str) -> Callable[[str, str], Any] | None:
    """A function (value, path) that raises FormatError, for a format's name or definition."""
    shape = name if isinstance(name, dict) else named(name, release)
    if shape is not None:
        from .property_string import parse

        validator = VALIDATORS.get(name) if isinstance(name, str) else None

        def check_string(value: str, path: str) -> None:
            values = parse(value, shape, path, release)
            if validator:
                validator(values)

        return check_string
    base, dummy, suffix = name.rpartition('-')
    if suffix in ('list', 'alist') and base:
        return list_check(base, release)
    if suffix == 'opt' and base:
        one = plain_format(base, release)
        return lambda value, _path: one(value) if value and value != '0' else None
    one = plain_format(name, release)
    return lambda value, _path: one(value)


def list_check(base: str, release: str) -> Callable[[str, str], Any]:
    one = plain_format(base, release)

    def check(value: str, _path: str) -> None:
        for item in split_list(value):
            one(item)

    return check


def plain_format(name: str, release: str) -> Callable[[str], Any]:
    if name == 'pve-priv':
        return lambda value: privilege(value, release)
    return FORMATS.get(name, lambda value: value)


def privilege(value: str, release: str) -> str:
    if value not in privileges.ALL[release]:
        raise FormatError(f"invalid privilege '{value}'\n")
    return value


def perl_pattern(pattern: str) -> re.Pattern:
    """A pattern of the tables as Python's: (?^:..) groups, \\z and possessive bits adapted."""
    flags = 0
    match = re.fullmatch(r'\(\?\^([a-z]*):(.*)\)', pattern, re.DOTALL)
    if match and 'i' in match[1]:
        flags = re.IGNORECASE
    text = re.sub(r'\(\?\^[a-z]*:', '(?:', pattern).replace(r'\z', r'\Z').replace('[[:^cntrl:]]', r'[^\x00-\x1f\x7f]')
    text = text.replace('[:xdigit:]', '0-9a-fA-F').replace('[:alnum:]', 'a-zA-Z0-9')
    return re.compile(rf'^(?:{text})$', flags)


def text_of(value: Any, kind: str) -> str:
    text = scalar(value)
    if text is None:
        raise FormatError(f"type check ('{kind}') failed - got {kind_of(value)}")
    return text


def take_string(value: Any) -> tuple[str, Any]:
    text = text_of(value, 'string')
    return text, text


def take_integer(value: Any) -> tuple[str, Any]:
    text = text_of(value, 'integer')
    if not INTEGER.fullmatch(text) or len(text) > LONGEST_NUMBER:
        raise FormatError(f"type check ('integer') failed - got '{text}'")
    return text, int(text)


def take_number(value: Any) -> tuple[str, Any]:
    text = text_of(value, 'number')
    if not NUMBER.fullmatch(text) or len(text) > LONGEST_NUMBER:
        raise FormatError(f"type check ('number') failed - got '{text}'")
    return text, int(text) if INTEGER.fullmatch(text) else float(text)


def take_boolean(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return str(int(value)), value
    text = text_of(value, 'boolean')
    if text not in ('0', '1'):
        raise FormatError(f"type check ('boolean') failed - got '{text}'")
    return text, text == '1'


# By type: raw value -> (its text, its typed value). They raise FormatError with PVE's text.
TAKES = {'integer': take_integer, 'number': take_number, 'boolean': take_boolean}


def property_check(schema: dict, release: str) -> Check:
    """The compiled check of one property: (value, path, errors) -> typed value."""
    if schema.get('type') == 'array':
        return array_check(schema, release)
    if schema.get('type') == 'object':
        return object_value_check(schema, release)
    take = TAKES.get(schema.get('type') or 'string', take_string)
    limits = limit_checks(schema, release)

    def check(value: Any, path: str, errors: dict) -> Any:
        try:
            text, typed = take(value)
            for limit in limits:
                limit(text, typed, path)
        except FormatError as error:
            add_error(errors, path, str(error))
            return None
        return typed

    return check


def limit_checks(schema: dict, release: str) -> list[Callable[[str, Any, str], None]]:
    """Format, pattern, length, range and enumeration, in the order of PVE."""
    checks: list[Callable[[str, Any, str], None]] = []
    if schema.get('format') and schema['format'] != 'regex':
        checks.append(as_format_limit(format_check(schema['format'], release)))
    if schema.get('pattern'):
        checks.append(pattern_limit(perl_pattern(schema['pattern'])))
    if 'maxLength' in schema or 'minLength' in schema:
        checks.append(length_limit(schema.get('maxLength'), schema.get('minLength')))
    if 'maximum' in schema or 'minimum' in schema:
        checks.append(range_limit(schema.get('maximum'), schema.get('minimum')))
    if schema.get('enum'):
        checks.append(enum_limit([str(item) for item in schema['enum']]))
    return checks


def as_format_limit(check: Callable[[str, str], Any]) -> Callable[[str, Any, str], None]:
    def limit(text: str, _typed: Any, path: str) -> None:
        try:
            check(text, path)
        except FormatError as error:
            raise FormatError(f'invalid format - {error}') from None

    return limit


def pattern_limit(pattern: re.Pattern) -> Callable[[str, Any, str], None]:
    def limit(text: str, _typed: Any, _path: str) -> None:
        if not pattern.search(text):
            raise FormatError('value does not match the regex pattern')

    return limit


def length_limit(longest: int | None, shortest: int | None) -> Callable[[str, Any, str], None]:
    def limit(text: str, _typed: Any, _path: str) -> None:
        if longest is not None and len(text) > longest:
            raise FormatError(f'value may only be {longest} characters long')
        if shortest is not None and len(text) < shortest:
            raise FormatError(f'value must be at least {shortest} characters long')

    return limit


def range_limit(highest: Any, lowest: Any) -> Callable[[str, Any, str], None]:
    # Some limits of the tables are strings; the texts show them as they are there.
    most = None if highest is None else float(highest)
    least = None if lowest is None else float(lowest)

    def limit(text: str, typed: Any, _path: str) -> None:
        if not isinstance(typed, (int, float)):
            if not NUMBER.fullmatch(text):
                return
            typed = float(text)
        if most is not None and typed > most:
            raise FormatError(f'value must have a maximum value of {highest}')
        if least is not None and typed < least:
            raise FormatError(f'value must have a minimum value of {lowest}')

    return limit


def enum_limit(allowed: list[str]) -> Callable[[str, Any, str], None]:
    known = frozenset(allowed)

    def limit(text: str, _typed: Any, _path: str) -> None:
        if text not in known:
            raise FormatError(f"value '{text}' does not have a value in the enumeration '{', '.join(allowed)}'")

    return limit


def array_check(schema: dict, release: str) -> Check:
    """A form gives one value or several parted by NUL; JSON gives a list."""
    one = property_check(schema.get('items') or {'type': 'string'}, release)

    def check(value: Any, path: str, errors: dict) -> Any:
        if isinstance(value, (dict, bool)):
            add_error(errors, path, "type check ('array') failed")
            return None
        items = value if isinstance(value, list) else scalar(value).split('\0')
        return [one(item, f'{path}[{index}]', errors) for index, item in enumerate(items) if item is not None]

    return check


def object_value_check(schema: dict, release: str) -> Check:
    inner = object_checker(schema.get('properties') or {}, release, schema.get('additionalProperties'))

    def check(value: Any, path: str, errors: dict) -> Any:
        if not isinstance(value, dict):
            add_error(errors, path, "type check ('object') failed")
            return None
        return inner(value, path, errors)

    return check


class Properties:
    """Property schemas of one object; their checks are compiled on first use."""

    def __init__(self, properties: dict[str, dict], release: str):
        self.release = release
        self.plain = {name: schema for name, schema in properties.items() if not name.endswith('[n]')}
        self.stems = {name[:-3]: schema for name, schema in properties.items() if name.endswith('[n]')}
        self.compiled: dict[str, Check] = {}
        self.required = [name for name, schema in self.plain.items()
                         if not (schema.get('optional') or schema.get('alias') or schema.get('group'))]
        self.requires = {name: schema['requires'] for name, schema in properties.items() if schema.get('requires')}

    def find(self, name: str) -> Check | None:
        """The check of a property, also of one of the indexed ones (net0 for "net[n]")."""
        if one := self.compiled.get(name):
            return one
        schema = self.plain.get(name)
        if schema is None and self.stems and (match := INDEXED.fullmatch(name)):
            proper = str(int(match[2])) == match[2] and int(match[2]) < COUNTS.get(match[1], 32)
            schema = self.stems.get(match[1]) if proper else None
        if schema is None:
            return None
        self.compiled[name] = property_check(schema, self.release)
        return self.compiled[name]


def object_checker(properties: dict[str, dict], release: str, additional: Any = 0) -> Check:
    """Check a whole object: (values, path, errors) -> typed values. additional=0: unknown names are errors."""
    known = Properties(properties, release)
    compiled = known.compiled

    def check(values: dict[str, Any], path: str, errors: dict) -> dict[str, Any]:
        prefix = f'{path}.' if path else ''
        typed = {}
        for name, value in values.items():
            if value is None:
                continue
            one = compiled.get(name) or known.find(name)
            if one is not None:
                typed[name] = one(value, prefix + name, errors)
                continue
            typed[name] = value
            if additional == 0:
                add_error(errors, prefix + name, UNKNOWN)
        for name in known.required:
            if values.get(name) is None:
                add_error(errors, prefix + name, MISSING)
        for name, other in known.requires.items():
            if values.get(name) is not None and values.get(other) is None:
                add_error(errors, prefix + other, f"missing property - '{prefix}{name}' requires this property")
        return typed

    return check


def compile_parameters(operation: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The validator of an operation: raw values by name -> typed values. Raises ParameterError."""
    check = object_checker(operation.properties, operation.release, operation.additional)

    def validate(values: dict[str, Any]) -> dict[str, Any]:
        errors: dict[str, str] = {}
        typed = check(values, '', errors)
        if errors:
            raise ParameterError(errors)
        return typed

    return validate
