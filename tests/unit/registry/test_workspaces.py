# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces: quotas hold, reservations expire, are confirmed and released."""
from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from registries import cluster

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Amounts, Workspace

GIB = 1 << 30


@pytest.fixture
def shop(registry):
    """A registry with the workspace shop: 4 cpus, 8 GiB memory, 3 guests, disk without limit, on cluster prod."""
    registry.save_cluster(cluster())
    registry.save_workspace(Workspace('shop', ['prod'], Amounts(4, 8 * GIB, None, 3)))
    return registry


def test_a_workspace_comes_back(shop):
    found = shop.workspace('shop')
    assert (found.clusters, found.quota, found.reserved, found.revision) == (['prod'], Amounts(4, 8 * GIB, None, 3), Amounts(), 1)
    changed = shop.save_workspace(dataclasses.replace(found, clusters=[], quota=Amounts(1, 1, 1, 1)))
    assert (changed.clusters, changed.revision) == ([], 2)
    assert [entry.name for entry in shop.workspaces()] == ['shop']
    with pytest.raises(Conflict, match='changed or removed by somebody else'):
        shop.save_workspace(found)
    with pytest.raises(Conflict, match='already a workspace named shop'):
        shop.save_workspace(Workspace('shop'))
    with pytest.raises(NotFound, match=r"no cluster 'prid'.*Did you mean prod"):
        shop.save_workspace(Workspace('other', ['prid']))
    with pytest.raises(BadRequest, match='quota cpus'):
        shop.save_workspace(Workspace('other', [], Amounts(-1)))
    with pytest.raises(NotFound, match="no workspace 'nothing'"):
        shop.workspace('nothing')


def test_room_is_given_until_the_quota_is_used_up(shop):
    shop.reserve('shop', 'prod/a', Amounts(3, GIB, 900 * GIB, 1), 'prod')
    with pytest.raises(Conflict, match='its quota of cpus is 4, 3 are reserved and 2 are asked for') as caught:
        shop.reserve('shop', 'prod/b', Amounts(2, GIB, 0, 1))
    assert caught.value.details == {'workspace': 'shop', 'resource': 'cpus', 'quota': 4, 'used': 3, 'asked': 2}
    assert shop.workspace('shop').reserved == Amounts(3, GIB, 900 * GIB, 1)
    with pytest.raises(Forbidden, match='may not use cluster lab'):
        shop.reserve('shop', 'lab/a', Amounts(), 'lab')
    with pytest.raises(BadRequest):
        shop.reserve('shop', '', Amounts())
    with pytest.raises(BadRequest):
        shop.reserve('shop', 'a', Amounts(-1))


def test_the_same_holder_changes_its_reservation(shop):
    first = shop.reserve('shop', 'prod/a', Amounts(3, 0, 0, 1))
    shop.confirm(first.id)
    second = shop.reserve('shop', 'prod/a', Amounts(4, 0, 0, 1))
    assert (second.id, second.confirmed) == (first.id, True)
    assert shop.workspace('shop').reserved.cpus == 4
    assert [held.holder for held in shop.reservations('shop')] == ['prod/a']


def test_reservations_expire_unless_confirmed(shop):
    held = shop.reserve('shop', 'prod/a', Amounts(4, 0, 0, 1), expires_in=-1)
    assert shop.workspace('shop').reserved == Amounts()
    assert shop.reservations('shop') == []
    other = shop.reserve('shop', 'prod/b', Amounts(4, 0, 0, 1), expires_in=3600)
    assert other.expires_at > time.time()
    with pytest.raises(Conflict, match='no room'):
        shop.confirm(held.id)
    assert [shop.release(other.id), shop.release(other.id)] == [True, False]
    assert shop.confirm(held.id).confirmed
    assert shop.workspace('shop').reserved.cpus == 4
    with pytest.raises(Conflict, match='still has 1 guest'):
        shop.remove_workspace('shop')
    assert [shop.release_holder('shop', 'prod/a'), shop.release_holder('shop', 'prod/a')] == [True, False]
    assert shop.remove_workspace('shop').name == 'shop'
    with pytest.raises(NotFound, match='released or has expired'):
        shop.confirm(held.id)


def test_racing_runs_cannot_exceed_the_quota(shop):
    def ask(number):
        try:
            return shop.reserve('shop', f'prod/{number}', Amounts(1, 0, 0, 1))
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        given = [held for held in pool.map(ask, range(24)) if held]
    assert len(given) == 3
    assert shop.workspace('shop').reserved.guests == 3
