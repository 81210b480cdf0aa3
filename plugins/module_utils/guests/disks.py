# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks: what a task wants of them, and what must be done about it. Pure."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import UNUSED
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import differs_in_part, emptied, named
from ansible_collections.pve.fleet.plugins.module_utils.schema.property_string import PropertyStringError, render
from ansible_collections.pve.fleet.plugins.module_utils.schema.scalars import number_text, to_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.size import GIB, KIB, SizeError, format_size, parse_size
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import as_dict

OWN = ('storage', 'size', 'format', 'import_from', 'volume', 'iso', 'cloud_init', 'state', 'keep_old')
SPELLINGS = {'import-from': 'import_from', 'file': 'volume'}
STATES = ('present', 'detached', 'absent')


@dataclasses.dataclass(frozen=True)
class DiskWish:
    """size: bytes wanted; grow: bytes to add. options: settings of the disk under the API's names.

    iso: a volume, or 'none' for an empty drive. state: present, detached (the volume is kept) or absent (destroyed).
    """

    storage: str | None = None
    size: int | None = None
    grow: int | None = None
    format: str | None = None
    import_from: str | None = None
    volume: str | None = None
    iso: str | None = None
    cloud_init: bool = False
    state: str = 'present'
    keep_old: bool = False
    options: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DiskChange:
    """action: add, set, swap, move, grow, detach or destroy. before/after: what differs, as users see disks."""

    key: str
    action: str
    words: str
    before: dict
    after: dict
    wish: DiskWish


def read_disks(kind, disks, storage=None, where='disks'):
    """The option disks -> {key: DiskWish}; storage: where new disks go when they do not say. Raises BadRequest."""
    return {key: read_disk(kind, key, value, storage, f'{where}: {key}') for key, value in (disks or {}).items()}


def read_disk(kind, key, value, storage, where):
    if not (kind.is_disk(key) or UNUSED.fullmatch(key)):
        there = 'rootfs, mp0, mp1' if kind.root_disk else 'scsi0, virtio0, sata0, ide0, efidisk0, tpmstate0'
        raise BadRequest(f'{where}: {key!r} is not a disk of a {kind.noun}: keys are {there} and so on.')
    if isinstance(value, str):
        value = text_value(kind, value, where)
    if not isinstance(value, dict):
        raise BadRequest(f'{where} must be a dictionary, such as {{storage: local-lvm, size: 32G}}.')
    value = {SPELLINGS.get(name, name): item for name, item in value.items()}
    own = {name: value.pop(name) for name in OWN if name in value}
    if own.get('state', 'present') not in STATES:
        raise BadRequest(f'{where}: state must be present, detached or absent, not {own["state"]!r}.')
    own['options'] = value
    own.update(sizes(own, where))
    for name in ('keep_old', 'cloud_init'):
        own[name] = str(own.get(name, False)).lower() in ('true', '1', 'yes')
    if not own.get('storage') and own.get('import_from'):
        own['storage'] = storage
    return DiskWish(**own)


def text_value(kind, text, where):
    """A disk in the API's own notation, as `config` may give it."""
    first, *rest = text.split(',')
    volume = first.partition('=')[2] if first.startswith((f'{kind.volume_key}=', 'file=', 'volume=')) else first
    options = dict(part.partition('=')[::2] for part in rest)
    storage, _colon, amount = volume.partition(':')
    if amount.replace('.', '', 1).isdigit():
        return {**options, 'storage': storage, **({'size': f'{amount}G'} if float(amount) else {})}
    if amount == 'cloudinit':
        return {'storage': storage, 'cloud_init': True}
    if options.pop('media', None) == 'cdrom':
        return {**options, 'iso': volume}
    if not volume:
        raise BadRequest(f'{where}: {text!r} names no volume.')
    return {**options, 'volume': volume}


def sizes(own, where):
    text = own.pop('size', None)
    if text is None:
        return {}
    relative = str(text).strip().startswith('+')
    try:
        amount = parse_size(str(text).strip().lstrip('+'), 'G')
    except SizeError as error:
        raise BadRequest(f'{where}: {error}') from None
    amount = -(-amount // KIB) * KIB
    return {'grow': amount} if relative else {'size': amount}


def disk_changes(kind, key, wish, current, schema, storage=None):
    """What must be done about one disk, in order: list of DiskChange.

    current: its text, or None; storage: where a new disk goes that does not say. Raises BadRequest.
    """
    if wish.state != 'present':
        return [] if current is None else [removal(kind, key, wish, current, schema)]
    if current is None:
        return [addition(kind, key, wish, storage, schema)]
    have = as_dict(current, property_format(schema))
    volume = str(have.get(kind.volume_key, ''))
    if wish.iso is not None or wish.volume is not None:
        return swapped(kind, key, wish, have, volume)
    if wish.cloud_init:
        return []
    return [*moved(key, wish, volume), *grown(kind, key, wish, have), *changed_options(kind, key, wish, current, schema)]


def removal(kind, key, wish, current, schema):
    shown = visible(kind, current, schema)
    volume = str(as_dict(current, property_format(schema) or {}).get(kind.volume_key, current)) if schema else current
    if wish.state == 'detached':
        return DiskChange(key, 'detach', f'detach {key} ({volume})', shown, {}, wish)
    return DiskChange(key, 'destroy', f'destroy {key} ({volume})', shown, {}, wish)


def visible(kind, text, schema):
    """A disk without the name of its volume, which the server chooses."""
    fmt = property_format(schema)
    if fmt is None:
        return {'volume': str(text)}
    have = as_dict(text, fmt)
    volume = str(have.pop(kind.volume_key, ''))
    return {'storage': volume.partition(':')[0], **have}


def addition(kind, key, wish, storage, schema):
    """A disk that is not there yet."""
    if wish.grow:
        raise BadRequest(f'{key} is not there yet, so it cannot grow by {format_size(wish.grow)}: give its whole size.')
    where = wish.storage or storage
    given = wish.iso or wish.volume
    if not given and not where:
        raise BadRequest(f'{key} is not there yet: give the storage for it.')
    if not given and not wish.cloud_init and not wish.import_from and not wish.size and key not in kind.fixed_size:
        raise BadRequest(f'{key} is not there yet: give the size for it, such as size: 32G.')
    wish = dataclasses.replace(wish, storage=where)
    shown = {'storage': where} if where and not given else {}
    if wish.size:
        shown['size'] = format_size(wish.size)
    for name in ('import_from', 'volume', 'iso'):
        if getattr(wish, name):
            shown[name] = getattr(wish, name)
    after = {**shown, **options_of(key, wish, schema)}
    return DiskChange(key, 'add', addition_words(key, wish), {}, after, wish)


def addition_words(key, wish):
    if wish.iso:
        return f'insert {wish.iso} into {key}'
    if wish.volume:
        return f'attach {wish.volume} as {key}'
    if wish.cloud_init:
        return f'add cloud-init drive {key} ({wish.storage})'
    if wish.import_from:
        grown_to = f' and grow it to {format_size(wish.size)}' if wish.size else ''
        return f'import {wish.import_from} as {key} ({wish.storage}){grown_to}'
    size = f', {format_size(wish.size)}' if wish.size else ''
    return f'add {key} ({wish.storage}{size})'


def options_of(key, wish, schema):
    fmt = property_format(schema) or {}
    return named(key, wish.options, fmt)


def swapped(kind, key, wish, have, volume):
    wanted = wish.iso if wish.iso is not None else wish.volume
    if volume == wanted:
        return []
    word = f'insert {wanted} into {key}' if wish.iso else f'attach {wanted} as {key}'
    if wish.iso == 'none':
        word = f'eject {volume} from {key}'
    return [DiskChange(key, 'swap', word, {'volume': volume}, {'volume': wanted}, wish)]


def moved(key, wish, volume):
    now = volume.partition(':')[0]
    if not wish.storage or now == wish.storage or volume in ('none', 'cdrom'):
        return []
    kept = ' and keep the old volume' if wish.keep_old else ''
    words = f'move {key} from {now} to {wish.storage}{kept}'
    return [DiskChange(key, 'move', words, {'storage': now}, {'storage': wish.storage}, wish)]


def grown(kind, key, wish, have):
    if key in kind.fixed_size or not (wish.size or wish.grow):
        return []
    now = parse_size(have['size']) if have.get('size') else 0
    wanted = now + wish.grow if wish.grow else wish.size
    if wanted < now:
        raise BadRequest(
            f'{key} has {format_size(now)} and the task asks for {format_size(wanted)}: disks only grow. '
            f'Declare at least {format_size(now)}, or make a new disk and copy what is needed.',
            details={'disk': key, 'size': now, 'asked': wanted},
        )
    if wanted == now:
        return []
    before, after = format_size(now), format_size(wanted)
    wish = dataclasses.replace(wish, size=wanted)
    return [DiskChange(key, 'grow', f'grow {key} from {before} to {after}', {'size': before}, {'size': after}, wish)]


def changed_options(kind, key, wish, current, schema):
    fmt = property_format(schema)
    if not wish.options or not differs_in_part(key, wish.options, current, fmt, schema):
        return []
    before, after = option_changes(key, wish, current, fmt, schema)
    words = ', '.join(f'{name}={to_text(after[name])}' if name in after else f'no {name}' for name in sorted({*before, *after}))
    return [DiskChange(key, 'set', f'set {words} on {key}', before, after, wish)]


def option_changes(key, wish, current, fmt, schema):
    have = as_dict(current, fmt)
    before, after = {}, {}
    for name, value in named(key, wish.options, fmt).items():
        if differs_in_part(key, {name: value}, current, fmt, schema):
            after[name] = value
            if name in have:
                before[name] = have[name]
    for name in emptied(wish.options):
        if name in have:
            before[name] = have[name]
    return before, after


def new_disk_text(kind, key, wish, schema):
    """The text that makes a disk which is not there yet. Raises BadRequest for settings that do not fit."""
    options = options_of(key, wish, schema)
    if wish.iso is not None:
        return rendered(kind, key, wish.iso, {**options, 'media': 'cdrom'}, schema)
    if wish.cloud_init:
        return f'{wish.storage}:cloudinit'
    if wish.volume is not None:
        return rendered(kind, key, wish.volume, options, schema)
    if wish.import_from:
        options['import-from'] = wish.import_from
    if wish.format:
        options['format'] = wish.format
    amount = 0 if wish.import_from else gibibytes(wish.size or GIB)
    return rendered(kind, key, f'{wish.storage}:{number_text(amount)}', options, schema)


def gibibytes(size):
    """Bytes as the number of GiB that an allocation takes."""
    return size // GIB if size % GIB == 0 else size / GIB


def changed_disk_text(kind, key, wish, current, schema):
    """The text that changes settings of a disk that is there, or puts another volume in its place."""
    fmt = property_format(schema)
    have = as_dict(current, fmt)
    if wish.iso is not None or wish.volume is not None:
        have[kind.volume_key] = wish.iso if wish.iso is not None else wish.volume
        have.pop('size', None)
    values = dict({**have, **named(key, wish.options, fmt)}.items())
    for name in emptied(wish.options):
        values.pop(name, None)
    volume = values.pop(kind.volume_key)
    return rendered(kind, key, volume, values, schema)


def rendered(kind, key, volume, options, schema):
    try:
        return render({kind.volume_key: volume, **options}, property_format(schema))
    except PropertyStringError as error:
        raise BadRequest(f'{key}: {error}', details={'option': key}) from None
