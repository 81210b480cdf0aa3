# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are kept out of what goes out. Pure."""

from __future__ import annotations

PLACEHOLDER = 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER'
STARS = '********'
# Shorter values would mangle unrelated text: a password "1" stands in every number.
SHORTEST = 4


def is_maskable(secret):
    """True for a secret that can be searched for in text without harm."""
    return len(str(secret)) >= SHORTEST


def masked(value, secrets):
    """The same structure with every occurrence of a secret replaced."""
    needles = sorted((str(secret) for secret in secrets if is_maskable(secret)), key=len, reverse=True)
    return replaced(value, needles) if needles else value


def replaced(value, needles):
    if isinstance(value, str):
        if value in needles:
            return PLACEHOLDER
        for needle in needles:
            if needle in value:
                value = value.replace(needle, STARS)
        return value
    if isinstance(value, dict):
        return {key: replaced(item, needles) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replaced(item, needles) for item in value]
    return value


def invocation(params, argument_spec):
    """The options of a task as they may be shown: secret ones hidden by name, at any depth."""
    hidden = {'fleet_context'}
    return {name: shown(value, argument_spec.get(name, {})) for name, value in params.items() if name not in hidden}


def shown(value, spec):
    if value is None:
        return None
    if spec.get('no_log'):
        return PLACEHOLDER
    options = spec.get('options')
    if options and isinstance(value, dict):
        return invocation(value, options)
    if options and isinstance(value, list):
        return [invocation(item, options) if isinstance(item, dict) else item for item in value]
    return value


def secret_values(params, argument_spec):
    """The values of secret options, at any depth -> iterator of str."""
    for name, value in params.items():
        spec = argument_spec.get(name, {})
        if spec.get('no_log') and value:
            yield str(value)
        elif spec.get('options'):
            inner = value if isinstance(value, list) else [value]
            for item in inner:
                if isinstance(item, dict):
                    yield from secret_values(item, spec['options'])
