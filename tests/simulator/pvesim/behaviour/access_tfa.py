"""Two-factor entries: what is listed. Adding them is not simulated."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from .access_users import known_user, realm_of

SEE = ('User.Modify', 'Sys.Audit')


@operation('GET', '/access/tfa')
def index(call: Call) -> list[dict]:
    everyone = call.may('/access/groups', SEE, any=True)
    return [{'userid': userid, 'entries': list(entries.values())}
            for userid, entries in sorted(call.cluster.access.tfa.items()) if everyone or userid == call.user]


@operation('GET', '/access/tfa/{userid}')
def of_user(call: Call) -> list[dict]:
    return list(call.cluster.access.tfa.get(call.params['userid'], {}).values())


@operation('GET', '/access/tfa/{userid}/{id}')
def entry(call: Call) -> dict:
    entries = call.cluster.access.tfa.get(call.params['userid'], {})
    if call.params['id'] not in entries:
        raise ApiError(404, f"no such tfa entry '{call.params['id']}'")
    return entries[call.params['id']]


@operation('GET', '/access/users/{userid}/tfa')
def types(call: Call) -> dict:
    access, userid = call.cluster.access, call.params['userid']
    realm = realm_of(userid)
    if realm not in access.domains:
        raise ApiError(f"auth domain '{realm}' does not exist")
    found = {}
    setting = access.domains[realm].get('tfa')
    if setting:
        found['realm'] = dict(part.partition('=')[::2] for part in setting.split(',')).get('type')
    if call.params.get('multiple'):
        found['types'] = sorted({one['type'] for one in access.tfa.get(userid, {}).values()})
    return found


@operation('PUT', '/access/users/{userid}/unlock-tfa')
def unlock(call: Call) -> int:
    """Whether there was a lock; nothing here locks a second factor."""
    known_user(call.cluster.access, call.params['userid'])
    return 0
