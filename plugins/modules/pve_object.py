#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage any configuration object by its path."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_object
short_description: Manage any configuration object by its path
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes whatever the API keeps by a path, whether it has a module or not, with check mode and
    exact differences.
  - How it is made, changed and deleted, and what values mean, is taken from the official tables of the release of
    the cluster; values are compared by their meaning.
  - For a path with a name at its end, such as V(/cluster/metrics/server/influx), the object is made when it is
    missing. A single object, such as V(/cluster/firewall/options), is always there.
options:
  path:
    description:
      - The path of the object. A slash within a name is written V(%2F), as in
        V(/cluster/firewall/ipset/web/10.0.0.0%2F24).
    type: str
    required: true
  values:
    description: Parameters, by their names in the API. Only these are managed.
    type: dict
    default: {}
  secret_values:
    description:
      - Parameters that the API never returns, such as passwords and tokens. They are sent when the object is
        made, and never shown.
    type: dict
    default: {}
  remove:
    description: Names of parameters to take away.
    type: list
    elements: str
    default: []
  match:
    description:
      - Names of O(values) that tell the object from the others of a list, where the API names it by a position or an id of its own,
        such as the rules of a firewall. O(path) is then that list.
      - With V([comment]) a rule is the one with that comment, wherever it stands. Name all keys of O(values) where nothing less
        tells it apart; it is then never changed, only made and deleted.
      - When several objects have these values, the task fails.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether the object shall exist. What has a module that looks before it deletes, such as users and
        storages, is deleted by that module only.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description: Seconds to wait for a task, where there is one.
    type: int
    default: 600
  update_secret:
    description:
      - V(on_create) sends O(secret_values) when the object is made and never again.
      - V(always) sends them every time and reports a change every time.
    type: str
    choices: [on_create, always]
    default: on_create
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
notes:
  - A new firewall rule is put first, and is disabled unless C(enable) is among O(values). With O(match), C(pos) among O(values)
    says where it shall stand, from 0; a number beyond the end means the end.
  - What needs a call to take effect, such as SDN, still needs it (C(PUT /cluster/sdn) with M(pve.fleet.pve_api)).
  - It uses the admin login of a registered cluster, in check mode too.
seealso:
  - module: pve.fleet.pve_api
  - module: pve.fleet.pve_api_info
"""

EXAMPLES = r"""
- name: Send figures to InfluxDB
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/metrics/server/influx
    values: {type: influxdb, server: 10.0.0.9, port: 8086, influxdbproto: https}
    secret_values: {token: "{{ vault_influx }}"}

- name: Firewall of the datacenter
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/firewall/options
    values: {enable: 1, policy_in: DROP}

- name: A network of its own
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/sdn/zones/lab
    values: {type: simple, mtu: 1400}

- name: A rule of the firewall, wherever it stands
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/firewall/rules
    match: [comment]
    values: {comment: Web, type: in, action: ACCEPT, proto: tcp, dport: '80,443', enable: 1}

- name: The last rule
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/firewall/rules
    match: [comment]
    values: {comment: The rest, type: in, action: DROP, enable: 1, pos: 1000}

- name: Delete an alias
  pve.fleet.pve_object:
    cluster: prod
    path: /cluster/firewall/aliases/office
    state: absent
"""

RETURN = r"""
object:
  description: The object as the API shows it, without secrets; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    id: influx
    type: influxdb
    server: '10.0.0.9'
    port: 8086
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: [create /cluster/metrics/server/influx]
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {port: 8086}, after: {port: 8087}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.objects.reconcile import run
from ansible_collections.pve.fleet.plugins.module_utils.objects.wish import ARGUMENTS
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_object',
    run=run,
    argument_spec=ARGUMENTS,
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
