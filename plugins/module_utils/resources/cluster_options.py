# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a datacenter."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.engine.decide import usual_changes
from ansible_collections.pve.fleet.plugins.module_utils.engine.resource import Field, Kind
from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import REMOVE


def changes(case, differing):
    """Tags are the one list here that semicolons separate."""
    steps = usual_changes(case, differing)
    tags = steps[0].params.get('registered-tags')
    if isinstance(tags, list):
        steps[0].params['registered-tags'] = ';'.join(tags)
    return steps


CLUSTER_OPTIONS = Kind(
    name='cluster_options',
    plural='cluster_options',
    identity=(),
    collection='cluster/options',
    item='cluster/options',
    singleton=True,
    options=REMOVE,
    changes=changes,
    fields=(
        Field('bwlimit', 'raw'),
        Field('consent_text', wire='consent-text'),
        Field('console', choices=('applet', 'vv', 'html5', 'xtermjs')),
        Field('crs', 'raw'),
        Field('description'),
        Field('email_from'),
        Field('fencing', choices=('watchdog', 'hardware', 'both')),
        Field('ha', 'raw'),
        Field('http_proxy', hidden=True),
        Field('keyboard'),
        Field('language'),
        Field('mac_prefix'),
        Field('max_workers', 'int'),
        Field('migration', 'raw'),
        Field('next_id', 'raw', wire='next-id'),
        Field('notify', 'raw'),
        Field('registered_tags', 'list', wire='registered-tags', elements='str'),
        Field('replication', 'raw'),
        Field('tag_style', 'raw', wire='tag-style'),
        Field('u2f', 'raw'),
        Field('user_tag_access', 'raw', wire='user-tag-access'),
        Field('webauthn', 'raw'),
    ),
)
