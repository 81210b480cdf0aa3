# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the registered clusters are meant. Pure."""

from __future__ import annotations

import dataclasses
import difflib

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, NotFound

from .records import STATUSES


@dataclasses.dataclass(frozen=True)
class Selection:
    """names: names or ids that must exist, None for all. labels: key -> accepted values. status: accepted ones, None for all."""

    names: tuple | None = None
    labels: tuple = ()
    status: tuple | None = None

    def accepts(self, record):
        """Do labels and status of `record` fit? (Names are looked up by the store.)"""
        if self.status is not None and record.status not in self.status:
            return False
        return all(key in record.labels and str(record.labels[key]) in values for key, values in self.labels)


def parse(selection):
    """None, 'all', a name, a list of names or ids, or {names, labels, status} -> Selection. Raises BadRequest."""
    if selection is None or selection == 'all':
        return Selection()
    if isinstance(selection, str):
        return Selection(names=(selection,))
    if isinstance(selection, dict):
        return _from_dict(selection)
    if isinstance(selection, (list, tuple, set)):
        return _from_list(list(selection))
    raise BadRequest(f'A selection of clusters is "all", a list of names, or a dictionary; not {selection!r}.')


def _from_list(names):
    bad = [name for name in names if not isinstance(name, str) or not name]
    if bad:
        raise BadRequest(f'A selection of clusters lists names or ids; {bad[0]!r} is neither.')
    return Selection() if names == ['all'] else Selection(names=tuple(names))


def _from_dict(selection):
    unknown = sorted(set(selection) - {'names', 'labels', 'status'})
    if unknown:
        raise BadRequest(f'A selection of clusters has no key {unknown[0]!r}. Its keys are names, labels and status.')
    labels = selection.get('labels') or {}
    if not isinstance(labels, dict):
        raise BadRequest(f'The labels of a selection are a dictionary, such as {{site: seoul}}; not {labels!r}.')
    status = _as_tuple(selection.get('status'))
    wrong = [value for value in status or () if value not in STATUSES]
    if wrong:
        raise BadRequest(f'{wrong[0]!r} is not a status of a cluster. There are: {", ".join(STATUSES)}.')
    names = _as_tuple(selection.get('names'))
    wanted = tuple(sorted((str(key), _label_values(value)) for key, value in labels.items()))
    return Selection(None if names == ('all',) else names, wanted, status)


def _label_values(value):
    return tuple(str(entry) for entry in (value if isinstance(value, (list, tuple, set)) else (value,)))


def _as_tuple(value):
    if value is None:
        return None
    return tuple(value) if isinstance(value, (list, tuple, set)) else (value,)


def not_registered(name, known, where):
    """The NotFound for a name that is not among the `known` ones; it names the nearest."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        hint = f'Did you mean {" or ".join(near)}?'
    elif known:
        hint = f'Registered: {", ".join(sorted(known)[:5])}{" ..." if len(known) > 5 else ""}.'
    else:
        hint = 'The registry is empty: register a cluster with pve.fleet.pve_cluster_registry.'
    return NotFound(
        f'There is no cluster {name!r} in the registry {where}. {hint}', details={'cluster': name, 'near': near}
    )
