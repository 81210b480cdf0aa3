# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way of one task: find, read, plan, apply, read again, answer."""

from __future__ import annotations

import functools
import random
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, Locked, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests import in_the_making
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import known_addresses, read_addresses
from ansible_collections.pve.fleet.plugins.module_utils.guests.apply import apply_plan
from ansible_collections.pve.fleet.plugins.module_utils.guests.checks import check_plan
from ansible_collections.pve.fleet.plugins.module_utils.guests.configuration import check_keys
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import (
    NEWEST,
    described,
    described_config,
    schemas,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.desired import read_desired
from ansible_collections.pve.fleet.plugins.module_utils.guests.errors import explained
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import find, guest_rows
from ansible_collections.pve.fleet.plugins.module_utils.guests.gather import gather
from ansible_collections.pve.fleet.plugins.module_utils.guests.ha import check_ha
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import KINDS
from ansible_collections.pve.fleet.plugins.module_utils.guests.no_wait import check_no_wait
from ansible_collections.pve.fleet.plugins.module_utils.guests.plan import plan_guest
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import read_power, read_state
from ansible_collections.pve.fleet.plugins.module_utils.guests.releases import unsure_keys
from ansible_collections.pve.fleet.plugins.module_utils.guests.session import Replan, Session
from ansible_collections.pve.fleet.plugins.module_utils.guests.steps import Plan, merge
from ansible_collections.pve.fleet.plugins.module_utils.guests.wait import (
    READY,
    UNFINISHED,
    wait_ready,
    wait_until_unlocked,
)
from ansible_collections.pve.fleet.plugins.module_utils.schema.release import release_for

# Decoded where this is imported, which is the parent of Ansible's workers: none of them needs to do it again.
for _kind in KINDS:
    schemas(_kind)

MOST_PLANS = 4
# Steps whose requests differ between releases. Options and settings that not all releases have are found by unsure_keys().
BY_RELEASE = ('pool', 'ha')


def guest_run(kind, settings):
    """The function(context) -> result of a module for one kind of guest."""
    return functools.partial(run, kind=kind, settings=settings)


def run(context, kind, settings, turn=None):
    """Bring one guest to what the task declares. Raises FleetError with the guest in front.

    turn: guests.turns.Turn, where other guests are placed at the same time.
    """
    desired = read_desired(context.params, kind, settings)
    desired.turn = turn
    context.secret(desired.password)
    context.secret(desired.once.get('password'))
    client = context.client
    where = f'cluster {context.cluster_name}, {kind.noun} {desired.name or desired.vmid}'
    try:
        return Run(context, client, desired).result()
    except FleetError as error:
        identity = client.connection.credential.identity
        raise explained(error, where, identity, known_release(client) or NEWEST) from None


def known_release(client):
    """The release whose tables fit, when the server was already asked; else None."""
    version = getattr(client, '_version', None)
    return release_for(version['version']) if version else None


class Run:
    """One task on one guest."""

    def __init__(self, context, client, desired):
        self.context, self.client, self.desired = context, client, desired
        self.before, self.after = {}, {}
        self.addresses = None
        self.upids = []

    def result(self):
        for attempt in range(MOST_PLANS):
            state, facts, plan = self.planned()
            if self.desired.turn:
                self.desired.turn.done()
            self.note(plan)
            if self.context.check_mode:
                return self.predicted(state, facts, plan)
            try:
                return self.applied(state, facts, plan)
            except Replan:
                if attempt == MOST_PLANS - 1:
                    raise NotFound('others change the guest all the time. Run the task again later.') from None
            except FleetError as error:
                if attempt == MOST_PLANS - 1 or not self.may_plan_again(error, attempt):
                    raise
        raise AssertionError('unreachable')

    def may_plan_again(self, error, attempt):
        """After another's change, look and plan again a few times; after a lock or a request whose fate is not known, once."""
        if error.code == 'Conflict':
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))
            return True
        return attempt == 0 and (error.code == 'Locked' or error.details.get('fate') == 'unknown')

    def note(self, plan):
        merge(self.before, plan.before)
        merge(self.after, plan.after)

    # --- reading and planning ----------------------------------------------------------------------------------

    def planned(self):
        """(State or None, Facts, Plan) of now."""
        rows, row = self.found()
        state = self.read(row) if row is not None else None
        release = known_release(self.client) or NEWEST
        if self.desired.state != 'absent' and unsure_keys(self.desired, state.config if state else {}):
            release = self.client.release
        facts, plan = self.plan(rows, row, state, release)
        if any(step.name in BY_RELEASE for step in plan.steps) and self.client.release != release:
            facts, plan = self.plan(rows, row, state, self.client.release)
        node = facts.node or (state.node if state else None)
        check_ha(self.context, plan)
        check_no_wait(self.desired, plan)
        check_plan(self.client, self.desired, plan, self.desired.node or node, state, facts.source, self.context.missing)
        return state, facts, plan

    def plan(self, rows, row, state, release):
        if self.desired.state != 'absent':
            check_keys(self.desired, release)
        facts = gather(self.client, self.desired, rows, row, state, release)
        return facts, plan_guest(self.desired, state, facts)

    def found(self):
        """All rows and that of the guest, once nothing unfinished holds it."""
        desired = self.desired
        names = desired.names
        for _attempt in range(10):
            rows = guest_rows(self.client)
            row = find(self.client, rows, desired.kind, desired.vmid, names)
            if row is None and desired.vmid is None:
                unnamed = in_the_making.candidates(self.client, rows, desired.kind, names)
                if not self.waited_for(unnamed):
                    return rows, row
            elif row is None or row.get('lock') not in UNFINISHED:
                return rows, row
            else:
                self.unlocked(row)
        return rows, row

    def unlocked(self, row):
        desired = self.desired
        wait_until_unlocked(self.client, desired.kind, row, row['lock'], desired.timeout, self.context.progress)

    def waited_for(self, rows):
        """Wait for guests in the making -> whether any of them got on. What nobody works on any more is told, not waited for."""
        got_on = False
        for row in rows:
            try:
                self.unlocked(row)
                got_on = True
            except Locked as error:
                self.context.warn(f'It cannot be told whose this is: {error.message}')
        return got_on

    def read(self, row):
        """The State; a running guest whose address is wanted anyway proves by it that it runs."""
        desired = self.desired
        state = read_state(self.client, desired.kind, row)
        if desired.state == 'present' and not desired.reboot:
            return state
        if desired.state == 'started' and desired.wait_for in ('agent', 'ip') and state.power == 'running':
            try:
                addresses = read_addresses(self.client, desired.kind, row, state.config)
                if READY[desired.wait_for](addresses) and addresses:
                    self.addresses, state.asked = addresses, True
                    return state
            except FleetError:
                pass
        if not state.asked:
            read_power(self.client, state)
        return state

    # --- answers -----------------------------------------------------------------------------------------------

    def predicted(self, state, facts, plan):
        """What check mode answers: the guest as it is, and what would be done."""
        answer = self.answer(plan.changes)
        if state is None:
            answer[self.desired.kind.key] = self.not_yet(facts, plan)
            return {**answer, 'pending': {}, 'reboot_required': False}
        answer[self.desired.kind.key] = self.shown(state, facts.release, declared_only=True)
        pending = plan.pending if plan.steps else state.pending
        return {**answer, **self.pending_of(state, pending)}

    def not_yet(self, facts, plan):
        if not plan.steps:
            return None
        row = {'vmid': facts.vmid, 'node': self.desired.node or facts.node, 'name': self.desired.final_name, 'status': 'absent'}
        return described(self.desired.kind, {}, row, facts.release, self.context.cluster_name, {})

    def applied(self, state, facts, plan):
        if not plan.steps:
            return self.unchanged(state, facts)
        session = self.session(state, facts)
        apply_plan(session, plan)
        if self.desired.state == 'absent':
            left = {'upid': session.left} if session.left else {}
            return {**self.answer(self.context.done), **left, self.desired.kind.key: None, 'pending': {}, 'reboot_required': False}
        if session.planned_vmid not in (None, session.vmid):
            self.after['vmid'] = session.vmid
        return self.unfinished(session, state, facts) if session.left else self.reread(session, state, facts)

    def session(self, state, facts):
        session = Session(
            self.context, self.client, self.desired, state.vmid if state else facts.vmid, state.node if state else facts.node,
            source=facts.source, release=facts.release, upids=self.upids,
        )  # fmt: skip
        if state is not None:
            session.config, session.digest = state.config, state.digest
            session.existing, session.ha_managed = True, state.ha_managed
            session.power = state.power if state.asked else None
        return session

    def unchanged(self, state, facts):
        answer = self.answer(self.context.done)
        if state is None:
            return {**answer, self.desired.kind.key: None, 'pending': {}, 'reboot_required': False}
        self.wait(state)
        answer[self.desired.kind.key] = self.shown(state, facts.release)
        return {**answer, **self.pending_of(state, state.pending)}

    def unfinished(self, session, state, facts):
        """What can be told while a task goes on that is not waited for: the guest as it is now; who it is where it cannot be read."""
        answer = {**self.answer(self.context.done), 'upid': session.left}
        row = {**(state.row if state else {}), **session.row}
        try:
            now = self.read_after(session, row)
        except FleetError:
            shown = described(self.desired.kind, {}, {**row, 'status': 'unknown'}, facts.release, self.context.cluster_name, {})
            return {**answer, self.desired.kind.key: shown, 'pending': {}, 'reboot_required': False}
        answer[self.desired.kind.key] = self.shown(now, facts.release, declared_only=True)
        return {**answer, **self.pending_of(now, now.pending)}

    def reread(self, session, state, facts):
        """The guest as it is now. Pending changes that a reboot was wanted for, and that were not foreseen, get it now."""
        row = {**(state.row if state else {}), **session.row}
        if self.desired.pool is not None:
            row['pool'] = self.desired.pool or None
        now = self.read_after(session, row)
        if now.pending and self.desired.reboot and now.power == 'running':
            apply_plan(session, unforeseen_reboot())
            now = self.read_after(session, row)
        self.addresses = None
        self.wait(now)
        answer = self.answer(self.context.done)
        answer[self.desired.kind.key] = self.shown(now, facts.release)
        return {**answer, **self.pending_of(now, now.pending)}

    def read_after(self, session, row):
        """The State after the work: its power is asked for only where the tasks do not tell it."""
        told = session.power if session.power and not session.ha_managed else None
        state = read_state(self.client, self.desired.kind, {**row, 'status': told or 'unknown'}, power=told is None)
        state.row['status'] = state.power
        return state

    def wait(self, state):
        """Wait for what the task asks for, once the guest runs."""
        desired = self.desired
        if desired.wait_for == 'none' or state.power != 'running' or self.addresses is not None:
            return
        self.addresses = wait_ready(
            self.client, desired.kind, state.row, state.config, desired.wait_for, desired.wait_timeout, self.context.progress
        )

    def answer(self, changes):
        return {
            'changed': bool(changes),
            'changes': list(changes),
            'diff': {'before': self.before, 'after': self.after},
            'upids': list(self.upids),
        }

    def shown(self, state, release, declared_only=False):
        """The guest as users see it. Without a wait_for only such addresses as need no further request."""
        addresses = self.addresses
        if addresses is None:
            ask = state.power == 'running' and self.desired.wait_for != 'none' and not declared_only
            addresses = known_addresses(self.client, self.desired.kind, state.row, state.config, ask)
        row = {**state.row, 'status': state.power, 'node': state.row['node']}
        return described(self.desired.kind, state.config, row, release, self.context.cluster_name, addresses)

    def pending_of(self, state, pending):
        """The keys pending and reboot_required."""
        kind = self.desired.kind
        shown = described_config(kind, {key: value for key, value in pending.items() if value is not None})
        removed = {key: None for key, value in pending.items() if value is None}
        return {'pending': {**shown, **removed}, 'reboot_required': bool(pending) and state.running}


def unforeseen_reboot():
    plan = Plan()
    plan.add('reboot', 'reboot to apply pending changes')
    return plan
