"""Which nodes an HA resource may run on: rules of release 9, groups before; and whether a set of rules can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster import Cluster

Errors = dict[str, dict[str, list[str]]]


def names(text: object) -> list[str]:
    return [part.strip() for part in str(text or '').split(',') if part.strip()]


def node_priorities(text: object) -> dict[str, int]:
    """'pve1:2,pve2' -> {'pve1': 2, 'pve2': 0}."""
    found = {}
    for part in names(text):
        node, dummy, priority = part.partition(':')
        found[node] = int(priority) if priority.isdigit() else 0
    return found


def enabled(cluster: Cluster, type: str) -> dict[str, dict]:
    rules = cluster.sections.get('ha-rules') or {}
    return {name: rule for name, rule in rules.items() if rule.get('type') == type and not rule.get('disable')}


def affinity(cluster: Cluster, sid: str) -> tuple[dict[str, int], bool] | None:
    """(node -> priority, strict) of the rule or group that ties the resource to nodes."""
    for rule in enabled(cluster, 'node-affinity').values():
        if sid in names(rule.get('resources')):
            return node_priorities(rule.get('nodes')), bool(rule.get('strict'))
    group = (cluster.sections.get('ha-groups') or {}).get((cluster.section('ha-resources').get(sid) or {}).get('group'))
    if group:
        return node_priorities(group.get('nodes')), bool(group.get('restricted'))
    return None


def companions(cluster: Cluster, sid: str, kind: str) -> set[str]:
    """The resources that are to be kept together with ('positive') or apart from ('negative') this one."""
    found: set[str] = set()
    for rule in enabled(cluster, 'resource-affinity').values():
        members = names(rule.get('resources'))
        if rule.get('affinity') == kind and sid in members:
            found.update(members)
    found.discard(sid)
    return found


def candidates(cluster: Cluster, sid: str, online: list[str]) -> list[str]:
    """The online nodes that the resource may run on, those of the highest priority only."""
    tied = affinity(cluster, sid)
    if tied is None:
        return online
    priorities, strict = tied
    allowed = [node for node in online if node in priorities]
    if not allowed:
        return [] if strict else online
    best = max(priorities[node] for node in allowed)
    return [node for node in allowed if priorities[node] == best]


def choose(cluster: Cluster, sid: str, online: list[str], placed: dict[str, str]) -> str | None:
    """The node for a resource: by its rules, then the one with the fewest resources; None where it may run nowhere.

    placed: the node of every other resource.
    """
    nodes = candidates(cluster, sid, online)
    together = {placed[other] for other in companions(cluster, sid, 'positive') if other in placed}
    if kept := [node for node in nodes if node in together]:
        nodes = kept
    apart = {placed[other] for other in companions(cluster, sid, 'negative') if other in placed}
    nodes = [node for node in nodes if node not in apart]
    counts = {node: sum(place == node for place in placed.values()) for node in nodes}
    return min(nodes, key=lambda node: (counts[node], node), default=None)


def check(rules: dict[str, dict], nodes: list[str]) -> Errors:
    """What stands against each rule, by rule and option; nodes: those that take part in HA."""
    errors: Errors = {}
    active = {name: rule for name, rule in rules.items() if not rule.get('disable')}
    check_node_rules(active, errors)
    check_resource_rules(active, nodes, errors)
    return errors


def add(errors: Errors, rule: str, option: str, text: str) -> None:
    errors.setdefault(rule, {}).setdefault(option, []).append(text)


def check_node_rules(rules: dict[str, dict], errors: Errors) -> None:
    users: dict[str, list[str]] = {}
    for name, rule in rules.items():
        if rule['type'] == 'node-affinity':
            for sid in names(rule.get('resources')):
                users.setdefault(sid, []).append(name)
    for sid, used_by in sorted(users.items()):
        if len(used_by) > 1:
            for name in used_by:
                add(errors, name, 'resources', f"resource '{sid}' is already used in another node affinity rule")


def check_resource_rules(rules: dict[str, dict], nodes: list[str], errors: Errors) -> None:
    members = {name: set(names(rule.get('resources'))) for name, rule in rules.items()
               if rule['type'] == 'resource-affinity'}
    for name, resources in members.items():
        if len(resources) < 2:
            add(errors, name, 'resources', 'rule is ineffective as there are less than two resources')
    for name, resources in members.items():
        if rules[name].get('affinity') == 'negative' and len(resources) > len(nodes):
            add(errors, name, 'resources', 'rule defines more resources than available nodes')
    for one, resources in members.items():
        for other, others in members.items():
            opposed = rules[one].get('affinity') == 'positive' and rules[other].get('affinity') == 'negative'
            if opposed and len(resources & others) > 1:
                add(errors, one, 'resources', 'rule shares two or more resources with a negative resource affinity rule')
                add(errors, other, 'resources', 'rule shares two or more resources with a positive resource affinity rule')
