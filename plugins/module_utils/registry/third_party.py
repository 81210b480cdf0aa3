# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's third-party packages, imported at first use: a task without the registry does not pay for them."""

from __future__ import annotations

import importlib

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Internal

DISTRIBUTIONS = {
    'sqlalchemy': 'SQLAlchemy',
    'alembic': 'alembic',
    'cryptography': 'cryptography',
    'psycopg': 'psycopg[binary]',
}


def load(name):
    """The module `name` (such as 'sqlalchemy' or 'alembic.operations'). Raises Internal, naming what to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = DISTRIBUTIONS[name.partition('.')[0]]
        raise Internal(
            f'The registry needs the Python package {package}, which is missing where this task runs. '
            f"Install it there: pip install '{package}'.",
            details={'package': package},
        ) from None
