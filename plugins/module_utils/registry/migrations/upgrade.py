# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a registry's tables to the present revision with Alembic.

Modules travel to a host as Python files inside an archive, where Alembic cannot list a folder of scripts. So the
revisions are ordinary modules, named here one by one, and Alembic gets them as objects. Each has `revision`,
`down_revision` and `upgrade(op)`.
"""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.registry.model import VERSION_TABLE
from ansible_collections.pve.fleet.plugins.module_utils.registry.third_party import load

from . import r0001_tables

REVISIONS = (r0001_tables,)


def known_revisions():
    """The ids of all revisions that this release knows, oldest first."""
    return [module.revision for module in REVISIONS]


def upgrade(connection):
    """Run what is missing, inside the transaction of `connection`."""
    base = load('alembic.script.base')
    graph = load('alembic.script.revision')
    migration = load('alembic.runtime.migration')
    operations = load('alembic.operations')
    revisions = graph.RevisionMap(
        lambda: [base.Script(module, module.revision, module.__name__) for module in REVISIONS]
    )

    def steps(heads, _context):
        missing = revisions.iterate_revisions('head', heads or 'base', implicit_base=True)
        return [migration.MigrationStep.upgrade_from_script(revisions, script) for script in reversed(list(missing))]

    options = {'fn': steps, 'version_table': VERSION_TABLE, 'transactional_ddl': True}
    context = migration.MigrationContext.configure(connection, opts=options)
    context.run_migrations(op=operations.Operations(context))
