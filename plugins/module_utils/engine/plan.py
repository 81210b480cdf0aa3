# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as data: what check mode tells is what a run carries out."""

from __future__ import annotations

import dataclasses

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.schema import wire


@dataclasses.dataclass(frozen=True)
class Change:
    """One request. words: what it does, for people. segments: path; params: {name: Python value}.

    fields: the parameters encoded for the wire, filled in by `checked`. file: a file of this machine to send as the
    parameter filename. task_timeout: seconds.
    """

    words: str
    method: str
    segments: tuple
    params: dict = dataclasses.field(default_factory=dict)
    fields: tuple = ()
    file: str | None = None
    task_timeout: int = 600

    @property
    def path(self):
        return '/' + '/'.join(wire.quote_segment(segment) for segment in self.segments)


@dataclasses.dataclass(frozen=True)
class Plan:
    """changes: in their order. before, after: only what differs, without secrets. result: the object afterwards."""

    changes: tuple = ()
    before: dict = dataclasses.field(default_factory=dict)
    after: dict = dataclasses.field(default_factory=dict)
    result: dict | None = None

    @property
    def words(self):
        return [change.words for change in self.changes]

    def told(self, name, shown):
        """The result of a task that carried this plan out, or would. name, shown: the object's key, and what it is now."""
        diff = {'before': self.before, 'after': self.after}
        return {'changed': bool(self.changes), 'changes': self.words, 'diff': diff, name: shown}


def checked(change, official):
    """The change with its parameters encoded, after a look at the release's tables (schema.tables.Tables).

    Raises BadRequest with everything that the tables say is wrong with it.
    """
    try:
        schemas = official.operation(change.method, change.path).parameters
        problems = official.check(change.method, change.path, change.params, complete=change.method == 'POST')
        if problems:
            raise BadRequest(f'Cannot {change.words}: {" ".join(problems.values())}', details={'errors': problems})
        return dataclasses.replace(change, fields=tuple(wire.encode_params(change.params, schemas)))
    except ValueError as error:
        raise BadRequest(f'Cannot {change.words}: {error}') from None
