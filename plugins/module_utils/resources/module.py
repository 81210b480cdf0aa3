# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of a kind run: the one that manages it, and its _info twin."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.engine.reconcile import read, reconcile
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import named_by_task


def module_run(kind):
    """The function that the ModuleSpec of a kind's module runs."""

    def run(context):
        return reconcile(kind, context, kind.ident(context.params), named_by_task(kind, context.params))

    return run


def info_run(kind):
    """The function that the ModuleSpec of a kind's _info module runs: one object by its identity, or all."""

    def run(context):
        named = {name: context.params[name] for name in kind.identity if context.params.get(name)}
        whole = len(named) == len(kind.identity)
        found = [read(kind, context.client, kind.ident(context.params))] if whole else listed(kind, context.client, named)
        shown = [kind.complete(one) for one in found if one is not None]
        if not kind.identity:
            return {'changed': False, kind.name: shown[0]}
        return {'changed': False, kind.plural: sorted(shown, key=lambda one: [str(one.get(name)) for name in kind.identity])}

    return run


def listed(kind, client, named):
    """All objects that have what the task names of the identity."""
    rows = kind.listed(client, named) if kind.listed else client.get(kind.collection)
    found = [kind.shaped({}, row) for row in rows]
    return [one for one in found if all(one.get(name) == value for name, value in named.items())]
