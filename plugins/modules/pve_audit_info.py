#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and verify the audit log."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_audit_info
short_description: Read and verify the audit log of changes to registered clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Every change that the collection makes to a registered cluster is written to the audit log in the registry, with
    who, what, before and after, and without secrets.
  - Each record carries the hash of the one before it and the end of the chain is signed, so that a record that was
    changed, removed, inserted or reordered shows.
options:
  cluster:
    description: Only changes to this cluster.
    type: str
  who:
    description: Only changes by this account, C(user@host).
    type: str
  module:
    description: Only changes by this module, such as V(pve_vm).
    type: str
  action:
    description: Only changes of this kind, such as V(register) or V(present).
    type: str
  object:
    description: Only changes of this object, such as V(vm 104).
    type: str
  outcome:
    description:
      - Only changes that ended so. V(failed) are tasks that had changed something before they failed,
        V(dispatched) are tasks that were sent to run on their own (async) elsewhere.
    type: str
    choices: [ok, failed, dispatched]
  request_id:
    description: Only changes of this run of a module.
    type: str
  since:
    description: Only changes from this time on, in ISO 8601 and UTC, such as V(2026-01-31T00:00:00Z).
    type: str
  until:
    description: Only changes up to this time.
    type: str
  limit:
    description: The newest so many; V(0) means all.
    type: int
    default: 100
  verify:
    description: Whether to check the whole chain of hashes.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.reads
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_cluster_registry
"""

EXAMPLES = r"""
- name: Who changed the production cluster this year
  pve.fleet.pve_audit_info:
    cluster: prod
    since: '2026-01-01T00:00:00Z'
  register: audit

- name: Fail when the audit log was tampered with
  pve.fleet.pve_audit_info:
    verify: true
    limit: 1
  register: audit
  failed_when: not audit.verification.ok
"""

RETURN = r"""
records:
  description: The records, oldest first.
  returned: success
  type: list
  elements: dict
  sample:
    - seq: 12
      time: '2026-01-31T10:00:00Z'
      who: alice@controller
      module: pve_vm
      action: present
      object: vm 104
      cluster: prod
      cluster_id: 4b3e9b0e-7c3a-4d7f-a5b5-0f3a3b1c9d11
      before: {memory: 2048}
      after: {memory: 4096}
      changes: [set memory from 2048 to 4096]
      outcome: ok
      request_id: 6f1c2f0b9c3e4a6d8e7f001122334455
      previous_hash: 9f2c
      hash: 51ab
verification:
  description:
    - Whether the chain is whole. C(first_bad) is the number of the first record that does not fit.
    - C(head) can be noted elsewhere, to notice later that an older copy of the whole registry was put back.
  returned: when O(verify=true)
  type: dict
  sample: {ok: true, checked: 12, first_bad: null, reason: '', head: {count: 12, hash: 51ab}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: Internal, status: 500, message: The registry cannot be read., details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.audit.info import ARGUMENTS, run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(name='pve_audit_info', run=run, argument_spec=ARGUMENTS, tier='viewer', connection='registry')


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
