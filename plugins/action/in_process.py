# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one action plugin: runs a module's logic in the worker where it can, as an ordinary module elsewhere."""

from __future__ import annotations

import os

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pve.fleet.plugins.module_utils import masking, runner
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.audit.trail import dispatched
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.plugin_utils import handover, in_process, inherited
from ansible_collections.pve.fleet.plugins.plugin_utils.plain import plain
from ansible_collections.pve.fleet.plugins.plugin_utils.progress import progress_for
from ansible_collections.pve.fleet.plugins.plugin_utils.secret_lookup import make_resolver

inherited.prepare()


class ActionModule(ActionBase):
    """Chooses between both ways of running; the result is the same."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        spec = in_process.spec_of(self._task.action)
        checked = in_process.validate(spec, plain(dict(self._task.args)), self._task.action)
        params, error, warnings, deprecations, secrets = checked
        notes = {'warnings': warnings, 'deprecations': deprecations}
        if error:
            result.update(in_process.with_notes({'failed': True, 'changed': False, 'msg': error}, notes))
        else:
            result.update(self.carried_out(spec, params, secrets, notes, variables))
        if 'invocation' not in result and invocation_wanted(variables):
            result['invocation'] = {'module_args': masking.invocation(params, spec.shown_spec)}
        return result

    def carried_out(self, spec, params, secrets, notes, variables):
        """The result of either way of running. Failures are results, too; a module adds the notes itself."""
        resolver = make_resolver(self._loader, self._templar, variables)
        access = Access(params, resolver, self.state_dir())
        try:
            reason = self.reason_against(spec, variables)
            if reason is not None:
                return self.as_module(spec, params, access, variables)
            result = runner.execute(
                spec,
                {name: value for name, value in params.items() if name != 'fleet_context'},
                access,
                check_mode=self._task.check_mode,
                diff_mode=self._task.diff,
                progress=progress_for(self._task, variables.get(in_process.PROGRESS_VARIABLE, True)),
                secrets=secrets,
                actor=actor_of(variables),
            )
        except FleetError as failure:
            failed = {'failed': True, 'changed': False, 'msg': failure.message, 'error': failure.as_dict()}
            result = masking.masked(failed, secrets)
        return in_process.with_notes(result, notes)

    def reason_against(self, spec, variables):
        environment = {}
        self._compute_environment_string(environment)
        return in_process.reason_against(
            local=self.is_local(),
            registry_module=spec.connection == 'registry',
            wanted=in_process.switched_on(variables, os.environ),
            is_async=bool(self._task.async_val),
            become=bool(self._connection.become),
            environment=bool(environment),
        )

    def is_local(self):
        return self._connection.transport in ('local', 'ansible.builtin.local')

    def as_module(self, spec, params, access, variables):
        """Run the module as usual, with the clusters it needs, and write its audit records here."""
        actor = actor_of(variables)
        # Nobody waits here for the end of an asynchronous task: it writes its own records, or is noted as sent away.
        writes_itself = bool(self._task.async_val) and self.is_local() and not self._connection.become
        handed = handover.handover(spec, params, access, self.is_local(), actor, writes_itself)
        if self._task.async_val and not writes_itself and not self._task.check_mode:
            note = {}
            runner.write_audit(access, note, dispatched(spec, params, handed, actor))
            self._display.vvv(str(note.get('warnings') or ''))
        result = self._execute_module(
            module_args={**self._task.args, 'fleet_context': handed},
            task_vars=variables,
            wrap_async=self._task.async_val,
        )
        records = plain(result.pop(runner.AUDIT_KEY, None) or [])
        runner.write_audit(access, result, records)
        return result

    def state_dir(self):
        """A private folder that the workers of this run share; Ansible removes it at the end of the run."""
        folder = os.path.join(C.DEFAULT_LOCAL_TMP, 'pve_fleet')
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder


def actor_of(variables):
    """Who AWX says runs the job, None elsewhere."""
    return variables.get('awx_user_name') or variables.get('tower_user_name')


def invocation_wanted(variables):
    """ansible-core 2.21 and later leaves the invocation out of results unless it is asked for."""
    try:
        return C.config.get_config_value('INJECT_INVOCATION', variables=variables)
    except AnsibleError:  # a key that older versions do not know
        return True
