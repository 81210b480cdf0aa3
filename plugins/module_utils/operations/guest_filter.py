# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which guests are meant: told by the list of the cluster alone, before any guest is asked. Pure."""

from __future__ import annotations

import fnmatch

from ansible_collections.pve.fleet.plugins.module_utils.guests.find import row_tags


def fits_without_name(params, row):
    """Whether everything but the name fits."""
    tags = {str(tag).lower() for tag in params.get('tag') or ()}
    template = params.get('template')
    return all((
        among(params.get('vmid'), int(row['vmid'])),
        among(params.get('node'), row.get('node')),
        among(params.get('pool'), row.get('pool')),
        among(params.get('status'), row.get('status') or 'unknown'),
        params.get('type') in (None, row['type']),
        not tags or bool(tags & {tag.lower() for tag in row_tags(row)}),
        template is None or template == (str(row.get('template') or 0) == '1'),
    ))  # fmt: skip


def among(wanted, value):
    return not wanted or value in wanted


def fits_name(params, row):
    """Whether the name is one of those asked for and like the pattern (shell wildcards, as in web-*)."""
    name, pattern = row.get('name') or '', params.get('pattern')
    return among(params.get('name'), name) and (not pattern or fnmatch.fnmatchcase(name, pattern))
