# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where HA resources may run: rules in release 9, groups before."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.api.named import NO_SUCH_PATH, get_or_none
from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import creation, usual_changes, usual_deletion
from ansible_collections.pve.fleet.plugins.module_utils.engine.plan import Change
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE
from ansible_collections.pve.fleet.plugins.module_utils.resources.guard import FORCE
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import info_run, module_run
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import suggestion

OF_BOTH_TYPES = ('resources', 'comment', 'disable')
OF_ONE_TYPE = ('nodes', 'strict', 'affinity')


def fields(strict, rules):
    """The options; strict has another name in groups, which know no rules of resources among each other."""
    return (
        Field('rule', wire='rule' if rules else 'group', required=True),
        Field('type', choices=('node-affinity', 'resource-affinity')),
        Field('resources', 'list', elements='str'),
        Field('nodes', 'list', elements='str'),
        Field('strict', 'bool', wire=strict, default=False),
        Field('affinity', choices=('positive', 'negative')),
        Field('nofailback', 'bool'),
        Field('disable', 'bool'),
        Field('comment', default=''),
    )


def is_other_type(case):
    """Whether the rule that is there is of another type than the one that is asked for."""
    asked = case.wanted.get('type')
    return case.state == 'present' and case.current is not None and asked is not None and asked != case.current['type']


def wanted_rule(case, _context):
    """A rule of another type keeps what both types have."""
    if not is_other_type(case):
        return case.wanted
    kept = {name: case.current[name] for name in OF_BOTH_TYPES if name in case.current}
    lost = {name: '' for name in OF_ONE_TYPE if name in case.current}
    return {**kept, **lost, **case.wanted}


def change_rule(case, differing):
    """PVE does not change the type of a rule, which it says by doing nothing."""
    return [*usual_deletion(case), creation(case)] if is_other_type(case) else usual_changes(case, differing)


def check_rule(case, context):
    """Resources must be managed and nodes exist; a rule is deleted for one of another type only when it is said."""
    if case.state == 'absent':
        return
    if is_other_type(case) and not case.params['force']:
        raise BadRequest(f'{case.title} is of type {case.current["type"]}, which cannot be changed. '
                         'Set force: true to delete it and make it anew, or choose another name.')
    known = {row['sid'] for row in context.client.get('cluster', 'ha', 'resources')}
    missing = sorted(set(case.wanted.get('resources') or []) - known)
    if missing:
        context.missing(NotFound(f'{case.title}: {", ".join(missing)} is no HA resource. Make it one with pve_ha_resource first.'))
    nodes = {row['node'] for row in context.client.get('nodes')}
    strange = sorted({node.partition(':')[0] for node in case.wanted.get('nodes') or []} - nodes)
    if strange:
        raise BadRequest(f'{case.title}: there is no node {", ".join(strange)}. The nodes are {", ".join(sorted(nodes))}.')


def ha_resources(client):
    return client.get('cluster', 'ha', 'resources')


def filled(group, resources):
    """A group with the resources that are in it."""
    return {**group, 'type': 'node-affinity', 'resources': [row['sid'] for row in resources if row.get('group') == group['group']]}


def change_group(case, differing):
    """The group, then its resources, each of which names its group."""
    if case.wanted.get('type', 'node-affinity') != 'node-affinity':
        raise BadRequest(f'{case.title}: Proxmox VE {case.release} has rules for nodes only (type: node-affinity).')
    own = [name for name in differing if name not in ('type', 'resources')]
    steps = []
    if case.current is None:
        sent = {case.kind.field(name).key: case.wanted[name] for name in own if case.wanted[name] not in ('', [])}
        steps = [Change(f'create {case.title}', 'POST', ('cluster', 'ha', 'groups'), {'group': case.ident['rule'], **sent})]
    elif own:
        steps = usual_changes(case, own)
    held = set((case.current or {}).get('resources', []))
    target = set(case.wanted.get('resources', held))
    steps += [member(case, sid, {'group': case.ident['rule']}) for sid in sorted(target - held)]
    return steps + [member(case, sid, {'delete': 'group'}) for sid in sorted(held - target)]


def member(case, sid, params):
    words = f'put {sid} into {case.title}' if 'group' in params else f'take {sid} out of {case.title}'
    return Change(words, 'PUT', ('cluster', 'ha', 'resources', sid), params)


def leave_group(case):
    """PVE deletes unused groups only."""
    out = [member(case, sid, {'delete': 'group'}) for sid in case.current['resources']]
    return [*out, Change(f'delete {case.title}', 'DELETE', ('cluster', 'ha', 'groups', case.ident['rule']))]


HA_RULE = Kind(
    name='ha_rule',
    plural='ha_rules',
    label='HA rule',
    identity=('rule',),
    collection='cluster/ha/rules',
    item='cluster/ha/rules/{rule}',
    options={**REMOVE, **FORCE},
    fields=fields('strict', rules=True),
    wanted=wanted_rule,
    changes=change_rule,
    check=check_rule,
)


def groups(resources):
    """The kind of groups. resources: the HA resources now, which serve for the first look, or None."""
    known = [resources]

    def read(client, ident):
        group, members = get_or_none(client, 'cluster', 'ha', 'groups', ident['rule']), known.pop() if known else None
        if group is None:
            return None
        return filled(group, ha_resources(client) if members is None else members)

    def listed(client, _named):
        return [filled(group, resources) for group in client.get('cluster', 'ha', 'groups')]

    return dataclasses.replace(
        HA_RULE,
        label='HA group',
        collection='cluster/ha/groups',
        item='cluster/ha/groups/{rule}',
        fields=fields('restricted', rules=False),
        read=read,
        listed=listed,
        wanted=None,
        changes=change_group,
        deletion=leave_group,
    )


def in_its_flavour(context, runner):
    """The result of runner(kind)(context) with rules, or with groups where there are such.

    A resource that names a group tells that there are groups, which saves asking for the release. Where none does, the
    rules are asked for: a release that has none says so. What shall be absent mostly is, and has no resources then.
    """
    resources = None if context.params.get('state') == 'absent' else ha_resources(context.client)
    if not any(row.get('group') for row in resources or ()):
        try:
            return runner(HA_RULE)(context)
        except NotFound as error:
            if error.status != NO_SUCH_PATH:
                raise
    return runner(groups(resources))(context)


def check_group(context, group):
    """Whether resources can be put into this group: raises BadRequest where the release has none; says so where it is not there."""
    release = context.client.release
    if release == '9':
        raise BadRequest(f'group: Proxmox VE {release} has rules instead of HA groups. Leave group out, and name the guest in a rule (pve_ha_rule).')
    known = [row['group'] for row in context.client.get('cluster', 'ha', 'groups')]
    if group not in known:
        context.missing(NotFound(f"group: there is no HA group '{group}'. {suggestion(group, known) or 'Create it first (pve_ha_rule).'}"))


def run(context):
    """The logic of pve_ha_rule."""
    return in_its_flavour(context, module_run)


def run_info(context):
    """The logic of pve_ha_rule_info."""
    return in_its_flavour(context, info_run)
