# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are not stored but named: any Ansible lookup plugin can hold them. Controller only."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.plugin_utils.plain import plain


def make_resolver(loader=None, templar=None, variables=None):
    """A function(reference) -> secret text.

    reference: {plugin, terms: [..], options: {..}, field: 'a.b'}; field leads into a structured answer.
    The function raises BadRequest, naming the plugin but never a value.
    """

    def resolve(reference):
        name = reference.get('plugin')
        plugin = lookup_loader.get(name, loader=loader, templar=templar) if name else None
        if plugin is None:
            raise BadRequest(f'secret_lookup: there is no lookup plugin {name!r}. Install its collection, or check the name.')
        terms = reference.get('terms') or []
        terms = terms if isinstance(terms, list) else [terms]
        try:
            found = plugin.run(terms, variables=variables or {}, **(reference.get('options') or {}))
        except (AnsibleError, OSError, KeyError, TypeError, ValueError) as error:
            raise BadRequest(f'secret_lookup: the lookup {name} failed ({type(error).__name__}). Try it in a task of its own.') from None
        return field_of(plain(found), reference.get('field'), name)

    return resolve


def field_of(found, field, name):
    """The text inside a lookup's answer. Raises BadRequest when it is not there."""
    value = found
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    for part in (field or '').split('.') if field else ():
        if not isinstance(value, dict) or part not in value:
            raise BadRequest(f'secret_lookup: the answer of the lookup {name} has no field {field!r} (missing at {part!r}).')
        value = value[part]
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == '':
        raise BadRequest(f'secret_lookup: the lookup {name} gave no text. Name the right place with field: a.b.c.')
    return str(value)
