# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters: registering, finding, changing, removing."""
from __future__ import annotations

import dataclasses

import pytest
from registries import CANARY, cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import Workspace


def test_reading_makes_nothing(file_registry, tmp_path):
    assert file_registry.clusters() == []
    assert file_registry.read_audit() == []
    assert file_registry.verify_audit()['ok']
    assert file_registry.snapshots() == {}
    assert file_registry.workspaces() == []
    with pytest.raises(NotFound, match='The registry is empty'):
        file_registry.connection('prod', 'viewer')
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_comes_back_as_it_was_given(registry):
    given = cluster(
        labels={'site': 'seoul', 'n': 1},
        min_nodes=1,
        validate_certs=False,
        ca_path='/etc/ca.pem',
        managed={'user': 'fleet@pve', 'tokens': ['a']},
    )
    stored = registry.save_cluster(given, [token()])
    assert stored.revision == 1
    assert len(stored.id) == 36
    assert stored.created_at == stored.updated_at
    same = {key: value for key, value in given.as_dict().items() if key not in ('id', 'revision', 'created_at', 'updated_at')}
    assert same.items() <= stored.as_dict().items()
    assert registry.cluster('prod') == registry.cluster(stored.id) == stored
    assert CANARY not in repr(stored) + repr(token())


def test_files_are_private(file_registry, key_file, tmp_path):
    file_registry.save_cluster(cluster(), [token()])
    files = [*(tmp_path / 'home').iterdir(), key_file]
    assert {path.name for path in files} >= {'registry.db', 'registry.key'}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ('home', 'keys')} == {0o700}


def test_the_same_again_changes_nothing(registry):
    stored = registry.save_cluster(cluster(labels={'b': 1, 'a': 2}), [token()])
    again = dataclasses.replace(stored, labels={'a': 2, 'b': 1})
    assert registry.save_cluster(again, [token()]) == stored


def test_what_differs_is_updated(registry):
    stored = registry.save_cluster(cluster(), [token()])
    changed = registry.save_cluster(dataclasses.replace(stored, labels={'x': 'y'}, endpoints=[Endpoint('other')]))
    assert (changed.revision, changed.labels, changed.endpoints) == (2, {'x': 'y'}, [Endpoint('other')])
    renamed = registry.save_cluster(dataclasses.replace(changed, name='renamed'))
    assert (renamed.id, renamed.revision) == (stored.id, 3)
    assert [credential.tier for credential in registry.credentials(stored.id)] == ['operator']


def test_a_taken_name_is_a_conflict(registry):
    registry.save_cluster(cluster())
    other = registry.save_cluster(cluster('lab'))
    with pytest.raises(Conflict, match='already a cluster named prod'):
        registry.save_cluster(cluster())
    with pytest.raises(Conflict, match='already a cluster named prod'):
        registry.save_cluster(dataclasses.replace(other, name='prod'))


def test_a_change_in_between_is_a_conflict_and_not_lost(registry):
    stored = registry.save_cluster(cluster())
    registry.save_cluster(dataclasses.replace(stored, labels={'first': 1}))
    with pytest.raises(Conflict, match='changed by somebody else') as caught:
        registry.save_cluster(dataclasses.replace(stored, labels={'second': 2}))
    assert caught.value.details['version'] == 2
    assert registry.cluster('prod').labels == {'first': 1}


def test_a_removed_cluster_does_not_come_back_by_an_update(registry):
    stored = registry.save_cluster(cluster())
    registry.remove_cluster('prod')
    with pytest.raises(NotFound, match='was removed'):
        registry.save_cluster(dataclasses.replace(stored, labels={'x': 1}))
    assert registry.clusters() == []


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'name': ''}, 'cannot be the name'),
        ({'name': ' a'}, 'cannot be the name'),
        ({'name': 'a\nb'}, 'cannot be the name'),
        ({'name': 'x' * 256}, 'cannot be the name'),
        ({'name': 'all'}, 'it means all'),
        ({'endpoints': []}, 'no endpoint'),
        ({'status': 'fine'}, 'not a status'),
    ],
)
def test_what_cannot_be_stored_is_refused(file_registry, tmp_path, change, words):
    with pytest.raises(BadRequest, match=words):
        file_registry.save_cluster(cluster(**change))
    assert list(tmp_path.iterdir()) == []


def test_removing_takes_everything_of_the_cluster(registry):
    stored = registry.save_cluster(cluster(), [token()])
    registry.save_snapshot(stored.id, [], [{'vmid': 100}])
    assert registry.remove_cluster(stored.id).name == 'prod'
    assert registry.snapshot(stored.id) is None
    assert execute(registry, 'SELECT * FROM credentials') == []
    with pytest.raises(NotFound):
        registry.remove_cluster('prod')


def test_a_cluster_of_a_workspace_stays(registry):
    registry.save_cluster(cluster())
    registry.save_workspace(Workspace('shop', ['prod']))
    with pytest.raises(Conflict, match='used by the workspace shop') as caught:
        registry.remove_cluster('prod')
    assert caught.value.details['workspaces'] == ['shop']
    registry.remove_workspace('shop')
    registry.remove_cluster('prod')
    assert registry.clusters() == []


def test_health_is_kept_apart_from_what_is_declared(registry):
    stored = registry.save_cluster(cluster())
    assert (stored.status, stored.last_seen_at) == ('unknown', None)
    reasons = [{'code': 'nodes', 'message': 'pve2 is offline'}]
    registry.touch(stored.id, 'degraded', reasons, '9.2.11', 3)
    seen = registry.cluster('prod')
    assert (seen.status, seen.reasons, seen.version, seen.node_count) == ('degraded', reasons, '9.2.11', 3)
    assert seen.last_seen_at is not None
    assert seen.revision == 1
    registry.touch(stored.id, 'unhealthy', [{'code': 'unreachable', 'message': 'refused'}], seen=False)
    lost = registry.cluster('prod')
    assert (lost.status, lost.version, lost.last_seen_at) == ('unhealthy', '9.2.11', seen.last_seen_at)
    assert registry.save_cluster(dataclasses.replace(stored, labels={'a': 1})).status == 'unhealthy'
    registry.touch('gone', 'healthy')
    with pytest.raises(BadRequest, match='not a status'):
        registry.touch(stored.id, 'fine')


def test_lists_are_sorted_and_selected(registry):
    for name, labels in (('b', {'site': 'seoul', 'tier': 1}), ('C', {}), ('a', {'site': 'busan'})):
        registry.save_cluster(cluster(name, labels=labels))
    registry.touch(registry.cluster('a').id, 'healthy')

    def names(selection):
        return [record.name for record in registry.clusters(selection)]

    assert names(None) == names('all') == names(['all']) == ['C', 'a', 'b']
    assert names('b') == names(['b', 'b', registry.cluster('b').id]) == ['b']
    assert names({'labels': {'site': ['seoul', 'busan']}}) == ['a', 'b']
    assert names({'labels': {'site': 'seoul', 'tier': '1'}}) == ['b']
    assert names({'labels': {'site': 'nowhere'}}) == names([]) == []
    assert names({'status': ['unknown'], 'names': ['a', 'b']}) == ['b']
    with pytest.raises(NotFound, match=r"no cluster 'nothing'.*Registered: C, a, b"):
        registry.clusters(['a', 'nothing'])


def test_a_misspelt_name_gets_the_nearest(registry):
    registry.save_cluster(cluster('production'))
    with pytest.raises(NotFound, match='Did you mean production') as caught:
        registry.cluster('prodution')
    assert caught.value.details == {'cluster': 'prodution', 'near': ['production']}
