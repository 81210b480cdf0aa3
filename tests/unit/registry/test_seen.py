# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and metrics."""
from __future__ import annotations

import time

import pytest
from registries import cluster

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import NotFound
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import MetricSample


def test_the_last_snapshot_of_each_cluster_is_kept(registry):
    ids = [registry.save_cluster(cluster(name)).id for name in ('prod', 'lab')]
    guests = [{'vmid': vmid, 'name': f'wéb-{vmid}', 'tags': ['a'], 'config': {'cores': 4}} for vmid in range(3000)]
    registry.save_snapshot(ids[0], [{'node': 'old'}], [], taken_at=1.5)
    registry.save_snapshot(ids[0], [{'node': 'pve1'}], guests, taken_at=1234567890.25)
    found = registry.snapshot(ids[0])
    assert (found.taken_at, found.nodes, found.guests) == (1234567890.25, [{'node': 'pve1'}], guests)
    assert registry.snapshot(ids[1]) is None
    registry.save_snapshot(ids[1], [], [])
    assert set(registry.snapshots()) == set(ids)
    assert time.time() - registry.snapshot(ids[1]).taken_at < 60
    with pytest.raises(NotFound):
        registry.save_snapshot('nothing', [], [])


def test_metrics_are_kept_for_a_while(registry):
    owner = registry.save_cluster(cluster()).id
    now = int(time.time())
    samples = [MetricSample('node/pve1', now - age, {'cpu': age / 10}) for age in (0, 10, 20, 400)]
    registry.add_metrics(owner, samples, keep=3600)
    registry.add_metrics(owner, [MetricSample('qemu/100', now, {'mem': 1}), MetricSample('node/pve1', now, {'cpu': 0.9})], keep=300)
    assert [sample.time for sample in registry.metrics(owner, object='node/pve1')] == [now - 20, now - 10, now]
    assert registry.metrics(owner, object='node/pve1', limit=1) == [MetricSample('node/pve1', now, {'cpu': 0.9})]
    assert len(registry.metrics(owner, since=now - 10)) == 3
    assert len(registry.metrics(owner, until=now - 10)) == 2
    assert registry.prune_metrics(now - 5) == 2
    assert len(registry.metrics(owner)) == 2
    registry.add_metrics(owner, [])
    with pytest.raises(NotFound):
        registry.add_metrics('nothing', samples)
