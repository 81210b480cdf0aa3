# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces in the registry, as a user's tasks see them: quotas hold, also when runs race."""
from __future__ import annotations

import concurrent.futures
import multiprocessing

import pytest

from ansible_collections.pve.fleet.plugins.module_utils import runner
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry
from ansible_collections.pve.fleet.plugins.modules import pve_workspace, pve_workspace_info, pve_workspace_quota
from ansible_collections.pve.fleet.plugins.plugin_utils.in_process import validate

GUEST = {'cluster': 'prod', 'cores': 2, 'memory': '4G', 'disks': {'scsi0': {'size': '10G'}}}


def task(registry, module, check=False, **options):
    params, error, *dummy = validate(module.SPEC, {'registry_url': registry, **options}, 'test')
    assert error is None, error
    return runner.execute(module.SPEC, params, Access(params, None, environment={}), check_mode=check)


def exact(registry, module, **options):
    """Check mode, the run, and the run again, which has nothing to do."""
    predicted, done, again = task(registry, module, True, **options), task(registry, module, **options), task(registry, module, **options)
    assert not done.get('failed'), done
    assert (predicted['changes'], predicted['diff']) == (done['changes'], done['diff'])
    assert (again['changed'], again['changes']) == (False, [])
    return done


@pytest.fixture
def registry(tmp_path):
    url = str(tmp_path / 'registry.db')
    with open_registry(url, create=True) as opened:
        opened.save_cluster(ClusterRecord(name='prod', endpoints=[Endpoint('pve1')]), [])
    return url


@pytest.fixture
def shop(registry):
    exact(registry, pve_workspace, name='shop', clusters=['prod'], quota={'cpus': 8, 'memory': '16G', 'guests': 4})
    return registry


def test_a_workspace_is_made_changed_and_removed(shop):
    done = exact(shop, pve_workspace, name='shop', quota={'cpus': 16})
    assert done['changes'] == ["set quota of workspace shop to {'cpus': 16, 'memory': None, 'disk': None, 'guests': None}"]
    assert done['workspace']['clusters'] == ['prod']
    assert exact(shop, pve_workspace, name='shop', state='absent')['changes'] == ['remove workspace shop']


def test_an_unknown_cluster_is_refused_in_check_mode_too(registry):
    for check in (True, False):
        result = task(registry, pve_workspace, check, name='shop', clusters=['prd'])
        assert result['error']['code'] == 'NotFound'


def test_room_is_taken_kept_and_given_back(shop):
    guests = [{'name': 'web-01', **GUEST}, {'name': 'web-02', **GUEST}]
    exact(shop, pve_workspace_quota, workspace='shop', guests=guests)
    done = exact(shop, pve_workspace_quota, workspace='shop', guests=guests, state='confirmed')
    assert done['workspace']['reserved'] == {'cpus': 4, 'memory': 8 << 30, 'disk': 20 << 30, 'guests': 2}
    found = task(shop, pve_workspace_info, name='shop')['workspaces'][0]
    assert [(one['holder'], one['confirmed']) for one in found['reservations']] == [('prod/web-01', True), ('prod/web-02', True)]
    assert task(shop, pve_workspace, name='shop', state='absent')['error']['code'] == 'Conflict'
    done = exact(shop, pve_workspace_quota, workspace='shop', guests=guests, state='released')
    assert done['workspace']['reserved']['guests'] == 0


def test_all_guests_get_room_or_none_does(shop):
    guests = [{'name': f'web-{number}', **GUEST} for number in range(5)]
    for check in (True, False):
        result = task(shop, pve_workspace_quota, check, workspace='shop', guests=guests)
        assert result['error']['code'] == 'Conflict'
        assert 'Workspace shop has no room' in result['msg']
    assert task(shop, pve_workspace_info)['workspaces'][0]['reserved']['guests'] == 0


def test_a_guest_that_grows_beyond_the_quota_keeps_what_it_had(shop):
    task(shop, pve_workspace_quota, workspace='shop', guests=[{'name': 'web', **GUEST}], state='confirmed')
    result = task(shop, pve_workspace_quota, workspace='shop', guests=[{'name': 'web', **GUEST, 'cores': 9}])
    assert result['error']['details']['resource'] == 'cpus'
    assert task(shop, pve_workspace_info)['workspaces'][0]['reserved']['cpus'] == 2


def test_a_cluster_outside_the_workspace_is_refused(shop):
    for check in (True, False):
        result = task(shop, pve_workspace_quota, check, workspace='shop', guests=[{'name': 'web', **GUEST, 'cluster': 'lab'}])
        assert result['error']['code'] == 'Forbidden'


def take(arguments):
    registry, number = arguments
    result = task(registry, pve_workspace_quota, workspace='shop', state='confirmed', guests=[{'name': f'web-{number}', **GUEST}])
    return result.get('error', {}).get('code', 'taken')


def test_racing_runs_never_get_more_than_the_quota(shop):
    forked = multiprocessing.get_context('fork')
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=forked) as pool:
        outcomes = list(pool.map(take, [(shop, number) for number in range(12)], timeout=60))
    assert sorted(set(outcomes)) == ['Conflict', 'taken']
    assert outcomes.count('taken') == 4
    assert task(shop, pve_workspace_info)['workspaces'][0]['reserved']['guests'] == 4
