# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a cluster is, judged from GET /cluster/status. Pure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """status: healthy, degraded, unhealthy or unknown; reasons: [{code, message}].

    nodes: [{name, ip, online, local}] sorted by name, `local` for the node that answered; quorate: bool;
    cluster_name: PVE's own, None for a single node.
    """

    status: str
    reasons: tuple
    nodes: tuple
    quorate: bool
    cluster_name: str | None


def judge(entries, min_nodes=3):
    """The list that GET /cluster/status gives -> ClusterState.

    Healthy means quorate, all nodes online and at least `min_nodes` nodes. A single node has no "cluster" entry and
    counts as quorate.
    """
    cluster = next((one for one in entries if one.get('type') == 'cluster'), None)
    nodes = tuple(
        {'name': one['name'], 'ip': one.get('ip'), 'online': bool(one.get('online')), 'local': bool(one.get('local'))}
        for one in sorted(entries, key=lambda one: one.get('name') or '')
        if one.get('type') == 'node'
    )
    quorate = bool(cluster.get('quorate')) if cluster else True
    reasons = tuple(find_reasons(nodes, quorate, min_nodes))
    codes = {reason['code'] for reason in reasons}
    status = 'unhealthy' if 'no_quorum' in codes else 'degraded' if codes else 'healthy'
    return ClusterState(status, reasons, nodes, quorate, cluster.get('name') if cluster else None)


def find_reasons(nodes, quorate, min_nodes):
    """Why a cluster is not healthy: {code, message} each."""
    if not quorate:
        yield {'code': 'no_quorum', 'message': 'The cluster has no quorum: configurations cannot be changed.'}
    offline = [node['name'] for node in nodes if not node['online']]
    if offline:
        yield {'code': 'nodes_offline', 'message': f'Offline: {", ".join(offline)}.'}
    if len(nodes) < min_nodes:
        yield {
            'code': 'too_few_nodes',
            'message': f'{len(nodes)} of at least {min_nodes} nodes. Set min_nodes if the cluster is meant to be small.',
        }


def unreachable(error):
    """The state of a cluster that could not be asked."""
    return ClusterState('unknown', ({'code': 'unreachable', 'message': error.message},), (), False, None)
