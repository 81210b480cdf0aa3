# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guests: a list of guests of both kinds and any clusters, several of them at the same time."""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.audit.trail import default_records
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import attempt, fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import LXC, QEMU
from ansible_collections.pve.fleet.plugins.module_utils.guests.run import run as run_guest
from ansible_collections.pve.fleet.plugins.module_utils.guests.spec import (
    CONTAINER_ARGUMENTS,
    CONTAINER_SETTINGS,
    VM_ARGUMENTS,
    VM_SETTINGS,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.turns import Turns
from ansible_collections.pve.fleet.plugins.module_utils.masking import masked
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.outcome import outcome


@dataclasses.dataclass(frozen=True)
class Way:
    """How one kind of guest is converged: the module that does it by itself, and its options without those of the connection."""

    module: str
    kind: typing.Any
    settings: dict
    arguments: dict


def own_options(arguments):
    return {name: spec for name, spec in arguments.items() if name not in CONNECTION_SPEC}


WAYS = {
    'vm': Way('pve_vm', QEMU, VM_SETTINGS, own_options(VM_ARGUMENTS)),
    'container': Way('pve_container', LXC, CONTAINER_SETTINGS, own_options(CONTAINER_ARGUMENTS)),
}
GUESTS_ARGUMENTS = {
    'guests': {'type': 'list', 'elements': 'dict', 'required': True},
    'concurrency': {'type': 'int', 'default': 10},
    **CONNECTION_SPEC,
}
# What an entry of guests may hold, so that secrets in it are known.
ENTRY_ARGUMENTS = {**WAYS['vm'].arguments, **WAYS['container'].arguments}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One declared guest. cluster: None where the task's own is meant; params: its options, validated."""

    number: int
    kind: str
    cluster: str | None
    params: dict

    @property
    def way(self):
        return WAYS[self.kind]

    @property
    def name(self):
        return self.params.get('name') or str(self.params.get('vmid'))

    @property
    def is_source(self):
        """Whether others of the list may be made from it."""
        return self.params['state'] == 'template'


def selection(params):
    """Which registered clusters the options mean (see Registry.clusters)."""
    named = {str(guest['cluster']) for guest in params['guests'] if isinstance(guest, dict) and guest.get('cluster')}
    own = options.effective(params).get('cluster')
    return sorted(named | {own} if own else named)


def run(context):
    """The module's logic. All entries are checked before the first guest is touched; a guest that fails hinders no other."""
    entries = read_entries(context.params['guests'])
    if context.params['concurrency'] < 1:
        raise BadRequest('concurrency: at least one guest has to be converged at a time.')
    clients = {name: client_or_error(context, name) for name in {entry.cluster: None for entry in entries}}
    runs = [GuestRun(context, entry, clients[entry.cluster]) for entry in entries]
    refuse_twice(runs)
    templates, others = ([one for one in runs if one.entry.is_source is wanted] for wanted in (True, False))
    turns = collections.defaultdict(Turns)
    for number, one in enumerate(templates + others):
        one.turn = turns[one.cluster].turn(number)
    for wave in (templates, others):
        fan_out(GuestRun.converge, wave, context.params['concurrency'])
    return summed_up(context, runs)


def refuse_twice(runs):
    """Raise BadRequest for two entries about one guest."""
    seen = {}
    for one in runs:
        earlier = seen.setdefault(one.label, one)
        if earlier is not one:
            raise BadRequest(f'guests: entries {earlier.entry.number} and {one.entry.number} are both about {one.entry.name}. Keep one of them.')


def client_or_error(context, name):
    """The Client of a cluster (None: the task's own), or the FleetError that is the failure of each of its guests."""
    try:
        return context.client_named(name) if name else context.client
    except FleetError as error:
        return error


class GuestRun:
    """One guest of the list: a run of its own, with its own changes, warnings and failure."""

    def __init__(self, context, entry, client):
        self.entry, self.client, self.turn, self.result = entry, client, None, None
        spec = dataclasses.replace(
            context.spec, name=entry.way.module, run=self.run, argument_spec=entry.way.arguments, entries={}
        )
        self.context = context.within(spec, entry.params, None if isinstance(client, FleetError) else client)

    def run(self, context):
        if isinstance(self.client, FleetError):
            raise self.client
        return run_guest(context, self.entry.way.kind, self.entry.way.settings, self.turn)

    def converge(self):
        try:
            self.result = outcome(self.context)
        finally:
            self.turn.done()
        self.tell()

    def tell(self):
        """One line for a guest that was changed or failed."""
        words = self.result['msg'] if self.result.get('failed') else ', '.join(self.result['changes'])
        if words:
            self.context.event(masked(f'{self.label}: {words}', self.context.secrets))

    @property
    def cluster(self):
        return self.entry.cluster or ('' if isinstance(self.client, FleetError) else self.client.connection.name)

    @property
    def label(self):
        return f'{self.cluster}/{self.entry.name}'


def summed_up(context, runs):
    """The task's result out of those of its guests."""
    for one in runs:
        context.secrets |= one.context.secrets
        for text in one.result['warnings']:
            context.warn(f'{one.label}: {text}')
        if one.result['changed'] and not context.check_mode:
            context.audit += [{**record, 'module': one.context.spec.name} for record in default_records(one.context, one.result)]
    result = {
        'changed': any(one.result['changed'] for one in runs),
        'changes': [f'{one.label}: {text}' for one in runs for text in one.result.get('changes', [])],
        'diff': {side: {one.label: part for one in runs if (part := (one.result.get('diff') or {}).get(side))} for side in ('before', 'after')},
        'guests': [described(one) for one in runs],
    }
    failed = [one.result for one in runs if one.result.get('failed')]
    if failed:
        count = f'{len(failed)} of {len(runs)} guests failed. ' if len(runs) > 1 else ''
        result.update(failed=True, msg=count + ' '.join(one['msg'] for one in failed), error=failed[0]['error'])
    return result


def described(one):
    """One guest's result as an entry of the task's."""
    kept = {key: value for key, value in one.result.items() if key not in ('diff', 'warnings', one.entry.way.kind.key)}
    return {
        'cluster': one.cluster, 'kind': one.entry.kind, 'name': one.entry.name, 'changes': [], **kept, 'guest': one.result.get(one.entry.way.kind.key),
    }  # fmt: skip


# --- reading the list ----------------------------------------------------------------------------------------------


def read_entries(guests):
    """The option guests -> list of Entry. Raises BadRequest that names every entry that cannot be meant."""
    read = [attempt(functools.partial(read_entry, number), guest) for number, guest in enumerate(guests, 1)]
    wrong = [one.error.message for one in read if one.error is not None]
    if wrong:
        raise BadRequest(' '.join(wrong))
    return [one.value for one in read]


def read_entry(number, guest):
    """One entry of the list. Raises BadRequest."""
    kind = guest.get('kind', 'vm')
    where = f'guests: entry {number}' + (f' ({guest["name"]})' if guest.get('name') else '')
    if kind not in WAYS:
        raise BadRequest(f'{where}: kind is {kind!r}. Write vm or container.')
    own = {name: value for name, value in guest.items() if name not in ('kind', 'cluster')}
    beside = sorted(name for name in own if name in CONNECTION_SPEC)
    if beside:
        raise BadRequest(f'{where}: {beside[0]} is an option of the task, not of a guest.')
    found = ArgumentSpecValidator(
        WAYS[kind].arguments, required_one_of=[('name', 'vmid')], mutually_exclusive=[('node', 'placement')]
    ).validate(own)
    if found.error_messages:
        raise BadRequest(f'{where}: {found.errors.msg.rstrip(".")}.')
    return Entry(number, kind, guest.get('cluster'), {**own, **found.validated_parameters})
