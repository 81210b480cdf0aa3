"""Firewall rules at every level."""

from __future__ import annotations

from ..call import Call, operation
from ..model import firewall
from ..model.firewall import Verification, at, copy_rule_data, list_digest, moved, with_digest
from ..model.sections import assert_unmodified, split_list
from .firewall_places import CLUSTER, GUESTS, NODE, VNET, rules_of

BASES = [f'{base}/firewall/rules' for base in (CLUSTER, NODE, VNET, *GUESTS)] + ['/cluster/firewall/groups/{group}']


def everywhere(method: str, tail: str = ''):
    """Register for the rules of all levels."""

    def register(handler):
        for base in BASES:
            operation(method, base + tail)(handler)
        return handler

    return register


@everywhere('GET')
def index(call: Call) -> list[dict]:
    _place, rules = rules_of(call)
    return [{**rule, 'pos': position} for position, rule in enumerate(with_digest(rules))]


@everywhere('GET', '/{pos}')
def read(call: Call) -> dict:
    _place, rules = rules_of(call)
    position = call.params['pos']
    at(rules, position)
    return {**with_digest(rules)[position], 'pos': str(position)}


def verified(call: Call, rule: dict, place) -> dict:
    cluster_config = firewall.peek(call.cluster, 'cluster')
    return Verification(rule, place.level, cluster_config, place.config).run()


@everywhere('POST')
def create(call: Call) -> None:
    """A new rule is the first, disabled unless enable is given; `pos` is not heeded."""
    place, rules = rules_of(call, write=True)
    rule: dict = {}
    copy_rule_data(rule, call.params)
    verified(call, rule, place)
    rule.setdefault('enable', 0)
    rules.insert(0, rule)


@everywhere('PUT', '/{pos}')
def update(call: Call) -> None:
    place, rules = rules_of(call, write=True)
    params = call.params
    assert_unmodified(list_digest(rules), params.get('digest'))
    position = params['pos']
    changed = dict(at(rules, position))
    if params.get('moveto', position) != position:
        rules[:] = moved(rules, position, params['moveto'])
        return
    copy_rule_data(changed, params)
    for key in split_list(params.get('delete')):
        changed.pop(key, None)
    rules[position] = verified(call, changed, place)


@everywhere('DELETE', '/{pos}')
def delete(call: Call) -> None:
    _place, rules = rules_of(call, write=True)
    assert_unmodified(list_digest(rules), call.params.get('digest'))
    at(rules, call.params['pos'])
    del rules[call.params['pos']]
