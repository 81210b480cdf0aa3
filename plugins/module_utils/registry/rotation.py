# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_registry_key: another key for the secrets in the registry."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.options import REGISTRY_SPEC

ARGUMENTS = {'new_key': {'type': 'str', 'no_log': True}, **REGISTRY_SPEC}


def run(context):
    """The module's logic: encrypt all secrets anew, unless the given key is in use already."""
    registry, new_key = context.registry, context.params.get('new_key')
    if new_key and registry.is_present_key(new_key):
        return result(False, [], 0, None)
    count = sum(1 for found in registry.credentials_by_cluster().values() for one in found if not one.reference)
    words = [f'encrypt {count} secrets with {"the given key" if new_key else "a new key"}']
    if context.check_mode:
        return result(True, words, count, None)
    done = registry.rotate_key(new_key)
    return result(True, words, done['rotated'], done['key_file'])


def result(changed, words, count, key_file):
    diff = {'before': {'key': 'old'}, 'after': {'key': 'new'}} if changed else {'before': {}, 'after': {}}
    return {'changed': changed, 'changes': words, 'diff': diff, 'rotated': count, 'key_file': key_file}
