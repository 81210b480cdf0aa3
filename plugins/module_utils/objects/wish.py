# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks of one object by its path."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.objects.place import Place, place_in, place_of, quoted
from ansible_collections.pve.fleet.plugins.module_utils.options import CONNECTION_SPEC
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import UPDATE_SECRET
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import Tables

ARGUMENTS = {
    'path': {'type': 'str', 'required': True},
    'values': {'type': 'dict', 'default': {}},
    'secret_values': {'type': 'dict', 'default': {}, 'no_log': True},
    'remove': {'type': 'list', 'elements': 'str', 'default': []},
    'match': {'type': 'list', 'elements': 'str', 'default': []},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'timeout': {'type': 'int', 'default': 600},
    **UPDATE_SECRET,
    **CONNECTION_SPEC,
}
# Parameters that hold secrets. PVE shows none of them but an ACME plugin's data.
SECRET_NAMES = frozenset({'password', 'secret', 'token', 'client-key', 'keyring', 'encryption-key', 'data'})


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a task asks of one object: values, secrets {name: value}, names to remove, whether it shall be there.

    match: names of the values that tell it from the others of a list, where the path does not name it; length: of that list.
    """

    place: Place
    official: Tables
    values: dict
    secrets: dict
    remove: tuple
    present: bool = True
    send_secrets: bool = False
    timeout: int = 600
    match: tuple = ()
    length: int = 0

    @property
    def title(self):
        """The object in words: its path, or that of its list with what tells it."""
        told = ', '.join(f'{name}: {self.values[name]}' for name in self.match)
        return f'{self.place.path} ({told})' if told else self.place.path

    def schemas(self, method, segments):
        try:
            return self.official.operation(method, quoted(segments))
        except ValueError:
            return None


def wish_of(params, official):
    """The Wish of a task. Raises BadRequest for what contradicts itself."""
    place = place_in(official, params['path']) if params['match'] else place_of(official, params['path'])
    unsaid = [name for name in params['match'] if name not in params['values'] or name == place.key]
    if unsaid:
        raise BadRequest(f'match: {", ".join(unsaid)} is not among values. Match by values that tell this object from the others.')
    open_secrets = sorted(SECRET_NAMES & set(params['values']))
    if open_secrets:
        raise BadRequest(f'values: {", ".join(open_secrets)} is a secret. Give it in secret_values, so that it is not shown.')
    both = sorted(set(params['remove']) & {*params['values'], *params['secret_values']})
    if both:
        raise BadRequest(f'{", ".join(both)} is both given and named in remove. Keep one of the two.')
    return Wish(
        place, official, params['values'], params['secret_values'], tuple(params['remove']), params['state'] == 'present',
        params['update_secret'] == 'always', params['timeout'], tuple(params['match']),
    )  # fmt: skip
