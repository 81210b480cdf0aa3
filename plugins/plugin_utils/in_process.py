# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions and conversions of in-process execution that need no task to test."""

from __future__ import annotations

import importlib

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.pve.fleet.plugins.module_utils.options import as_bool

MODULES = 'ansible_collections.pve.fleet.plugins.modules'
SWITCH_VARIABLE = 'pve_fleet_in_process'
SWITCH_ENVIRONMENT = 'PVE_FLEET_IN_PROCESS'
PROGRESS_VARIABLE = 'pve_fleet_progress'


def spec_of(action):
    """The ModuleSpec of an action name such as pve.fleet.pve_vm."""
    return importlib.import_module(f'{MODULES}.{action.rpartition(".")[2]}').SPEC


def switched_on(variables, environment):
    """Whether in-process execution is wanted: a variable of the task first, then the environment; on by default."""
    value = variables.get(SWITCH_VARIABLE)
    if value is None:
        value = environment.get(SWITCH_ENVIRONMENT) or True
    return as_bool(value, SWITCH_VARIABLE)


def reason_against(*, local, registry_module, wanted, is_async, become, environment):
    """Why a task must run as a module, in one word, or None when it can run in the worker.

    A module that manages the registry itself stays on the controller even when the connection is not local.
    """
    if not wanted:
        return 'switch'
    if is_async:
        return 'async'
    if become:
        return 'become'
    if environment:
        return 'environment'
    if not local and not registry_module:
        return 'connection'
    return None


def validate(spec, arguments, name):
    """Check a task's options as AnsibleModule does.

    Returns (params, error message or None, warnings, deprecations, secret values).
    """
    found = ArgumentSpecValidator(spec.argument_spec, **spec.constraints).validate(arguments)
    params = {**arguments, **found.validated_parameters}
    error = None
    if found.error_messages:
        error = found.errors.msg
        if isinstance(found.errors[0], UnsupportedError):
            error = f'Unsupported parameters for ({name}) module: {error}'
    warnings = [
        f'Both option {one["option"]} and its alias {one["alias"]} are set.' for one in getattr(found, '_warnings', [])
    ]
    deprecations = [
        {key: one.get(key) for key in ('msg', 'version', 'date', 'collection_name') if one.get(key)}
        for one in getattr(found, '_deprecations', [])
    ]
    return params, error, warnings, deprecations, set(getattr(found, '_no_log_values', ()))


def with_notes(result, notes):
    """A result and what AnsibleModule would add to it. notes: {'warnings': [...], 'deprecations': [...]}, from validate()."""
    together = {name: [*added, *result.get(name, [])] for name, added in notes.items()}
    others = {name: value for name, value in result.items() if name not in notes}
    return {**others, **{name: told for name, told in together.items() if told}}
