"""Notification endpoints, matchers and targets, the built-in ones among them.

A built-in object that was changed can be deleted, which brings back what it was; its origin tells which it is.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json

from ..call import ApiError, Call, operation
from ..model.cluster import Cluster
from ..model.sections import MODIFIED, settings, split_list

ENDPOINTS = ('gotify', 'sendmail', 'smtp', 'webhook')
BUILTIN = {
    'mail-to-root': {'type': 'sendmail', 'mailto-user': ['root@pam'],
                     'comment': "Send mails to root@pam's email address"},
    'default-matcher': {'type': 'matcher', 'mode': 'all', 'target': ['mail-to-root'],
                        'comment': 'Route all notifications to mail-to-root'},
}
SECRETS = {'gotify': ('token',), 'smtp': ('password',), 'webhook': (), 'sendmail': (), 'matcher': ()}
FIELD_VALUES = ('package-updates', 'fencing', 'replication', 'vzdump', 'system-mail')


def configured(cluster: Cluster) -> dict[str, dict]:
    """Endpoints and matchers by name; the built-in ones are always there."""
    section = cluster.section('notifications')
    for name, entry in BUILTIN.items():
        if name not in section:
            section[name] = copy.deepcopy(entry)
    return section


def origin(name: str, entry: dict) -> str:
    if name not in BUILTIN:
        return 'user-created'
    return 'builtin' if entry == BUILTIN[name] else 'modified-builtin'


def current_digest(section: dict) -> str:
    """SHA-256, where other configurations have SHA-1."""
    content = {name: entry for name, entry in section.items() if origin(name, entry) != 'builtin'}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def shown(name: str, entry: dict) -> dict:
    """An object without its secrets."""
    seen = {key: value for key, value in entry.items() if key not in ('type', *SECRETS[entry['type']])}
    if 'secret' in seen:
        seen['secret'] = [f'name={dict_of(text)["name"]}' for text in seen['secret']]
    return {'name': name, **seen, 'origin': origin(name, entry)}


def dict_of(text: str) -> dict[str, str]:
    return dict(part.partition('=')[::2] for part in text.split(','))


def type_of(call: Call) -> str:
    parts = call.path.split('/')
    return parts[4] if parts[3] == 'endpoints' else 'matcher'


def word(type_: str) -> str:
    return 'matcher' if type_ == 'matcher' else 'endpoint'


def known(section: dict, type_: str, name: str) -> dict:
    if name not in section or section[name]['type'] != type_:
        raise ApiError(404, f"{word(type_)} '{name}' not found")
    return section[name]


def everywhere(method: str, tail: str = ''):
    def register(handler):
        for path in [f'endpoints/{type_}' for type_ in ENDPOINTS] + ['matchers']:
            operation(method, f'/cluster/notifications/{path}{tail}')(handler)
        return handler

    return register


@everywhere('GET')
def index(call: Call) -> list[dict]:
    type_ = type_of(call)
    return [shown(name, entry) for name, entry in configured(call.cluster).items() if entry['type'] == type_]


@everywhere('GET', '/{name}')
def read(call: Call) -> dict:
    section, name = configured(call.cluster), call.params['name']
    seen = shown(name, known(section, type_of(call), name))
    del seen['origin']
    return {**seen, 'digest': current_digest(section)}


@everywhere('POST')
def create(call: Call) -> None:
    section, name, type_ = configured(call.cluster), call.params['name'], type_of(call)
    if name in section:
        raise ApiError(400, f"Cannot create '{name}', an entity with the same name already exists")
    entry = {'type': type_, **settings(call.params, 'name')}
    assert_complete(section, entry)
    section[name] = entry


def assert_complete(section: dict, entry: dict) -> None:
    """400 for a mail endpoint without recipients or a secret that is no base64, 404 for an unknown target."""
    if entry['type'] in ('sendmail', 'smtp') and not entry.get('mailto') and not entry.get('mailto-user'):
        raise ApiError(400, 'must at least provide one recipient, either in mailto or in mailto-user')
    for text in [*entry.get('header', ()), *entry.get('secret', ())]:
        try:
            base64.b64decode(dict_of(text).get('value', ''), validate=True)
        except ValueError:
            raise ApiError(400, f"could not decode UTF8 string from base64, key={dict_of(text).get('name')}") from None
    for target in entry.get('target', ()):
        if target not in section or section[target]['type'] == 'matcher':
            raise ApiError(404, f"endpoint '{target}' does not exist")


@everywhere('PUT', '/{name}')
def update(call: Call) -> None:
    params, section = call.params, configured(call.cluster)
    if params.get('digest') and params['digest'] != current_digest(section):
        raise ApiError(400, MODIFIED)
    name = params['name']
    entry = dict(known(section, type_of(call), name))
    for key in split_list(params.get('delete')):
        entry.pop(key, None)
    values = settings(params, 'name', 'delete', 'digest')
    if 'secret' in values:
        values['secret'] = kept_secrets(entry, values['secret'])
    entry.update(values)
    assert_complete(section, entry)
    section[name] = entry


def kept_secrets(entry: dict, texts: list[str]) -> list[str]:
    """A secret that is named without a value keeps the one it has."""
    old = {dict_of(text)['name']: text for text in entry.get('secret', ())}
    return [old.get(dict_of(text).get('name'), text) if 'value' not in dict_of(text) else text for text in texts]


@everywhere('DELETE', '/{name}')
def delete(call: Call) -> None:
    section, name = configured(call.cluster), call.params['name']
    known(section, type_of(call), name)
    users = sorted(other for other, entry in section.items() if name in entry.get('target', ()))
    if users and name not in BUILTIN:
        raise ApiError(400, f"cannot delete '{name}', referenced by: {', '.join(users)}")
    del section[name]


@operation('GET', '/cluster/notifications/targets')
def targets(call: Call) -> list[dict]:
    found = []
    for name, entry in configured(call.cluster).items():
        if entry['type'] == 'matcher':
            continue
        target = {'name': name, 'type': entry['type'], 'origin': origin(name, entry)}
        target.update({key: entry[key] for key in ('comment', 'disable') if key in entry})
        found.append(target)
    return found


@operation('POST', '/cluster/notifications/targets/{name}/test')
def test(call: Call) -> None:
    """Nothing is sent; an unknown target is the only failure."""
    section, name = configured(call.cluster), call.params['name']
    if name not in section or section[name]['type'] == 'matcher':
        raise ApiError(404, f"endpoint '{name}' does not exist")


@operation('GET', '/cluster/notifications/matcher-fields')
def fields(_call: Call) -> list[dict]:
    return [{'name': name} for name in ('type', 'hostname', 'job-id')]


@operation('GET', '/cluster/notifications/matcher-field-values')
def field_values(call: Call) -> list[dict]:
    cluster = call.cluster
    found = [{'field': 'type', 'value': value} for value in FIELD_VALUES]
    jobs = {**cluster.section('jobs'), **cluster.section('replication')} if call.may('/', 'Sys.Audit') else {}
    found += [{'field': 'job-id', 'value': name, 'comment': entry.get('comment')} for name, entry in jobs.items()
              if entry.get('type') != 'realm-sync']
    return found + [{'field': 'hostname', 'value': name} for name in cluster.nodes]
