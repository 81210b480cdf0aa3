# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's logic: options and context in, a result dictionary out.

This is the only place where an exception becomes a failure, where secrets are masked in what goes out, and where
changes to registered clusters are written to the audit log.
"""

from __future__ import annotations

import dataclasses
import json
import typing

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pve.fleet.plugins.module_utils import masking
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.audit.trail import audit_records
from ansible_collections.pve.fleet.plugins.module_utils.context import Context, silent
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access, HandedAccess
from ansible_collections.pve.fleet.plugins.module_utils.outcome import outcome

AUDIT_KEY = 'fleet_audit'


@dataclasses.dataclass(frozen=True)
class ModuleSpec:
    """A module: its name, its options, its logic.

    run: function(Context) -> result dictionary, or raises FleetError.
    tier: the weakest credential that serves ('viewer', 'operator', 'admin'), or function(params) -> that.
    connection: 'cluster' (one), 'clusters' (a selection), 'registry' (the registry itself) or 'none'.
    selection: function(params) -> which registered clusters a 'clusters' module uses; by default its option `clusters`.
    as_admin: function(params) -> names of those clusters whose admin credential is wanted, where there is one.
    entries: option -> the options of its entries, where the run itself checks them: what is secret among them is kept secret by this.
    """

    name: str
    run: typing.Callable
    argument_spec: dict
    tier: str | typing.Callable = 'operator'
    connection: str = 'cluster'
    supports_check_mode: bool = True
    mutually_exclusive: tuple = ()
    required_together: tuple = ()
    required_one_of: tuple = ()
    required_if: tuple = ()
    required_by: dict = dataclasses.field(default_factory=dict)
    selection: typing.Callable | None = None
    as_admin: typing.Callable | None = None
    entries: dict = dataclasses.field(default_factory=dict)

    def tier_for(self, params):
        """The tier of a task with these options."""
        return self.tier(params) if callable(self.tier) else self.tier

    @property
    def shown_spec(self):
        """The argument spec by which options are shown or hidden: with the options of entries."""
        nested = {name: {**self.argument_spec[name], 'options': spec} for name, spec in self.entries.items()}
        return {**self.argument_spec, **nested}

    @property
    def constraints(self):
        """The rules between options, by the names that Ansible gives them."""
        return {
            'mutually_exclusive': list(self.mutually_exclusive),
            'required_together': list(self.required_together),
            'required_one_of': list(self.required_one_of),
            'required_if': list(self.required_if),
            'required_by': dict(self.required_by),
        }


def execute(spec, params, access, *, check_mode=False, diff_mode=False, progress=silent, secrets=(), actor=None):
    """Run the module -> its result, masked. Never raises for what goes wrong in it.

    secrets: the values of options that must not be shown. actor: who runs it, for the audit log.
    The result has `failed`, `msg` and `error` when it went wrong; AUDIT_KEY holds records that the caller must write.
    """
    context = Context(spec, params, access, check_mode, diff_mode, progress)
    for value in (*secrets, *masking.secret_values(params, spec.shown_spec)):
        context.secret(value)
    try:
        result = outcome(context)
        records = audit_records(context, result, actor)
        if records and access.writes_audit:
            write_audit(access, result, records)
        elif records:
            result[AUDIT_KEY] = records
    finally:
        context.close()
    return masking.masked(result, context.secrets)


def write_audit(access, result, records):
    """Append to the audit log; what cannot be written is told, since the change itself is done."""
    from ansible_collections.pve.fleet.plugins.module_utils.registry.records import AuditRecord

    try:
        for record in records:
            access.registry.append_audit(AuditRecord(**record))
    except FleetError as error:
        result['warnings'] = [*result.get('warnings', []), f'The audit log could not be written: {error.message}']


def module_access(params):
    """The Access of a module that runs as a process of its own."""
    handed = params.get('fleet_context')
    if not handed:
        return Access(params)
    try:
        return HandedAccess(params, json.loads(handed))
    except ValueError:
        raise BadRequest('fleet_context is not meant to be set by hand: leave it out.') from None


def run_module(spec):
    """All that a module's main() does."""
    module = AnsibleModule(
        argument_spec=spec.argument_spec,
        supports_check_mode=spec.supports_check_mode,
        no_log=bool(spec.entries),  # AnsibleModule would write the entries to the system's log as they are
        **spec.constraints,
    )
    secrets = set(module.no_log_values)
    module.no_log_values = {value for value in secrets if masking.is_maskable(value)}
    actor = None
    try:
        access = module_access(module.params)
        actor = getattr(access, 'handed', {}).get('actor')
        result = execute(
            spec,
            {name: value for name, value in module.params.items() if name != 'fleet_context'},
            access,
            check_mode=module.check_mode,
            diff_mode=module._diff,
            secrets=secrets,
            actor=actor,
        )
    except FleetError as error:
        result = {'failed': True, 'changed': False, 'msg': error.message, 'error': error.as_dict(), 'warnings': []}
    result['invocation'] = {'module_args': masking.invocation(module.params, spec.shown_spec)}
    for text in result.pop('warnings'):
        module.warn(text)
    if result.get('failed'):
        module.fail_json(**result)
    module.exit_json(**result)
