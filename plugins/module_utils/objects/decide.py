# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a wish and what there is to a Plan. Pure."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, Plan, checked
from ansible_collections.pve.fleet.plugins.module_utils.objects.place import MOVED_BY
from ansible_collections.pve.fleet.plugins.module_utils.objects.wish import SECRET_NAMES
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import is_empty, same

# Where PVE puts a new object of an ordered list.
NEW_PLACE = 0


def plan(wish, current):
    """Pure: what has to be done -> Plan. current: the object, None when there is none. Raises BadRequest."""
    if not wish.present:
        return deletion(wish, current)
    if current is None:
        return creation(wish)
    return update(wish, current)


def sealed(wish, changes, before, after, result):
    timed = [dataclasses.replace(change, task_timeout=wish.timeout) for change in changes]
    return Plan(tuple(checked(change, wish.official) for change in timed), before, after, result)


def deletion(wish, current):
    place = wish.place
    if 'DELETE' not in place.methods or place.key is None:
        raise BadRequest(f'{place.path} cannot be deleted, it is always there. Name in remove what shall go back to its default.')
    if place.key == 'pos' and not place.found:
        raise BadRequest(f'{place.path} is a position, which another rule takes as soon as it is deleted. Tell the rule by match.')
    if current is None:
        return Plan()
    if place.own_module:
        raise BadRequest(f'{place.path} is deleted by {place.own_module}, which looks at what else would go with it.')
    guarded = current.get('digest') and 'digest' in wish.schemas('DELETE', place.segments).parameters
    params = {'digest': current['digest']} if guarded else {}
    return sealed(wish, [Change(f'delete {wish.title}', 'DELETE', place.segments, params)], open_values(current), {}, None)


def open_values(current):
    """An object without secrets; None stays None."""
    return current and {name: value for name, value in current.items() if name not in SECRET_NAMES and name != 'digest'}


def creation(wish):
    place = wish.place
    if place.made_at is None or (place.key == 'pos' and not place.found):
        raise BadRequest(f'There is no {place.path}, and it cannot be made by its name. Check the path.')
    own = {} if place.found else {place.key: place.id}
    values = {name: value for name, value in wish.values.items() if name not in MOVED_BY}
    params = {**(own if place.made_at != place.segments else {}), **values, **wish.secrets}
    steps, order = moves(dataclasses.replace(wish, length=wish.length + 1), NEW_PLACE)
    after = {**own, **values, **order}
    return sealed(wish, [Change(f'create {wish.title}', 'POST', place.made_at, params), *steps], {}, after, after)


def moves(wish, now, digest=None):
    """([the request that puts an object of an ordered list where it shall stand], {key: its place then}); both empty for none.

    digest: of the list, where nothing is changed before.
    """
    place, asked = wish.place, wish.values.get(wish.place.key)
    if place.key not in MOVED_BY or not place.found or asked is None:
        return [], {}
    if not str(asked).isdigit():
        raise BadRequest(f'{wish.title}: {place.key} {asked!r} is no place in the list: give a number from 0.')
    target = min(int(asked), wish.length - 1)
    if target == int(now):
        return [], {}
    # The place is counted while the object still stands at its own.
    params = {MOVED_BY[place.key]: target + 1 if target > int(now) else target, **({'digest': digest} if digest else {})}
    words = f'move {wish.title} to {target}'
    return [Change(words, 'PUT', (*place.made_at, str(now)), params)], {place.key: target}


def update(wish, current):
    """Send what differs, then move the object to its place in an ordered list."""
    values = {name: value for name, value in wish.values.items() if name != wish.place.key}
    schemas = parameters(wish)
    differing = {name: value for name, value in values.items() if differs(wish, schemas, current, name, value)}
    going = [name for name in wish.remove if not is_empty(shown(current, name))]
    changes = sending(wish, current, differing, going)
    steps, order = moves(wish, current.get(wish.place.key), None if changes else current.get('digest'))
    if not (changes or steps):
        return Plan(result=current)
    before = {name: shown(current, name) for name in (*differing, *going, *order)}
    after = {**differing, **dict.fromkeys(going), **order}
    result = {name: value for name, value in {**current, **differing, **order}.items() if name not in going}
    return sealed(wish, [*changes, *steps], before, after, result)


def parameters(wish):
    """The schemas of what an update takes, {} where an object cannot be updated."""
    operation = wish.schemas('PUT', wish.place.segments)
    return operation.parameters if operation else {}


def sending(wish, current, differing, going):
    """[the request that updates]; where PVE has no `delete`, the operation replaces, so that all is sent. [] for nothing."""
    place, schemas, secrets = wish.place, parameters(wish), wish.secrets if wish.send_secrets else {}
    names = sorted([*differing, *going, *secrets])
    if not names:
        return []
    if not schemas:
        raise BadRequest(f'{place.path} is there and cannot be changed ({", ".join(names)} differs). Delete it first.')
    params = {**carried(place, schemas, current, going), **differing, **secrets, **removal(schemas, going)}
    return [Change(f'update {wish.title}: {", ".join(names)}', 'PUT', place.segments, params)]


def shown(current, name):
    """A value of an object; some are shown one level deeper (an ACME account's contact)."""
    if name in current:
        return current[name]
    return next((inner[name] for inner in current.values() if isinstance(inner, dict) and name in inner), None)


def differs(wish, schemas, current, name, value):
    """Whether a value has to be sent. Raises BadRequest for one that PVE takes at creation only."""
    creating = wish.schemas('POST', wish.place.made_at) if wish.place.made_at else None
    schema = schemas.get(name) or (creating.parameters.get(name) if creating else None)
    now = shown(current, name)
    if same(name, plain(value), plain(now), schema, defaults=True):
        return False
    if schemas and name not in schemas and creating and name in creating.parameters:
        if now is None:
            return False
        raise BadRequest(f'{wish.place.path}: {name} of an existing object cannot be changed (it is {now!r}, {value!r} is asked for).')
    return True


def plain(value):
    """A value without what PVE adds to it: a newline after texts, mailto: before an account's contacts."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.rstrip('\n').removeprefix('mailto:') if isinstance(value, str) else value


def carried(place, schemas, current, going):
    """What has to be sent along unchanged: what PUT demands, the digest, and all where PUT replaces."""
    replaces = 'delete' not in schemas
    found = {}
    for name, schema in schemas.items():
        value = shown(current, name)
        needed = replaces or not schema.get('optional') or name == 'digest'
        if needed and not is_empty(value) and name != place.key and name not in going and '{' + name + '}' not in place.template:
            found[name] = value
    return found


def removal(schemas, going):
    """How settings are taken away: named in `delete`, or sent empty where PVE has none and takes any text."""
    if not going:
        return {}
    if 'delete' in schemas:
        return {'delete': going}
    plain = [name for name in going if not {'format', 'pattern', 'enum'} & set(schemas.get(name, {})) and schemas.get(name, {}).get('type') == 'string']
    return dict.fromkeys(plain, '')
