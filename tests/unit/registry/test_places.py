# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the registry is, and which clusters a selection means: pure functions."""
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.registry import selection
from ansible_collections.pve.fleet.plugins.module_utils.registry.location import locate


@pytest.mark.parametrize(
    ('arguments', 'environ', 'path', 'key_file'),
    [
        ({}, {'PVE_FLEET_HOME': '/h'}, '/h/registry.db', '/h/registry.key'),
        ({}, {'XDG_DATA_HOME': '/x'}, '/x/pve-fleet/registry.db', '/x/pve-fleet/registry.key'),
        ({}, {'PVE_REGISTRY_URL': 'sqlite:////e/r.db'}, '/e/r.db', '/e/registry.key'),
        ({'url': 'sqlite:////o/r.db'}, {'PVE_REGISTRY_URL': 'sqlite:////e/r.db'}, '/o/r.db', '/o/registry.key'),
        ({'url': '/plain/r.db', 'key_file': '/k'}, {'PVE_REGISTRY_KEY_FILE': '/e'}, '/plain/r.db', '/k'),
        ({'url': '/plain/r.db'}, {'PVE_REGISTRY_KEY_FILE': '/e'}, '/plain/r.db', '/e'),
    ],
)
def test_files_of_options_and_environment(arguments, environ, path, key_file):
    found = locate(**arguments, environ=environ)
    assert (found.path, found.key_file, found.key, found.where) == (Path(path), Path(key_file), None, path)


def test_a_given_key_wins():
    environ = {'PVE_REGISTRY_KEY': 'env', 'PVE_REGISTRY_KEY_FILE': '/e', 'PVE_FLEET_HOME': '/h'}
    assert locate(environ=environ).key == 'env'
    assert locate(key='mine', environ=environ).key == 'mine'
    assert (locate(key_file='/k', environ=environ).key, locate(key_file='/k', environ=environ).key_file) == (None, Path('/k'))


@pytest.mark.parametrize('scheme', ['postgresql', 'postgres', 'postgresql+psycopg'])
def test_postgresql_is_shown_without_its_password(scheme):
    found = locate(f'{scheme}://me:s3cret@db.example:6432/fleet?sslmode=require', environ={'PVE_FLEET_HOME': '/h'})
    assert found.url == 'postgresql+psycopg://me:s3cret@db.example:6432/fleet?sslmode=require'
    assert found.where == 'PostgreSQL db.example:6432/fleet'
    assert found.key_file == Path('/h/registry.key')
    assert 's3cret' not in repr(found)


@pytest.mark.parametrize('url', ['mysql://u:s3cret@h/d', 'sqlite://', 'sqlite:///:memory:', ':memory:', 'postgresql://u:s3cret@h:port/d'])
def test_other_urls_are_refused(url):
    with pytest.raises(BadRequest, match='registry URL') as caught:
        locate(url, environ={})
    assert 's3cret' not in str(caught.value)


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (5, 'not 5'),
        ([5], '5 is neither'),
        ([''], 'neither'),
        ({'label': {}}, "no key 'label'"),
        ({'labels': 'a'}, 'are a dictionary'),
        ({'status': 'fine'}, "'fine' is not a status"),
    ],
)
def test_selections_that_make_no_sense_are_refused(given, words):
    with pytest.raises(BadRequest, match=words):
        selection.parse(given)
