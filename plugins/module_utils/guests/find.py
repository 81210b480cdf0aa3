# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding guests in the list of a cluster.

A row is an entry of GET cluster/resources?type=vm. A guest that was just made or moved has no name there until its node
reports (about ten seconds); its node's own list knows the name at once.
"""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import (
    BadGateway,
    BadRequest,
    Conflict,
    FleetError,
    NotFound,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import KINDS, kind_of
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import normalise_tags
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined, suggestion


def guest_rows(client):
    """All guests of the cluster, sorted by vmid: list of rows. One request."""
    rows = client.get('cluster', 'resources', params={'type': 'vm'})
    return sorted((row for row in rows if row.get('type') in KINDS), key=lambda row: int(row['vmid']))


def label(row):
    """'web-01 (104)', or '104' for a guest whose name is not known."""
    return f'{row["name"]} ({row["vmid"]})' if row.get('name') else str(row['vmid'])


def place(row):
    """'web-01 (104, CT on pve2)'."""
    return f'{row.get("name") or "without name"} ({row["vmid"]}, {kind_of(row["type"]).noun} on {row.get("node")})'


def row_tags(row):
    """The tags of a row, sorted."""
    return list(normalise_tags(row.get('tags') or ''))


def complete_names(client, rows, kinds=tuple(KINDS)):
    """The rows, those without a name completed from their node's own list (one request per node and kind that needs it).

    Rows on nodes that do not answer stay without a name.
    """
    missing = sorted({(row['node'], row['type']) for row in rows if not row.get('name') and row['type'] in kinds})
    known = {}
    for node, kind in missing:
        try:
            own = client.get('nodes', node, kind)
        except FleetError as error:
            if not is_unreachable(error):
                raise
            continue
        known.update({int(entry['vmid']): entry for entry in own})
    return [completed(row, known.get(int(row['vmid']))) for row in rows]


def completed(row, entry):
    """A row with what its node's own list says, where the row itself does not know it yet."""
    if not entry or row.get('name'):
        return row
    told = {key: entry[key] for key in ('name', 'status', 'lock', 'template', 'tags') if entry.get(key) is not None}
    return {**row, **told, 'fresh': True}


def is_unreachable(error):
    """True for the error of a request to a node that is offline."""
    return isinstance(error, BadGateway) and error.status in (595, 596, 597, 599)


def find(client, rows, kind, vmid=None, names=(), cluster=''):
    """The row of the one guest that is meant, or None.

    vmid: its id, which wins; names: its possible names, in order of preference (the first is the declared one).
    Raises BadRequest when the id belongs to another kind, Conflict when it belongs to another name or a name to
    several guests, BadGateway when guests whose names cannot be had might be the one.
    """
    kind, found = kind_of(kind), None
    if vmid is not None:
        found = by_vmid(client, rows, kind, int(vmid), names)
    else:
        found = next((row for row in (by_name(client, rows, kind, name) for name in names) if row is not None), None)
    if found is not None and len(names) > 1:
        refuse_taken(rows, found, names[-1])
    return found


def refuse_taken(rows, row, new_name):
    """A guest must not get a name that another has: neither would be found by it any more."""
    others = [one for one in rows if one.get('name') == new_name and one['vmid'] != row['vmid']]
    if others:
        raise Conflict(
            f'{label(row)} cannot be renamed to {new_name}, which is the name of {place(others[0])}. Choose another name.',
            details={'vmid': int(others[0]['vmid']), 'name': new_name},
        )


def by_vmid(client, rows, kind, vmid, names):
    row = next((row for row in rows if int(row['vmid']) == vmid), None)
    if row is None:
        return None
    if row['type'] != kind.name:
        other = kind_of(row['type'])
        raise BadRequest(
            f'{label(row)} on {row["node"]} is a {other.noun}, not a {kind.noun}. '
            f'Use the module for it, or another vmid.',
            details={'vmid': vmid, 'type': row['type']},
        )
    if not names:
        return row
    row = complete_names(client, [row], (kind.name,))[0]
    if row.get('name') and row['name'] not in names:
        raise Conflict(
            f'vmid {vmid} belongs to {row["name"]} on {row["node"]}, not to {names[0]}. '
            'Leave vmid out to find the guest by name, correct one of both, or give new_name to rename it.',
            details={'vmid': vmid, 'name': row['name']},
        )
    return row


def by_name(client, rows, kind, name):
    matches = [row for row in rows if row.get('name') == name]
    if not matches and any(not row.get('name') for row in rows if row['type'] == kind.name):
        rows = complete_names(client, rows, (kind.name,))
        matches = [row for row in rows if row.get('name') == name]
        refuse_unknown(rows, kind, name, matches)
    if len(matches) > 1:
        each = joined([place(row) for row in matches], 'and')
        raise Conflict(
            f'{len(matches)} guests are named {name}: {each}. Give the vmid of the one that is meant.',
            details={'vmids': [int(row['vmid']) for row in matches]},
        )
    if matches and matches[0]['type'] != kind.name:
        raise BadRequest(
            f'{name} is a {kind_of(matches[0]["type"]).noun} ({matches[0]["vmid"]}), not a {kind.noun}. '
            'Use the module for it, or another name.',
            details={'vmid': int(matches[0]['vmid']), 'type': matches[0]['type']},
        )
    return matches[0] if matches else None


def refuse_unknown(rows, kind, name, matches):
    """A guest of an offline node whose name nobody knows could be the one: it must not be taken for absent."""
    unknown = [row for row in rows if not row.get('name') and row['type'] == kind.name and not row.get('fresh')]
    if unknown and not matches:
        nodes = joined(sorted({row['node'] for row in unknown}), 'and')
        raise BadGateway(
            f'it cannot be told whether {name} exists: node {nodes} does not answer, and the name of '
            f'{joined([row["vmid"] for row in unknown], "and")} is not known. Bring the node back, or give a vmid.',
            details={'vmids': [int(row['vmid']) for row in unknown]},
        )


def find_source(client, rows, kind, wanted=None, tag=None):
    """The row of the guest that is to be cloned: by vmid, by name, or the one template with a tag.

    Raises NotFound with the nearest names, Conflict when several fit.
    """
    kind = kind_of(kind)
    own = [row for row in rows if row['type'] == kind.name]
    if tag is not None:
        return only_one([row for row in own if tag in row_tags(row) and row.get('template')], kind, tag, own)
    if str(wanted).isdigit():
        found = [row for row in own if int(row['vmid']) == int(wanted)]
        if found:
            return found[0]
    found = by_name(client, rows, kind, str(wanted))
    if found is None:
        names = [row['name'] for row in own if row.get('template') and row.get('name')]
        hint = suggestion(str(wanted), [row['name'] for row in own if row.get('name')])
        there = f'Templates are {joined(names, "and")}.' if names else f'There is no template of a {kind.noun}.'
        raise NotFound(
            f"template '{wanted}' was not found. {hint or there}",
            details={'template': str(wanted), 'templates': names},
        )
    return found


def only_one(found, kind, tag, own):
    if len(found) == 1:
        return found[0]
    if found:
        each = joined([place(row) for row in found], 'and')
        raise Conflict(f"{len(found)} templates have the tag '{tag}': {each}. Name one of them.")
    tags = sorted({one for row in own if row.get('template') for one in row_tags(row)})
    raise NotFound(f"no template of a {kind.noun} has the tag '{tag}'. {suggestion(tag, tags)}".rstrip())
