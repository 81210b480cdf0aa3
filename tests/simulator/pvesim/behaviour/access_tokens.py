"""API tokens."""

from __future__ import annotations

import uuid

from ..call import ApiError, Call, ParameterError, operation
from ..model.access import Access
from ..model.sections import inside, split_list
from ..tables import tables
from .access_users import known_user, shown_token

# The server that was recorded is younger than the official table of release 9 and takes this one besides.
tables('9').operations['PUT', '/access/users/{userid}/token/{tokenid}'].properties.setdefault(
    'regenerate', {'type': 'boolean', 'optional': 1, 'default': 0})


def known_token(access: Access, userid: str, name: str) -> dict:
    """The token's entry, else 500."""
    known_user(access, userid)
    token = access.tokens.get(userid, {}).get(name)
    if token is None:
        raise ApiError(f"no such token '{name}' for user '{userid}'")
    return token


def new_secret(access: Access, tokenid: str) -> str:
    access.secrets[tokenid] = str(uuid.uuid4())
    return access.secrets[tokenid]


@operation('GET', '/access/users/{userid}/token')
def index(call: Call) -> list[dict]:
    access, userid = call.cluster.access, call.params['userid']
    known_user(access, userid)
    return [{'tokenid': name, **shown_token(token)} for name, token in access.tokens.get(userid, {}).items()]


@operation('GET', '/access/users/{userid}/token/{tokenid}')
def read(call: Call) -> dict:
    return shown_token(known_token(call.cluster.access, call.params['userid'], call.params['tokenid']))


@operation('POST', '/access/users/{userid}/token/{tokenid}')
def generate(call: Call) -> dict:
    params, access = call.params, call.cluster.access
    userid, name = params['userid'], params['tokenid']
    known_user(access, userid)
    if name in access.tokens.get(userid, {}):
        raise ParameterError({'tokenid': 'Token already exists.'})
    token = {'privsep': int(params.get('privsep', True)), 'expire': params.get('expire', 0),
             'comment': params.get('comment', '')}
    access.tokens.setdefault(userid, {})[name] = token
    access.touch()
    tokenid = f'{userid}!{name}'
    return {'full-tokenid': tokenid, 'value': new_secret(access, tokenid), 'info': echoed(call, token)}


def echoed(call: Call, token: dict) -> dict:
    """The values as they were sent, which over a form means as strings; privsep's default is a number."""
    info = {'privsep': str(token['privsep']) if 'privsep' in call.given else 1}
    if 'expire' in call.given:
        info['expire'] = str(token['expire'])
    if token['comment']:
        info['comment'] = token['comment']
    return info


@operation('PUT', '/access/users/{userid}/token/{tokenid}')
def update(call: Call) -> dict:
    params, access = call.params, call.cluster.access
    userid, name = params['userid'], params['tokenid']
    token = known_token(access, userid, name)
    with inside('updating token info failed'):
        forget = split_list(params.get('delete'))
        for key in forget:
            if key not in ('comment', 'expire', 'privsep'):
                raise ApiError(f"unknown option '{key}'")
        token.update({key: int(params[key]) for key in ('privsep', 'expire') if key in params})
        if params.get('comment'):
            token['comment'] = params['comment']
        for key in forget:
            token.pop(key, None)
        access.touch()
    answer = shown_token(token)
    if params.get('regenerate'):
        tokenid = f'{userid}!{name}'
        answer.update({'full-tokenid': tokenid, 'value': new_secret(access, tokenid)})
    return answer


@operation('DELETE', '/access/users/{userid}/token/{tokenid}')
def remove(call: Call) -> None:
    access, userid, name = call.cluster.access, call.params['userid'], call.params['tokenid']
    known_token(access, userid, name)
    del access.tokens[userid][name]
    tokenid = f'{userid}!{name}'
    access.secrets.pop(tokenid, None)
    for entry in access.acl.values():
        entry.get('tokens', {}).pop(tokenid, None)
    access.touch()
