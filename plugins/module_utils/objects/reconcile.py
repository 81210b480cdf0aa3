# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_object: any configuration object of the API as it is declared."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.api.named import get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change, Plan, checked
from ansible_collections.pve.fleet.plugins.module_utils.engine.reconcile import confirm, settle
from ansible_collections.pve.fleet.plugins.module_utils.objects.place import Place, place_in, place_of, quoted
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import UPDATE_SECRET
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import Tables, tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import is_empty, same

ARGUMENTS = {
    'path': {'type': 'str', 'required': True},
    'values': {'type': 'dict', 'default': {}},
    'secret_values': {'type': 'dict', 'default': {}, 'no_log': True},
    'remove': {'type': 'list', 'elements': 'str', 'default': []},
    'match': {'type': 'list', 'elements': 'str', 'default': []},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'timeout': {'type': 'int', 'default': 600},
    **UPDATE_SECRET,
    **CONNECTION_SPEC,
}
# Parameters that hold secrets. PVE shows none of them but an ACME plugin's data.
SECRET_NAMES = frozenset({'password', 'secret', 'token', 'client-key', 'keyring', 'encryption-key', 'data'})


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a task asks of one object: values, secrets {name: value}, names to remove, whether it shall be there.

    match: names of the values that tell it from the others of a list, where the path does not name it.
    """

    place: Place
    official: Tables
    values: dict
    secrets: dict
    remove: tuple
    present: bool = True
    send_secrets: bool = False
    timeout: int = 600
    match: tuple = ()

    @property
    def title(self):
        """The object in words: its path, or that of its list with what tells it."""
        told = ', '.join(f'{name}: {self.values[name]}' for name in self.match)
        return f'{self.place.path} ({told})' if told else self.place.path

    def schemas(self, method, segments):
        try:
            return self.official.operation(method, quoted(segments))
        except ValueError:
            return None


def wish_of(params, official):
    """The Wish of a task. Raises BadRequest for what contradicts itself."""
    place = place_in(official, params['path']) if params['match'] else place_of(official, params['path'])
    unsaid = [name for name in params['match'] if name not in params['values'] or name == place.key]
    if unsaid:
        raise BadRequest(f'match: {", ".join(unsaid)} is not among values. Match by values that tell this object from the others.')
    open_secrets = sorted(SECRET_NAMES & set(params['values']))
    if open_secrets:
        raise BadRequest(f'values: {", ".join(open_secrets)} is a secret. Give it in secret_values, so that it is not shown.')
    both = sorted(set(params['remove']) & {*params['values'], *params['secret_values']})
    if both:
        raise BadRequest(f'{", ".join(both)} is both given and named in remove. Keep one of the two.')
    return Wish(
        place, official, params['values'], params['secret_values'], tuple(params['remove']), params['state'] == 'present',
        params['update_secret'] == 'always', params['timeout'], tuple(params['match']),
    )  # fmt: skip


def looked_up(client, wish):
    """(the wish with the object's own place, the object or None). Raises Conflict where values fit several objects."""
    if not wish.match:
        return wish, read(client, wish.place)
    key, rows = wish.place.key, get_or_none(client, *wish.place.segments) or []
    fitting = [row for row in rows if all(not differs(wish, {}, row, name, wish.values[name]) for name in wish.match)]
    if len(fitting) > 1:
        ids = ', '.join(str(row[key]) for row in fitting)
        raise Conflict(f'{wish.title} fits several ({key} {ids}). Match by more values, or delete those that are too many.')
    return (dataclasses.replace(wish, place=wish.place.at(fitting[0][key])), fitting[0]) if fitting else (wish, None)


def read(client, place):
    """The object as PVE shows it, None when there is none."""
    if not place.listed:
        return get_or_none(client, *place.segments)
    rows = get_or_none(client, *place.segments[:-1]) or []
    return next((row for row in rows if isinstance(row, dict) and str(row.get(place.key)) == place.id), None)


def shown(current, name):
    """A value of an object; some are shown one level deeper (an ACME account's contact)."""
    if name in current:
        return current[name]
    return next((inner[name] for inner in current.values() if isinstance(inner, dict) and name in inner), None)


def plan(wish, current):
    """Pure: what has to be done -> Plan. current: the object, None when there is none. Raises BadRequest."""
    if not wish.present:
        return deletion(wish, current)
    if current is None:
        return creation(wish)
    return update(wish, current)


def sealed(wish, change, before, after, result):
    return Plan((checked(dataclasses.replace(change, task_timeout=wish.timeout), wish.official),), before, after, result)


def deletion(wish, current):
    place = wish.place
    if 'DELETE' not in place.methods or place.key is None:
        raise BadRequest(f'{place.path} cannot be deleted, it is always there. Name in remove what shall go back to its default.')
    if place.key == 'pos' and not place.found:
        raise BadRequest(f'{place.path} is a position, which another rule takes as soon as it is deleted. Tell the rule by match.')
    if current is None:
        return Plan((), {}, {}, None)
    if place.own_module:
        raise BadRequest(f'{place.path} is deleted by {place.own_module}, which looks at what else would go with it.')
    guarded = current.get('digest') and 'digest' in wish.schemas('DELETE', place.segments).parameters
    params = {'digest': current['digest']} if guarded else {}
    return sealed(wish, Change(f'delete {wish.title}', 'DELETE', place.segments, params), open_values(current), {}, None)


def open_values(current):
    """An object without secrets; None stays None."""
    return current and {name: value for name, value in current.items() if name not in SECRET_NAMES and name != 'digest'}


def creation(wish):
    place = wish.place
    if place.made_at is None or (place.key == 'pos' and not place.found):
        raise BadRequest(f'There is no {place.path}, and it cannot be made by its name. Check the path.')
    name = {} if place.found else {place.key: place.id}
    params = {**(name if place.made_at != place.segments else {}), **wish.values, **wish.secrets}
    after = {**name, **wish.values}
    return sealed(wish, Change(f'create {wish.title}', 'POST', place.made_at, params), {}, after, after)


def update(wish, current):
    """Send what differs; where PVE has no `delete`, the operation replaces, so that all is sent."""
    place, operation = wish.place, wish.schemas('PUT', wish.place.segments)
    schemas = operation.parameters if operation else {}
    values = {name: value for name, value in wish.values.items() if name != place.key}
    differing = {name: value for name, value in values.items() if differs(wish, schemas, current, name, value)}
    going = [name for name in wish.remove if not is_empty(shown(current, name))]
    secrets = wish.secrets if wish.send_secrets else {}
    if not (differing or going or secrets):
        return Plan((), {}, {}, current)
    if operation is None:
        raise BadRequest(f'{place.path} is there and cannot be changed ({", ".join(sorted([*differing, *going]))} differs). Delete it first.')
    params = {**carried(place, schemas, current, going), **differing, **secrets, **removal(schemas, going)}
    words = f'update {wish.title}: {", ".join(sorted([*differing, *going, *secrets]))}'
    before = {name: shown(current, name) for name in (*differing, *going)}
    after = {**differing, **dict.fromkeys(going)}
    result = {name: value for name, value in {**current, **differing}.items() if name not in going}
    return sealed(wish, Change(words, 'PUT', place.segments, params), before, after, result)


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


def run(context):
    """The logic of pve_object."""
    client = context.client
    wish = wish_of(context.params, tables(client.release))

    def look():
        found, current = looked_up(client, wish)
        return current, plan(found, current)

    def done(_seen, made, _answers):
        there, found = looked_up(client, wish)
        confirm(wish.title, found, context.params['state'])
        if found is not None and plan(dataclasses.replace(there, send_secrets=False), found).changes:
            context.warn(f'{wish.title}: the cluster accepted the change, but shows something else.')
        return made.told('object', open_values(found))

    return settle(context, look, done, lambda made: made.told('object', open_values(made.result)))
