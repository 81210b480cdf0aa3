#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the options of a datacenter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_cluster_options
short_description: Manage the options of a datacenter
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Changes the options of the datacenter. Only what is given is managed.
  - Structured options may be dictionaries or the text of the API; they are compared by their meaning. A structured
    option is set as a whole.
options:
  bwlimit:
    description: 'Limits of bandwidth, such as C({migration: 1024}) in KiB/s.'
    type: raw
  consent_text:
    description: The text to agree to before the login.
    type: str
  console:
    description: The console that is shown first.
    type: str
    choices: [applet, vv, html5, xtermjs]
  crs:
    description: 'The scheduler, such as C({ha: static}).'
    type: raw
  description:
    description: Notes, in Markdown.
    type: str
  email_from:
    description: The sender of mails.
    type: str
  fencing:
    description: How HA fences nodes.
    type: str
    choices: [watchdog, hardware, both]
  ha:
    description: 'HA settings, such as C({shutdown_policy: migrate}).'
    type: raw
  http_proxy:
    description: The proxy for downloads. It may hold a password, so it is never shown.
    type: str
  keyboard:
    description: The keyboard layout of consoles.
    type: str
  language:
    description: The language of the web interface.
    type: str
  mac_prefix:
    description: The prefix of generated MAC addresses.
    type: str
  max_workers:
    description: How many workers bulk actions use.
    type: int
  migration:
    description: 'Migration, such as C({type: secure, network: 10.0.0.0/24}).'
    type: raw
  next_id:
    description: 'The range of free ids, such as C({lower: 1000, upper: 2000}).'
    type: raw
  notify:
    description: 'What is notified of, such as C({package-updates: always}).'
    type: raw
  registered_tags:
    description: Tags that only privileged users may set.
    type: list
    elements: str
  replication:
    description: 'Replication, such as C({type: secure}). Release 9.'
    type: raw
  tag_style:
    description: 'How tags look and sort, such as C({shape: full, case-sensitive: true}).'
    type: raw
  u2f:
    description: Settings of U2F.
    type: raw
  user_tag_access:
    description: 'Which tags users may set, such as C({user-allow: existing}).'
    type: raw
  webauthn:
    description: Settings of WebAuthn.
    type: raw
  remove:
    description: Names of settings to take away, so that they go back to their defaults.
    type: list
    elements: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_options_info
"""

EXAMPLES = r"""
- name: Migrate over a network of its own, and show tags in full
  pve.fleet.pve_cluster_options:
    cluster: prod
    migration: {type: secure, network: 10.0.9.0/24}
    tag_style: {shape: full}

- name: Back to the default
  pve.fleet.pve_cluster_options:
    cluster: prod
    remove: [migration]
"""

RETURN = r"""
cluster_options:
  description: The cluster options as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    keyboard: de
    mac_prefix: 'BC:24:11'
    migration: {type: secure, network: '10.0.9.0/24'}
    description: ''
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['update cluster options: migration']
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {migration: null}, after: {migration: {type: secure}}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.cluster_options import CLUSTER_OPTIONS
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_cluster_options',
    run=module_run(CLUSTER_OPTIONS),
    argument_spec=arguments(CLUSTER_OPTIONS),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
