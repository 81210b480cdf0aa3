# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible does not check about the options of the inventory plugin."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import suggestion

# option -> the least that makes sense
LEAST = {'concurrency': 1, 'failure_timeout': 0, 'cache_timeout': 0}
POSITIVE = ('agent_timeout', 'connect_timeout', 'read_timeout')


def check_options(options):
    """Raise BadRequest for the first option whose value cannot be meant."""
    for name, least in LEAST.items():
        if options.get(name) is not None and options[name] < least:
            raise BadRequest(f'{name}: {options[name]} is too small; it is {least} at least.')
    for name in POSITIVE:
        if options[name] <= 0:
            raise BadRequest(f'{name}: {options[name]:g} is no time to wait; give seconds, more than 0.')
    prefix = options['prefix']
    if prefix and not (prefix.isidentifier() and prefix.isascii()):
        raise BadRequest(f'prefix: {prefix!r} cannot begin the name of a variable; letters, digits and _ can.')
    for entry in options['keyed_groups']:
        if not isinstance(entry, dict) or 'key' not in entry:
            raise BadRequest(f'keyed_groups: {entry!r} is not understood. An entry is a dictionary with key, such as {{key: tags, prefix: tag}}.')


def unknown_options(given, known):
    """Sentences about keys of the file that the plugin does not have."""
    return [
        f'there is no option {name}, and it is ignored. {suggestion(name, known)}'.rstrip()
        for name in given
        if name not in known
    ]
