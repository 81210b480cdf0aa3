# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and their migrations."""
from __future__ import annotations

import subprocess
import sys
import types

import pytest
from registries import cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.registry import model
from ansible_collections.pve.fleet.plugins.module_utils.registry.faults import RegistryError
from ansible_collections.pve.fleet.plugins.module_utils.registry.migrations import upgrade


def test_the_migrations_make_what_the_model_says(registry):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    registry.create()
    with registry._database._get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={'version_table': model.VERSION_TABLE, 'compare_type': True})
        assert compare_metadata(context, model.tables().metadata) == []


def test_the_newest_revision_is_the_one_that_the_model_knows():
    assert upgrade.known_revisions()[-1] == model.REVISION


@pytest.mark.parametrize('use', ['clusters', 'create'])
def test_an_older_registry_is_upgraded_and_keeps_everything(registry, monkeypatch, use):
    registry.save_cluster(cluster(), [token()])
    registry.close()

    def add_notes(op):
        from sqlalchemy import Column, Text

        op.create_table('notes', Column('text', Text))

    newer = types.SimpleNamespace(__name__='r0002', revision='0002', down_revision=model.REVISION, upgrade=add_notes)
    with monkeypatch.context() as patch:
        patch.setattr(upgrade, 'REVISIONS', (*upgrade.REVISIONS, newer))
        patch.setattr(model, 'REVISION', '0002')
        getattr(registry, use)()
        assert [record.name for record in registry.clusters()] == ['prod']
        assert execute(registry, 'SELECT * FROM notes') == []
        assert execute(registry, f'SELECT version_num FROM {model.VERSION_TABLE}') == [('0002',)]  # noqa: S608
    registry.close()
    for refused in (registry.clusters, lambda: registry.save_cluster(cluster('lab'))):
        with pytest.raises(RegistryError, match=r'newer release of pve.fleet \(revision 0002\).*update the collection') as caught:
            refused()
        assert caught.value.details['reason'] == 'newer'


def test_reading_imports_no_more_than_it_needs(file_registry, key_file):
    file_registry.save_cluster(cluster(), [token()])
    program = (
        'import sys\n'
        'from ansible_collections.pve.fleet.plugins.module_utils.registry.store import open_registry\n'
        'assert "sqlalchemy" not in sys.modules\n'
        f'assert open_registry({str(file_registry.location.path)!r}).clusters()[0].name == "prod"\n'
        'heavy = {"alembic", "cryptography", "psycopg", "sqlalchemy.orm"} & set(sys.modules)\n'
        'assert not heavy, heavy\n'
    )
    done = subprocess.run([sys.executable, '-c', program], env={'PYTHONPATH': ':'.join(sys.path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('name', ['sqlalchemy', 'alembic.operations', 'cryptography.fernet'])
def test_a_missing_package_is_named(file_registry, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    model.tables.cache_clear()
    with pytest.raises(Exception, match=r'needs the Python package \w+, which is missing.*pip install'):
        file_registry.save_cluster(cluster(), [token()])
    model.tables.cache_clear()
