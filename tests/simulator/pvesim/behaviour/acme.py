"""ACME accounts and challenge plugins. The directory's answers are made up: no certificate authority is asked."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model.sections import assert_unmodified, check, digest, kind, settings, split_list

DIRECTORIES = [
    {'name': "Let's Encrypt V2", 'url': 'https://acme-v02.api.letsencrypt.org/directory'},
    {'name': "Let's Encrypt V2 Staging", 'url': 'https://acme-staging-v02.api.letsencrypt.org/directory'},
]
TERMS = 'https://letsencrypt.org/documents/LE-SA-v1.5-February-24-2025.pdf'
KINDS = {'dns': kind('', 'api data disable nodes validation-delay'), 'standalone': kind('', 'disable nodes')}


def accounts(call: Call) -> dict[str, dict]:
    return call.cluster.section('acme-accounts')


def known_account(call: Call) -> dict:
    name = call.params.get('name', 'default')
    if name not in accounts(call):
        raise ParameterError({'name': f"ACME account config file '{name}' does not exist."})
    return accounts(call)[name]


@operation('GET', '/cluster/acme/account')
def account_index(call: Call) -> list[dict]:
    return [{'name': name} for name in sorted(accounts(call))]


@operation('POST', '/cluster/acme/account')
def register_account(call: Call) -> str:
    params, name = call.params, call.params.get('name', 'default')
    directory = params.get('directory', DIRECTORIES[0]['url'])
    if name in accounts(call):
        raise ParameterError({'name': f"ACME account config file '{name}' already exists."})

    def worker(task) -> Iterator[float]:
        task.log('Registering new ACME account..')
        yield 0.5
        if name in accounts(call):
            raise TaskError(f"ACME account config file '{name}' already exists.")
        location = directory.rpartition('/')[0] + f'/acme/acct/{1000 + len(accounts(call))}'
        accounts(call)[name] = made_account(call, directory, location)
        task.log('Registration successful, account URL: ' + repr(location))

    return call.task('acmeregister', name, worker)


def made_account(call: Call, directory: str, location: str) -> dict:
    contact = [f'mailto:{address}' for address in split_list(call.params['contact'])]
    account = {'account': {'status': 'valid', 'contact': contact}, 'directory': directory, 'location': location}
    if call.params.get('tos_url'):
        account['tos'] = call.params['tos_url']
    return account


@operation('GET', '/cluster/acme/account/{name}')
def read_account(call: Call) -> dict:
    return known_account(call)


@operation('PUT', '/cluster/acme/account/{name}')
def update_account(call: Call) -> str:
    account, contact = known_account(call), call.params.get('contact')

    def worker(_task) -> Iterator[float]:
        yield 0.5
        if contact:
            account['account']['contact'] = [f'mailto:{address}' for address in split_list(contact)]

    return call.task('acmeupdate' if contact else 'acmerefresh', call.params.get('name', 'default'), worker)


@operation('DELETE', '/cluster/acme/account/{name}')
def deactivate_account(call: Call) -> str:
    known_account(call)
    name = call.params.get('name', 'default')

    def worker(_task) -> Iterator[float]:
        yield 0.5
        accounts(call).pop(name, None)

    return call.task('acmedeactivate', name, worker)


@operation('GET', '/cluster/acme/directories')
def directories(_call: Call) -> list[dict]:
    return DIRECTORIES


@operation('GET', '/cluster/acme/tos')
def terms(_call: Call) -> str:
    return TERMS


@operation('GET', '/cluster/acme/meta')
def meta(_call: Call) -> dict:
    return {'termsOfService': TERMS, 'website': 'https://letsencrypt.org', 'caaIdentities': ['letsencrypt.org']}


def plugins(call: Call) -> dict[str, dict]:
    """The configured plugins; before the first is made, the one that needs no configuration."""
    cluster = call.cluster
    if 'acme-plugins' not in cluster.sections and not cluster.extra.get('acme_absent'):
        cluster.sections['acme-plugins'] = {'standalone': {'type': 'standalone'}}
    return cluster.section('acme-plugins')


def plugin_values(call: Call) -> dict:
    """The plugin's properties; its data is sent in base64 and kept as text."""
    values = settings(call.params, 'id', 'type', 'delete', 'digest')
    if 'data' in values:
        try:
            values['data'] = base64.b64decode(values['data'], altchars='-_').decode()
        except ValueError:
            raise ParameterError({'data': 'value is no base64'}) from None
    return values


@operation('GET', '/cluster/acme/plugins')
def plugin_index(call: Call) -> list[dict]:
    wanted, current = call.params.get('type'), digest(plugins(call))
    return [{**entry, 'plugin': name, 'digest': current} for name, entry in sorted(plugins(call).items())
            if wanted in (None, entry['type'])]


def known_plugin(call: Call) -> dict:
    if call.params['id'] not in plugins(call):
        raise ApiError(f"ACME plugin '{call.params['id']}' not defined")
    return plugins(call)[call.params['id']]


@operation('GET', '/cluster/acme/plugins/{id}')
def read_plugin(call: Call) -> dict:
    return {**known_plugin(call), 'plugin': call.params['id'], 'digest': digest(plugins(call))}


@operation('POST', '/cluster/acme/plugins')
def add_plugin(call: Call) -> None:
    name, type_ = call.params['id'], call.params['type']
    if name in plugins(call):
        raise ApiError(f"ACME plugin ID '{name}' already exists")
    values = plugin_values(call)
    check(KINDS[type_], values, create=True)
    plugins(call)[name] = {'type': type_, **values}


@operation('PUT', '/cluster/acme/plugins/{id}')
def update_plugin(call: Call) -> None:
    assert_unmodified(digest(plugins(call)), call.params.get('digest'))
    name = call.params['id']
    if name not in plugins(call):
        raise ApiError(f"ACME plugin ID '{name}' does not exist")
    entry, values = dict(plugins(call)[name]), plugin_values(call)
    kind_ = KINDS[entry['type']]
    for key in split_list(call.params.get('delete')):
        if key not in kind_.optional:
            raise ApiError(f"no such option '{key}'")
        entry.pop(key, None)
    check(kind_, values, create=False)
    plugins(call)[name] = {**entry, **values}


@operation('DELETE', '/cluster/acme/plugins/{id}')
def delete_plugin(call: Call) -> None:
    """A plugin that is not there is no error."""
    plugins(call).pop(call.params['id'], None)
