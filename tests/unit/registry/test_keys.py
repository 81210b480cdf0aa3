# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's key: where it comes from, what happens without it, and its rotation."""
from __future__ import annotations

import pytest
from registries import CANARY, cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.registry import secrets
from ansible_collections.pve.fleet.plugins.module_utils.registry.faults import RegistryError
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import AuditRecord
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry


@pytest.fixture
def filled(registry):
    registry.save_cluster(cluster(), [token()])
    registry.append_audit(AuditRecord('pve_vm', 'create', '100'))
    return registry


def opened(registry, **key):
    return open_registry(registry.location.url.replace('postgresql+psycopg', 'postgresql'), **key)


def test_a_missing_key_is_said_and_none_is_made_up(filled, key_file):
    key_file.unlink()
    other = opened(filled, key_file=key_file)
    assert [record.name for record in other.clusters()] == ['prod']
    for use in (
        lambda: other.connection('prod', 'viewer'),
        lambda: other.append_audit(AuditRecord('pve_vm', 'create', '100')),
        other.verify_audit,
        lambda: other.save_cluster(cluster('lab'), [token()]),
        other.rotate_key,
    ):
        with pytest.raises(RegistryError, match=f'key of the registry .* is missing.*{key_file}') as caught:
            use()
        assert caught.value.details['reason'] == 'key'
    assert not key_file.exists()


def test_a_wrong_key_is_said_and_changes_nothing(filled):
    wrong = secrets.new_key()
    other = opened(filled, key=wrong)
    for use in (
        lambda: other.connection('prod', 'viewer'),
        lambda: other.append_audit(AuditRecord('pve_vm', 'create', '100')),
        other.verify_audit,
        lambda: other.save_cluster(cluster('lab'), [token()]),
        lambda: other.rotate_key(secrets.new_key()),
    ):
        with pytest.raises(RegistryError, match='key does not fit the registry') as caught:
            use()
        assert wrong not in str(caught.value)
    assert [record.name for record in filled.clusters()] == ['prod']
    assert filled.verify_audit()['checked'] == 1


@pytest.mark.parametrize('text', ['', 'short', 'ü' * 43, 'A' * 42 + '='])
def test_a_key_that_is_none_is_said_before_anything_is_made(tmp_path, text):
    (tmp_path / 'bad.key').write_text(text)
    (tmp_path / 'bad.key').chmod(0o600)
    for key in ({'key': text or ' '}, {'key_file': tmp_path / 'bad.key'}):
        with pytest.raises(RegistryError, match=r'openssl rand -base64 32'):
            open_registry(tmp_path / 'home' / 'registry.db', **key).save_cluster(cluster(), [token()])


def test_a_key_as_openssl_prints_it_serves(tmp_path):
    registry = open_registry(tmp_path / 'r.db', key='+/+/' * 10 + '+/8=')
    registry.save_cluster(cluster(), [token()])
    assert registry.connection('prod', 'viewer').credential.secret == CANARY


def test_a_key_file_open_to_everybody_is_refused(filled, key_file):
    key_file.chmod(0o644)
    with pytest.raises(RegistryError, match='chmod 600'):
        opened(filled, key_file=key_file).connection('prod', 'viewer')


def test_several_keys_decrypt_and_the_first_encrypts(tmp_path):
    old, new = secrets.new_key(), secrets.new_key()
    path = tmp_path / 'r.db'
    open_registry(path, key=old).save_cluster(cluster('a'), [token()])
    both = open_registry(path, key=f'{new},{old}')
    both.save_cluster(cluster('b'), [token()])
    assert [both.connection(name, 'viewer').credential.secret for name in 'ab'] == [CANARY, CANARY]
    assert open_registry(path, key=new).connection('b', 'viewer').credential.secret == CANARY
    with pytest.raises(RegistryError, match='does not fit'):
        open_registry(path, key=old).connection('b', 'viewer')


def test_rotation_encrypts_all_anew(filled, key_file):
    before = execute(filled, 'SELECT secret FROM credentials')
    old = key_file.read_text().strip()
    assert filled.rotate_key() == {'rotated': 1, 'key_file': str(key_file)}
    assert old not in key_file.read_text()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert execute(filled, 'SELECT secret FROM credentials') != before
    assert filled.connection('prod', 'viewer').credential.secret == CANARY
    assert filled.verify_audit()['ok']
    with pytest.raises(RegistryError, match='does not fit'):
        opened(filled, key=old).connection('prod', 'viewer')


def test_another_process_follows_a_rotation_by_its_key_file(filled, key_file):
    other = opened(filled, key_file=key_file)
    assert other.connection('prod', 'viewer').credential.secret == CANARY
    filled.rotate_key()
    other.append_audit(AuditRecord('pve_vm', 'start', '100'))
    other.save_cluster(cluster('lab'), [token()])
    filled.rotate_key()
    assert other.connection('lab', 'viewer').credential.secret == CANARY
    assert other.verify_audit() == filled.verify_audit()
    assert other.verify_audit()['ok']


def test_a_given_key_is_rotated_to_a_given_key(tmp_path):
    old, new = secrets.new_key(), secrets.new_key()
    registry = open_registry(tmp_path / 'r.db', key=old)
    registry.save_cluster(cluster(), [token()])
    with pytest.raises(BadRequest, match='give the new key yourself'):
        registry.rotate_key()
    assert registry.rotate_key(new) == {'rotated': 1, 'key_file': None}
    assert open_registry(tmp_path / 'r.db', key=new).connection('prod', 'viewer').credential.secret == CANARY


@pytest.mark.parametrize('failing', ['reencrypt', 'sign', 'commit', 'drop'])
def test_a_rotation_that_breaks_off_leaves_a_key_file_that_fits(filled, key_file, monkeypatch, failing):
    from ansible_collections.pve.fleet.plugins.module_utils.registry import audit, credentials

    def stop(*_arguments):
        raise KeyboardInterrupt

    target = {
        'reencrypt': (credentials, 'reencrypt'),
        'sign': (audit, 'sign_again'),
        'commit': (filled._database, '_commit'),
        'drop': (filled, '_drop_old_keys'),
    }[failing]
    with monkeypatch.context() as patch:
        patch.setattr(*target, stop)
        with pytest.raises(KeyboardInterrupt):
            filled.rotate_key()
    other = opened(filled, key_file=key_file)
    assert other.connection('prod', 'viewer').credential.secret == CANARY
    other.append_audit(AuditRecord('pve_vm', 'start', '100'))
    assert other.verify_audit()['ok']
    assert other.rotate_key()['rotated'] == 1
    assert len(key_file.read_text().split()) == 1
    assert other.connection('prod', 'viewer').credential.secret == CANARY
