"""SDN controllers, IPAMs and DNS servers: typed objects without further rules among themselves."""

from __future__ import annotations

from ..call import ApiError, Call, operation
from ..model import sdn
from ..model.sections import assert_unmodified, check, delete_options, perl, settings, split_list
from .sdn_objects import SEE, current_digest, known, shown, view

# The section, the word for one object, and what a zone calls it.
WHAT = {'controllers': ('controller', 'controller'), 'ipams': ('ipam', 'ipam'), 'dns': ('dns', 'dns')}


def what_of(call: Call) -> tuple[str, str]:
    """('controllers', 'controller') of a call below /cluster/sdn/controllers."""
    what = call.path.split('/')[3]
    return what, WHAT[what][0]


def everywhere(method: str, item: bool = False):
    def register(handler):
        for what, (word, _key) in WHAT.items():
            operation(method, f'/cluster/sdn/{what}' + (f'/{{{word}}}' if item else ''))(handler)
        return handler

    return register


@everywhere('GET')
def index(call: Call) -> list[dict]:
    what, word = what_of(call)
    objects, current = view(call, what)
    wanted = call.params.get('type')
    return [shown(entry, word, name, current) for name, entry in sorted(objects.items())
            if wanted in (None, entry.get('type')) and call.may(f'/sdn/{what}/{name}', SEE, any=True)]


@everywhere('GET', item=True)
def read(call: Call) -> dict:
    what, word = what_of(call)
    objects, current = view(call, what)
    return shown(known(objects, word, call.params[word]), word, call.params[word], current)


@everywhere('POST')
def create(call: Call) -> None:
    (what, word), params = what_of(call), call.params
    objects, name, type_ = sdn.objects(call.cluster, what), params[word], params['type']
    values = settings(params, word, 'type', 'lock-token')
    check(sdn.KINDS[what][type_], values, create=True)
    with sdn.Locked(call.cluster, f'create sdn {word} object failed', params.get('lock-token')):
        if name in objects:
            raise ApiError(f"sdn {word} object ID '{name}' already defined")
        objects[name] = {'type': type_, **values}


@everywhere('PUT', item=True)
def update(call: Call) -> None:
    (what, word), params = what_of(call), call.params
    objects = sdn.objects(call.cluster, what)
    with sdn.Locked(call.cluster, f'update sdn {word} object failed', params.get('lock-token')):
        assert_unmodified(current_digest(objects), params.get('digest'))
        entry = dict(known(objects, word, params[word]))
        kind = sdn.KINDS[what][entry['type']]
        values = settings(params, word, 'lock-token', 'delete', 'digest')
        check(kind, values, create=False)
        delete_options(kind, entry, values, split_list(params.get('delete')))
        entry.update(values)
        objects[params[word]] = entry


@everywhere('DELETE', item=True)
def delete(call: Call) -> None:
    what, word = what_of(call)
    name, objects = call.params[word], sdn.objects(call.cluster, what)
    # PVE's own slip of the pen: it names a zone where an IPAM could not be deleted.
    said = 'zone' if what == 'ipams' else word
    with sdn.Locked(call.cluster, f'delete sdn {said} object failed', call.params.get('lock-token')):
        known(objects, word, name)
        if name == 'pve' and what == 'ipams':
            raise ApiError('builtin ipam pve can not be removed')
        for zone, entry in sorted(sdn.objects(call.cluster, 'zones').items()):
            if entry.get(WHAT[what][1]) == name:
                raise perl(f'{word} {name} is used by {zone}', f'Network/SDN/{what.capitalize()}/Plugin.pm', 100)
        del objects[name]
