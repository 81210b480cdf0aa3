"""Authentication realms (domains.cfg) and their synchronisation."""

from __future__ import annotations

from collections.abc import Iterator

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model.access import Access, realms
from ..model.sections import assert_unmodified, check, digest, inside, kind, plain, settings, split_list

COMMON = 'comment default tfa '
LDAP = (COMMON + 'server2 port secure sslversion verify capath cert certkey filter bind_dn sync_attributes user_classes '
        'group_dn group_name_attr group_filter group_classes sync-defaults-options mode case-sensitive check-connection ')
KINDS = {
    'pam': kind('', COMMON),
    'pve': kind('', COMMON),
    'ldap': kind('server1 base_dn user_attr', LDAP),
    'ad': kind('server1 domain', LDAP),
    'openid': kind('issuer-url client-id', 'client-key autocreate username-claim prompt scopes acr-values default comment '
                   'groups-claim groups-autocreate groups-overwrite query-userinfo', 'username-claim'),
}


def content_digest(access: Access) -> str:
    """The digest of domains.cfg, which does not exist while only the built-in realms are there, untouched."""
    return digest(None if access.domains == realms() else access.domains)


@operation('GET', '/access/domains')
def index(call: Call) -> list[dict]:
    found = []
    for realm, entry in call.cluster.access.domains.items():
        shown = {'realm': realm, 'type': entry['type']}
        if entry.get('comment'):
            shown['comment'] = entry['comment']
        if entry.get('default'):
            shown['default'] = 1
        if entry.get('tfa'):
            shown['tfa'] = dict(part.partition('=')[::2] for part in entry['tfa'].split(',')).get('type')
        found.append(shown)
    return found


@operation('GET', '/access/domains/{realm}')
def read(call: Call) -> dict:
    access, realm = call.cluster.access, call.params['realm']
    if realm not in access.domains:
        raise ApiError(f"domain '{realm}' does not exist")
    return {**access.domains[realm], 'digest': content_digest(access)}


@operation('POST', '/access/domains')
def create(call: Call) -> None:
    access, realm, type_ = call.cluster.access, call.params['realm'], call.params['type']
    with inside('add auth server failed'):
        if realm in access.domains:
            raise ApiError(f"domain '{realm}' already exists")
        if type_ in ('pam', 'pve'):
            raise ApiError(f"unable to create builtin type '{type_}'")
        values = settings(call.params, 'realm', 'type', 'password', 'check-connection')
        check(KINDS[type_], values, create=True)
        reach(call, values)
        if values.get('default'):
            no_default(access)
        access.domains[realm] = {'type': type_, **values}
        access.touch()


def reach(call: Call, values: dict) -> None:
    """There is no directory server behind a simulated cluster: asking to try the connection fails."""
    if call.params.get('check-connection'):
        raise ApiError(f"unable to connect to server '{values.get('server1')}': Connection refused")


def no_default(access: Access) -> None:
    for entry in access.domains.values():
        entry.pop('default', None)


@operation('PUT', '/access/domains/{realm}')
def update(call: Call) -> None:
    access, realm = call.cluster.access, call.params['realm']
    with inside('update auth server failed'):
        assert_unmodified(content_digest(access), call.params.get('digest'))
        if realm not in access.domains:
            raise ApiError(f"domain '{realm}' does not exist")
        values = settings(call.params, 'realm', 'digest', 'delete', 'password', 'check-connection')
        forget = split_list(call.params.get('delete'))
        if not forget and not call.given - {'realm', 'digest', 'delete'}:
            raise ApiError('no options specified')
        entry = access.domains[realm]
        check(KINDS[entry['type']], values, create=False)
        reach(call, {**entry, **values})
        for key in forget:
            if key != 'type':
                entry.pop(key, None)
        if values.get('default'):
            no_default(access)
        entry.update(values)
        access.touch()


@operation('DELETE', '/access/domains/{realm}')
def delete(call: Call) -> None:
    """The built-in realms come back at once, as they were made."""
    access, realm = call.cluster.access, call.params['realm']
    with inside('delete auth server failed'):
        if realm not in access.domains:
            raise ApiError(f"authentication domain '{realm}' does not exist")
        del access.domains[realm]
        access.domains.update({name: entry for name, entry in realms().items() if name not in access.domains})
        access.touch()


@operation('POST', '/access/domains/{realm}/sync')
def sync(call: Call) -> str:
    """Start the synchronisation; it ends at the directory server, which a simulated cluster does not have."""
    realm, access = call.params['realm'], call.cluster.access
    if realm not in access.domains:
        raise ParameterError({'realm': 'Realm does not exist.'})
    entry = access.domains[realm]
    if entry['type'] not in ('ldap', 'ad'):
        raise ApiError(f"Cannot sync realm type '{entry['type']}'! Only LDAP/AD realms can be synced.")
    defaults = dict(part.partition('=')[::2] for part in split_list(entry.get('sync-defaults-options')))
    if plain(call.params.get('scope') or defaults.get('scope')) is None:
        raise ParameterError({'scope': 'Not passed as parameter and not defined in realm default sync options.'})
    dry = call.params.get('dry-run')

    def worker(task) -> Iterator[float]:
        task.log(f'{"(dry test run) " if dry else ""}starting sync for realm {realm}')
        yield 0.1
        raise TaskError(f"unable to connect to server '{entry['server1']}': Connection refused")

    return call.task('auth-realm-sync-test' if dry else 'auth-realm-sync', realm, worker)
