# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All guests and nodes of clusters: one list per cluster, and only what is asked for besides.

A view of a cluster is plain data that JSON can carry: {cluster, taken_at, guests, nodes, problems}. guests and nodes are
dictionaries as fleet.shape makes them; a guest has besides, where gathered, config (as pve_vm returns it), addresses,
snapshots, os_type, and problems (sentences). problems of the view: [{vmid, name, node, what, message}].
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import time

from ansible_collections.pve.fleet.plugins.module_utils.api.bulk import Reader
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadGateway, FleetError
from ansible_collections.pve.fleet.plugins.module_utils.fleet import shape
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.guests import addresses
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import described_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import complete_names, is_unreachable
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import kind_of
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path
from ansible_collections.pve.fleet.plugins.module_utils.operations.snapshot_plan import read_list


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to read. agent_timeout: seconds that a guest agent has for its answer."""

    config: bool = False
    network: bool = False
    snapshots: bool = False
    nodes: bool = False
    agent_timeout: float = 5.0

    @property
    def per_guest(self):
        return self.config or self.network or self.snapshots


class Silent:
    """Nodes that turned out not to answer while their guests were asked. For threads.

    The list of a cluster shows a dead node as online for a while, and each question to it costs up to half a minute: the
    guests that are still to come are not asked.
    """

    def __init__(self, offline):
        self.reasons = {node: f'node {node} is offline' for node in offline}
        self.everywhere = None
        self.late = collections.Counter()

    def why(self, row):
        """Why a guest is not asked, None when it may be."""
        return self.everywhere or self.reasons.get(row.get('node'))

    def note(self, row, error):
        """Remember what an error tells of the node, or of the way to the cluster."""
        causes = error.details.get('causes') if isinstance(error, BadGateway) else None
        if causes == ['timeout']:
            self.late[row['node']] += 1
        elif causes:
            self.everywhere = error.message
        # One guest that hangs is its own affair; two of a node are the node's.
        if is_unreachable(error) or self.late[row['node']] > 1:
            self.reasons[row['node']] = f'node {row["node"]} does not answer'


def read_view(client, wanted, keep=None, remembered=None, cluster=None):
    """Ask one cluster -> its view. Raises FleetError when its list cannot be had.

    keep: function(guest) -> whether it is wanted; asked before anything is read of the single guest.
    remembered: function() -> {vmid: name} of earlier, called when the list lacks names that cannot be asked for.
    cluster: its name in the result, that of the connection by default.
    """
    cluster = cluster or client.connection.name
    with contextlib.closing(Reader(client)) as reader:
        rows = reader.get('cluster', 'resources')
        parts, offline, problems = shape.split(rows), shape.offline_nodes(rows), []
        if not parts['guests'] and not parts['storages']:
            problems.append(blind(reader.connection.credential.identity))
        found = with_names(reader, parts['guests'], offline, remembered, problems)
        entries = [(row, shape.guest(row, cluster, offline)) for row in found]
        entries = [(row, entry) for row, entry in entries if keep is None or keep(entry)]
        if wanted.per_guest:
            read_guests(reader, wanted, entries, offline, problems)
        nodes = read_nodes(reader, parts['nodes'], cluster, problems) if wanted.nodes else []
    return {
        'cluster': cluster,
        'taken_at': time.time(),
        'guests': [entry for _row, entry in entries],
        'nodes': nodes,
        'problems': problems,
    }


def view_of_snapshot(snapshot, cluster, nodes=False, keep=None):
    """A registry.records.Snapshot as a view: what the list said when it was taken."""
    offline = shape.offline_nodes(snapshot.nodes)
    guests = [shape.guest(row, cluster, offline) for row in shape.split(snapshot.guests)['guests']]
    hosts = [shape.node_host(row, cluster) for row in shape.split(snapshot.nodes)['nodes']] if nodes else []
    return {
        'cluster': cluster,
        'taken_at': snapshot.taken_at,
        'guests': [one for one in guests if keep is None or keep(one)],
        'nodes': hosts,
        'problems': [],
    }


def with_names(reader, rows, offline, remembered, problems):
    """The rows; those without a name completed from their node, or for an offline one from what is remembered."""
    if all(row.get('name') for row in rows):
        return rows
    lost = [row for row in rows if not row.get('name')]
    try:
        named = complete_names(reader, [row for row in lost if row.get('node') not in offline])
    except FleetError as error:
        problems.append(problem(lost[0], 'name', error.message))
        named = []
    names = {int(row['vmid']): row for row in named if row.get('name')}
    if remembered is not None and any(int(row['vmid']) not in names for row in lost):
        known = remembered()
        for row in lost:
            vmid = int(row['vmid'])
            if vmid not in names and known.get(vmid):
                names[vmid] = {**row, 'name': known[vmid]}
    return [row if row.get('name') else names.get(int(row['vmid']), row) for row in rows]


def read_nodes(reader, rows, cluster, problems):
    """The nodes with their management addresses: one request, without which they have none."""
    try:
        status = reader.get('cluster', 'status')
    except FleetError as error:
        problems.append({'vmid': None, 'name': None, 'node': None, 'what': 'node addresses', 'message': error.message})
        status = []
    known = {entry['name']: entry.get('ip') for entry in status if entry.get('type') == 'node'}
    return [shape.node_host(row, cluster, known.get(row['node'])) for row in rows]


def read_guests(reader, wanted, entries, offline, problems):
    """Add to each guest what is wanted of it. What one guest lacks is noted and does not touch the others."""
    silent = Silent(offline)

    def work(pair):
        row, entry = pair
        why = silent.why(row)
        return [problem(row, 'node', why)] if why else read_guest(reader, wanted, row, entry, silent)

    for result in fan_out(work, entries, reader.connection.max_in_flight):
        found = result.value if result.error is None else [problem(result.item[0], 'guest', result.error.message)]
        if found:
            result.item[1]['problems'] = [f'{one["what"]}: {one["message"]}' for one in found]
            problems.extend(found)


def read_guest(reader, wanted, row, entry, silent):
    """Read what is wanted of one guest into `entry` -> its problems."""
    kind, problems = kind_of(row['type']), []
    if wanted.config or wanted.network:
        try:
            config = reader.get(*path(kind, row, 'config'))
        except FleetError as error:
            silent.note(row, error)
            problems.append(problem(row, 'config', error.message))
        else:
            add_config(reader, wanted, kind, row, entry, config, problems)
    if wanted.snapshots and not silent.why(row):
        try:
            entry['snapshots'] = read_list(reader.get(*path(kind, row, 'snapshot')))[0]
        except FleetError as error:
            silent.note(row, error)
            problems.append(problem(row, 'snapshots', error.message))
    return problems


def add_config(reader, wanted, kind, row, entry, config, problems):
    """What follows from a configuration: its parsed form, the kind of system, addresses."""
    entry['os_type'] = config.get('ostype')
    if wanted.config:
        entry['config'] = described_config(kind, config)
    if not wanted.network:
        return
    found = {}
    if entry['status'] == 'running' and (kind.name == 'lxc' or agent_enabled(config)):
        try:
            found = addresses.read_addresses(addresses.Timed(reader, wanted.agent_timeout), kind, row, config)
        except FleetError as error:
            problems.append(problem(row, 'addresses', error.message))
    entry['addresses'] = found or addresses.declared_addresses(kind, config)


def agent_enabled(config):
    """Whether a virtual machine is configured to have a guest agent: '1', 'enabled=1,...'."""
    for part in str(config.get('agent') or '').split(','):
        name, equals, value = part.partition('=')
        if not equals or name == 'enabled':
            return (value if equals else name).strip().lower() in ('1', 'yes', 'true', 'on')
    return False


def blind(identity):
    """The problem of a login to which PVE shows an empty list instead of refusing it: every node has a storage at least."""
    message = (
        f'neither a guest nor a storage is shown to {identity}. Give it the role PVEAuditor on /; '
        'a token with privilege separation needs it besides its user'
    )
    return {'vmid': None, 'name': None, 'node': None, 'what': 'rights', 'message': message}


def problem(row, what, message):
    return {'vmid': int(row['vmid']), 'name': row.get('name') or '', 'node': row.get('node'), 'what': what, 'message': message}
