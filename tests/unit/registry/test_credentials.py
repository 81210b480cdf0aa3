# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: tiers, references, and that a ciphertext serves only where it was made."""
from __future__ import annotations

import dataclasses

import pytest
from registries import CANARY, cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.registry.faults import RegistryError
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import StoredCredential

LOOKUP = {'plugin': 'community.hashi_vault.vault_kv2_get', 'terms': ['pve/lab'], 'field': 'secret.token'}


@pytest.mark.parametrize(
    ('stored', 'asked', 'given'),
    [
        (['viewer', 'operator', 'admin'], 'viewer', 'viewer'),
        (['viewer', 'operator', 'admin'], 'operator', 'operator'),
        (['viewer', 'admin'], 'operator', 'admin'),
        (['admin'], 'viewer', 'admin'),
    ],
)
def test_the_weakest_tier_that_serves_is_used(registry, stored, asked, given):
    record = registry.save_cluster(cluster(), [token(tier, f'secret-{tier}') for tier in stored])
    login = registry.credential(record.id, asked)
    assert (login.tier, login.token_id, login.token_secret) == (given, f'fleet@pve!{given}', f'secret-{given}')


def test_a_tier_that_is_not_there_is_forbidden(registry):
    registry.save_cluster(cluster(), [token('viewer')])
    with pytest.raises(Forbidden, match='of tier operator for cluster prod, and the registry has: viewer') as caught:
        registry.connection('prod', 'operator')
    assert caught.value.details == {'cluster': 'prod', 'tier': 'operator', 'stored': ['viewer']}
    with pytest.raises(BadRequest, match='not a tier'):
        registry.connection('prod', 'root')
    with pytest.raises(NotFound):
        registry.connection('nobody', 'viewer')


def test_a_connection_has_what_the_client_needs(registry):
    login = StoredCredential('admin', 'password', 'root@pam', CANARY)
    record = registry.save_cluster(cluster(validate_certs=False, ca_path='/ca.pem'), [login])
    found = registry.connection('prod', 'admin')
    assert (found.name, found.cluster_id, found.validate_certs, found.ca_path) == ('prod', record.id, False, '/ca.pem')
    assert list(found.endpoints) == record.endpoints
    assert (found.credential.user, found.credential.password, found.credential.tier) == ('root@pam', CANARY, 'admin')
    assert CANARY not in repr(found)


def test_a_reference_is_resolved_when_it_is_used(registry):
    registry.save_cluster(cluster(), [token(secret=None, reference=LOOKUP)])
    assert registry.connection('prod', 'viewer', resolve=lambda reference: f'{reference["field"]}!').credential.secret == 'secret.token!'
    with pytest.raises(BadRequest, match='only the controller can resolve'):
        registry.connection('prod', 'viewer')
    assert registry.credentials(registry.cluster('prod').id)[0].reference == LOOKUP


def test_credentials_are_added_changed_and_dropped_one_by_one(registry):
    record = registry.save_cluster(cluster(), [token('viewer'), token('admin')])
    record = registry.save_cluster(record, [token('viewer', 'new'), token('operator')], drop_tiers=['admin', 'operator'][:1])
    assert record.revision == 2
    found = registry.credentials(record.id, decrypt=True)
    assert [(entry.tier, entry.secret) for entry in found] == [('viewer', 'new'), ('operator', CANARY)]
    assert [entry.secret for entry in registry.credentials(record.id)] == [None, None]
    assert CANARY not in repr(found)
    assert [entry.tier for entry in registry.credentials_by_cluster()[record.id]] == ['viewer', 'operator']
    assert registry.save_cluster(record, drop_tiers=['admin']).revision == 2


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'tier': 'root'}, 'not a tier'),
        ({'kind': 'key'}, 'needs a token id, or a user'),
        ({'identity': ''}, 'needs a token id, or a user'),
        ({'secret': ''}, 'either its secret or a secret_lookup'),
        ({'reference': LOOKUP}, 'either its secret or a secret_lookup'),
    ],
)
def test_a_credential_that_makes_no_sense_is_refused(file_registry, change, words):
    with pytest.raises(BadRequest, match=words) as caught:
        file_registry.save_cluster(cluster(), [dataclasses.replace(token(), **change)])
    assert CANARY not in str(caught.value)


def test_a_cluster_is_stored_with_its_credentials_or_not_at_all(registry, key_file):
    registry.create()
    key_file.write_text('not a key')
    registry.close()
    registry._ring = None
    with pytest.raises(RegistryError, match='is not a key'):
        registry.save_cluster(cluster(), [token()])
    assert registry.clusters() == []


@pytest.mark.parametrize('column', ['cluster_id', 'tier', 'identity'])
def test_a_ciphertext_put_into_another_row_is_refused(registry, column):
    ids = {name: registry.save_cluster(cluster(name), [token()]).id for name in ('prod', 'lab')}
    if column == 'cluster_id':
        execute(
            registry,
            'UPDATE credentials SET secret = (SELECT c.secret FROM credentials c WHERE c.cluster_id = ?) WHERE cluster_id = ?',
            (ids['lab'], ids['prod']),
        )
    else:
        execute(registry, f'UPDATE credentials SET {column} = ? WHERE cluster_id = ?', ('admin', ids['prod']))  # noqa: S608
    with pytest.raises(RegistryError, match='made for another cluster or tier'):
        registry.connection('prod', 'viewer')
    assert registry.connection('lab', 'viewer').credential.secret == CANARY
