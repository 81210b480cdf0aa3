"""HA rules (release 9) and the groups of the releases before."""

from __future__ import annotations

from ..call import ApiError, Call, ParameterError, operation
from ..model import ha, ha_rules
from ..model.cluster import Cluster
from ..model.sections import Kind, assert_unmodified, digest, inside, kind, settings, update
from .ha_resources import parse_sid, resources

NINE = ('9',)
BEFORE = ('7.4', '8.4')
KINDS = {
    'node-affinity': kind('resources nodes', 'resources nodes strict disable comment'),
    'resource-affinity': kind('resources affinity', 'resources affinity disable comment'),
}
GROUP = kind('nodes', 'nodes nofailback restricted comment')
REQUEST = ('rule', 'type', 'digest', 'delete')


def rules(cluster: Cluster) -> dict[str, dict]:
    return cluster.section('ha-rules')


def feasibility(cluster: Cluster, candidate: dict[str, dict] | None = None) -> ha_rules.Errors:
    nodes = list(ha.manager(cluster)['node_status']) or ha.active_nodes(cluster)
    return ha_rules.check(rules(cluster) if candidate is None else candidate, nodes)


def row(cluster: Cluster, name: str, errors: ha_rules.Errors) -> dict:
    if name not in rules(cluster):
        raise ApiError(f"no such ha rule '{name}'")
    found = {key: value for key, value in rules(cluster)[name].items() if key != 'strict' or value}
    order = list(rules(cluster)).index(name) + 1
    shown = {**found, 'rule': name, 'order': order, 'digest': digest(rules(cluster))}
    if name in errors:
        shown['errors'] = errors[name]
    return shown


@operation('GET', '/cluster/ha/rules', NINE)
def index(call: Call) -> list[dict]:
    errors = feasibility(call.cluster)
    wanted, resource = call.params.get('type'), call.params.get('resource')
    return [row(call.cluster, name, errors) for name, rule in rules(call.cluster).items()
            if wanted in (None, rule['type']) and (not resource or resource in ha_rules.names(rule.get('resources')))]


@operation('GET', '/cluster/ha/rules/{rule}', NINE)
def read(call: Call) -> dict:
    return row(call.cluster, call.params['rule'], feasibility(call.cluster))


@operation('POST', '/cluster/ha/rules', NINE)
def create(call: Call) -> None:
    name, kind_name = call.params['rule'], call.params['type']
    values = given(call)
    check_required(KINDS[kind_name], values)
    with inside('create ha rule failed'):
        if name in rules(call.cluster):
            raise ApiError(f"HA rule '{name}' already defined")
        check_references(call.cluster, values)
        candidate = {**rules(call.cluster), name: {'type': kind_name, **values}}
        check_feasible(call.cluster, name, candidate)
    rules(call.cluster)[name] = candidate[name]


def given(call: Call) -> dict:
    values = settings({key: call.params[key] for key in call.given if key in call.params}, *REQUEST)
    if 'resources' in values:
        values['resources'] = ','.join(sorted({parse_sid(call.cluster, sid) for sid in ha_rules.names(values['resources'])}))
    if 'nodes' in values:
        values['nodes'] = ','.join(sorted(ha_rules.names(values['nodes'])))
    return values


def check_required(options: Kind, values: dict) -> None:
    """Refuse options that rules of this type do not have, and those that lack one."""
    for key in values:
        if key not in options.optional:
            raise ApiError(f"unexpected property '{key}'")
    for key in options.required:
        if not values.get(key):
            raise ParameterError({key: 'property is missing and it is not optional'})


def check_references(cluster: Cluster, values: dict) -> None:
    unknown = [sid for sid in ha_rules.names(values.get('resources')) if sid not in resources(cluster)]
    if unknown:
        raise ApiError(f"cannot use unmanaged resource(s) {', '.join(sorted(unknown))}.")
    missing = [node for node in ha_rules.node_priorities(values.get('nodes')) if node not in cluster.nodes]
    if missing:
        raise ApiError(f"cannot use non-existent node(s) {', '.join(sorted(missing))}.")


def check_feasible(cluster: Cluster, name: str, candidate: dict[str, dict]) -> None:
    errors = feasibility(cluster, candidate).get(name)
    if errors:
        raise ApiError(400, f"Rule '{name}' is invalid.", {key: ', '.join(texts) for key, texts in errors.items()})


@operation('PUT', '/cluster/ha/rules/{rule}', NINE)
def change(call: Call) -> None:
    name, values = call.params['rule'], given(call)
    with inside('update HA rules failed'):
        assert_unmodified(digest(rules(call.cluster)), call.params.get('digest'))
        if name not in rules(call.cluster):
            raise ApiError(f"HA rule '{name}' does not exist")
        entry = dict(rules(call.cluster)[name])
        check_references(call.cluster, values)
        update(KINDS[entry['type']], entry, values, call.params.get('delete'))
        check_feasible(call.cluster, name, {**rules(call.cluster), name: entry})
    rules(call.cluster)[name] = entry


@operation('DELETE', '/cluster/ha/rules/{rule}', NINE)
def delete(call: Call) -> None:
    rules(call.cluster).pop(call.params['rule'], None)


def groups(call: Call) -> dict[str, dict]:
    """The groups; in release 9 there are none any more."""
    return call.cluster.section('ha-groups')


def migrated(word: str) -> ApiError:
    return ApiError(f'cannot {word} group: ha groups have been migrated to rules')


@operation('GET', '/cluster/ha/groups', NINE)
def no_groups(_call: Call) -> list:
    raise ApiError('cannot index groups: ha groups have been migrated to rules')


@operation('GET', '/cluster/ha/groups/{group}', NINE)
def no_group(_call: Call) -> dict:
    raise ApiError('cannot read group: ha groups have been migrated to rules')


@operation('POST', '/cluster/ha/groups', NINE)
def no_new_group(_call: Call) -> None:
    raise migrated('create')


@operation('PUT', '/cluster/ha/groups/{group}', NINE)
def no_changed_group(_call: Call) -> None:
    raise migrated('update')


@operation('DELETE', '/cluster/ha/groups/{group}', NINE)
def no_deleted_group(_call: Call) -> None:
    raise migrated('delete')


def group_row(call: Call, name: str) -> dict:
    if name not in groups(call):
        raise ApiError(f"no such ha group '{name}'")
    return {**groups(call)[name], 'group': name, 'type': 'group', 'digest': digest(groups(call))}


@operation('GET', '/cluster/ha/groups', BEFORE)
def list_groups(call: Call) -> list[dict]:
    return [group_row(call, name) for name in groups(call)]


@operation('GET', '/cluster/ha/groups/{group}', BEFORE)
def read_group(call: Call) -> dict:
    return group_row(call, call.params['group'])


@operation('POST', '/cluster/ha/groups', BEFORE)
def create_group(call: Call) -> None:
    name = call.params['group']
    with inside('create ha group failed'):
        if name in groups(call):
            raise ApiError(f"ha group ID '{name}' already defined")
    groups(call)[name] = settings(call.params, 'group', 'type', 'digest', 'delete')


@operation('PUT', '/cluster/ha/groups/{group}', BEFORE)
def change_group(call: Call) -> None:
    name = call.params['group']
    with inside('update ha group failed'):
        assert_unmodified(digest(groups(call)), call.params.get('digest'))
        if name not in groups(call):
            raise ApiError(f"no such ha group '{name}'")
        values = settings(call.params, 'group', 'type', 'digest', 'delete')
        update(GROUP, groups(call)[name], values, call.params.get('delete'))


@operation('DELETE', '/cluster/ha/groups/{group}', BEFORE)
def delete_group(call: Call) -> None:
    name = call.params['group']
    with inside('delete ha group failed'):
        for sid, entry in resources(call.cluster).items():
            if entry.get('group') == name:
                raise ApiError(f"ha group is used by service '{sid}'")
    groups(call).pop(name, None)
