"""pve_registry_key: the secrets stay usable, under another key."""

from __future__ import annotations

import base64
import os

from ansible_collections.pve.fleet.plugins.module_utils import runner
from ansible_collections.pve.fleet.plugins.module_utils.api.connection import Endpoint
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import ClusterRecord, StoredCredential
from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry
from ansible_collections.pve.fleet.plugins.modules.pve_registry_key import SPEC


def key():
    return base64.b64encode(os.urandom(32)).decode()


def run(registry, check_mode=False, **options):
    params = {'new_key': None, 'registry_url': registry, 'registry_key': None, 'registry_key_file': None, **options}
    return runner.execute(SPEC, params, Access(params, environment={}), check_mode=check_mode)


def filled(registry, **options):
    with open_registry(registry, **options) as opened:
        login = StoredCredential('admin', 'token', 'fleet@pve!ci', 'the-secret')
        opened.save_cluster(ClusterRecord(name='prod', endpoints=[Endpoint('pve1')]), [login])


def secret(registry, **options):
    with open_registry(registry, **options) as opened:
        return opened.credential('prod', 'admin').secret


def test_a_key_file_gets_another_key_and_everything_stays_readable(tmp_path):
    registry, file = str(tmp_path / 'registry.db'), tmp_path / 'registry.key'
    filled(registry)
    before = file.read_text()
    assert run(registry, check_mode=True)['changes'] == ['encrypt 1 secrets with a new key']
    assert file.read_text() == before
    assert run(registry)['rotated'] == 1
    assert file.read_text() != before
    assert secret(registry) == 'the-secret'


def test_a_given_key_is_changed_to_once(tmp_path):
    registry, old, new = str(tmp_path / 'registry.db'), key(), key()
    filled(registry, key=old)
    result = run(registry, registry_key=old, new_key=new)
    assert result['changed']
    assert new not in str(result)
    assert secret(registry, key=new) == 'the-secret'
    assert run(registry, registry_key=new, new_key=new)['changed'] is False
    assert run(registry, registry_key=old, new_key=key())['error']['details']['reason'] == 'key'


def test_what_is_no_key_is_told(tmp_path):
    registry = str(tmp_path / 'registry.db')
    filled(registry)
    result = run(registry, new_key='short')
    assert 'openssl rand -base64 32' in result['msg']
    assert secret(registry) == 'the-secret'
