"""Datacenter options (datacenter.cfg) and the tags that a user may give."""

from __future__ import annotations

from typing import Any

from ..call import Call, operation
from ..model.cluster import Cluster
from ..model.sections import settings, split_list

# Property strings that are read back as objects; what stands here is a switch in them.
OBJECTS = ('crs', 'ha', 'migration', 'next-id', 'notify', 'replication', 'tag-style', 'u2f', 'user-tag-access', 'webauthn')
SWITCHES = ('case-sensitive', 'ha-auto-rebalance', 'ha-rebalance-on-start', 'allow-subdomains')
DEFAULT_KEYS = {'migration': 'type'}
FOR_ALL = ('console', 'tag-style')


def parsed(name: str, text: str) -> Any:
    """A property string as an object of strings; its switches are 0 and 1, lists in it are lists."""
    found: dict[str, Any] = {}
    for part in filter(None, text.split(',')):
        key, equals, value = part.partition('=')
        if not equals:
            key, value = DEFAULT_KEYS.get(name, key), key
        found[key] = value
    for key in SWITCHES:
        if key in found:
            found[key] = int(found[key] in ('1', 'on', 'yes', 'true'))
    if 'user-allow-list' in found:
        found['user-allow-list'] = split_list(found['user-allow-list'])
    return found


def shown(options: dict, release: str) -> dict:
    """datacenter.cfg as the API gives it; MAC addresses have a prefix by default since release 8.1."""
    seen: dict[str, Any] = {'description': ''} if release == '7.4' else {'mac_prefix': 'BC:24:11', 'description': ''}
    for key, value in options.items():
        if key in OBJECTS:
            value = parsed(key, value)
        elif key == 'registered-tags':
            value = sorted(split_list(value))
        elif key == 'description' and value:
            value = value.rstrip('\n') + '\n'
        seen[key] = value
    return seen


def allowed_tags(call: Call) -> list[str]:
    """Tags that the caller may set: those of the guests he sees and the listed ones, as the options say.

    Registered tags are for those alone who hold Sys.Modify on /.
    """
    options = call.cluster.options
    privileged = call.may('/', 'Sys.Modify')
    access = parsed('user-tag-access', options.get('user-tag-access', ''))
    mode = access.get('user-allow', 'free')
    registered = set(split_list(options.get('registered-tags')))
    tags: set[str] = set()
    if privileged or mode != 'none':
        tags.update(access.get('user-allow-list', ()))
    if privileged or mode in ('free', 'existing'):
        tags.update(tags_in_use(call.cluster, call))
    return sorted(tags | registered if privileged else tags - registered)


def tags_in_use(cluster: Cluster, call: Call) -> set[str]:
    """The tags of the guests that the caller sees. Many guests have the same ones: a known text is not looked at."""
    seen: set[str] = set()
    for vmid, guest in cluster.guests.items():
        text = guest.config.get('tags')
        if text and text not in seen and call.may(f'/vms/{vmid}', 'VM.Audit'):
            seen.add(text)
    return {tag for text in seen for tag in split_list(text)}


@operation('GET', '/cluster/options')
def read(call: Call) -> dict:
    seen = shown(call.cluster.options, call.release)
    if not call.may('/', 'Sys.Audit'):
        seen = {key: seen[key] for key in FOR_ALL if key in seen}
    return {**seen, 'allowed-tags': allowed_tags(call)}


@operation('PUT', '/cluster/options')
def update(call: Call) -> None:
    """Set and delete; the name of an option that does not exist is no error in delete."""
    options = call.cluster.options
    options.update(settings(call.params, 'delete'))
    for key in split_list(call.params.get('delete')):
        options.pop(key, None)
